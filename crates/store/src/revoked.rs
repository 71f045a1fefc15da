//! Certificates that are revoked while they are valid, and the ones that are valid at all.

use cert::{CertError, Principal, Summary};
use domain::{PublicKey, RequestId, Serial, UnixTime};
use ledger::{EntryKind, Payload};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::batch::Batch;
use crate::columns::Column;
use crate::stops::Reach;
use crate::writer::Transaction;
use crate::{Store, StoreError};

/// How long a certificate stays in the list after its end: for hosts whose clocks run late.
const KEPT_SECONDS: u64 = 3600;

/// A certificate that was valid when it was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial.
    pub serial: Serial,
    /// The request that it came from.
    pub request: RequestId,
    /// What it opens.
    pub principal: String,
    /// Its end.
    pub until: UnixTime,
}

/// The serials that each CA has revoked, and how often that changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    /// How often the list changed: it only grows.
    pub number: u64,
    /// CA and serial, by serial.
    pub serials: Vec<(PublicKey, Serial)>,
}

/// What a stop takes hold of, as certificates say it.
struct Grip<'r> {
    reach: &'r Reach,
    /// The CA of the realm, in its wire form.
    realm: Option<Vec<u8>>,
    /// The request that is stopped, with all that extends it.
    line: Vec<RequestId>,
}

impl<'r> Grip<'r> {
    fn of(reach: &'r Reach, line: Vec<RequestId>) -> Self {
        let realm = match reach {
            Reach::Host { realm, .. } => realm.as_ref().map(PublicKey::to_wire),
            _ => None,
        };
        Self { reach, realm, line }
    }

    fn takes(&self, certificate: &Summary<'_>) -> bool {
        match self.reach {
            Reach::All => true,
            Reach::Request(_) => self.line.contains(&certificate.key_id.request),
            Reach::Serial(serial) => certificate.serial == *serial,
            Reach::Users(users) => users.contains(&certificate.key_id.user),
            Reach::Host { name, .. } => match &certificate.principal {
                Principal::Scoped(pair) => pair.host == *name,
                Principal::Plain(_) => self.realm.as_deref() == Some(certificate.ca_key),
            },
        }
    }
}

impl Batch<'_> {
    /// Revokes every valid certificate that is taken hold of. The writer has all of them: what is not here by now was
    /// never signed, and is made under another epoch.
    pub(crate) fn revoke(&mut self, reach: &Reach, now: UnixTime) -> Result<Vec<Revoked>, StoreError> {
        let first = self.first_to_look_at(reach, now)?;
        let line = if let Reach::Request(id) = reach { self.line(*id)? } else { Vec::new() };
        let last = if let Reach::Serial(serial) = reach { serial.get() } else { self.head.frontier.size() };
        let sql = "SELECT payload FROM entries WHERE idx >= ?1 AND idx <= ?2 AND kind = ?3 ORDER BY idx";
        let mut select = self.connection.prepare_cached(sql)?;
        let sql = "INSERT OR IGNORE INTO revoked (serial, ca, until) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(params![first, last, EntryKind::Certificate.number()])?;
        let mut revoked = Vec::new();
        let grip = Grip::of(reach, line);
        while let Some(row) = rows.next()? {
            // No certificate leaves while this runs: each is read no further than needed.
            let payload = row.get_ref(0)?.as_blob().map_err(StoreError::damaged)?;
            let (request, to_be_signed) = Payload::certificate(payload)?;
            let certificate = Summary::of(to_be_signed).map_err(CertError::from)?;
            let (serial, until) = (certificate.serial, certificate.valid_before);
            // What ended just now is valid still on a host whose clock runs late.
            if until.seconds().saturating_add(KEPT_SECONDS) <= now.seconds() || !grip.takes(&certificate) {
                continue;
            }
            let new = insert.execute(params![serial.get(), certificate.ca_key, until.seconds()])?;
            if new == 1 {
                let principal = certificate.principal.to_string();
                revoked.push(Revoked { serial, request, principal, until });
            }
        }
        if !revoked.is_empty() {
            self.next_list(now);
        }
        Ok(revoked)
    }

    /// The number of the next list: it grows past that of a store that was set back, too.
    fn next_list(&mut self, now: UnixTime) {
        self.head.revocations = now.seconds().max(self.head.revocations.saturating_add(1));
    }

    /// The entry from which on a certificate can be valid that is taken hold of.
    fn first_to_look_at(&self, reach: &Reach, now: UnixTime) -> Result<u64, StoreError> {
        match reach {
            Reach::Serial(serial) => Ok(serial.get()),
            Reach::Request(id) => {
                let mut entry = self.connection.prepare_cached("SELECT entry FROM requests WHERE id = ?1")?;
                let entry: Option<u64> = entry.query_row([id.to_string()], |row| row.get(0)).optional()?;
                entry.ok_or(StoreError::UnknownRequest(*id))
            }
            Reach::Users(_) | Reach::Host { .. } | Reach::All => {
                let back = self.head.longest.saturating_add(KEPT_SECONDS);
                let back = domain::Span::from_seconds(back).map_err(StoreError::damaged)?;
                first_since(self.connection, self.head.time.min(now).before(back))
            }
        }
    }
}

/// Drops from the list what ended over an hour ago.
pub struct ForgetRevokedTx {
    /// Now.
    pub now: UnixTime,
}

impl Transaction for ForgetRevokedTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        // A clock that is ahead when the server starts is believed: the ledger was not there yet.
        let over = self.now.min(batch.head.time).seconds().saturating_sub(KEPT_SECONDS);
        let gone = batch.connection.prepare_cached("DELETE FROM revoked WHERE until <= ?1")?.execute([over])?;
        if gone > 0 {
            batch.next_list(self.now);
        }
        Ok(batch.head.revocations)
    }
}

impl Store {
    /// Drops from the list of revoked certificates those that ended long ago; the number of the list.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_revoked(&self, tx: ForgetRevokedTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// The certificates that are revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revocations(&self) -> Result<Revocations, StoreError> {
        self.readers.read(list)
    }

    /// Whether one of these certificates is revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn any_revoked(&self, serials: &[Serial]) -> Result<bool, StoreError> {
        self.readers.read(|connection| any(connection, serials))
    }
}

/// The list as it is.
pub(crate) fn list(connection: &Connection) -> Result<Revocations, StoreError> {
    // One statement, so that number and list are of one moment.
    let sql = "SELECT revocations, serial, ca FROM head LEFT JOIN revoked ON 1 ORDER BY serial";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut found = Revocations::default();
    while let Some(row) = rows.next()? {
        found.number = row.get(0)?;
        let Some(serial) = row.get::<_, Option<u64>>(1)? else { continue };
        let serial = Serial::new(serial).ok_or_else(|| StoreError::damaged("serial 0 is revoked"))?;
        let ca: Vec<u8> = row.get(2)?;
        found.serials.push((PublicKey::from_wire(&ca).map_err(StoreError::damaged)?, serial));
    }
    Ok(found)
}

/// Whether one of these certificates was revoked.
pub(crate) fn any(connection: &Connection, serials: &[Serial]) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached("SELECT 1 FROM revoked WHERE serial = ?1")?;
    for serial in serials {
        if select.exists([serial.get()])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The index of the first entry of this time or later: times in the ledger never go back.
fn first_since(connection: &Connection, since: UnixTime) -> Result<u64, StoreError> {
    let mut at = connection.prepare_cached("SELECT time FROM entries WHERE idx = ?1")?;
    let end: u64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let time: Option<Column<UnixTime>> = at.query_row([middle], |row| row.get(0)).optional()?;
        if time.is_some_and(|Column(time)| time < since) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
