//! Why members of a group may not fill a slot of a quorum.

use crate::{GroupName, UnixTime};

/// The conditions on approvers of a group keep its members from approving.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotClosed {
    /// They may at another time.
    #[error("members of `{group}` may not approve this at that time; they may from {opens} on")]
    NotNow {
        /// The group.
        group: GroupName,
        /// The first second after in which they may.
        opens: UnixTime,
    },
    /// None of the entries is for this requester on these hosts.
    #[error(
        "members of `{group}` may not approve this: what they may is said by {entries}; somebody of another group must, or an \
         administrator changes it"
    )]
    NotThis {
        /// The group.
        group: GroupName,
        /// Where the entries stand.
        entries: String,
    },
    /// The conditions cannot be evaluated.
    #[error("whether members of `{group}` may approve this cannot be evaluated: {why}; an administrator must mend it")]
    Evaluation {
        /// The group.
        group: GroupName,
        /// What Cedar says.
        why: String,
    },
}
