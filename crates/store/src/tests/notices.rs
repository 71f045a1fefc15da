use domain::{Event, ReceiverName};

use super::*;
use crate::{
    ActTx, Bounds, Change, EscalateTx, Escalating, ExpireTx, KeepReceiversTx, Notice, PruneTx, RemindTx, SettleTx,
    Settled, StoreError, Subject, Waiting,
};

fn receiver(name: &str) -> ReceiverName {
    name.parse().unwrap()
}

fn notify(event: Event, to: &[&str], remind: Option<u64>) -> Notify {
    let to = to.iter().map(|name| (receiver(name), event)).collect();
    Notify { to, remind: remind.map(at), ..Notify::default() }
}

fn waits_for(store: &Store, name: &str, now: u64) -> Vec<(u64, Event)> {
    let due = store.notices(&receiver(name), at(now), 100).unwrap();
    due.into_iter().map(|notice| (notice.version, notice.event)).collect()
}

fn bounds(oldest: u64, latest: u64, most: u32) -> Bounds {
    Bounds { receiver: receiver("chat"), oldest: at(oldest), latest: at(latest), most }
}

#[tokio::test]
async fn a_change_and_its_notices_are_there_together_after_a_restart() {
    let (directory, store) = fresh();
    store.submit(SubmitTx { notify: notify(Event::Submit, &["chat", "audit"], None), ..submission(1) }).await.unwrap();
    let decided = |version, to: &[&str]| DecideTx {
        notify: notify(Event::Decision, to, None),
        ..approval(1, "bob", version, RequestState::Denied)
    };
    assert!(matches!(refused(store.decide(decided(7, &["chat"])).await), StoreError::Conflict(_)));
    store.decide(decided(1, &["audit"])).await.unwrap();
    drop(store);

    let store = reopen(directory.path());
    assert_eq!(waits_for(&store, "chat", 0), [(1, Event::Submit)], "a refused change tells nobody");
    assert_eq!(waits_for(&store, "audit", 0), [(1, Event::Submit)]);
    assert_eq!(waits_for(&store, "audit", 1), [(1, Event::Submit), (2, Event::Decision)]);
    let first = store.notices(&receiver("chat"), at(0), 1).unwrap().pop().unwrap();
    let (receiver, subject) = (receiver("chat"), Subject::Request(id(1)));
    assert_eq!(first, Notice { receiver, subject, version: 1, event: Event::Submit, happened: at(0), attempts: 0 });
    assert_intact(&store);
}

#[tokio::test]
async fn each_receiver_goes_on_by_itself() {
    let (_directory, store) = fresh();
    store.submit(SubmitTx { notify: notify(Event::Submit, &["chat", "audit"], None), ..submission(1) }).await.unwrap();
    let of = |name: &str| store.notices(&receiver(name), at(0), 1).unwrap().pop().unwrap();
    store.settle(SettleTx { notice: of("chat"), settled: Settled::Over }).await.unwrap();
    let commits = store.checkpoint();
    store.settle(SettleTx { notice: of("audit"), settled: Settled::Again(at(60)) }).await.unwrap();
    assert_eq!(store.checkpoint(), commits, "no entry, no checkpoint");
    assert_eq!((waits_for(&store, "chat", 999).len(), waits_for(&store, "audit", 59).len()), (0, 0));
    assert_eq!(store.notices(&receiver("audit"), at(60), 9).unwrap()[0].attempts, 1);
}

#[tokio::test]
async fn the_coming_end_is_told_once() {
    let (directory, store) = fresh();
    let mut changes = store.subscribe();
    store.submit(SubmitTx { notify: notify(Event::Submit, &[], Some(100)), ..submission(1) }).await.unwrap();
    // Another approval is missing: when the wait ends has not changed.
    let waits = approval(1, "bob", 1, RequestState::Pending);
    store.decide(DecideTx { notify: notify(Event::Decision, &[], Some(50)), ..waits }).await.unwrap();
    assert_eq!(store.ending(at(99), 9).unwrap(), []);
    let due = store.ending(at(100), 9).unwrap();
    assert_eq!(due.iter().map(|due| (due.id, due.version)).collect::<Vec<_>>(), [(id(1), 2)]);
    let remind = |version| RemindTx { now: at(100), id: id(1), version, to: vec![(receiver("chat"), Event::Expiry)] };
    assert!(matches!(refused(store.remind(remind(1)).await), StoreError::Conflict(_)));
    store.remind(remind(2)).await.unwrap();
    drop(store);

    let store = reopen(directory.path());
    assert!(matches!(refused(store.remind(remind(2)).await), StoreError::Conflict(_)));
    assert_eq!(store.ending(at(9999), 9).unwrap(), []);
    assert_eq!(waits_for(&store, "chat", 100), [(2, Event::Expiry)]);
    let told: Vec<u64> = std::iter::from_fn(|| changes.try_recv().ok()).map(|change| change.version).collect();
    assert_eq!(told, [1, 2, 2], "whoever watches is told as well");
}

#[tokio::test]
async fn what_has_ended_ends_no_more() {
    let (_directory, store) = fresh();
    for number in 1..=4 {
        store.submit(SubmitTx { notify: notify(Event::Submit, &[], Some(10)), ..submission(number) }).await.unwrap();
    }
    let change = Change::Cancel { id: id(1), version: 1 };
    store.act(ActTx { now: at(1), statement: statement("cancel", at(1)), change }).await.unwrap();
    store.expire(ExpireTx { now: at(1), id: id(2), version: 1 }).await.unwrap();
    store.decide(approval(3, "bob", 1, RequestState::Denied)).await.unwrap();
    let approved = approval(4, "bob", 1, RequestState::Approved(window()));
    store.decide(DecideTx { notify: notify(Event::Decision, &[], Some(3000)), ..approved }).await.unwrap();
    assert_eq!(store.ending(at(2999), 9).unwrap(), []);
    assert_eq!(store.ending(at(3000), 9).unwrap().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_is_gone_fills_no_disk() {
    let (_directory, store) = fresh();
    for number in 0..10 {
        let now = at(number);
        store
            .submit(SubmitTx { now, notify: notify(Event::Submit, &["chat", "audit"], None), ..submission(number) })
            .await
            .unwrap();
    }
    let newest = store.notices(&receiver("chat"), at(9), 99).unwrap().pop().unwrap();
    store.settle(SettleTx { notice: newest, settled: Settled::Again(at(7000)) }).await.unwrap();

    assert_eq!(store.waiting(&bounds(2, 6000, 3)).unwrap(), Waiting { all: 10, stale: 3 });
    assert_eq!(store.prune(PruneTx(bounds(2, 6000, 99))).await.unwrap(), 3, "two too old, one from a clock far ahead");
    assert_eq!(store.prune(PruneTx(bounds(0, 9999, 3))).await.unwrap(), 4);
    let left: Vec<u64> = store
        .notices(&receiver("chat"), at(99), 99)
        .unwrap()
        .iter()
        .map(|n| n.happened.since(at(0)).seconds())
        .collect();
    assert_eq!(left, [6, 7, 8], "the newest stay");
    assert_eq!(waits_for(&store, "audit", 99).len(), 10);
    assert_eq!(store.keep_receivers(KeepReceiversTx(vec![receiver("chat")])).await.unwrap(), 10);
    assert_eq!((waits_for(&store, "audit", 99).len(), waits_for(&store, "chat", 99).len()), (0, 3));
}

#[test]
fn a_subject_is_a_request_or_an_entry() {
    for subject in [Subject::Request(id(7)), Subject::Act(4711)] {
        assert_eq!(subject.to_string().parse(), Ok(subject));
    }
    assert!("entry".parse::<Subject>().is_err() && "entry x".parse::<Subject>().is_err());
}

#[test]
fn requests_from_before_notices_stay() {
    let (directory, store) = fresh();
    drop(store);
    let path = directory.path().join("store/hallpass.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "DROP TABLE break_glass_certificates; DROP INDEX requests_owed; \
             ALTER TABLE requests DROP COLUMN reviewed_by; ALTER TABLE requests DROP COLUMN review; \
             DROP TABLE rebinds; DROP INDEX requests_extensions; ALTER TABLE requests DROP COLUMN extends; \
             DROP TABLE stops; DROP TABLE lifts; DROP TABLE revoked; DROP INDEX requests_granted; \
             ALTER TABLE head DROP COLUMN revocations; ALTER TABLE head DROP COLUMN longest; \
             DROP TABLE notices; DROP INDEX requests_remind; ALTER TABLE requests DROP COLUMN remind; \
             DROP INDEX requests_escalate; ALTER TABLE requests DROP COLUMN escalate; \
             PRAGMA user_version = 2; INSERT INTO requests VALUES \
             (0, '00000-00001', 'alice', 'alice', 0, 'pending', 1, NULL, NULL, 0)",
        )
        .unwrap();
    drop(connection);
    let store = reopen(directory.path());
    assert!(path.with_file_name("hallpass.db.schema-2").exists());
    assert_eq!(store.due(at(0), 9).unwrap().len(), 1);
    assert_eq!(store.ending(at(9999), 9).unwrap(), []);
}

#[tokio::test]
async fn others_who_stand_in_are_told_once_and_the_next_ones_later() {
    let (_directory, store) = fresh();
    let notify = Notify { escalate: Some(at(100)), ..Notify::default() };
    store.submit(SubmitTx { notify, ..submission(1) }).await.unwrap();
    store.submit(submission(2)).await.unwrap();
    assert_eq!(store.escalating(at(99), 9).unwrap(), []);
    let seen = store.escalating(at(100), 9).unwrap()[0];
    assert_eq!(seen, Escalating { id: id(1), version: 1, since: at(100) });
    let escalate =
        |seen, next| EscalateTx { now: at(101), seen, next, to: vec![(receiver("chat"), Event::Escalation)] };
    store.escalate(escalate(seen, Some(at(200)))).await.unwrap();
    assert_eq!(waits_for(&store, "chat", 101), [(1, Event::Escalation)]);
    assert!(matches!(refused(store.escalate(escalate(seen, None)).await), StoreError::Conflict(_)), "once");
    // A decision changes nothing about when the next ones do.
    store.decide(approval(1, "bob", 1, RequestState::Pending)).await.unwrap();
    assert_eq!(store.escalating(at(199), 9).unwrap(), []);
    let next = store.escalating(at(200), 9).unwrap()[0];
    assert_eq!(next, Escalating { id: id(1), version: 2, since: at(200) });
    store.escalate(escalate(next, None)).await.unwrap();
    assert_eq!(store.escalating(at(9999), 9).unwrap(), []);
    assert_intact(&store);
}

#[tokio::test]
async fn a_decision_takes_the_place_of_one_that_counts_no_more() {
    let (_directory, store) = fresh();
    store.submit(submission(1)).await.unwrap();
    let first = store.decide(approval(1, "bob", 1, RequestState::Pending)).await.unwrap();
    store.decide(approval(1, "carol", 2, RequestState::Pending)).await.unwrap();
    let statement = statement("another decision of bob", at(1));
    let again = DecideTx { statement, instead_of: Some(first), ..approval(1, "bob", 3, RequestState::Pending) };
    let again = store.decide(again).await.unwrap();
    let decisions = store.request(id(1)).unwrap().unwrap().decisions;
    let kept: Vec<_> = decisions.iter().map(|decision| (decision.approver.as_str(), decision.entry)).collect();
    assert_eq!(kept, [("carol", again - 1), ("bob", again)]);
    assert_intact(&store);
}
