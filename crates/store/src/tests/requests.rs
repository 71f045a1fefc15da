use domain::Approval;

use super::*;
use crate::{ActTx, Change, ExpireTx, Filter, StoredRequest};

#[tokio::test]
async fn a_request_reads_back_with_its_texts_and_decisions() {
    let (_directory, store) = fresh();
    let mut changes = store.subscribe();
    let entry = store.submit(submission(1)).await.unwrap();
    store.decide(approval(1, "bob", 1, RequestState::Pending)).await.unwrap();
    let last = store.decide(approval(1, "carol", 2, RequestState::Approved(window()))).await.unwrap();

    let found = store.request(id(1)).unwrap().unwrap();
    assert_eq!((found.entry, found.version, found.uses), (entry, 3, 0));
    assert_eq!(found.state, RequestState::Approved(window()));
    assert_eq!((found.submitted, found.expires), (at(0), at(3600)));
    assert_eq!(found.statement.text, "hallpass-test v1\nrequest 1\n");
    assert_eq!(found.ruling, "hallpass-ruling v1\n");
    let approvers: Vec<&str> = found.decisions.iter().map(|d| d.approver.as_str()).collect();
    assert_eq!(approvers, ["bob", "carol"]);
    assert_eq!((found.decisions[1].entry, found.decisions[1].time), (last, at(1)));
    assert_eq!(found.decisions[1].verdict, Approval::Approve);
    assert!(store.request(id(2)).unwrap().is_none());
    for version in [1, 2, 3] {
        assert_eq!(changes.recv().await.unwrap(), crate::RequestChanged { id: id(1), version });
    }
    assert_intact(&store);
}

#[tokio::test]
async fn of_two_decisions_on_one_version_one_wins_and_the_other_is_told() {
    let (_directory, store) = fresh();
    store.submit(submission(1)).await.unwrap();
    let (first, second) = tokio::join!(
        store.decide(approval(1, "bob", 1, RequestState::Approved(window()))),
        store.decide(approval(1, "carol", 1, RequestState::Denied)),
    );
    first.unwrap();
    assert!(matches!(refused(second), StoreError::Conflict(loser) if loser == id(1)));
    let found = store.request(id(1)).unwrap().unwrap();
    assert_eq!(found.decisions.len(), 1);
    assert_eq!(found.state, RequestState::Approved(window()));
    let unknown = refused(store.decide(approval(9, "bob", 1, RequestState::Denied)).await);
    assert!(matches!(unknown, StoreError::UnknownRequest(_)));
}

#[tokio::test]
async fn pending_requests_have_a_quota_per_requester() {
    let (_directory, store) = fresh();
    let limited = |number| SubmitTx { pending_limit: 2, ..submission(number) };
    store.submit(limited(1)).await.unwrap();
    store.submit(limited(2)).await.unwrap();
    assert!(matches!(refused(store.submit(limited(3)).await), StoreError::TooManyPending(2)));
    store.submit(SubmitTx { requester: "bob".parse().unwrap(), ..limited(4) }).await.unwrap();
    store.submit(SubmitTx { state: RequestState::Approved(window()), ..limited(5) }).await.unwrap();
    let statement = statement("cancel", at(1));
    let change = Change::Cancel { id: id(1), version: 1 };
    store.act(ActTx { now: at(1), statement, change }).await.unwrap();
    store.submit(limited(3)).await.unwrap();
}

#[tokio::test]
async fn an_id_in_use_is_refused_without_touching_its_request() {
    let (_directory, store) = fresh();
    store.submit(submission(1)).await.unwrap();
    let other = SubmitTx { statement: statement("another", at(0)), ..submission(1) };
    assert!(matches!(refused(store.submit(other).await), StoreError::IdTaken(_)));
    assert_eq!(store.request(id(1)).unwrap().unwrap().statement.text, "hallpass-test v1\nrequest 1\n");
    assert_intact(&store);
}

#[tokio::test]
async fn overdue_requests_are_found_and_expire_once() {
    let (_directory, store) = fresh();
    store.submit(submission(1)).await.unwrap();
    store.submit(SubmitTx { expires: at(10), ..submission(2) }).await.unwrap();
    assert_eq!(store.due(at(9), 10).unwrap(), []);
    assert_eq!(
        store.due(at(10), 10).unwrap(),
        [crate::Due { id: id(2), version: 1, requester: "alice".parse().unwrap() }]
    );
    let expire = |version| ExpireTx { now: at(10), id: id(2), version };
    store.expire(expire(1)).await.unwrap();
    assert!(matches!(refused(store.expire(expire(1)).await), StoreError::Conflict(_)));
    assert_eq!(store.due(at(10), 10).unwrap(), []);
    assert_eq!(store.request(id(2)).unwrap().unwrap().state, RequestState::Expired);
}

#[tokio::test]
async fn a_grant_given_back_is_over() {
    let (_directory, store) = fresh();
    approved(&store, 1).await;
    let give_back = |text: &str, version| ActTx {
        now: at(1),
        statement: statement(text, at(1)),
        change: Change::GiveBack { id: id(1), version },
    };
    assert!(matches!(refused(store.act(give_back("early", 7)).await), StoreError::Conflict(_)));
    store.act(give_back("now", 1)).await.unwrap();
    assert_eq!(store.request(id(1)).unwrap().unwrap().state, RequestState::GivenBack);
    assert!(matches!(refused(store.issue(fetch(1, "late")).await), StoreError::Conflict(_)));
    let renewed = IssueTx { version: 2, ..fetch(1, "later") };
    assert!(matches!(refused(store.issue(renewed).await), StoreError::NotApproved(_)));
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let (_directory, store) = fresh();
    for number in 1..=3 {
        store.submit(submission(number)).await.unwrap();
    }
    store.submit(SubmitTx { requester: "bob".parse().unwrap(), ..submission(4) }).await.unwrap();
    approved(&store, 5).await;
    let denied = DecideTx { in_force: store.in_force(), ..approval(2, "bob", 1, RequestState::Denied) };
    store.decide(denied).await.unwrap();

    let ids = |found: Vec<StoredRequest>| found.iter().map(|r| r.id).collect::<Vec<_>>();
    let all = |filter| ids(store.requests(&filter, None, 100).unwrap());
    let alice = || "alice".parse().unwrap();
    assert_eq!(all(Filter::All), [5, 4, 3, 2, 1].map(id));
    assert_eq!(all(Filter::Pending), [4, 3, 1].map(id));
    assert_eq!(all(Filter::Of(alice())), [5, 3, 2, 1].map(id));
    assert_eq!(all(Filter::Open(alice(), at(3599))), [5, 3, 1].map(id));
    assert_eq!(all(Filter::Open(alice(), at(3600))), [3, 1].map(id));
    let page = store.requests(&Filter::All, None, 2).unwrap();
    let next = store.requests(&Filter::All, page.last().map(|r| r.entry), 2).unwrap();
    assert_eq!(ids(next), [3, 2].map(id));
}
