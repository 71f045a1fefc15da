//! The store as `ca` uses it, over real files.

mod amending;
mod batching;
mod durability;
mod history;
mod issuing;
mod notices;
mod opening;
mod replay;
mod requests;
mod reviews;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use cert::{Draft, KeyId, Principal};
use domain::{Digest, PublicKey, Random, RequestId, UnixTime};
use ed25519_dalek::SigningKey;
use ledger::{CheckpointSigner, Frontier};
use tempfile::TempDir;

use crate::batch::Batch;
use crate::writer::Transaction;
use crate::{
    Bundle, BundleTx, DecideTx, IssueTx, Notify, Origin, RequestState, Statement, Store, StoreError, SubmitTx, Window,
};

const NOW: u64 = 1_772_373_720;
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

/// Numbers that look random enough, the same in every run.
pub(crate) struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        bytes.copy_from_slice(&Digest::of(&count.to_be_bytes()).as_bytes()[..bytes.len()]);
    }
}

pub(crate) fn random() -> Arc<dyn Random> {
    Arc::new(Counter(AtomicU64::new(0)))
}

pub(crate) fn signer() -> CheckpointSigner {
    CheckpointSigner::new("ca.example.com".parse().unwrap(), SigningKey::from_bytes(&[7; 32]))
}

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::new(NOW + seconds).unwrap()
}

/// A new store in a directory of its own.
pub(crate) fn fresh() -> (TempDir, Store) {
    let directory = TempDir::new().unwrap();
    let store = Store::init(&directory.path().join("store"), signer(), random(), at(0), None).unwrap();
    (directory, store)
}

pub(crate) fn reopen(directory: &Path) -> Store {
    Store::open(&directory.join("store"), signer(), random()).unwrap()
}

pub(crate) fn statement(text: &str, time: UnixTime) -> Statement {
    Statement::new(format!("hallpass-test v1\n{text}\n"), vec![1; 100], time)
}

pub(crate) fn id(bits: u64) -> RequestId {
    RequestId::from_random(bits)
}

pub(crate) fn submission(number: u64) -> SubmitTx {
    SubmitTx {
        now: at(0),
        statement: statement(&format!("request {number}"), at(0)),
        id: id(number),
        requester: "alice".parse().unwrap(),
        owner: "alice".parse().unwrap(),
        extends: None,
        ruling: "hallpass-ruling v1\n".into(),
        expires: at(3600),
        state: RequestState::Pending,
        pending_limit: 1000,
        in_force: 0,
        break_glass: None,
        notify: Notify::default(),
    }
}

/// The same, judged by what is in force now.
pub(crate) fn next(store: &Store, number: u64) -> SubmitTx {
    SubmitTx { in_force: store.in_force(), ..submission(number) }
}

pub(crate) fn window() -> Window {
    Window { not_before: at(0), not_after: at(3600) }
}

pub(crate) fn approval(number: u64, approver: &str, version: u64, state: RequestState) -> DecideTx {
    DecideTx {
        now: at(1),
        statement: statement(&format!("decision of {approver} on {number}"), at(1)),
        id: id(number),
        version,
        approver: approver.parse().unwrap(),
        owner: approver.parse().unwrap(),
        verdict: domain::Approval::Approve,
        instead_of: None,
        state,
        in_force: 0,
        notify: Notify::default(),
    }
}

pub(crate) fn bundle(access: &str) -> Bundle {
    Bundle { files: [("access.toml".to_owned(), access.into()), ("hosts.toml".to_owned(), b"h".to_vec())].into() }
}

pub(crate) fn draft(number: u64, host: &str) -> Draft {
    Draft {
        connecting_key: KEY.parse().unwrap(),
        principal: Principal::Scoped(format!("root@{host}").parse().unwrap()),
        key_id: KeyId { request: id(number), user: "alice".parse().unwrap(), deadline: at(3600) },
        valid_after: at(0),
        valid_before: at(300),
        force_command: None,
        source: None,
        verify_required: false,
        extensions: [domain::Extension::Pty].into(),
        nonce: [9; 32],
    }
}

pub(crate) fn ca_key() -> PublicKey {
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDAnZzWDEJLi1cIbKV2KwIGHSFXpk5dUvVWtkGvHzLkd".parse().unwrap()
}

/// A fetch under request `number`, which [`approved`] made.
pub(crate) fn fetch(number: u64, text: &str) -> IssueTx {
    IssueTx {
        now: at(2),
        statement: statement(&format!("fetch {text}"), at(2)),
        request: id(number),
        version: 1,
        in_force: 1,
        epoch: 0,
        uses: None,
        drafts: vec![draft(number, "web-1")],
        free: 0,
        ca_key: ca_key(),
        realm_ca_key: None,
    }
}

/// Loads this bundle from files, over what is in force now.
pub(crate) fn load(store: &Store, access: &str) -> BundleTx {
    BundleTx {
        now: at(0),
        bundle: bundle(access),
        origin: Origin::Files,
        in_force: store.in_force(),
        act: None,
        signatures: Vec::new(),
        caught_up: Vec::new(),
    }
}

/// Puts bundle `a` in force and an approved request `number` at version 1.
pub(crate) async fn approved(store: &Store, number: u64) {
    if store.bundle_in_force().is_none() {
        store.append_bundle(load(store, "a")).await.unwrap();
    }
    let in_force = store.in_force();
    store.submit(SubmitTx { state: RequestState::Approved(window()), in_force, ..submission(number) }).await.unwrap();
}

/// The ledger as anybody can recompute it from its entries.
pub(crate) fn recomputed(store: &Store) -> Frontier {
    let mut frontier = Frontier::new();
    for (place, entry) in (0u64..).zip(store.entries(0, u32::MAX).unwrap()) {
        assert_eq!(entry.index, place);
        frontier.append(entry.envelope().leaf());
    }
    frontier
}

/// Nothing was written since `before`, and the ledger still fits its checkpoint.
pub(crate) fn assert_intact(store: &Store) {
    let (frontier, signed) = (recomputed(store), store.checkpoint());
    assert_eq!((frontier.size(), frontier.root()), (signed.checkpoint.size, signed.checkpoint.root));
    signed.verify(store.ledger_key()).unwrap();
    assert_eq!(store.checkpoint_at(signed.checkpoint.size).unwrap(), Some(signed));
}

pub(crate) fn refused<T>(outcome: Result<T, StoreError>) -> StoreError {
    match outcome {
        Ok(_) => panic!("this should have been refused"),
        Err(error) => error,
    }
}

/// Something that only a test does inside the writer.
pub(crate) struct Inside<F>(pub(crate) F);

impl<F: FnOnce(&mut Batch<'_>) -> Result<(), StoreError> + Send + 'static> Transaction for Inside<F> {
    type Output = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        (self.0)(batch)
    }
}

/// Keeps the writer busy until the returned sender is used or dropped; what is asked meanwhile waits together.
pub(crate) async fn hold(store: &Arc<Store>) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (begun, started) = tokio::sync::oneshot::channel();
    let wait = move |_: &mut Batch<'_>| {
        begun.send(()).ok();
        held.recv().ok();
        Ok(())
    };
    let store = Arc::clone(store);
    tokio::spawn(async move { store.writer.write(Inside(wait)).await });
    started.await.unwrap();
    release
}
