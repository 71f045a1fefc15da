//! A user asks for access.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use domain::{Access, Command, Extends, PublicKey, RuleName, Span, Text, UnixTime, UserName};

use crate::codec::{Fields, Lines, StatementError, Writer};
use crate::header::Header;
use crate::kind::{Kind, Statement};

/// The statement that asks for access; signed by a key bound to the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestStatement {
    /// What every statement starts with.
    pub header: Header,
    /// Who asks.
    pub requester: UserName,
    /// The login, and the host or labels.
    pub access: Access,
    /// The asked start; otherwise the window starts when approval completes.
    pub start: Option<UnixTime>,
    /// How long the window is.
    pub window: Span,
    /// How many certificates there may be; otherwise as many as fit into the window.
    pub uses: Option<NonZeroU32>,
    /// The one command that certificates are to run.
    pub command: Option<Command>,
    /// Why.
    pub reason: Text,
    /// A ticket elsewhere.
    pub ticket: Option<Text>,
    /// The key that certificates are to certify.
    pub connecting_key: PublicKey,
    /// The rule to be taken instead of the one that needs the fewest people.
    pub rule: Option<RuleName>,
    /// Whether this is emergency access without approval, to be reviewed afterwards.
    pub break_glass: Option<BreakGlass>,
    /// The grant that this one extends, and since when it is open.
    pub extends: Option<Extends>,
}

/// Emergency access without approval, to be reviewed afterwards. In text `yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakGlass;

/// Neither asked for nor absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `yes` or `-`")]
pub struct NoBreakGlass;

impl FromStr for BreakGlass {
    type Err = NoBreakGlass;

    fn from_str(given: &str) -> Result<Self, NoBreakGlass> {
        if given == "yes" { Ok(Self) } else { Err(NoBreakGlass) }
    }
}

impl fmt::Display for BreakGlass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("yes")
    }
}

impl Statement for RequestStatement {
    const KIND: Kind = Kind::Request;

    fn header(&self) -> &Header {
        &self.header
    }
}

impl Fields for RequestStatement {
    const NAME: &'static str = Self::KIND.namespace();

    fn write(&self, out: &mut Writer) {
        self.header.write(out);
        out.value("requester", &self.requester);
        out.value("access", &self.access);
        out.optional("start", self.start.as_ref());
        out.value("window", &self.window);
        out.optional("uses", self.uses.as_ref());
        out.optional("command", self.command.as_ref());
        out.value("reason", &self.reason);
        out.optional("ticket", self.ticket.as_ref());
        out.value("connecting-key", &self.connecting_key);
        out.optional("rule", self.rule.as_ref());
        out.optional("break-glass", self.break_glass.as_ref());
        out.optional("extends", self.extends.as_ref());
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        Ok(Self {
            header: Header::read(lines)?,
            requester: lines.value("requester")?,
            access: lines.value("access")?,
            start: lines.optional("start")?,
            window: lines.value("window")?,
            uses: lines.optional("uses")?,
            command: lines.optional("command")?,
            reason: lines.value("reason")?,
            ticket: lines.optional("ticket")?,
            connecting_key: lines.value("connecting-key")?,
            rule: lines.optional("rule")?,
            break_glass: lines.optional("break-glass")?,
            extends: lines.optional("extends")?,
        })
    }
}
