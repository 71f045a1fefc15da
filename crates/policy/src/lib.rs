//! Access rules compiled to Cedar, and the ruling over one request.
//!
//! ```text
//! access.toml --compile--> Cedar text --+
//! hand-written Cedar -------------------+--understand--> Policy
//!
//! Ask --target--> hosts --for each: slice, evaluate--> what matches --choose--> Ruling
//! ```
//!
//! Rules open paths, requirements add to every path, prohibitions win over all. Whatever cannot be evaluated refuses.

mod access;
mod ask;
mod cedar;
mod compile;
mod evaluate;
mod facts;
mod files;
mod people;
mod policy;
mod rule;
mod slice;
mod target;
mod terms;
#[cfg(test)]
mod tests;

pub use ask::{Ask, Refusal, Ruling};
pub use files::Files;
pub use people::{Candidate, approvers, candidates};
pub use policy::Policy;
pub use rule::{rule, rule_again};

/// An `access.toml` to start from; its examples are comments.
pub const SAMPLE_ACCESS: &str = include_str!("sample/access.toml");
