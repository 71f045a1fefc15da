//! Any other change.

use std::fmt;
use std::str::FromStr;

use domain::{RequestId, RequestIdError, Text, UserName};

use crate::codec::{Fields, Lines, StatementError, Writer};
use crate::header::Header;
use crate::kind::{Kind, Statement};

/// The statement behind any other change; signed by a key bound to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActStatement {
    /// What every statement starts with.
    pub header: Header,
    /// Who acts.
    pub user: UserName,
    /// What is done, and to what.
    pub act: Act,
    /// Why.
    pub reason: Option<Text>,
}

/// A change together with what it changes. In text two lines, `verb:` and `target:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `cancel`: the requester takes a pending request back.
    Cancel(RequestId),
    /// `give-back`: the requester ends a grant before its time.
    GiveBack(RequestId),
    /// `resume`: an administrator ends a stop that the server set off itself.
    Resume,
}

/// The verbs of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// A pending request is taken back.
    Cancel,
    /// A grant ends before its time.
    GiveBack,
    /// A stop that the server set off ends.
    Resume,
}

/// Why an act was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// No such verb.
    #[error("unknown verb; known are cancel, give-back, resume")]
    Verb,
    /// The verb needs a request.
    #[error("the verb `{0}` needs a request's id as its target")]
    TargetMissing(Verb),
    /// The verb takes no target.
    #[error("the verb `{0}` takes no target; write `-`")]
    TargetExtra(Verb),
    /// The target is not a request's id.
    #[error(transparent)]
    Target(#[from] RequestIdError),
}

impl Act {
    /// What is done.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Cancel(_) => Verb::Cancel,
            Self::GiveBack(_) => Verb::GiveBack,
            Self::Resume => Verb::Resume,
        }
    }

    /// The request that it is done to, if it is done to one.
    pub const fn target(&self) -> Option<RequestId> {
        match self {
            Self::Cancel(id) | Self::GiveBack(id) => Some(*id),
            Self::Resume => None,
        }
    }

    fn new(verb: Verb, target: Option<RequestId>) -> Result<Self, ActError> {
        match (verb, target) {
            (Verb::Cancel, Some(id)) => Ok(Self::Cancel(id)),
            (Verb::GiveBack, Some(id)) => Ok(Self::GiveBack(id)),
            (Verb::Resume, None) => Ok(Self::Resume),
            (Verb::Cancel | Verb::GiveBack, None) => Err(ActError::TargetMissing(verb)),
            (Verb::Resume, Some(_)) => Err(ActError::TargetExtra(verb)),
        }
    }
}

impl Verb {
    const ALL: [Self; 3] = [Self::Cancel, Self::GiveBack, Self::Resume];

    /// The verb as it stands in the text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::GiveBack => "give-back",
            Self::Resume => "resume",
        }
    }
}

impl FromStr for Verb {
    type Err = ActError;

    fn from_str(given: &str) -> Result<Self, ActError> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == given).ok_or(ActError::Verb)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Statement for ActStatement {
    const KIND: Kind = Kind::Act;

    fn header(&self) -> &Header {
        &self.header
    }
}

impl Fields for ActStatement {
    const NAME: &'static str = Self::KIND.namespace();

    fn write(&self, out: &mut Writer) {
        self.header.write(out);
        out.value("user", &self.user);
        out.value("verb", &self.act.verb());
        out.optional("target", self.act.target().as_ref());
        out.optional("reason", self.reason.as_ref());
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        let (header, user, verb) = (Header::read(lines)?, lines.value("user")?, lines.value("verb")?);
        let act = Act::new(verb, lines.optional("target")?).map_err(|why| lines.refused("target", why))?;
        Ok(Self { header, user, act, reason: lines.optional("reason")? })
    }
}
