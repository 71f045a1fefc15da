//! Access rules compiled to Cedar, and the ruling over one request.
//!
//! ```text
//! access.toml --compile--> Cedar text --+
//! hand-written Cedar -------------------+--understand--> Policy
//!
//! Ask --target--> hosts --for each: slice, evaluate--> what matches --choose--> Ruling
//!                                                           |---> ways: who may ask for what
//!                                                           |---> explain: why; compare: what another policy would say
//!                                                           |---> lint: what is hardly meant
//!                                                           \---> difference: who gains, who loses what between two
//! ```
//!
//! Rules open paths, requirements add to every path, prohibitions win over all. Whatever cannot be evaluated refuses.

mod access;
mod approvers;
mod ask;
mod cases;
mod cedar;
mod classes;
mod commands;
mod compare;
mod compile;
mod conditions;
mod difference;
mod evaluate;
mod explain;
mod exposure;
mod facts;
mod files;
mod instead;
mod jumps;
mod lint;
mod people;
mod pins;
mod policy;
mod rule;
mod schedule;
mod signers;
mod slice;
mod target;
mod terms;
#[cfg(test)]
mod tests;
mod who;
mod why;

pub use approvers::{Matter, slot};
pub use ask::{Ask, Extending, Keys, Refusal, Ruling};
pub use cases::{Case, Judged, read_cases};
pub use compare::{Course, Divergence, course, divergences};
pub use difference::{
    About, AccessChange, Approvable, Difference, Effect, FileChange, LoginOf, OpenBreakGlass, OpenRealm, Opening, Read,
    Unseen, difference,
};
pub use explain::{Asks, Considered, Explanation, Found, Kind, Near, NotTaken, Outcome, Taken, explain};
pub use exposure::{Exposure, Exposures, exposures};
pub use files::{AsRead, Files};
pub use lint::lint;
pub use people::{Asked, Candidate, Stage, approvers, candidates, deciders, open_slots, reviewers, stages, unfillable};
pub use policy::Policy;
pub use rule::{rule, rule_again};
pub use signers::{signs, unsigned};
pub use who::{Hopeless, Way, can, ways, who_can};

/// An `access.toml` to start from; its examples are comments.
pub const SAMPLE_ACCESS: &str = include_str!("sample/access.toml");
