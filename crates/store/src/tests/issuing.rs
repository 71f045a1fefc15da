use std::num::NonZeroU32;

use domain::Serial;
use ledger::{FetchProof, Payload};

use super::*;
use crate::{ActTx, Change, HaltTx};

#[tokio::test]
async fn the_serial_is_the_index_of_the_entry_that_holds_the_bytes() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let tx = IssueTx { drafts: vec![draft(1, "web-1"), draft(1, "web-2")], ..fetch(1, "both") };
    let issued = store.issue(tx).await.unwrap();
    let serials: Vec<u64> = issued.iter().map(|tbs| tbs.serial().get()).collect();
    assert_eq!(serials, [3, 4]);
    for (tbs, entry) in issued.iter().zip(store.entries(3, 2).unwrap()) {
        assert_eq!(Serial::new(entry.index), Some(tbs.serial()));
        let Payload::Certificate { request, fetch, to_be_signed } = entry.payload else { panic!("no certificate") };
        assert_eq!((request, to_be_signed.as_slice()), (id(1), tbs.bytes()));
        match fetch {
            FetchProof::Statement(statement) => {
                assert_eq!((entry.index, statement.text.as_str()), (3, "hallpass-test v1\nfetch both\n"))
            }
            FetchProof::Entry(first) => assert_eq!((entry.index, first), (4, 3)),
        }
    }
    assert_intact(&store);
}

#[tokio::test]
async fn a_repeated_fetch_finds_the_bytes_of_the_same_entries() {
    let (directory, store) = fresh();
    approved(&store, 1).await;
    let fetched = fetch(1, "one").statement;
    assert_eq!(store.find_fetch(&fetched).unwrap(), None);
    let issued = store.issue(fetch(1, "one")).await.unwrap();
    store.issue(fetch(1, "two")).await.unwrap();
    assert!(matches!(refused(store.issue(fetch(1, "one")).await), StoreError::Replayed));
    assert_eq!(store.find_fetch(&fetched).unwrap(), Some(issued.clone()));
    assert_eq!(store.find_fetch(&submission(1).statement).unwrap(), None, "a request is no fetch");
    drop(store);
    assert_eq!(reopen(directory.path()).find_fetch(&fetched).unwrap(), Some(issued));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_made_takes_the_whole_fetch_with_it() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let before = store.checkpoint();
    let endless = Draft { valid_before: at(7200), ..draft(1, "web-2") };
    let tx = IssueTx { drafts: vec![draft(1, "web-1"), endless], ..fetch(1, "one") };
    assert!(matches!(refused(store.issue(tx).await), StoreError::Certificate(_)));
    let nothing = IssueTx { drafts: vec![], ..fetch(1, "one") };
    assert!(matches!(refused(store.issue(nothing).await), StoreError::NothingToIssue));
    assert_eq!(store.checkpoint(), before);
    store.issue(fetch(1, "one")).await.unwrap();
}

#[tokio::test]
async fn a_grant_made_for_the_connecting_key_of_before_issues_nothing() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let change = Change::Rebind { id: id(1), version: fetch(1, "x").version };
    let rebind = ActTx { now: at(2), statement: statement("rebind", at(2)), change: change.clone() };
    store.act(rebind).await.unwrap();
    let found = store.request(id(1)).unwrap().unwrap();
    let texts: Vec<&str> = found.rebinds.iter().map(|act| act.text.as_str()).collect();
    assert_eq!((texts, found.state.window()), (vec!["hallpass-test v1\nrebind\n"], Some(window())));
    assert!(matches!(refused(store.issue(fetch(1, "x")).await), StoreError::Conflict(_)));
    let late = ActTx { now: at(3), statement: statement("late", at(3)), change };
    assert!(matches!(refused(store.act(late).await), StoreError::Conflict(_)));
    store.issue(IssueTx { version: found.version, ..fetch(1, "x") }).await.unwrap();
}

#[tokio::test]
async fn a_grant_made_under_another_bundle_or_version_issues_nothing() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let other = IssueTx { version: 2, ..fetch(1, "x") };
    assert!(matches!(refused(store.issue(other).await), StoreError::Conflict(_)));
    assert!(matches!(refused(store.issue(fetch(7, "x")).await), StoreError::UnknownRequest(_)));
    store.append_bundle(load(&store, "b")).await.unwrap();
    assert!(matches!(refused(store.issue(fetch(1, "x")).await), StoreError::BundleChanged));
    store.submit(next(&store, 2)).await.unwrap();
    let pending = IssueTx { in_force: store.in_force(), ..fetch(2, "x") };
    assert!(matches!(refused(store.issue(pending).await), StoreError::NotApproved(_)));
    assert!(store.entries(0, 100).unwrap().iter().all(|e| !matches!(e.payload, Payload::Certificate { .. })));
}

#[tokio::test]
async fn a_halt_is_final_until_an_administrator_resumes_and_outlives_a_restart() {
    let (directory, store) = fresh();
    approved(&store, 1).await;
    let halt = |reason: &str| HaltTx { now: at(3), reason: reason.into() };
    let first = store.halt(halt("the clock jumped by 1h")).await.unwrap();
    let before = store.checkpoint();
    assert_eq!(store.halt(halt("the clock jumped by 2h")).await.unwrap(), first);
    assert_eq!(store.checkpoint(), before, "what stands still already stands still");
    drop(store);
    let store = reopen(directory.path());
    assert_eq!((store.epoch(), store.halted()), (1, Some(first)));
    let now_known = |text: &str| IssueTx { epoch: 1, ..fetch(1, text) };
    assert!(matches!(refused(store.issue(now_known("x")).await), StoreError::Halted(reason) if reason.contains("1h")));
    let resume = ActTx { now: at(4), statement: statement("resume", at(4)), change: Change::Resume { epoch: 0 } };
    store.act(resume).await.unwrap();
    assert_eq!(store.halted(), None);
    assert!(matches!(refused(store.issue(fetch(1, "made before the halt")).await), StoreError::EpochChanged));
    store.issue(now_known("x")).await.unwrap();
}

#[tokio::test]
async fn certificates_are_counted_where_they_are_limited() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let limited = |text: &str| IssueTx { uses: NonZeroU32::new(2), ..fetch(1, text) };
    store.issue(limited("one")).await.unwrap();
    assert!(matches!(refused(store.issue(limited("one")).await), StoreError::Replayed), "a repeat counts no use");
    let (second, third) = tokio::join!(store.issue(limited("two")), store.issue(limited("three")));
    second.unwrap();
    assert!(matches!(refused(third), StoreError::UsedUp { .. }));
    assert_eq!(store.request(id(1)).unwrap().unwrap().uses, 2);
}

#[tokio::test]
async fn a_bundle_is_an_entry_at_each_load_and_its_content_is_kept() {
    let (_directory, store) = fresh();
    let (a, b) = (bundle("a").digest(), bundle("b").digest());
    let late = load(&store, "b");
    for (access, entry) in [("a", 1), ("b", 2), ("a", 3)] {
        assert_eq!(store.append_bundle(load(&store, access)).await.unwrap(), entry);
    }
    assert!(matches!(refused(store.append_bundle(late).await), StoreError::BundleChanged), "judged before the others");
    assert_eq!((store.bundle_in_force(), store.bundle_entry(), store.in_force()), (Some(a), 3, 3));
    let loads: Vec<_> = store.loads(9).unwrap().into_iter().map(|load| (load.entry, load.digest)).collect();
    assert_eq!(loads, [(3, a), (2, b), (1, a)]);
    assert_eq!(store.checkpoint().checkpoint.size, 4);
    assert_eq!(store.bundle(a).unwrap(), Some(bundle("a")));
    assert_eq!(store.bundle(b).unwrap(), Some(bundle("b")));
    assert_eq!(store.bundle(Digest::of(b"?")).unwrap(), None);
}
