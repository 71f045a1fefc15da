//! hallpassd: configuration, TLS, authentication, gRPC services, background jobs.
//!
//! ```text
//! command ──► check ──► serve ──► net (TLS, door, gate) ──► service: convert, call `ca`, convert back
//!                         ├─► jobs (clock, expiry), metrics
//!                         └─► notify: receivers outside
//! ```
//!
//! | to read how | open |
//! |---|---|
//! | a server's directory is made | `init.rs`, `keys.rs` |
//! | files are checked | `check.rs`, `config.rs` |
//! | a server starts, reloads and stops | `serve.rs` |
//! | a connection and a call are let in | `net.rs` and below |
//! | certificates leave | `net/gated.rs` |
//! | receivers outside are told | `notify.rs` and below |
//! | a call is served | `service.rs` and below |

mod check;
mod command;
mod config;
mod error;
mod grpc;
mod init;
mod jobs;
mod keys;
mod layout;
mod logging;
mod metrics;
mod net;
mod notify;
mod revoked;
mod serve;
mod service;
mod status;
mod stop;
mod system;
#[cfg(test)]
mod tests;

pub use check::CheckError;
pub use command::{command, run};
pub use config::KeysAre;
pub use init::{InitError, Setup, init};
pub use keys::{Environment, KeysError};
pub use net::{BindError, TlsKey, TlsKeyError, server_config};
pub use serve::{ReloadError, Running, ServeOptions, Server, StartError};
pub use system::{SystemClock, SystemRandom};
