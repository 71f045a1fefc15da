use tokio::task::JoinSet;

use super::*;
use crate::writer::{QUEUE, UnderWay, enough};

/// Lets every task that was spawned reach the writer's queue. The runtime has one thread, and runs some 60 of them before
/// it comes back here.
async fn all_queued() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whatever_waits_shares_one_commit_and_one_checkpoint() {
    let (_directory, store) = fresh();
    let store = Arc::new(store);
    let release = hold(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.submit(submission(number)).await });
    }
    all_queued().await;
    let before = store.commits();
    drop(release);
    let mut entries: Vec<u64> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
    entries.sort_unstable();
    assert_eq!(entries, (1..=200).collect::<Vec<u64>>());
    assert_eq!(store.commits() - before, 2, "one for what held the writer, one for all that waited");
    assert_eq!(store.checkpoint_at(201).unwrap(), Some(store.checkpoint()));
    assert_eq!(store.checkpoint_at(100).unwrap(), None);
    assert_intact(&store);
}

#[tokio::test]
async fn one_refusal_does_not_spoil_the_batch() {
    let (_directory, store) = fresh();
    let store = Arc::new(store);
    approved(&store, 1).await;
    let release = hold(&store).await;
    let mut tasks = JoinSet::new();
    let queue = |tasks: &mut JoinSet<Result<u64, StoreError>>, tx: SubmitTx| {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.submit(tx).await });
    };
    queue(&mut tasks, next(&store, 2));
    // Fails at its second certificate, after an entry and a statement were written.
    let endless = Draft { valid_before: at(7200), ..draft(1, "web-2") };
    let spoilt = IssueTx { drafts: vec![draft(1, "web-1"), endless], ..fetch(1, "one") };
    let issuing = Arc::clone(&store);
    tasks.spawn(async move { issuing.issue(spoilt).await.map(|_| 0) });
    queue(&mut tasks, SubmitTx { statement: statement("other", at(0)), ..next(&store, 2) });
    queue(&mut tasks, next(&store, 3));
    all_queued().await;
    let before = store.commits();
    drop(release);
    let (done, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(store.commits() - before, 2);
    let mut entries: Vec<u64> = done.into_iter().map(Result::unwrap).collect();
    entries.sort_unstable();
    assert_eq!(entries, [3, 4], "no index is lost to a refusal");
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().any(|r| matches!(r, Err(StoreError::Certificate(_)))));
    assert!(refused.iter().any(|r| matches!(r, Err(StoreError::IdTaken(_)))));
    store.issue(fetch(1, "one")).await.unwrap();
    assert_intact(&store);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_recovers() {
    let (_directory, store) = fresh();
    let store = Arc::new(store);
    let release = hold(&store).await;
    let mut tasks = JoinSet::new();
    for number in 0..QUEUE {
        let store = Arc::clone(&store);
        let number = u64::try_from(number).unwrap();
        tasks.spawn(async move { store.submit(SubmitTx { pending_limit: u32::MAX, ..submission(number) }).await });
    }
    all_queued().await;
    assert!(matches!(refused(store.submit(submission(100_000)).await), StoreError::Busy));
    drop(release);
    tasks.join_all().await.into_iter().for_each(|outcome| assert!(outcome.is_ok()));
    store.submit(SubmitTx { pending_limit: u32::MAX, ..submission(100_000) }).await.unwrap();
    assert_intact(&store);
}

#[tokio::test]
async fn what_waits_when_the_store_is_dropped_is_still_written() {
    let (directory, store) = fresh();
    let store = Arc::new(store);
    let release = hold(&store).await;
    let queued = Arc::clone(&store);
    let task = tokio::spawn(async move { queued.submit(submission(1)).await });
    all_queued().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    drop(release);
    while Arc::strong_count(&store) > 1 {
        tokio::task::yield_now().await;
    }
    drop(store);
    assert!(reopen(directory.path()).request(id(1)).unwrap().is_some());
}

#[test]
fn who_comes_alone_waits_for_nobody_and_half_of_a_crowd_for_the_other() {
    let under_way = UnderWay::default();
    assert!(enough(1, under_way.count()), "calls that nobody announced");
    let alone = under_way.announce();
    assert!(enough(1, under_way.count()));
    let others: Vec<_> = (0..127).map(|_| under_way.announce()).collect();
    assert!(!enough(63, under_way.count()) && enough(64, under_way.count()));
    drop((alone, others));
    assert_eq!(under_way.count(), 0);
    assert!(enough(256, usize::MAX), "a batch is full");
}
