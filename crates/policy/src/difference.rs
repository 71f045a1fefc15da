//! The difference between two bundles: who gains, who loses what, and what changed in the files that say so.
//!
//! ```text
//! old, new --classes--> users and hosts that neither side tells apart
//!          --access---> for one of each: what a request finds on either side, the same search that submitting goes through
//!                       at now, and in every other situation that times of day and patterns of commands tell apart
//!          --words----> grouped by what changed, what loosens first
//! ```

mod access;
mod approval;
mod candidates;
mod circumstances;
mod classes;
mod describe;
mod looks;
mod openings;
mod people;
mod places;
mod rules;
mod situations;
mod words;

use std::collections::BTreeSet;

use directory::Directory;
use domain::{HostName, Login, UnixTime, UserName};

#[cfg(test)]
pub(crate) use approval::reason;
pub use openings::{OpenBreakGlass, OpenRealm, Opening};

use crate::Policy;

/// What the files of one bundle say.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// Users, groups, hosts.
    pub directory: &'a Directory,
    /// The rules.
    pub policy: &'a Policy,
}

/// What a change does to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Something is open that was not, or is open to more: whatever else it takes away.
    Loosens,
    /// Something is closed, and nothing opened.
    Tightens,
    /// Neither by itself; what it comes to is told where it does.
    Otherwise,
}

impl Effect {
    /// `+`, `-` or `~`.
    pub const fn mark(self) -> char {
        match self {
            Self::Loosens => '+',
            Self::Tightens => '-',
            Self::Otherwise => '~',
        }
    }
}

/// Which login a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoginOf {
    /// This one.
    Named(Login),
    /// Each user's own, `self`.
    Own,
    /// Every login that neither bundle names.
    AnyOther,
}

/// What becomes of one access, for as many users, logins and hosts as it is the same for. `Display` says it in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessChange {
    /// What it does.
    pub effect: Effect,
    /// Who asks; sorted.
    pub users: Vec<UserName>,
    /// The logins.
    pub logins: BTreeSet<LoginOf>,
    /// The hosts, by canonical name; sorted.
    pub hosts: Vec<HostName>,
    /// The rules that opened it, in the order in which submitting tries them; empty when nothing did.
    pub before: Vec<Opening>,
    /// The rules that open it now; empty when nothing does.
    pub after: Vec<Opening>,
    /// Who may approve and could not before. Of users who are among them, each may approve for the others.
    pub approvers_added: BTreeSet<UserName>,
    /// Who could approve and may no longer.
    pub approvers_removed: BTreeSet<UserName>,
    /// Whether the people there are can fill the quorum, where only that changed.
    pub approvable: Approvable,
    /// Moments at which it is so, each the first of other times of day; empty where it is so at the time that was compared.
    pub at: BTreeSet<UnixTime>,
    /// The patterns of commands for which it is so; empty where it is so without a command.
    pub commands: BTreeSet<String>,
    words: String,
}

/// Whether the people there are can give an approval, by comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Approvable {
    /// As much as before.
    AsBefore,
    /// They could not, and can.
    Now,
    /// They could, and cannot.
    NoLonger,
    /// They can or cannot as before, for another reason.
    OtherReason,
}

/// What a change of the files is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A user.
    User,
    /// A key of a user.
    Key,
    /// A right that members of a group have.
    Right,
    /// A group.
    Group,
    /// A host.
    Host,
    /// A pool of hosts.
    Pool,
    /// The conditions on a group's approvers.
    Approvers,
    /// Who signs bundles.
    Signers,
    /// Who lifts stops.
    Lifters,
    /// A rule.
    Rule,
    /// A requirement.
    Requirement,
    /// A prohibition.
    Prohibition,
}

impl About {
    /// One word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Right => "right",
            Self::Group => "group",
            Self::Host => "host",
            Self::Pool => "pool",
            Self::Approvers => "approvers",
            Self::Signers => "signers",
            Self::Lifters => "lift",
            Self::Rule => "rule",
            Self::Requirement => "requirement",
            Self::Prohibition => "prohibition",
        }
    }
}

/// Something that stands in one bundle and not in the other, or otherwise there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileChange {
    /// What it does by itself.
    pub effect: Effect,
    /// What it is about.
    pub about: About,
    /// Their names (of keys: fingerprints); requirements and prohibitions have none.
    pub names: Vec<String>,
    /// The change in words.
    pub words: String,
}

/// What was not compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unseen {
    /// Hand-written statements whose conditions look at more than who asks for which login on which host at which time of
    /// day.
    #[error(
        "{} {} at the time, the window, the command or the ticket of a request: compared is what opens for a moment and \
         without a ticket, at {at} and at other times of day, without a command and for patterns of commands",
        listed(.statements), verb(.statements)
    )]
    Conditions {
        /// Where they stand.
        statements: BTreeSet<String>,
        /// The time that was compared at.
        at: UnixTime,
    },
    /// Statements that tell logins apart by other than their names.
    #[error(
        "{} {} at logins by a pattern: compared are the logins that either bundle names, each user's own, and one that \
         nobody names", listed(.statements), verb(.statements)
    )]
    Patterns {
        /// Where they stand.
        statements: BTreeSet<String>,
    },
    /// Hosts that are not there yet.
    #[error("hosts that may yet join {}: compared are the hosts that there are", listed(.0))]
    Pools(BTreeSet<String>),
    /// There are more times of day and patterns of commands than are compared.
    #[error("more than {compared} combinations of times of day and patterns of commands: the rest was not compared")]
    Situations {
        /// How many were.
        compared: usize,
    },
    /// There is more to compare than is done in seconds.
    #[error(
        "of more than {compared} combinations of users, hosts and logins that rules tell apart, the rest was not compared"
    )]
    TooMany {
        /// How many were.
        compared: usize,
    },
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn verb(statements: &BTreeSet<String>) -> &'static str {
    if statements.len() == 1 { "looks" } else { "look" }
}

/// The difference between two bundles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Who gains, who loses what, and what else becomes of access; what loosens first.
    pub access: Vec<AccessChange>,
    /// What changed in the files; what loosens first.
    pub files: Vec<FileChange>,
    /// What was not compared: only where something changed that it could matter to.
    pub unseen: Vec<Unseen>,
}

impl Difference {
    /// Whether both bundles mean the same.
    pub fn is_empty(&self) -> bool {
        self.access.is_empty() && self.files.is_empty() && self.unseen.is_empty()
    }
}

/// Compares what two bundles mean to requests of this time, of other times of day, and for commands that patterns mean, and
/// what stands in them. Requests for several hosts find what all of their hosts have in common, and so change only where one
/// of their hosts does.
pub fn difference(old: Read<'_>, new: Read<'_>, now: UnixTime) -> Difference {
    let both = Both { old, new };
    let mut files = people::changes(both);
    files.extend(places::changes(both));
    files.extend(rules::changes(both));
    files.sort();
    if files.is_empty() && rules::same_order(both) {
        return Difference::default();
    }
    let (access, unseen) = access::changes(both, now);
    Difference { access, files, unseen }
}

/// The same of the old bundle and of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct Both<T> {
    old: T,
    new: T,
}

impl<T> Both<T> {
    fn map<U>(self, mut each: impl FnMut(T) -> U) -> Both<U> {
        Both { old: each(self.old), new: each(self.new) }
    }

    const fn as_ref(&self) -> Both<&T> {
        Both { old: &self.old, new: &self.new }
    }

    fn zip<U>(self, other: Both<U>) -> Both<(T, U)> {
        Both { old: (self.old, other.old), new: (self.new, other.new) }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.old, &self.new].into_iter()
    }
}

impl<T: PartialEq> Both<T> {
    fn same(&self) -> bool {
        self.old == self.new
    }
}
