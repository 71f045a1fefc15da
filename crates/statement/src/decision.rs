//! An approver approves or denies.

use domain::{Approval, Digest, RequestId, Text, UserName};

use crate::codec::{Fields, Lines, StatementError, Writer};
use crate::header::Header;
use crate::kind::{Kind, Statement};

/// The statement that approves or denies a request; signed by a key bound to the approver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionStatement {
    /// What every statement starts with.
    pub header: Header,
    /// Who decides.
    pub approver: UserName,
    /// The request's id.
    pub id: RequestId,
    /// The digest of the request's text.
    pub request: Digest,
    /// The digest of the ruling's text.
    pub ruling: Digest,
    /// What the ruling allows, in words: [`RulingText::in_words`](crate::RulingText::in_words).
    pub allows: Text,
    /// Yes or no.
    pub verdict: Approval,
    /// What the approver adds.
    pub comment: Option<Text>,
}

impl Statement for DecisionStatement {
    const KIND: Kind = Kind::Decision;

    fn header(&self) -> &Header {
        &self.header
    }
}

impl Fields for DecisionStatement {
    const NAME: &'static str = Self::KIND.namespace();

    fn write(&self, out: &mut Writer) {
        self.header.write(out);
        out.value("approver", &self.approver);
        out.value("id", &self.id);
        out.value("request", &self.request);
        out.value("ruling", &self.ruling);
        out.value("allows", &self.allows);
        out.value("verdict", &self.verdict);
        out.optional("comment", self.comment.as_ref());
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        Ok(Self {
            header: Header::read(lines)?,
            approver: lines.value("approver")?,
            id: lines.value("id")?,
            request: lines.value("request")?,
            ruling: lines.value("ruling")?,
            allows: lines.value("allows")?,
            verdict: lines.value("verdict")?,
            comment: lines.optional("comment")?,
        })
    }
}
