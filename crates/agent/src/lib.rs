//! Talking to an ssh-agent, and being one.
//!
//! ```text
//! AgentClient ----RFC 9987----> ssh-agent            sign statements; add and remove certificates
//! ssh -----------RFC 9987----> Helper                sign with connecting keys
//! HelperClient --extensions--> Helper --AgentClient--> ssh-agent
//! ssh -----------RFC 9987----> PrivateAgent -------> Helper, ssh-agent or key file      logins alone, for one program
//! ```
//!
//! The protocol is spoken by hand: of it a dozen messages are needed, every length is bounded, what holds a private key is
//! wiped, and one identity of an unknown kind in somebody's agent does not hide all the others.

mod client;
mod connecting_key;
mod connection;
mod extension;
mod frame;
mod helper;
mod helper_client;
mod keyring;
mod login;
mod message;
mod private;
mod server_name;
mod socket;

#[cfg(test)]
mod tests;

pub use client::{AgentClient, AgentError, Identity, Lifetime, Step};
pub use connecting_key::{ConnectingKey, LockError};
pub use extension::{HeldKey, Load, LoadedCertificate, Refusal, Status};
pub use helper::Helper;
pub use helper_client::{HelperClient, HelperError};
pub use private::{PrivateAgent, SignsLogins};
pub use server_name::{ServerName, ServerNameError};
pub use socket::{HelperSocket, SocketError};
