//! Extensions: what they go on from, how long in all, and what they end with.

use domain::{Approval, Extends, RequestId, UnixTime};
use request::StateName;
use statement::{Act, Canonical as _, RequestStatement, RulingText};
use store::{RequestState, StoredRequest};

use super::harness::*;
use super::tampered::{granted, text, window};
use crate::{Error, View};

/// What is wrong with an extension.
type Slip<'a> = &'a dyn Fn(&mut RequestStatement);

/// `dev-root` is extended without asking anybody, `dev-two` by one of the two, and the others by as many as ever.
fn setup() -> Setup {
    let usual = Setup::default();
    let access = usual.access.replace("approve = \"1 of sre\"\nmax", "approve = \"1 of sre\"\nextend = \"auto\"\nmax");
    let access = access.replace("approve = \"2 of sre\"", "approve = \"2 of sre\"\nextend = \"1 of sre\"");
    Setup { access, ..usual }
}

/// What alice would sign to go on under a grant from its end.
fn extension(world: &World, of: RequestId, window: &str) -> RequestStatement {
    let stored = world.ca.store.request(of).unwrap().unwrap();
    let before = statement::verify::<RequestStatement>(stored.statement.text.as_bytes(), &stored.statement.signature);
    let before = before.unwrap();
    let RequestState::Approved(open) = stored.state else { panic!("a grant") };
    let since = before.statement().extends.map_or(open.not_before, |extends| extends.since);
    RequestStatement {
        header: world.header(),
        start: Some(open.not_after),
        window: window.parse().unwrap(),
        extends: Some(Extends { id: of, since }),
        ..before.statement().clone()
    }
}

async fn extended(world: &World, of: RequestId, window: &str) -> Result<View, Error> {
    world.submit(&extension(world, of, window)).await
}

fn told<T>(result: Result<T, Error>) -> String {
    result.err().unwrap().to_string()
}

fn open(view: &View) -> (u64, u64) {
    let RequestState::Approved(window) = view.stored.state else { panic!("a grant") };
    (window.not_before.seconds() - NOON, window.not_after.seconds() - NOON)
}

fn stop(id: RequestId) -> Act {
    Act::Stop(format!("request {id}").parse().unwrap())
}

#[tokio::test]
async fn windows_join_and_the_longest_counts_from_the_first_second() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    world.clock.pass(600);
    let second = extended(&world, first, "20m").await.unwrap();
    assert_eq!((second.state, open(&second)), (StateName::Approved, (1800, 3000)));
    let id = second.stored.id;
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "NOT_GRANTED", "it has not begun");
    world.clock.pass(1300);
    assert_eq!(reason(world.fetch(first, &["root@web-1"]).await), "NOT_GRANTED", "it is over");
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());

    let refused = told(extended(&world, id, "11m").await);
    assert!(refused.ends_with("at most 10m more: ask for that, or anew"), "{refused}");
    let third = extended(&world, id, "10m").await.unwrap();
    assert_eq!(open(&third), (3000, 3600));
    world.clock.pass(1500);
    assert!(world.fetch(third.stored.id, &["root@web-1"]).await.is_ok());
    let refused = told(extended(&world, third.stored.id, "1m").await);
    assert!(refused.ends_with("nothing is left of that: ask anew"), "{refused}");
}

#[tokio::test]
async fn what_is_extended_must_be_the_same_and_still_there() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    let wrong = |change: &dyn Fn(&mut RequestStatement)| {
        let mut said = extension(&world, first, "5m");
        change(&mut said);
        said
    };
    let cases: [(Slip<'_>, &str); 6] = [
        (&|said| said.access = "root@web-2".parse().unwrap(), "that is for another login or other hosts"),
        (&|said| said.access = "self@web-1".parse().unwrap(), "that is for another login or other hosts"),
        (&|said| said.command = "/bin/true".parse().ok(), "that is for another command, or for none"),
        (&|said| said.connecting_key = public(&key(51)), "; ask for the same"),
        (&|said| said.start = UnixTime::new(NOON + 1801).ok(), "; begin then at the latest"),
        (
            &|said| said.extends = Some(Extends { id: first, since: UnixTime::new(NOON + 1).unwrap() }),
            "it counts from 2026-03-01T12:00:01Z, and that from 2026-03-01T12:00:00Z",
        ),
    ];
    for (change, why) in cases {
        let error = world.submit(&wrong(change)).await.err().unwrap();
        assert!(error.reason() == "NOT_EXTENDABLE" && error.to_string().ends_with(why), "{error}");
    }
    let stranger = Extends { id: "0000000001".parse().unwrap(), since: world.now() };
    assert_eq!(reason(world.submit(&wrong(&|said| said.extends = Some(stranger))).await), "NO_SUCH_REQUEST");

    let pending = world.asked("root@web-2").await.stored.id;
    let of_pending = wrong(&|said| said.extends = Some(Extends { id: pending, since: UnixTime::new(NOON).unwrap() }));
    assert!(told(world.submit(&of_pending).await).starts_with(&format!("request {pending} is pending, so there is")));
    world.clock.pass(1800);
    let refused = told(extended(&world, first, "5m").await);
    let next = "so there is nothing to extend; ask anew: hallpass request root@web-1 --for DURATION -m REASON";
    assert_eq!(refused, format!("request {first} is expired, {next}"));
}

#[tokio::test]
async fn grants_for_some_certificates_are_not_extended() {
    let world = world_of(setup()).await;
    let mut asked = world.request("root@web-1", "30m");
    asked.uses = std::num::NonZeroU32::new(1);
    let view = world.submit(&asked).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let refused = told(extended(&world, view.stored.id, "5m").await);
    assert!(refused.ends_with("that is limited to some certificates, which an extension would count anew; ask anew"));
}

#[tokio::test]
async fn an_extension_that_is_approved_late_ends_no_later_than_its_rule_allows() {
    let usual = Setup::default();
    let access = usual.access.replace("max = \"1h\"", "max = \"40m\"");
    let world = world_of(Setup { access, ..usual }).await;
    let first = world.granted("root@web-1").await;
    let view = extended(&world, first, "10m").await.unwrap();
    assert_eq!(view.state, StateName::Pending, "it takes what a new request takes");
    let words = RulingText::parse(&view.stored.ruling).unwrap().in_words().to_string();
    assert!(
        words.contains(&format!("for at most 40m from 2026-03-01T12:00:00Z on, as it extends {first}, ")),
        "{words}"
    );
    world.clock.pass(2000);
    let approved = world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    assert_eq!(open(&approved), (2000, 2400), "ten minutes would be more than 40 in all");
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());

    // It stands by itself: who approved the first one counts no more.
    let again = Setup::default();
    let left = again.directory.replace("members = [\"bob\", ", "members = [");
    world.reload(&Setup { directory: left, ..again }).await;
    world.clock.pass(100);
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
}

#[tokio::test]
async fn one_that_is_approved_too_late_has_no_window() {
    let usual = Setup::default();
    let access = usual.access.replace("max = \"1h\"", "max = \"40m\"");
    let world = world_of(Setup { access, ..usual }).await;
    let first = world.granted("root@web-1").await;
    let view = extended(&world, first, "10m").await.unwrap();
    world.clock.pass(2400);
    assert_eq!(world.decide(&view, CAROL, Approval::Approve).await.unwrap().state, StateName::Expired);
}

#[tokio::test]
async fn a_rule_that_got_shorter_cuts_an_extension_from_the_first_second_too() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    let second = extended(&world, first, "20m").await.unwrap().stored.id;
    let shorter = setup();
    world.reload(&Setup { access: shorter.access.replace("max = \"1h\"", "max = \"35m\""), ..shorter }).await;
    world.clock.pass(1900);
    let issued = world.fetch(second, &["root@web-1"]).await.unwrap();
    assert_eq!(issued.certificates[0].1.valid_before().seconds(), NOON + 2100);
    world.clock.pass(200);
    assert_eq!(reason(world.fetch(second, &["root@web-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn an_extension_rests_on_the_approvals_before_it() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    let second = extended(&world, first, "10m").await.unwrap().stored.id;
    world.clock.pass(1900);
    let third = extended(&world, second, "10m").await.unwrap().stored.id;
    assert!(world.fetch(second, &["root@web-1"]).await.is_ok());
    let left = setup();
    let left = Setup { directory: left.directory.replace("members = [\"bob\", ", "members = ["), ..left };
    world.reload(&left).await;
    let refused = told(world.fetch(second, &["root@web-1"]).await);
    let lacks = format!("rests on the approvals of {first}, and request {first} lacks an approval from sre: ");
    assert!(refused.starts_with(&format!("request {second} {lacks}")), "{refused}");
    let refused = told(extended(&world, second, "5m").await);
    assert!(refused.contains(&format!("and request {first} lacks an approval from sre: ")), "{refused}");
    world.reload(&setup()).await;
    world.clock.pass(500);
    assert!(world.fetch(third, &["root@web-1"]).await.is_ok());
    // Where the rule does not say so any more, what nobody approved is nothing.
    world.reload(&Setup::default()).await;
    assert_eq!(reason(world.fetch(third, &["root@web-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn fewer_approvals_than_a_new_request_takes_count_with_those_before() {
    let world = world_of(setup()).await;
    let view = world.asked("root@two-1").await;
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    let more = extended(&world, view.stored.id, "20m").await.unwrap();
    assert_eq!((more.state, more.missing.as_str()), (StateName::Pending, "1 of sre"));
    world.decide(&more, CAROL, Approval::Approve).await.unwrap();
    world.clock.pass(1800);
    assert!(world.fetch(more.stored.id, &["root@two-1"]).await.is_ok());
    let left = setup();
    let left = Setup { directory: left.directory.replace("members = [\"bob\", ", "members = ["), ..left };
    world.reload(&left).await;
    assert_eq!(reason(world.fetch(more.stored.id, &["root@two-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn an_extension_ends_with_what_it_extends() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    let second = extended(&world, first, "10m").await.unwrap().stored.id;
    world.act(ALICE, Act::GiveBack(first)).await.unwrap();
    assert_eq!(world.ca.view(second).unwrap().state, StateName::GivenBack);

    let first = world.granted("root@web-1").await;
    let second = extended(&world, first, "10m").await.unwrap().stored.id;
    world.act(BOB, Act::Withdraw(first)).await.unwrap();
    assert_eq!(world.ca.view(first).unwrap().state, StateName::Pending);
    assert_eq!(world.ca.view(second).unwrap().state, StateName::Stopped);

    // One that begins at once gives certificates by the first one's approvals: these are used.
    let first = world.granted("root@web-1").await;
    let mut at_once = extension(&world, first, "10m");
    at_once.start = None;
    let second = world.submit(&at_once).await.unwrap().stored.id;
    drop(world.fetch(second, &["root@web-1"]).await.unwrap());
    assert_eq!(reason(world.act(BOB, Act::Withdraw(first)).await), "APPROVAL_USED");
}

#[tokio::test]
async fn a_stop_covers_what_extends_it_also_when_its_own_window_is_over() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    let second = extended(&world, first, "20m").await.unwrap().stored.id;
    world.clock.pass(2000);
    let third = extended(&world, second, "10m").await.unwrap().stored.id;
    let issued = world.fetch(second, &["root@web-1"]).await.unwrap();
    let serial = issued.certificates[0].1.serial();
    // Whoever approved the first may stop what lives of it.
    let signed = by(BOB, &world.act_statement(BOB, stop(first)));
    let done = world.ca.stop(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap().done;
    assert_eq!(done.requests, [second, third]);
    assert_eq!(done.revoked.iter().map(|revoked| revoked.serial).collect::<Vec<_>>(), [serial]);
    assert!(world.ca.gate().pass(&issued.leaving).is_err(), "nothing of it leaves");
    for id in [second, third] {
        assert_eq!(world.ca.view(id).unwrap().state, StateName::Stopped);
    }
    assert_eq!(reason(world.act(BOB, stop(first)).await), "OVER");
}

#[tokio::test]
async fn a_line_of_extensions_that_rest_on_the_first_has_an_end() {
    let world = world_of(setup()).await;
    let mut last = world.granted("root@web-1").await;
    for _ in 0..request::MOST_EXTENDED {
        let mut said = extension(&world, last, "30m");
        said.start = None;
        last = world.submit(&said).await.unwrap().stored.id;
    }
    assert!(world.fetch(last, &["root@web-1"]).await.is_ok());
    let mut said = extension(&world, last, "30m");
    said.start = None;
    assert!(told(world.submit(&said).await).contains("it was extended 16 times"));
}

/// An approved request as whoever can write the database puts it there.
fn planted(world: &World, like: &StoredRequest, said: &RequestStatement, begins: u64, seconds: u64) -> StoredRequest {
    let ruling = RulingText::parse(&like.ruling).unwrap();
    let mut obligations = ruling.obligations().clone();
    obligations.extends = said.extends;
    let statement = text(ALICE, said);
    let ruling = RulingText::new(statement.digest(), *ruling.bundle(), obligations, None).unwrap();
    let ruling = ruling.encode();
    let id = RequestId::from_random(world.now().seconds());
    StoredRequest { id, statement, ruling, state: window(begins, seconds), decisions: vec![], ..like.clone() }
}

#[tokio::test]
async fn who_writes_the_database_extends_nothing_beyond_what_was_approved() {
    let world = world_of(setup()).await;
    let first = world.granted("root@web-1").await;
    world.clock.pass(600);
    let like = world.ca.store.request(extended(&world, first, "20m").await.unwrap().stored.id).unwrap().unwrap();
    let honest = extension(&world, first, "20m");
    world.clock.pass(1300);
    assert!(granted(&world, planted(&world, &like, &honest, NOON + 1800, 1200)).is_ok());

    // A beginning that is a lie, in the text that alice signs: it is not that of the grant.
    let mut late = honest.clone();
    late.extends = Some(Extends { id: first, since: UnixTime::new(NOON + 1200).unwrap() });
    assert_eq!(reason(granted(&world, planted(&world, &like, &late, NOON + 1800, 1200))), "NOT_GRANTED");
    // Asked when the grant was over.
    world.clock.pass(300);
    let mut over = honest.clone();
    over.header = world.header();
    over.start = None;
    assert_eq!(reason(granted(&world, planted(&world, &like, &over, NOON + 2200, 600))), "NOT_GRANTED");
    // A window beyond the longest.
    let mut long = honest.clone();
    long.window = "1h".parse().unwrap();
    let grant = granted(&world, planted(&world, &like, &long, NOON + 1800, 3600)).unwrap();
    assert_eq!(grant.window().not_after().seconds(), NOON + 3600);
    // A ruling that says that it extends nothing, so that the window counts from its own beginning.
    let mut alone = planted(&world, &like, &honest, NOON + 1800, 1200);
    let ruling = RulingText::parse(&alone.ruling).unwrap();
    let mut obligations = ruling.obligations().clone();
    (obligations.extends, obligations.rests) = (None, false);
    let ruling = RulingText::new(*ruling.request(), *ruling.bundle(), obligations, None).unwrap();
    alone.ruling = ruling.encode();
    assert_eq!(reason(granted(&world, alone)), "NOT_GRANTED");
}
