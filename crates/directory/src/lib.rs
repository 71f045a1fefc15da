//! Users, keys, groups and hosts as parsed from their files, with every mistake at its line and column.
//!
//! ```text
//! directory.toml, hosts.toml --Fields--> as read --check--> Directory (indexed; only questions from here on)
//!                               \___________\____________-> Mistakes, all of them at once
//! ```
//!
//! [`Source`], [`Notes`] and [`Fields`] serve the other configuration files as well, so that all mistakes look alike.

mod amend;
mod check;
mod directory;
pub mod edit;
mod fields;
mod host;
mod pool;
mod read;
mod source;
#[cfg(test)]
mod tests;
mod user;

pub use amend::NotAmendable;
pub use directory::{Binding, BindingSource, Directory};
pub use fields::Fields;
pub use host::Host;
pub use pool::{Pattern, PatternError, Pool};
pub use source::{MOST_BYTES, Mistake, Mistakes, Notes, Source, SourceError};
pub use user::{Approves, Group, Kind, Right, User};

/// A `directory.toml` to start from; its examples are comments.
pub const SAMPLE_DIRECTORY: &str = include_str!("sample/directory.toml");
/// A `hosts.toml` to start from; its examples are comments.
pub const SAMPLE_HOSTS: &str = include_str!("sample/hosts.toml");
