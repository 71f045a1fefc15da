//! Break-glass: at once, told to everybody who reviews it, and a review owed.

use std::sync::Arc;

use domain::{Approval, Event, Extends, StopTarget};
use request::StateName;
use statement::{Act, BreakGlass, Rebind, RequestStatement};
use store::StoredReview;

use super::harness::*;
use crate::{About, Error, Liveness, Reviewed, Told, View, Which};

impl World {
    fn glass(&self, access: &str) -> RequestStatement {
        RequestStatement { break_glass: Some(BreakGlass), ..self.request(access, "10m") }
    }

    async fn break_glass(&self) -> View {
        self.submit(&self.glass("root@web-1")).await.unwrap_or_else(|e| panic!("{e}"))
    }

    async fn review(&self, view: &View, by: u8) -> Result<(), Error> {
        self.act(by, Act::Review(view.stored.id)).await
    }
}

fn owed(view: &View) -> bool {
    matches!(view.stored.review, Some(StoredReview::Owed { .. }))
}

#[tokio::test]
async fn it_opens_at_once_and_briefly_and_owes_a_review() {
    let world = world().await;
    let view = world.break_glass().await;
    assert_eq!((view.state, owed(&view)), (StateName::Approved, true));
    let window = view.stored.state.window().unwrap();
    assert_eq!(window.not_after.since(window.not_before).seconds(), 600);
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
    let seen = world.ca.get(&world.login(BOB).await, view.stored.id).unwrap();
    assert_eq!(seen.used.iter().map(|used| used.principal.as_str()).collect::<Vec<_>>(), ["root@web-1"]);
    let long = RequestStatement { window: "11m".parse().unwrap(), ..world.glass("root@web-1") };
    assert_eq!(reason(world.submit(&long).await), "POLICY_REFUSED");
    let later = RequestStatement { start: world.now().after("5m".parse().unwrap()), ..world.glass("root@web-1") };
    assert_eq!(reason(world.submit(&later).await), "WINDOW_INVALID");
    assert_eq!(reason(world.submit(&world.glass("root@two-1")).await), "POLICY_REFUSED", "no rule permits it there");
}

#[tokio::test]
async fn while_a_review_is_owed_the_next_takes_one_approval_and_never_more() {
    let world = world().await;
    let first = world.break_glass().await;
    let second = world.break_glass().await;
    assert_eq!((second.state, second.missing.as_str()), (StateName::Pending, "1 of sre"));
    assert_eq!(reason(world.fetch(second.stored.id, &["root@web-1"]).await), "NOT_GRANTED");
    let approved = world.decide(&second, BOB, Approval::Approve).await.unwrap();
    assert_eq!((approved.state, owed(&approved)), (StateName::Approved, true));
    assert!(world.fetch(second.stored.id, &["root@web-1"]).await.is_ok());
    world.review(&first, CAROL).await.unwrap();
    assert_eq!(world.break_glass().await.state, StateName::Pending, "the second is owed still");
    world.review(&second, CAROL).await.unwrap();
    assert_eq!(world.break_glass().await.state, StateName::Approved);
    assert!(world.fetch(second.stored.id, &["root@web-1"]).await.is_ok(), "a review takes nothing away");
}

#[tokio::test]
async fn of_two_at_once_one_is_free() {
    let world = world().await;
    let (one, other) = (world.glass("root@web-1"), world.glass("root@web-2"));
    let (one, other) = tokio::join!(world.submit(&one), world.submit(&other));
    let mut states = [one.unwrap().state, other.unwrap().state];
    states.sort();
    assert_eq!(states, [StateName::Pending, StateName::Approved]);
}

#[tokio::test]
async fn somebody_else_of_the_group_reviews_it_once_and_says_what_was_found() {
    let world = world().await;
    let ordinary = world.granted("root@web-1").await;
    assert_eq!(reason(world.act(BOB, Act::Review(ordinary)).await), "REVIEW_REFUSED");
    let view = world.break_glass().await;
    for by in [ALICE, ALICE_ADMIN, BACKUP, DAVE] {
        assert_eq!(reason(world.review(&view, by).await), "REVIEW_REFUSED", "{}", name(by));
    }
    let mute = statement::ActStatement { reason: None, ..world.act_statement(BOB, Act::Review(view.stored.id)) };
    let signed = by(BOB, &mute);
    let refused = world.ca.review(signed.text.as_bytes(), signed.signature.as_bytes()).await;
    assert_eq!(reason(refused), "REVIEW_REFUSED");
    world.review(&view, BOB).await.unwrap();
    assert_eq!(reason(world.review(&view, CAROL).await), "NOTHING_OWED");
    let reviewed = world.ca.view(view.stored.id).unwrap();
    assert!(
        matches!(&reviewed.stored.review, Some(StoredReview::Done { statement, .. }) if statement.text.contains("bob"))
    );
}

#[tokio::test]
async fn a_stop_ends_it_and_a_review_is_owed_all_the_same() {
    let world = world().await;
    let view = world.break_glass().await;
    world.act(CAROL, Act::Stop(StopTarget::Request(view.stored.id))).await.unwrap();
    assert_eq!(reason(world.fetch(view.stored.id, &["root@web-1"]).await), "NOT_GRANTED");
    let stopped = world.ca.view(view.stored.id).unwrap();
    assert_eq!((stopped.state, owed(&stopped)), (StateName::Stopped, true));
    assert_eq!(world.break_glass().await.state, StateName::Pending);
    world.review(&view, BOB).await.unwrap();
    for (target, refused) in [("host web-1", "HOST_STOPPED"), ("all", "ALL_STOPPED"), ("user alice", "USER_DISABLED")] {
        world.act(CAROL, Act::Stop(target.parse().unwrap())).await.unwrap();
        assert_eq!(reason(world.submit(&world.glass("root@web-1")).await), refused, "{target}");
        let entry = world.ca.stops().unwrap().last().unwrap().entry;
        world.act(CAROL, Act::Lift(entry)).await.unwrap();
    }
}

#[tokio::test]
async fn todays_rules_must_permit_it_still_and_the_approved_quorum_stands() {
    let world = world().await;
    let view = world.break_glass().await;
    let Setup { directory, access, hosts } = Setup::default();
    let with = |access: String| Setup { directory: directory.clone(), access, hosts: hosts.clone() };
    let longer = access.replace("10m reviewed by sre", "5m reviewed by admins");
    world.reload(&with(longer)).await;
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok(), "reviewed by others from now on");
    world.clock.pass(300);
    assert_eq!(
        reason(world.fetch(view.stored.id, &["root@web-1"]).await),
        "NOT_GRANTED",
        "cut to the longest of today"
    );
    let none = access.replace("break_glass = \"10m reviewed by sre\"\n", "");
    world.reload(&with(none)).await;
    assert_eq!(reason(world.fetch(view.stored.id, &["root@web-1"]).await), "POLICY_REFUSED");
    let ruled_out = format!("{access}\n[[require]]\nhosts = \"env=prod\"\nno_break_glass = true\n");
    world.reload(&with(ruled_out)).await;
    assert_eq!(reason(world.submit(&world.glass("root@web-1")).await), "POLICY_REFUSED");
    assert!(world.submit(&world.request("root@web-1", "30m")).await.is_ok(), "the ordinary path is open");
    world.review(&view, BOB).await.unwrap();
}

#[tokio::test]
async fn it_extends_nothing_and_is_not_extended_whatever_the_rule_says_of_extensions() {
    let setup = Setup::default();
    let access = setup.access.replace("approve = \"1 of sre\"\nmax", "approve = \"1 of sre\"\nextend = \"auto\"\nmax");
    let world = world_of(Setup { access, ..setup }).await;
    let ordinary = world.granted("root@web-1").await;
    let broken = world.break_glass().await.stored.id;
    let since = |id| world.ca.store.request(id).unwrap().unwrap().state.window().unwrap().not_before;
    let more =
        |asked: RequestStatement, id| RequestStatement { extends: Some(Extends { id, since: since(id) }), ..asked };
    for extension in [
        more(world.request("root@web-1", "10m"), broken),
        more(world.glass("root@web-1"), broken),
        more(world.glass("root@web-1"), ordinary),
    ] {
        let refused = world.submit(&extension).await.err().unwrap();
        assert_eq!(refused.reason(), "NOT_EXTENDABLE");
        assert!(refused.to_string().contains("break-glass extends nothing, and is not extended"), "{refused}");
    }
    let extension = world.submit(&more(world.request("root@web-1", "10m"), ordinary)).await.unwrap();
    assert_eq!((extension.state, extension.stored.review.is_none()), (StateName::Approved, true));
}

#[tokio::test]
async fn its_connecting_key_is_replaced_and_its_review_owed_all_the_same() {
    let world = world().await;
    let view = world.break_glass().await;
    let key = public(&key(OTHER_LAPTOP));
    world.act(ALICE, Act::Rebind(Rebind { id: view.stored.id, key })).await.unwrap();
    assert_eq!(reason(world.fetch(view.stored.id, &["root@web-1"]).await), "NOT_GRANTED");
    let fetch = by(OTHER_LAPTOP, &world.fetch_statement(view.stored.id, &["root@web-1"]));
    assert!(world.send_fetch(&fetch).await.is_ok());
    let rebound = world.ca.view(view.stored.id).unwrap();
    assert_eq!((owed(&rebound), rebound.used.len()), (true, 1));
    assert_eq!(world.break_glass().await.state, StateName::Pending);
}

#[tokio::test]
async fn an_approval_that_is_taken_back_before_any_certificate_owes_no_review() {
    let world = world().await;
    let first = world.break_glass().await;
    let second = world.break_glass().await;
    world.decide(&second, BOB, Approval::Approve).await.unwrap();
    world.act(BOB, Act::Withdraw(second.stored.id)).await.unwrap();
    let waits = world.ca.view(second.stored.id).unwrap();
    assert_eq!((waits.state, waits.stored.review.is_none()), (StateName::Pending, true));
    assert_eq!(reason(world.review(&second, CAROL).await), "NOTHING_OWED");
    world.review(&first, CAROL).await.unwrap();
    assert_eq!(world.break_glass().await.state, StateName::Approved);
    let again = world.decide(&second, CAROL, Approval::Approve).await.unwrap();
    assert_eq!((again.state, owed(&again)), (StateName::Approved, true));
}

#[tokio::test]
async fn without_anybody_else_to_review_it_is_refused() {
    let world = world().await;
    let setup = Setup::default();
    let directory = setup.directory.replace("members = [\"bob\", \"carol\", ", "members = [");
    world.reload(&Setup { directory, ..setup }).await;
    assert_eq!(reason(world.submit(&world.glass("root@web-1")).await), "POLICY_REFUSED");
}

#[tokio::test]
async fn it_is_in_the_inbox_of_those_who_may_review_it_and_of_nobody_else() {
    let world = world().await;
    let view = world.break_glass().await;
    let listed = |session: &crate::Session, which| {
        world.ca.list(session, which, Liveness::Live, 9).unwrap().into_iter().map(|v| v.stored.id).collect::<Vec<_>>()
    };
    let (alice, bob, dave) = (world.login(ALICE).await, world.login(BOB).await, world.login(DAVE).await);
    let this = vec![view.stored.id];
    assert_eq!((listed(&bob, Which::Inbox), listed(&alice, Which::Inbox)), (this.clone(), vec![]));
    assert_eq!((listed(&alice, Which::Owed), listed(&dave, Which::Owed)), (this.clone(), vec![]));
    assert_eq!(reason(world.ca.get(&dave, view.stored.id)), "NO_SUCH_REQUEST");
    world.clock.pass(3600);
    let bob = world.login(BOB).await;
    assert_eq!((listed(&bob, Which::Inbox), listed(&bob, Which::Owed)), (this.clone(), this), "also when it is over");
    assert!(world.ca.watched(&bob, Which::Inbox, view.stored.id).unwrap().is_some());
    world.review(&view, CAROL).await.unwrap();
    assert_eq!((listed(&bob, Which::Inbox), listed(&bob, Which::Owed)), (vec![], vec![]));
}

#[tokio::test]
async fn it_is_explained_as_it_was_ruled_on() {
    let world = world().await;
    let (first, second) = (world.break_glass().await, world.break_glass().await);
    let session = world.login(ALICE).await;
    for (view, people) in [(&first, 0), (&second, 1)] {
        let explained = world.ca.explain(&session, view.stored.id).unwrap().explanation;
        let [rule] = explained.rules.as_slice() else { panic!("{explained:?}") };
        assert_eq!(rule.whole.quorum.as_ref().map(domain::Quorum::people), Some(people));
    }
}

#[tokio::test]
async fn a_review_that_the_store_made_up_is_seen() {
    let world = world().await;
    let view = world.break_glass().await;
    let signed = by(BOB, &world.act_statement(BOB, Act::Review("00000-00001".parse().unwrap())));
    let statement = ledger::SignedText { text: signed.text, signature: signed.signature.as_bytes().to_vec() };
    let made_up = Some(StoredReview::Done { entry: 1, time: world.now(), statement });
    let stored = store::StoredRequest { review: made_up, ..(*view.stored).clone() };
    assert_eq!(world.ca.verified(Arc::new(stored)).err().map(|error| error.reason()), Some("STORE_TAMPERED"));
}

fn to(told: &Told) -> Vec<&str> {
    told.to.iter().map(domain::UserName::as_str).collect()
}

#[tokio::test]
async fn everybody_in_the_group_is_told_and_later_of_the_review() {
    let world = world().await;
    let view = world.break_glass().await;
    let told = world.told("chat");
    let [broken] = told.as_slice() else { panic!("told once, by one name: {told:?}") };
    let group = ["alice", "alice-admin", "backup", "bob", "carol"];
    assert_eq!((broken.notice.event, to(broken)), (Event::BreakGlass, group.to_vec()));
    assert_eq!(world.told("audit"), [], "it wants decisions alone");
    world.clock.pass(60);
    world.review(&view, BOB).await.unwrap();
    let told = world.told("chat");
    let [_, reviewed] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((reviewed.notice.event, to(reviewed)), (Event::Review, group.to_vec()));
    let About::Request(about) = &reviewed.about else { panic!("{reviewed:?}") };
    let found = Some("tests".parse().unwrap());
    assert_eq!(about.reviewed, Some(Reviewed { reviewer: name(BOB), time: world.now(), found }));
}
