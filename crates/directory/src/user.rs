//! Users and the groups they belong to.

use std::collections::BTreeSet;
use std::str::FromStr;

use domain::{EmailAddress, GroupName, Login, Networks, PublicKey, UserName};

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person, or another account of one.
    Person,
    /// A program; a person owns it.
    Service(Approves),
}

/// Whether a program decides on requests of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Approves {
    /// It only asks.
    Nothing,
    /// `approves = true`: as another account of its owner would, whose one slot it fills.
    ForItsOwner,
}

impl Kind {
    /// As it is written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service(_) => "service",
        }
    }

    /// Whether it is a program.
    pub const fn is_service(self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// Whether decisions of such a user count: those of people, and of programs that are marked.
    pub const fn decides(self) -> bool {
        matches!(self, Self::Person | Self::Service(Approves::ForItsOwner))
    }
}

/// A kind that is neither `person` nor `service`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `person` or `service`")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(given: &str) -> Result<Self, UnknownKind> {
        match given {
            "person" => Ok(Self::Person),
            "service" => Ok(Self::Service(Approves::Nothing)),
            _ => Err(UnknownKind),
        }
    }
}

/// A person or program with an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: UserName,
    /// Person or service.
    pub kind: Kind,
    /// The person behind, when that is not the user itself.
    pub owner: Option<UserName>,
    /// The keys bound to it.
    pub keys: Vec<PublicKey>,
    /// What `self` maps to.
    pub login: Option<Login>,
    /// Where notices for it are mailed to.
    pub email: Option<EmailAddress>,
    /// The networks that certificates of this program may be used from, whatever rules give; from anywhere if absent.
    pub source: Option<Networks>,
    /// Whether its own entry is disabled; [`crate::Directory::is_disabled`] looks at the owner as well.
    pub disabled: bool,
}

/// What the members of a group may do beyond their own requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Administer: put bundles in force, amend what is in force, resume issuing.
    Admin,
    /// Add hosts to pools, and remove them again.
    Hosts,
    /// Stop users, hosts, requests, certificates, or everything.
    Stop,
    /// Read everything.
    Audit,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Hosts, Self::Stop, Self::Audit];

    /// As it is written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Hosts => "hosts",
            Self::Stop => "stop",
            Self::Audit => "audit",
        }
    }
}

/// A right that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown right; known are `admin`, `audit`, `hosts` and `stop`")]
pub struct UnknownRight;

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(given: &str) -> Result<Self, UnknownRight> {
        match given {
            "admin" => Ok(Self::Admin),
            "hosts" => Ok(Self::Hosts),
            "stop" => Ok(Self::Stop),
            "audit" => Ok(Self::Audit),
            _ => Err(UnknownRight),
        }
    }
}

/// Users under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: GroupName,
    /// Who belongs to it.
    pub members: BTreeSet<UserName>,
    /// What they may do beyond their own requests.
    pub rights: BTreeSet<Right>,
}
