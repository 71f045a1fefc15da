//! Break-glass, and the reviews that are owed for it.

use cert::ToBeSigned;
use domain::{Event, GroupName, Owes, ReceiverName, RequestId, Serial, UnixTime, UserName};
use ledger::{EntryKind, Payload, SignedText};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::batch::{Batch, RequestChanged};
use crate::columns::Column;
use crate::entries;
use crate::notices::Subject;
use crate::statements::Statement;
use crate::writer::Transaction;
use crate::{Store, StoreError};

/// A request that is break-glass, as it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// The group that is told, and reviews it.
    pub review: GroupName,
    /// What the person behind it owed then.
    pub owes: Owes,
}

/// Where the review of a break-glass stands.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredReview {
    /// It is owed since it was granted.
    Owed {
        /// When that was.
        since: UnixTime,
    },
    /// Somebody made it.
    Done {
        /// The entry of the act.
        entry: u64,
        /// When it was written.
        time: UnixTime,
        /// The act.
        statement: SignedText,
    },
}

/// A certificate that came of a break-glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Its serial.
    pub serial: Serial,
    /// When it was written.
    pub time: UnixTime,
    /// What it opens.
    pub principal: String,
    /// Its end.
    pub until: UnixTime,
}

/// Somebody reviews a break-glass.
pub struct ReviewTx {
    /// Now.
    pub now: UnixTime,
    /// The act statement.
    pub statement: Statement,
    /// The request.
    pub id: RequestId,
    /// What was in force when this was judged.
    pub in_force: u64,
    /// Whom to tell of it.
    pub notify: Vec<(ReceiverName, Event)>,
}

/// That a review is owed: for each break-glass that was granted, until it is reviewed. A window that was given stays on
/// record, unless its approval was taken back before anything came of it.
pub(crate) const OWED: &str = "reviewed_by IS NOT NULL AND review IS NULL AND not_before IS NOT NULL";

impl Transaction for ReviewTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        let entry = batch.append(self.now, &Payload::Act { statement: self.statement.into_signed() })?;
        let sql = format!("UPDATE requests SET review = ?2 WHERE id = ?1 AND {OWED} RETURNING version");
        let mut update = batch.connection.prepare_cached(&sql)?;
        let version: Option<u64> =
            update.query_row(params![self.id.to_string(), entry], |row| row.get(0)).optional()?;
        let version = version.ok_or(StoreError::NothingOwed(self.id))?;
        batch.notify(&self.notify, Subject::Request(self.id), version, self.now)?;
        // What can be done under it is what it was; whoever watches it wants to know all the same.
        batch.changed.push(RequestChanged { id: self.id, version });
        Ok(entry)
    }
}

impl Store {
    /// Records the review of a break-glass.
    ///
    /// # Errors
    /// When none is owed, something else is in force by now, or the store fails.
    pub async fn review(&self, tx: ReviewTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Whether a person owes a review.
    ///
    /// # Errors
    /// When the store fails.
    pub fn owes(&self, owner: &UserName) -> Result<Owes, StoreError> {
        self.readers.read(|connection| owes(connection, owner))
    }

    /// How many reviews are owed, by everybody.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reviews_owed(&self) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM requests WHERE {OWED}");
        self.readers.read(|connection| Ok(connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?))
    }

    /// The certificates that came of a break-glass, the first of them first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn used(&self, id: RequestId) -> Result<Vec<Used>, StoreError> {
        self.readers.read(|connection| used(connection, id))
    }
}

impl Batch<'_> {
    /// Refuses a break-glass that was judged when its person owed something else: of two at once one is the first.
    pub(crate) fn still_owes(&self, owner: &UserName, judged: &BreakGlass) -> Result<(), StoreError> {
        if owes(self.connection, owner)? == judged.owes { Ok(()) } else { Err(StoreError::OwesChanged) }
    }

    /// Notes that a certificate came of a break-glass.
    pub(crate) fn note_use(&self, id: RequestId, entry: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO break_glass_certificates (request, entry) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![id.to_string(), entry])?;
        Ok(())
    }
}

fn owes(connection: &Connection, owner: &UserName) -> Result<Owes, StoreError> {
    let sql = format!("SELECT 1 FROM requests WHERE owner = ?1 AND {OWED} LIMIT 1");
    let any = connection.prepare_cached(&sql)?.exists([owner.as_str()])?;
    Ok(if any { Owes::Review } else { Owes::Nothing })
}

/// The review of a request, from these columns of its row: `reviewed_by`, `not_before`, `review`.
pub(crate) fn of_row(
    connection: &Connection,
    row: &Row<'_>,
    columns: [usize; 3],
) -> Result<Option<StoredReview>, StoreError> {
    let [group, granted, review] = columns;
    let group: Option<String> = row.get(group)?;
    let Some(Column(since)) = row.get::<_, Option<Column<UnixTime>>>(granted)?.filter(|_| group.is_some()) else {
        return Ok(None);
    };
    let Some(entry) = row.get::<_, Option<u64>>(review)? else { return Ok(Some(StoredReview::Owed { since })) };
    let mut select = connection.prepare_cached("SELECT time, payload FROM entries WHERE idx = ?1 AND kind = ?2")?;
    let mut rows = select.query(params![entry, EntryKind::Act.number()])?;
    let row = rows.next()?.ok_or_else(|| StoreError::Damaged(format!("entry {entry} is no review")))?;
    let Column(time) = row.get(0)?;
    match entries::payload(EntryKind::Act, row, 1)? {
        Payload::Act { statement } => Ok(Some(StoredReview::Done { entry, time, statement })),
        _ => Err(StoreError::Damaged(format!("entry {entry} is no review"))),
    }
}

fn used(connection: &Connection, id: RequestId) -> Result<Vec<Used>, StoreError> {
    let sql = "SELECT time, payload FROM break_glass_certificates JOIN entries ON idx = entry \
               WHERE request = ?1 AND kind = ?2 ORDER BY entry";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![id.to_string(), EntryKind::Certificate.number()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Column(time) = row.get(0)?;
        let Payload::Certificate { to_be_signed, .. } = entries::payload(EntryKind::Certificate, row, 1)? else {
            continue;
        };
        let certificate = ToBeSigned::from_bytes(to_be_signed)?;
        let (serial, until) = (certificate.serial(), certificate.draft().valid_before);
        found.push(Used { serial, time, principal: certificate.draft().principal.to_string(), until });
    }
    Ok(found)
}
