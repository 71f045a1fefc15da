use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ledger::Payload;
use rusqlite::Connection;
use tokio::task::JoinSet;

use super::*;
use crate::batch::Head;

/// Runs a pragma on the writer's connection.
async fn pragma(store: &Store, sql: &'static str) {
    let run = move |batch: &mut Batch<'_>| {
        batch.connection.query_row(sql, [], |_| Ok(())).or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(other.into()),
        })
    };
    store.writer.write(Inside(run)).await.unwrap();
}

/// A request with a text that needs pages of its own.
fn big(number: u64) -> SubmitTx {
    SubmitTx { ruling: "x".repeat(100_000), ..submission(number) }
}

#[tokio::test]
async fn a_full_disk_refuses_everything_writes_nothing_and_is_over_when_there_is_room() {
    let (directory, store) = fresh();
    let store = Arc::new(store);
    store.submit(submission(1)).await.unwrap();
    let before = store.checkpoint();
    // The database may not grow: what a full disk looks like to SQLite.
    pragma(&store, "PRAGMA max_page_count = 1").await;
    let mut tasks = JoinSet::new();
    for number in 2..5 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.submit(big(number)).await });
    }
    for outcome in tasks.join_all().await {
        let error = refused(outcome);
        assert!(matches!(error, StoreError::Full), "{error}");
        assert!(error.is_failure());
    }
    assert_eq!(store.checkpoint(), before);
    assert!(store.request(id(2)).unwrap().is_none());
    assert_intact(&store);

    pragma(&store, "PRAGMA max_page_count = 1000000").await;
    store.submit(big(2)).await.expect("the statement was not used up");
    assert_intact(&store);
    drop(store);
    assert_intact(&reopen(directory.path()));
}

#[tokio::test]
async fn a_store_that_turns_read_only_fails_the_whole_batch_and_recovers() {
    let (_directory, store) = fresh();
    let store = Arc::new(store);
    store.submit(submission(1)).await.unwrap();
    let before = store.checkpoint();
    let release = hold(&store).await;
    let submitting = Arc::clone(&store);
    let neighbour = tokio::spawn(async move { submitting.submit(submission(2)).await });
    let turning = Arc::clone(&store);
    let turn = tokio::spawn(async move {
        let write = |batch: &mut Batch<'_>| {
            batch.connection.pragma_update(None, "query_only", true)?;
            let outcome = batch.append(at(1), &Payload::Halt { reason: "x".into() }).map(drop);
            batch.connection.pragma_update(None, "query_only", false)?;
            outcome
        };
        turning.writer.write(Inside(write)).await
    });
    tokio::task::yield_now().await;
    drop(release);
    assert!(matches!(refused(turn.await.unwrap()), StoreError::ReadOnly));
    assert!(matches!(refused(neighbour.await.unwrap()), StoreError::ReadOnly), "it shares the transaction");
    assert_eq!(store.checkpoint(), before);
    assert!(store.request(id(1)).unwrap().is_some() && store.request(id(2)).unwrap().is_none());
    store.submit(submission(2)).await.unwrap();
    assert_intact(&store);
}

/// What is on disk at this instant, as a crash would leave it: the database and its log, without a close.
fn crashed(directory: &TempDir) -> (TempDir, PathBuf) {
    let copy = TempDir::new().unwrap();
    let store = copy.path().join("store");
    fs::create_dir(&store).unwrap();
    for name in ["hallpass.db", "hallpass.db-wal"] {
        fs::copy(directory.path().join("store").join(name), store.join(name)).unwrap();
    }
    (copy, store.join("hallpass.db-wal"))
}

#[tokio::test]
async fn after_a_crash_everything_that_was_answered_is_there() {
    let (directory, store) = fresh();
    approved(&store, 1).await;
    for number in 2..20 {
        store.submit(next(&store, number)).await.unwrap();
    }
    let issued = store.issue(fetch(1, "one")).await.unwrap();
    let (copy, _) = crashed(&directory);
    let recovered = reopen(copy.path());
    assert_eq!(recovered.checkpoint(), store.checkpoint());
    assert_eq!(recovered.find_fetch(&fetch(1, "one").statement).unwrap(), Some(issued));
    assert_eq!(recovered.bundle_in_force(), store.bundle_in_force());
    assert_intact(&recovered);
    recovered.submit(next(&store, 20)).await.unwrap();
    assert_intact(&recovered);
}

#[tokio::test]
async fn a_log_cut_anywhere_gives_an_earlier_whole_state() {
    let (directory, store) = fresh();
    for number in 1..8 {
        store.submit(submission(number)).await.unwrap();
    }
    let (_copy, wal) = crashed(&directory);
    let whole = fs::read(&wal).unwrap();
    let mut sizes = Vec::new();
    // What the log does not hold yet is in no file: cut to nothing, the store is as `init` left it or not yet made.
    for cut in (0..=whole.len()).step_by(1499) {
        let (cut_copy, cut_wal) = crashed(&directory);
        fs::write(&cut_wal, &whole[..cut]).unwrap();
        match Store::open(&cut_copy.path().join("store"), signer(), random()) {
            Ok(store) => {
                assert_intact(&store);
                sizes.push(store.checkpoint().checkpoint.size);
            }
            Err(error) => assert!(matches!(error, crate::OpenError::Unfinished) && sizes.is_empty(), "{error}"),
        }
    }
    assert!(sizes.is_sorted(), "{sizes:?}");
    assert!(sizes.last() > sizes.first(), "{sizes:?}");
}

#[tokio::test]
async fn the_log_is_moved_into_the_database_beside_the_writer() {
    let (directory, store) = fresh();
    let file = directory.path().join("store/hallpass.db");
    let before = fs::metadata(&file).unwrap().len();
    for number in 0..60 {
        store.submit(big(number)).await.unwrap();
    }
    let patience = Instant::now() + Duration::from_secs(30);
    while fs::metadata(&file).unwrap().len() < before + 1_000_000 {
        assert!(Instant::now() < patience, "60 requests of 100 kB stayed in the log");
        tokio::task::yield_now().await;
    }
    let (copy, _) = crashed(&directory);
    assert_intact(&reopen(copy.path()));
    assert!(store.request(id(59)).unwrap().is_some());
    drop(store);
    assert!(!directory.path().join("store/hallpass.db-wal").exists(), "every connection is closed");
    assert_intact(&reopen(directory.path()));
}

#[tokio::test]
async fn the_frontier_on_disk_is_the_one_of_all_entries() {
    let (directory, store) = fresh();
    for number in 0..130 {
        store.submit(submission(number)).await.unwrap();
    }
    let frontier = recomputed(&store);
    drop(store);
    let connection = Connection::open(directory.path().join("store/hallpass.db")).unwrap();
    assert_eq!(Head::load(&connection).unwrap().unwrap().frontier, frontier);
    drop(connection);
    let store = reopen(directory.path());
    assert_eq!(recomputed(&store), frontier);
    store.submit(submission(130)).await.unwrap();
    assert_intact(&store);
}
