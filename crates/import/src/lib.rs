//! Rules, users and hosts drafted from what is there today: authorized_keys, sshd's log, group lists, Teleport roles; pure.
//!
//! ```text
//! authorized_keys --options, key--> Access --+
//! sshd's log ------> Log -----------> Access --+--shared--> Draft --> directory.toml, hosts.toml, access.toml
//! user,group ------------------------------------------------^
//! roles.yaml --Node--> Role ---------------------------------^
//!
//! Log + Directory + Policy --replay--> which rule, and who would have to approve
//! ```
//!
//! What is guessed gets a `# TODO:` that says from what. Names are written through the types of `domain`, and all other
//! words stand in comments alone: so nothing that was read can change what the files mean.

mod authorized_keys;
mod draft;
mod error;
mod groups;
mod key_line;
mod log;
mod log_line;
mod names;
mod place;
mod replay;
mod share;
mod teleport;
#[cfg(test)]
mod tests;
mod todo;
mod write;
mod yaml;

pub use authorized_keys::{KeyFile, from_authorized_keys};
pub use draft::{Counts, Draft};
pub use error::{ImportError, text};
pub use groups::from_groups;
pub use log::{Log, Login, from_log};
pub use log_line::Proof;
pub use place::{Place, place};
pub use replay::{Outcome, Replayed, replay};
pub use teleport::from_teleport;
pub use todo::shown;
pub use write::Files;

/// The most bytes of one file that is read as a whole; logs are read line by line and may be longer.
pub const MOST_BYTES: u64 = 16 << 20;
