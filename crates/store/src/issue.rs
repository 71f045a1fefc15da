//! Certificates on their way to being signed: nothing leaves before it is here.

use std::num::NonZeroU32;

use cert::{Draft, Principal, ToBeSigned};
use domain::{PublicKey, RequestId, Serial, UnixTime};
use ledger::{EntryKind, FetchProof, Payload};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::entries;
use crate::statements::{self, Statement};
use crate::writer::Transaction;

/// Certificates of one fetch under one grant: all of them, or none.
pub struct IssueTx {
    /// Now.
    pub now: UnixTime,
    /// The fetch statement.
    pub statement: Statement,
    /// The request.
    pub request: RequestId,
    /// The version of the request that the grant was made from.
    pub version: u64,
    /// What was in force when the grant was made: [`Store::in_force`](crate::Store::in_force).
    pub in_force: u64,
    /// The epoch that the grant was made under.
    pub epoch: u64,
    /// How many certificates the request allows, if it says so.
    pub uses: Option<NonZeroU32>,
    /// One draft for each certificate.
    pub drafts: Vec<Draft>,
    /// How many of these count no use: those for jump hosts, which come with those for the hosts behind.
    pub free: usize,
    /// The CA that will sign those for scoped hosts.
    pub ca_key: PublicKey,
    /// The CA that will sign those for plain hosts: that of their realm.
    pub realm_ca_key: Option<PublicKey>,
}

impl Transaction for IssueTx {
    type Output = Vec<ToBeSigned>;

    fn run(self, batch: &mut Batch<'_>) -> Result<Vec<ToBeSigned>, StoreError> {
        self.check_head(batch)?;
        // Before the replay state: a repeated fetch passes every check again.
        let Checked { uses, break_glass } = self.check_request(batch)?;
        batch.use_up(&self.statement, self.drafts.len())?;
        self.count_use(batch, uses)?;
        let first = batch.head.frontier.size();
        let ends = self.drafts.iter().map(|draft| draft.valid_before).max();
        let longest = ends.map_or(0, |end| end.since(self.now).seconds());
        batch.head.longest = batch.head.longest.max(longest);
        let mut fetch = FetchProof::Statement(self.statement.into_signed());
        let mut issued = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            // Invariants 2 and 3: the index becomes the serial, and `with_serial` re-decodes and compares every field.
            let serial = Serial::new(batch.head.frontier.size()).ok_or_else(|| StoreError::damaged("no genesis"))?;
            let ca_key = match (&draft.principal, &self.realm_ca_key) {
                (Principal::Plain(_), Some(of_realm)) => of_realm,
                _ => &self.ca_key,
            };
            let to_be_signed = draft.with_serial(serial, ca_key)?;
            let bytes = to_be_signed.bytes().to_vec();
            let payload = Payload::Certificate { request: self.request, fetch, to_be_signed: bytes };
            let entry = batch.append(self.now, &payload)?;
            if break_glass {
                batch.note_use(self.request, entry)?;
            }
            fetch = FetchProof::Entry(first);
            issued.push(to_be_signed);
        }
        if issued.is_empty() { Err(StoreError::NothingToIssue) } else { Ok(issued) }
    }
}

/// What is known of a request that certificates come from.
struct Checked {
    /// How often it was used.
    uses: u32,
    /// Whether it is break-glass.
    break_glass: bool,
}

impl IssueTx {
    fn check_head(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if let Some(halt) = &batch.head.halted {
            return Err(StoreError::Halted(halt.reason.clone()));
        }
        if batch.head.epoch != self.epoch {
            return Err(StoreError::EpochChanged);
        }
        if batch.head.in_force != self.in_force {
            return Err(StoreError::BundleChanged);
        }
        Ok(())
    }

    /// The request as the grant saw it.
    fn check_request(&self, batch: &Batch<'_>) -> Result<Checked, StoreError> {
        let id = self.request.to_string();
        let sql = "SELECT version, state = 'approved', uses, reviewed_by IS NOT NULL FROM requests WHERE id = ?1";
        let mut select = batch.connection.prepare_cached(sql)?;
        let row = select.query_row([&id], |row| {
            let checked = Checked { uses: row.get(2)?, break_glass: row.get(3)? };
            Ok((row.get::<_, u64>(0)?, row.get::<_, bool>(1)?, checked))
        });
        let (version, approved, checked) = row.optional()?.ok_or(StoreError::UnknownRequest(self.request))?;
        if version != self.version {
            return Err(StoreError::Conflict(self.request));
        }
        if !approved {
            return Err(StoreError::NotApproved(self.request));
        }
        Ok(checked)
    }

    /// Certificates are counted only where they are limited, and else only whether there were any: it would be a page more
    /// at each commit.
    fn count_use(&self, batch: &Batch<'_>, uses: u32) -> Result<(), StoreError> {
        let wanted = u32::try_from(self.drafts.len().saturating_sub(self.free)).unwrap_or(u32::MAX);
        match self.uses {
            Some(limit) if wanted > limit.get().saturating_sub(uses) => {
                let left = limit.get().saturating_sub(uses);
                return Err(StoreError::UsedUp { id: self.request, wanted, left });
            }
            None if uses > 0 => return Ok(()),
            _ => {}
        }
        let mut update = batch.connection.prepare_cached("UPDATE requests SET uses = ?2 WHERE id = ?1")?;
        update.execute(params![self.request.to_string(), uses.saturating_add(wanted)])?;
        Ok(())
    }
}

/// What an earlier, identical fetch was given: the same bytes to sign again.
pub(crate) fn find_fetch(connection: &Connection, fetch: &Statement) -> Result<Option<Vec<ToBeSigned>>, StoreError> {
    let Some((first, count)) = statements::entries_of(connection, fetch)? else { return Ok(None) };
    let mut select = connection
        .prepare_cached("SELECT payload FROM entries WHERE idx >= ?1 AND idx < ?2 AND kind = ?3 ORDER BY idx")?;
    let kind = EntryKind::Certificate;
    let mut rows = select.query(params![first, first.saturating_add(count), kind.number()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if let Payload::Certificate { to_be_signed, .. } = entries::payload(kind, row, 0)? {
            found.push(ToBeSigned::from_bytes(to_be_signed)?);
        }
    }
    // Another kind of statement wrote no certificates: then there was no such fetch.
    Ok(Some(found).filter(|found| !found.is_empty()))
}
