use domain::{GroupName, Owes};

use super::*;
use crate::{ActTx, BreakGlass, Change, Filter, ReviewTx, StoredReview};

fn security() -> GroupName {
    "security".parse().unwrap()
}

/// Break-glass that was ruled on when its person owed this; granted when nothing.
fn broken(number: u64, owes: Owes) -> SubmitTx {
    let state = if owes == Owes::Nothing { RequestState::Approved(window()) } else { RequestState::Pending };
    SubmitTx { break_glass: Some(BreakGlass { review: security(), owes }), state, ..submission(number) }
}

fn review(number: u64, text: &str) -> ReviewTx {
    let statement = statement(&format!("review {text}"), at(2));
    ReviewTx { now: at(2), statement, id: id(number), in_force: 0, notify: Vec::new() }
}

fn owes(store: &Store) -> Owes {
    store.owes(&"alice".parse().unwrap()).unwrap()
}

fn owed(store: &Store) -> Vec<RequestId> {
    store.requests(&Filter::Owed, None, 99).unwrap().into_iter().map(|stored| stored.id).collect()
}

#[tokio::test]
async fn of_two_at_once_the_second_is_judged_anew() {
    let (_directory, store) = fresh();
    assert!(matches!(refused(store.submit(broken(1, Owes::Review)).await), StoreError::OwesChanged));
    store.submit(broken(1, Owes::Nothing)).await.unwrap();
    assert!(matches!(refused(store.submit(broken(2, Owes::Nothing)).await), StoreError::OwesChanged));
    store.submit(broken(2, Owes::Review)).await.unwrap();
    let others = SubmitTx { owner: "bob".parse().unwrap(), ..broken(3, Owes::Nothing) };
    store.submit(others).await.unwrap();
    assert_eq!(
        (owed(&store), store.reviews_owed().unwrap()),
        (vec![id(3), id(1)], 2),
        "what was not granted owes nothing"
    );
    store.submit(submission(4)).await.unwrap();
    assert_intact(&store);
}

#[tokio::test]
async fn a_review_is_owed_until_it_is_made_once_whatever_became_of_the_request() {
    let (directory, store) = fresh();
    store.submit(broken(1, Owes::Nothing)).await.unwrap();
    let change = Change::GiveBack { id: id(1), version: 1 };
    store.act(ActTx { now: at(1), statement: statement("give back", at(1)), change }).await.unwrap();
    drop(store);
    let store = reopen(directory.path());
    assert_eq!(owes(&store), Owes::Review);
    assert!(
        matches!(store.request(id(1)).unwrap().unwrap().review, Some(StoredReview::Owed { since }) if since == at(0))
    );

    let mut changes = store.subscribe();
    let entry = store.review(review(1, "found nothing")).await.unwrap();
    assert_eq!((owes(&store), changes.try_recv().unwrap().id), (Owes::Nothing, id(1)), "whoever watches is told");
    assert!(matches!(refused(store.review(review(1, "again")).await), StoreError::NothingOwed(_)));
    drop(store);
    let store = reopen(directory.path());
    let Some(StoredReview::Done { entry: kept, statement, .. }) = store.request(id(1)).unwrap().unwrap().review else {
        panic!("it is gone");
    };
    assert_eq!((kept, statement.text.as_str()), (entry, "hallpass-test v1\nreview found nothing\n"));
    assert_intact(&store);
}

#[tokio::test]
async fn what_was_approved_later_owes_from_then_on_and_an_ordinary_request_never() {
    let (_directory, store) = fresh();
    store.submit(broken(1, Owes::Nothing)).await.unwrap();
    store.submit(broken(2, Owes::Review)).await.unwrap();
    assert!(matches!(refused(store.review(review(2, "early")).await), StoreError::NothingOwed(_)));
    store.decide(approval(2, "bob", 1, RequestState::Approved(window()))).await.unwrap();
    store.submit(SubmitTx { state: RequestState::Approved(window()), ..submission(3) }).await.unwrap();
    assert!(matches!(refused(store.review(review(3, "ordinary")).await), StoreError::NothingOwed(_)));
    store.submit(submission(4)).await.unwrap();
    assert_eq!(owed(&store), [id(2), id(1)]);
    let inbox = store.requests(&Filter::Inbox, None, 99).unwrap();
    assert_eq!(inbox.iter().map(|stored| stored.id).collect::<Vec<_>>(), [id(4), id(2), id(1)]);
    store.review(review(1, "one")).await.unwrap();
    assert_eq!(owes(&store), Owes::Review);
    store.review(review(2, "two")).await.unwrap();
    assert_eq!((owes(&store), owed(&store)), (Owes::Nothing, Vec::new()));
}

#[tokio::test]
async fn what_was_approved_and_taken_back_owes_nothing_until_it_is_approved_again() {
    let (_directory, store) = fresh();
    store.submit(broken(1, Owes::Nothing)).await.unwrap();
    store.submit(broken(2, Owes::Review)).await.unwrap();
    let decision = store.decide(approval(2, "bob", 1, RequestState::Approved(window()))).await.unwrap();
    assert_eq!(owed(&store), [id(2), id(1)]);
    let change = Change::Withdraw { id: id(2), version: 2, decision };
    store.act(ActTx { now: at(1), statement: statement("withdraw", at(1)), change }).await.unwrap();
    assert_eq!(owed(&store), [id(1)]);
    assert!(matches!(refused(store.review(review(2, "early")).await), StoreError::NothingOwed(_)));
    store.decide(approval(2, "carol", 3, RequestState::Approved(window()))).await.unwrap();
    assert_eq!(owed(&store), [id(2), id(1)]);
}

#[tokio::test]
async fn the_certificates_of_break_glass_are_found() {
    let (_directory, store) = fresh();
    store.append_bundle(load(&store, "a")).await.unwrap();
    let in_force = store.in_force();
    store.submit(SubmitTx { in_force, ..broken(1, Owes::Nothing) }).await.unwrap();
    let tx = IssueTx { drafts: vec![draft(1, "web-1"), draft(1, "web-2")], ..fetch(1, "both") };
    let issued = store.issue(tx).await.unwrap();
    approved(&store, 2).await;
    store.issue(fetch(2, "ordinary")).await.unwrap();
    let used = store.used(id(1)).unwrap();
    assert_eq!(used.iter().map(|used| used.serial).collect::<Vec<_>>(), [issued[0].serial(), issued[1].serial()]);
    assert_eq!((used[0].principal.as_str(), used[0].until), ("root@web-1", at(300)));
    assert_eq!(store.used(id(2)).unwrap(), []);
}
