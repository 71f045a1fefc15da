//! What whoever can write the database gets of it: nothing that nobody signed for.

use domain::{Approval, Span, UnixTime};
use ledger::SignedText;
use request::{Grant, Held};
use statement::{FetchStatement, Header, ServerId, Statement};
use store::{RequestState, StoredDecision, StoredRequest, Window};

use super::harness::*;
use crate::Error;
use crate::extend::Before;

/// What a fetch comes to when the store gives this back.
pub(super) fn granted(world: &World, stored: StoredRequest) -> Result<Grant, Error> {
    let signed = by(LAPTOP, &world.fetch_statement(stored.id, &["root@web-1"]));
    let fetch = statement::verify::<FetchStatement>(signed.text.as_bytes(), signed.signature.as_bytes()).unwrap();
    let record = world.ca.verified(stored.into())?;
    let (bundle, now) = (world.ca.bundle(), world.now());
    let hosts = fetch.statement().pairs.iter().map(|pair| pair.host.clone()).collect();
    let today = record.rule_again(&bundle, &hosts, now)?;
    let before = world.ca.rests_on(&record.case(), &today, &bundle, &hosts, now)?;
    let rests_on: Vec<Held<'_>> = before.iter().map(Before::held).collect();
    Ok(request::grant(&record.held(&today), &rests_on, &fetch, bundle.judging(), now)?)
}

pub(super) fn text<S: Statement>(seed: u8, said: &S) -> SignedText {
    let signed = by(seed, said);
    SignedText { text: signed.text, signature: signed.signature.as_bytes().to_vec() }
}

fn elsewhere(header: Header) -> Header {
    let server = ServerId { name: "stage.example.com".parse().unwrap(), ..header.server.clone() };
    Header { server, ..header }
}

/// A window of so many seconds from there on.
pub(super) fn window(starts: u64, seconds: u64) -> RequestState {
    let at = |seconds| UnixTime::new(seconds).unwrap();
    RequestState::Approved(Window { not_before: at(starts), not_after: at(starts + seconds) })
}

#[tokio::test]
async fn what_was_signed_for_another_server_counts_nowhere_else() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let stored = world.ca.store.request(id).unwrap().unwrap();
    assert!(granted(&world, stored.clone()).is_ok());

    let view = world.ca.view(id).unwrap();
    let mut decision = world.decision(&view, BOB, Approval::Approve);
    decision.header = elsewhere(decision.header);
    let [approval] = &stored.decisions[..] else { panic!("one approval") };
    let approval = StoredDecision { statement: text(BOB, &decision), ..approval.clone() };
    let approved_there = StoredRequest { decisions: vec![approval], ..stored.clone() };
    assert_eq!(reason(granted(&world, approved_there)), "STORE_TAMPERED");

    let mut request = world.request("root@web-1", "30m");
    request.header = elsewhere(request.header);
    let asked_there = StoredRequest { statement: text(ALICE, &request), ..stored };
    assert_eq!(reason(granted(&world, asked_there)), "STORE_TAMPERED");
}

#[tokio::test]
async fn a_window_moves_no_further_than_what_was_signed() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let stored = world.ca.store.request(id).unwrap().unwrap();
    for (starts, seconds, counts) in
        [(NOON, 1800, true), (NOON - 60, 1800, true), (NOON - 61, 1800, false), (NOON, 1801, false)]
    {
        let moved = StoredRequest { state: window(starts, seconds), ..stored.clone() };
        assert_eq!(granted(&world, moved).is_ok(), counts, "{seconds} s from {starts}");
    }
    world.clock.pass(3600);
    let late = StoredRequest { state: window(NOON + 3600, 1800), ..stored.clone() };
    assert_eq!(reason(granted(&world, late.clone())), "NOT_GRANTED");

    // A decision that does not count moves nothing either.
    let view = world.ca.view(id).unwrap();
    let [approval] = &stored.decisions[..] else { panic!("one approval") };
    let of_nobody = text(LAPTOP, &world.decision(&view, BOB, Approval::Approve));
    let of_nobody = StoredDecision { statement: of_nobody, ..approval.clone() };
    let late = StoredRequest { decisions: vec![approval.clone(), of_nobody], ..late };
    assert_eq!(reason(granted(&world, late)), "NOT_GRANTED");
}

#[tokio::test]
async fn a_window_begins_no_earlier_than_was_asked() {
    let world = world().await;
    let mut asked = world.request("root@web-1", "30m");
    asked.start = world.now().after(Span::from_seconds(172_800).unwrap());
    let view = world.submit(&asked).await.unwrap();
    let id = world.decide(&view, BOB, Approval::Approve).await.unwrap().stored.id;
    let stored = world.ca.store.request(id).unwrap().unwrap();
    let early = StoredRequest { state: window(NOON, 1800), ..stored };
    assert_eq!(reason(granted(&world, early)), "NOT_GRANTED");
}

#[tokio::test]
async fn a_decision_is_not_moved_into_the_hours_of_its_approvers() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    world.clock.pass(900);
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let stored = world.ca.store.request(view.stored.id).unwrap().unwrap();
    let until_ten_past = "[[approver]]\ngroup = \"sre\"\nwhen = \"08:00-12:10 UTC\"\n";
    let usual = Setup::default();
    world.reload(&Setup { access: format!("{}{until_ten_past}", usual.access), ..usual }).await;
    let [approval] = &stored.decisions[..] else { panic!("one approval") };
    for taken in [approval.time, UnixTime::new(NOON).unwrap()] {
        let moved = StoredDecision { time: taken, ..approval.clone() };
        let moved = StoredRequest { decisions: vec![moved], ..stored.clone() };
        assert_eq!(reason(granted(&world, moved)), "NOT_GRANTED", "it was signed at a quarter past, noted at {taken}");
    }
}
