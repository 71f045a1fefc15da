//! The kinds of statements, and what they have in common.

use std::fmt;

use crate::codec::Canonical;
use crate::header::Header;

/// The kinds of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A user begins a session.
    Login,
    /// A user asks for access.
    Request,
    /// An approver approves or denies.
    Decision,
    /// A connecting key takes certificates.
    Fetch,
    /// Any other change.
    Act,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Login, Self::Request, Self::Decision, Self::Fetch, Self::Act];

    /// The SSHSIG namespace, which is also the first line without its version: a signature over one kind cannot pass
    /// for a signature over another.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Login => "hallpass-login",
            Self::Request => "hallpass-request",
            Self::Decision => "hallpass-decision",
            Self::Fetch => "hallpass-fetch",
            Self::Act => "hallpass-act",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "login",
            Self::Request => "request",
            Self::Decision => "decision",
            Self::Fetch => "fetch",
            Self::Act => "act",
        })
    }
}

/// A text that somebody signs.
pub trait Statement: Canonical {
    /// Which kind this is.
    const KIND: Kind;

    /// What every statement starts with.
    fn header(&self) -> &Header;
}
