//! The store: opening it, and every named transaction and read.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use cert::ToBeSigned;
use domain::{Digest, Random, RequestId, UnixTime};
use ledger::{CheckpointSigner, Entry, LedgerKey, Payload, SignedCheckpoint};
use rusqlite::Connection;
use tokio::sync::broadcast;

use crate::acts::{ActTx, HaltTx};
use crate::amendments::{self, AmendTx, Amended, EndedWith};
use crate::backfill::{self, Backfill};
use crate::batch::{Batch, Halt, Head, RequestChanged};
use crate::bundles::{self, Bundle, BundleTx, Load};
use crate::error::{OpenError, StoreError};
use crate::files::{Files, file_error};
use crate::history::{self, Stretch};
use crate::issue::{self, IssueTx};
use crate::known::Known;
use crate::migrations::{MIGRATIONS, migrate};
use crate::readers::Readers;
use crate::reading::{self, Due, Filter, StoredRequest};
use crate::recent::Recent;
use crate::requests::{DecideTx, ExpireTx, SubmitTx};
use crate::sessions::{self, EndSessionTx, LoginTx, Session};
use crate::statements::Statement;
use crate::writer::{Committed, Heart, Transaction as _, UnderWay, Writer, WriterHandle};
use crate::{checkpoints, connection, entries};

/// The one store of a server. Writes are `async` and answered after their commit; reads block for some microseconds.
/// Dropping it finishes what waits.
pub struct Store {
    // In this order they are dropped: what could keep the log open goes first, the lock last.
    pub(crate) readers: Readers,
    pub(crate) writer: WriterHandle,
    recent: Arc<Recent>,
    pub(crate) known: Arc<Known>,
    under_way: UnderWay,
    _backfill: Backfill,
    ledger_key: LedgerKey,
    _lock: File,
}

/// Making and opening.
impl Store {
    /// Makes a store in this directory, with the ledger's genesis entry, and opens it. The first bundle is in force from
    /// then on: no checkpoint is without it.
    ///
    /// # Errors
    /// When one is there, or the files cannot be made.
    pub fn init(
        directory: &Path,
        signer: CheckpointSigner,
        random: Arc<dyn Random>,
        now: UnixTime,
        first: Option<Bundle>,
    ) -> Result<Self, OpenError> {
        let files = Files::at(directory);
        files.make_directory()?;
        let lock = files.lock()?;
        files.make_database()?;
        let mut connection = connection::writer(&files.database())?;
        migrate(&mut connection, &files, MIGRATIONS)?;
        write_genesis(&connection, &signer, &*random, now, first)?;
        files.sync_directory()?;
        Self::start(&files, lock, connection, signer, random)
    }

    /// Opens the store in this directory, migrated to the newest schema.
    ///
    /// # Errors
    /// When it is missing, in use, newer than this program, damaged, or of another ledger key.
    pub fn open(directory: &Path, signer: CheckpointSigner, random: Arc<dyn Random>) -> Result<Self, OpenError> {
        let files = Files::at(directory);
        files.check_database()?;
        let lock = files.lock()?;
        let mut connection = connection::writer(&files.database())?;
        migrate(&mut connection, &files, MIGRATIONS)?;
        Self::start(&files, lock, connection, signer, random)
    }

    fn start(
        files: &Files,
        lock: File,
        mut connection: Connection,
        signer: CheckpointSigner,
        random: Arc<dyn Random>,
    ) -> Result<Self, OpenError> {
        let committed = recover(&connection, &signer)?;
        let backfill = backfill::start(&mut connection, &files.database())?;
        let ledger_key = signer.public_key();
        let recent = Arc::new(Recent::starting_with(&committed.checkpoint.checkpoint));
        let under_way = UnderWay::default();
        let known = Arc::new(Known::default());
        let heart = Heart { recent: Arc::clone(&recent), known: Arc::clone(&known) };
        let writer = Writer { connection, signer, random, committed, heart, under_way: under_way.clone() };
        let writer = WriterHandle::start(writer).map_err(|source| file_error(&files.database(), source))?;
        let readers = Readers::of(files.database());
        Ok(Self { readers, writer, recent, known, under_way, _backfill: backfill, ledger_key, _lock: lock })
    }
}

/// Named transactions. Each is refused or committed as a whole, with its entries; indexes of entries are returned.
impl Store {
    /// Puts a bundle in force.
    ///
    /// # Errors
    /// When the act was used before, something else is in force by now, or the store fails.
    pub async fn append_bundle(&self, tx: BundleTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Amends what is in force, and ends what ends with it.
    ///
    /// # Errors
    /// When the act was used before, something else is in force by now, or the store fails.
    pub async fn amend(&self, tx: AmendTx) -> Result<EndedWith, StoreError> {
        self.writer.write(tx).await
    }

    /// Records a login and begins its session.
    ///
    /// # Errors
    /// When the statement was used before, or the store fails.
    pub async fn record_login(&self, tx: LoginTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Ends a session; one that is not there is over already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_session(&self, tx: EndSessionTx) -> Result<(), StoreError> {
        self.writer.write(tx).await
    }

    /// Records a new request, at version 1.
    ///
    /// # Errors
    /// When the statement was used before, the id is taken, too many are pending, or the store fails.
    pub async fn submit(&self, tx: SubmitTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Records a decision.
    ///
    /// # Errors
    /// When the statement was used before, the request has another version, or the store fails.
    pub async fn decide(&self, tx: DecideTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Records an act and what it changes.
    ///
    /// # Errors
    /// When the statement was used before, the request has another version, or the store fails.
    pub async fn act(&self, tx: ActTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Ends a pending request that ran out of time.
    ///
    /// # Errors
    /// When the request has another version, or the store fails.
    pub async fn expire(&self, tx: ExpireTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Stops issuing and raises the epoch; returns what stands, which is an earlier halt if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn halt(&self, tx: HaltTx) -> Result<Halt, StoreError> {
        self.writer.write(tx).await
    }

    /// Records certificates: after this, and only after this, they may be signed.
    ///
    /// # Errors
    /// When issuing is halted, anything changed since the grant was made, the statement was used before (then
    /// [`Self::find_fetch`] knows what it was given), a draft is no certificate, or the store fails.
    pub async fn issue(&self, tx: IssueTx) -> Result<Vec<ToBeSigned>, StoreError> {
        self.writer.write(tx).await
    }

    /// Where calls announce themselves that will write, so that commits are shared.
    pub fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    /// Changes of requests from now on, each said after its commit.
    pub fn subscribe(&self) -> broadcast::Receiver<RequestChanged> {
        self.writer.subscribe()
    }
}

/// What was committed last, from memory.
impl Store {
    /// The latest checkpoint.
    pub fn checkpoint(&self) -> SignedCheckpoint {
        self.writer.committed().checkpoint.clone()
    }

    /// The ledger's public key.
    pub const fn ledger_key(&self) -> &LedgerKey {
        &self.ledger_key
    }

    /// How often issuing was stopped.
    pub fn epoch(&self) -> u64 {
        self.writer.committed().head.epoch
    }

    /// Why issuing stands still, if it does.
    pub fn halted(&self) -> Option<Halt> {
        self.writer.committed().head.halted.clone()
    }

    /// The bundle in force.
    pub fn bundle_in_force(&self) -> Option<Digest> {
        self.writer.committed().head.bundle
    }

    /// The entry that put the bundle in force; 0 without one.
    pub fn bundle_entry(&self) -> u64 {
        self.writer.committed().head.bundle_entry
    }

    /// The entry of the last change to what is in force: its bundle, or an amendment of it.
    pub fn in_force(&self) -> u64 {
        self.writer.committed().head.in_force
    }

    /// How often the list of revoked certificates changed.
    pub fn revocations_number(&self) -> u64 {
        self.writer.committed().head.revocations
    }

    /// The time of the latest entry: the ledger's times never go back.
    pub fn latest_time(&self) -> UnixTime {
        self.writer.committed().head.time
    }

    /// Transactions since the store was opened, for metrics: entries per commit say how well they share an fsync.
    pub fn commits(&self) -> u64 {
        self.writer.committed().commits
    }
}

/// Reads from the database.
impl Store {
    /// One request, with its texts and decisions.
    ///
    /// # Errors
    /// When the store fails.
    pub fn request(&self, id: RequestId) -> Result<Option<StoredRequest>, StoreError> {
        self.readers.read(|connection| reading::one(connection, id))
    }

    /// Up to `limit` requests, newest first; for the next page, `before` is the entry of the last one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn requests(&self, filter: &Filter, before: Option<u64>, limit: u32) -> Result<Vec<StoredRequest>, StoreError> {
        self.readers.read(|connection| reading::list(connection, filter, before, limit))
    }

    /// Where the requests since a time begin, and how many there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn requests_since(&self, time: UnixTime) -> Result<Stretch, StoreError> {
        self.readers.read(|connection| history::since(connection, time))
    }

    /// Up to `limit` requests from this entry on, the oldest first; fewer when they are long, and none only at the end.
    ///
    /// # Errors
    /// When the store fails.
    pub fn requests_from(&self, entry: u64, limit: u32) -> Result<Vec<StoredRequest>, StoreError> {
        self.readers.read(|connection| history::page(connection, entry, limit))
    }

    /// Up to `limit` pending requests whose time is over, the longest overdue first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due(&self, now: UnixTime, limit: u32) -> Result<Vec<Due>, StoreError> {
        self.readers.read(|connection| reading::due(connection, now, limit))
    }

    /// What an earlier, identical fetch was given.
    ///
    /// # Errors
    /// When the store fails.
    pub fn find_fetch(&self, statement: &Statement) -> Result<Option<Vec<ToBeSigned>>, StoreError> {
        self.readers.read(|connection| issue::find_fetch(connection, statement))
    }

    /// The session of a token, by the token's SHA-256.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session(&self, token_hash: Digest) -> Result<Option<Session>, StoreError> {
        self.readers.read(|connection| sessions::read(connection, token_hash))
    }

    /// The content of a bundle that is or was in force.
    ///
    /// # Errors
    /// When the store fails.
    pub fn bundle(&self, digest: Digest) -> Result<Option<Bundle>, StoreError> {
        self.readers.read(|connection| bundles::read(connection, digest))
    }

    /// Up to `limit` bundles that were put in force, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn loads(&self, limit: u32) -> Result<Vec<Load>, StoreError> {
        self.readers.read(|connection| bundles::loads(connection, limit))
    }

    /// What is in force beside the bundle.
    ///
    /// # Errors
    /// When the store fails.
    pub fn amendments(&self) -> Result<Vec<Amended>, StoreError> {
        self.readers.read(amendments::read)
    }

    /// Whether a checkpoint of this size and root was signed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_checkpoint(&self, size: u64, root: &Digest) -> Result<bool, StoreError> {
        let is_it = |signed: &SignedCheckpoint| signed.checkpoint.root == *root;
        Ok(self.recent.has(size, root) || self.checkpoint_at(size)?.as_ref().is_some_and(is_it))
    }

    /// The checkpoint of this size, if one was signed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn checkpoint_at(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let origin = &self.writer.committed().checkpoint.checkpoint.origin;
        self.readers.read(|connection| checkpoints::at(connection, origin, size))
    }

    /// Up to `limit` entries from this index on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn entries(&self, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.readers.read(|connection| entries::read(connection, from, limit))
    }
}

fn write_genesis(
    connection: &Connection,
    signer: &CheckpointSigner,
    random: &dyn Random,
    now: UnixTime,
    first: Option<Bundle>,
) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut batch = Batch::new(connection, random, Head::empty());
    let genesis = Payload::Genesis { origin: signer.origin().clone(), ledger_key: signer.public_key() };
    batch.append(now, &genesis)?;
    first.map(|bundle| BundleTx::first(now, bundle).run(&mut batch)).transpose()?;
    batch.head.save(connection)?;
    let frontier = &batch.head.frontier;
    checkpoints::insert(connection, &signer.sign(frontier.size(), frontier.root()))?;
    Ok(connection.execute_batch("COMMIT")?)
}

/// Where the ledger ends, as far as its parts agree with each other and with the ledger key.
fn recover(connection: &Connection, signer: &CheckpointSigner) -> Result<Committed, OpenError> {
    let head = Head::load(connection)?.ok_or(OpenError::Unfinished)?;
    let checkpoint = checkpoints::latest(connection, signer.origin())?.ok_or(OpenError::Unfinished)?;
    let entries: u64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    let (size, root) = (head.frontier.size(), head.frontier.root());
    if size != entries || size != checkpoint.checkpoint.size || root != checkpoint.checkpoint.root {
        return Err(StoreError::damaged("its entries, head and last checkpoint do not fit each other").into());
    }
    match checkpoint.verify(&signer.public_key()) {
        Ok(()) => Ok(Committed { head, checkpoint, commits: 0 }),
        Err(_) => Err(OpenError::OtherLedger(signer.origin().clone())),
    }
}
