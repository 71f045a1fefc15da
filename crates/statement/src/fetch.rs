//! A connecting key takes certificates.

use std::collections::BTreeSet;

use domain::{Pair, RequestId};

use crate::codec::{Fields, Lines, StatementError, Writer};
use crate::header::Header;
use crate::kind::{Kind, Statement};

/// The statement that takes certificates under a grant; signed by the grant's connecting key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchStatement {
    /// What every statement starts with.
    pub header: Header,
    /// The request's id.
    pub id: RequestId,
    /// What certificates are asked for; each pair gets its own.
    pub pairs: Pairs,
}

/// 1 to 256 pairs, sorted by login and then by host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(BTreeSet<Pair>);

/// There are no pairs, or more than one fetch takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fetch names 1 to 256 login@host pairs, not {0}")]
pub struct PairsError(pub usize);

impl Pairs {
    /// Most pairs of one fetch.
    pub const MAX: usize = 256;

    /// The pairs of a fetch.
    ///
    /// # Errors
    /// When there are none, or more than 256.
    pub fn new(pairs: BTreeSet<Pair>) -> Result<Self, PairsError> {
        if (1..=Self::MAX).contains(&pairs.len()) { Ok(Self(pairs)) } else { Err(PairsError(pairs.len())) }
    }

    /// The pairs in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Pair> {
        self.0.iter()
    }

    /// The pairs as a set.
    pub const fn as_set(&self) -> &BTreeSet<Pair> {
        &self.0
    }
}

impl From<Pair> for Pairs {
    fn from(pair: Pair) -> Self {
        Self(BTreeSet::from([pair]))
    }
}

impl Statement for FetchStatement {
    const KIND: Kind = Kind::Fetch;

    fn header(&self) -> &Header {
        &self.header
    }
}

impl Fields for FetchStatement {
    const NAME: &'static str = Self::KIND.namespace();
    /// Room for [`Pairs::MAX`] pairs of names of any length: 293 bytes a line at most, and 2 KiB for what is above them.
    const LONGEST: usize = 77 * 1024;

    fn write(&self, out: &mut Writer) {
        self.header.write(out);
        out.value("id", &self.id);
        out.list("pair", &self.pairs.0);
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        let (header, id) = (Header::read(lines)?, lines.value("id")?);
        let pairs = Pairs::new(lines.list("pair")?).map_err(|why| lines.refused("pair", why))?;
        Ok(Self { header, id, pairs })
    }
}
