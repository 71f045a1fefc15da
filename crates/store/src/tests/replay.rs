use domain::Digest;

use super::*;
use crate::{ActTx, Change, EndSessionTx, LoginTx, Session};

fn login(text: &str, time: UnixTime) -> LoginTx {
    LoginTx {
        now: time,
        statement: statement(text, time),
        user: "alice".parse().unwrap(),
        token_hash: Digest::of(text.as_bytes()),
        expires: time.after("8h".parse().unwrap()).unwrap(),
    }
}

#[tokio::test]
async fn a_used_statement_is_refused_across_reopening() {
    let (directory, store) = fresh();
    store.record_login(login("one", at(0))).await.unwrap();
    store.submit(submission(1)).await.unwrap();
    assert!(matches!(refused(store.record_login(login("one", at(0))).await), StoreError::Replayed));
    drop(store);
    let store = reopen(directory.path());
    let before = store.checkpoint();
    assert!(matches!(refused(store.record_login(login("one", at(0))).await), StoreError::Replayed));
    assert!(matches!(refused(store.submit(submission(1)).await), StoreError::Replayed));
    assert_eq!(store.checkpoint(), before);
}

#[tokio::test]
async fn two_copies_of_a_statement_in_one_batch_give_one_entry() {
    let (_directory, store) = fresh();
    let (one, two) = tokio::join!(store.record_login(login("x", at(0))), store.record_login(login("x", at(0))));
    assert_eq!(one.unwrap(), 1);
    assert!(matches!(refused(two), StoreError::Replayed));
    assert_eq!(store.checkpoint().checkpoint.size, 2);
}

#[tokio::test]
async fn a_refused_statement_is_not_used_up() {
    let (_directory, store) = fresh();
    store.submit(submission(1)).await.unwrap();
    assert!(matches!(
        refused(store.decide(approval(1, "bob", 9, RequestState::Denied)).await),
        StoreError::Conflict(_)
    ));
    store.decide(approval(1, "bob", 1, RequestState::Denied)).await.unwrap();
}

#[tokio::test]
async fn statements_are_forgotten_after_an_hour_and_refused_by_their_time_from_then_on() {
    let (directory, store) = fresh();
    store.record_login(login("old", at(0))).await.unwrap();
    store.record_login(login("young", at(1))).await.unwrap();
    // The ledger sees its time move on by an hour; only what is older is dropped.
    store.record_login(login("an hour later", at(3601))).await.unwrap();
    assert!(matches!(refused(store.record_login(login("old", at(0))).await), StoreError::Forgotten(_)));
    assert!(matches!(refused(store.record_login(login("other", at(0))).await), StoreError::Forgotten(_)));
    assert!(matches!(refused(store.record_login(login("young", at(1))).await), StoreError::Replayed));
    drop(store);
    let store = reopen(directory.path());
    assert!(matches!(refused(store.record_login(login("old", at(0))).await), StoreError::Forgotten(_)));
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_revives_nothing_and_blocks_nothing() {
    let (_directory, store) = fresh();
    store.record_login(login("before", at(0))).await.unwrap();
    store.record_login(login("a year ahead", at(31_536_000))).await.unwrap();
    assert!(matches!(refused(store.record_login(login("before", at(0))).await), StoreError::Forgotten(_)));
    // The act that repairs it is as fresh as any other.
    let resume = || ActTx { now: at(5), statement: statement("resume", at(5)), change: Change::Resume { epoch: 0 } };
    let entry = store.act(resume()).await.unwrap();
    assert!(matches!(refused(store.act(resume()).await), StoreError::Replayed));
    store.record_login(login("by a slower clock", at(1))).await.unwrap();
    // Times in the ledger do not go back.
    assert_eq!(store.entries(entry, 1).unwrap()[0].time, at(31_536_000));
}

#[tokio::test]
async fn a_session_lives_until_it_is_ended_or_the_next_login_finds_it_over() {
    let (_directory, store) = fresh();
    let token = |text: &str| Digest::of(text.as_bytes());
    for text in ["one", "two"] {
        store.record_login(login(text, at(0))).await.unwrap();
    }
    let session = Session { user: "alice".parse().unwrap(), expires: at(8 * 3600) };
    assert_eq!(store.session(token("one")).unwrap(), Some(session));
    let before = store.checkpoint();
    store.end_session(EndSessionTx { token_hash: token("one") }).await.unwrap();
    store.end_session(EndSessionTx { token_hash: token("one") }).await.unwrap();
    assert_eq!(store.session(token("one")).unwrap(), None);
    assert_eq!(store.checkpoint(), before, "the end of a session is no entry");
    store.record_login(login("three", at(8 * 3600))).await.unwrap();
    assert_eq!(store.session(token("two")).unwrap(), None);
}
