//! A user begins a session.

use domain::{Digest, UserName};

use crate::codec::{Fields, Lines, StatementError, Writer};
use crate::header::Header;
use crate::kind::{Kind, Statement};

/// The statement that begins a session; signed by a key bound to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginStatement {
    /// What every statement starts with.
    pub header: Header,
    /// Who logs in.
    pub user: UserName,
    /// SHA-256 of the TLS key that the client saw: a login that somebody relays names the wrong one.
    pub tls_key: Digest,
}

impl Statement for LoginStatement {
    const KIND: Kind = Kind::Login;

    fn header(&self) -> &Header {
        &self.header
    }
}

impl Fields for LoginStatement {
    const NAME: &'static str = Self::KIND.namespace();

    fn write(&self, out: &mut Writer) {
        self.header.write(out);
        out.value("user", &self.user);
        out.value("tls-key", &self.tls_key);
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        Ok(Self { header: Header::read(lines)?, user: lines.value("user")?, tls_key: lines.value("tls-key")? })
    }
}
