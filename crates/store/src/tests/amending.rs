//! Amendments: what they end, what they undo, and when they are over.

use std::collections::BTreeSet;

use domain::Amendment;

use super::*;
use crate::{AmendTx, Lasting};

fn amend(store: &Store, verb: &str, target: &str) -> AmendTx {
    AmendTx {
        now: at(5),
        statement: statement(&format!("{verb} {target}"), at(5)),
        amendment: Amendment::parse(verb, target).unwrap(),
        lasting: Lasting::Stands,
        undoes: Vec::new(),
        in_force: store.in_force(),
        ends: BTreeSet::new(),
    }
}

#[tokio::test]
async fn a_disabled_user_loses_what_is_pending_and_granted_at_once() {
    let (directory, store) = fresh();
    approved(&store, 1).await;
    store.submit(next(&store, 2)).await.unwrap();
    let issued = store.issue(fetch(1, "before")).await.unwrap();
    let judged_before = IssueTx { in_force: store.in_force(), ..fetch(1, "judged before") };
    let disable = AmendTx { ends: ["alice".parse().unwrap()].into(), ..amend(&store, "disable-user", "alice") };
    let ended = store.amend(disable).await.unwrap();
    assert_eq!(ended.requests, [id(1), id(2)]);
    for number in [1, 2] {
        assert_eq!(store.request(id(number)).unwrap().unwrap().state, RequestState::Stopped);
    }
    assert!(matches!(refused(store.issue(judged_before).await), StoreError::EpochChanged));

    assert_eq!(ended.revoked.iter().map(|revoked| revoked.serial).collect::<Vec<_>>(), [issued[0].serial()]);
    assert_eq!((ended.revoked[0].principal.as_str(), ended.revoked[0].until), ("root@web-1", at(300)));

    drop(store);
    let stands = reopen(directory.path()).amendments().unwrap();
    assert_eq!(stands.iter().map(|amended| amended.entry).collect::<Vec<_>>(), [ended.entry]);
}

#[tokio::test]
async fn an_amendment_ends_when_it_is_undone_or_caught_up_with() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let added = store.amend(amend(&store, "add-host", "web-17 192.0.2.17 22")).await.unwrap();
    let removed =
        AmendTx { lasting: Lasting::Done, undoes: vec![added.entry], ..amend(&store, "remove-host", "web-17") };
    store.amend(removed).await.unwrap();
    assert_eq!(store.amendments().unwrap(), []);
    let disabled = store.amend(amend(&store, "disable-user", "bob")).await.unwrap();
    let late = amend(&store, "disable-user", "carol");
    let bundle = BundleTx { caught_up: vec![disabled.entry], ..load(&store, "b") };
    store.append_bundle(bundle).await.unwrap();
    assert_eq!(store.amendments().unwrap(), []);
    assert!(matches!(refused(store.amend(late).await), StoreError::BundleChanged));
    let again = AmendTx { statement: statement("disable-user bob", at(5)), ..amend(&store, "disable-user", "bob") };
    assert!(matches!(refused(store.amend(again).await), StoreError::Replayed));
}
