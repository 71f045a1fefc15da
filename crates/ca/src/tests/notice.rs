//! Telling receivers outside.

use domain::{Approval, Event};
use request::StateName;
use statement::{Act, Rebind};

use super::harness::*;
use crate::{About, AboutRequest, AboutStop, Bounds, Settled, Stands, Subject, Told};

impl World {
    /// What waits for a receiver, as it would be told now.
    pub(super) fn told(&self, receiver: &str) -> Vec<Told> {
        let notices = self.ca.notices(&receiver.parse().unwrap(), self.now(), 100).unwrap();
        notices.into_iter().map(|notice| self.ca.tell(notice).unwrap_or_else(|e| panic!("{e}"))).collect()
    }

    fn events(&self, receiver: &str) -> Vec<Event> {
        self.told(receiver).iter().map(|told| told.notice.event).collect()
    }
}

/// What is told of a request.
fn about(told: &Told) -> &AboutRequest {
    match &told.about {
        About::Request(about) => about,
        other => panic!("{other:?}"),
    }
}

/// What is told of a stop.
fn stop(told: &Told) -> &AboutStop {
    match &told.about {
        About::Stop(about) => about,
        other => panic!("{other:?}"),
    }
}

fn to(told: &Told) -> Vec<&str> {
    told.to.iter().map(domain::UserName::as_str).collect()
}

#[tokio::test]
async fn each_receiver_is_told_of_what_it_wants_and_of_no_certificate() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    drop(world.fetch(id, &["root@web-1"]).await.unwrap());
    let auto = world.asked("root@dev-1").await;
    let mut told = world.events("chat");
    told.sort();
    assert_eq!(told, [Event::Submit, Event::Submit, Event::Decision]);
    assert_eq!(world.events("audit"), [Event::Decision]);
    let opened =
        world.told("chat").into_iter().find(|told| told.notice.subject == Subject::Request(auto.stored.id)).unwrap();
    assert_eq!(
        (about(&opened).state, to(&opened).len()),
        (StateName::Approved, 0),
        "nobody has to do anything about it"
    );
}

#[tokio::test]
async fn approvers_are_told_what_waits_and_the_requester_what_was_decided() {
    let world = world().await;
    let view = world.asked("root@two-1").await;
    let submitted = &world.told("chat")[0];
    assert_eq!(to(submitted), ["bob", "carol"], "not the requester's other account, not a program");
    assert_eq!((about(submitted).missing.as_str(), submitted.decision()), ("2 of sre", None));
    world.clock.pass(5);
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert_eq!(to(&world.told("chat")[0]), ["carol"], "bob has decided, and is not asked again");
    world.clock.pass(5);
    world.decide(&view, CAROL, Approval::Deny).await.unwrap();

    let told = world.told("audit");
    let said: Vec<_> = told.iter().map(|told| told.decision().map(|d| (d.approver.as_str(), d.verdict))).collect();
    assert_eq!(said, [Some(("bob", Approval::Approve)), Some(("carol", Approval::Deny))]);
    assert!(told.iter().all(|told| to(told) == ["alice"] && about(told).state == StateName::Denied));
    let late = &world.told("chat")[0];
    assert_eq!(
        (late.notice.event, about(late).state, to(late).len()),
        (Event::Submit, StateName::Denied, 0),
        "told as it stands"
    );
}

#[tokio::test]
async fn a_decision_is_told_of_though_other_versions_came_before_it() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    let key = public(&key(OTHER_LAPTOP));
    world.act(ALICE, Act::Rebind(Rebind { id: view.stored.id, key })).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let told = world.told("audit");
    assert_eq!(told[0].decision().map(|decided| decided.approver.as_str()), Some("bob"));
    world.act(BOB, Act::Withdraw(view.stored.id)).await.unwrap();
    assert_eq!(world.told("audit")[0].decision(), None, "it stands no more");
}

#[tokio::test]
async fn the_end_of_a_wait_is_told_once_to_those_who_can_still_decide() {
    let world = world().await;
    let view = world.asked("root@two-1").await;
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    world.clock.pass(3600 - 601);
    assert_eq!(world.ca.remind().await.unwrap(), 0);
    world.clock.pass(1);
    assert_eq!(world.ca.remind().await.unwrap(), 1);
    let world = world.restart(Setup::default()).await;
    assert_eq!(world.ca.remind().await.unwrap(), 0, "also after a restart");
    let told = world.told("chat");
    let ending = told.iter().find(|told| told.notice.event == Event::Expiry).unwrap();
    assert_eq!((about(ending).state, to(ending)), (StateName::Pending, vec!["alice", "carol"]));
    assert_eq!(about(ending).pending_until, Some(view.stored.expires));
    assert!(!world.events("audit").contains(&Event::Expiry));
}

#[tokio::test]
async fn the_end_of_a_window_is_told_to_the_requester_unless_it_has_ended() {
    let world = world().await;
    world.granted("root@web-1").await;
    let back = world.granted("root@web-2").await;
    world.act(ALICE, Act::GiveBack(back)).await.unwrap();
    let short = world.submit(&world.request("root@dev-1", "15m")).await.unwrap();
    assert_eq!(short.state, StateName::Approved);
    world.clock.pass(1800 - 300);
    assert_eq!(world.ca.remind().await.unwrap(), 1);
    let ending: Vec<_> = world.told("chat").into_iter().filter(|told| told.notice.event == Event::Expiry).collect();
    assert_eq!((ending.len(), to(&ending[0])), (1, vec!["alice"]));
}

#[tokio::test]
async fn nobody_is_told_of_a_coming_end_that_has_come() {
    let world = world().await;
    world.asked("root@web-1").await;
    world.clock.pass(3600);
    assert_eq!(world.ca.remind().await.unwrap(), 1);
    assert_eq!(world.events("chat"), [Event::Submit]);
}

#[tokio::test]
async fn what_was_told_is_not_told_again() {
    let world = world().await;
    world.granted("root@web-1").await;
    let chat = "chat".parse().unwrap();
    for notice in world.ca.notices(&chat, world.now(), 100).unwrap() {
        world.ca.settle(notice, Settled::Over).await.unwrap();
    }
    let world = world.restart(Setup::default()).await;
    assert_eq!((world.events("chat").len(), world.events("audit").len()), (0, 1));
    let bounds = Bounds { receiver: "audit".parse().unwrap(), oldest: world.now(), latest: world.now(), most: 0 };
    assert_eq!((world.ca.prune(bounds.clone()).await.unwrap(), world.ca.waiting(&bounds).unwrap().all), (1, 0));
}

#[tokio::test]
async fn those_who_may_stop_are_told_of_stops_with_those_whom_they_hit() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    for (target, hit) in [
        (format!("request {id}"), vec!["alice", "carol"]),
        ("user bob".to_owned(), vec!["backup", "bob", "carol"]),
        ("host web-2".to_owned(), vec!["carol"]),
        ("all".to_owned(), vec!["carol"]),
    ] {
        world.clock.pass(1);
        world.act(CAROL, Act::Stop(target.parse().unwrap())).await.unwrap();
        let told = world.told("chat");
        let last = told.last().unwrap();
        assert_eq!((last.notice.event, to(last), stop(last).target.to_string()), (Event::Stop, hit, target));
        assert_eq!(stop(last).reason.as_ref().map(domain::Text::as_str), Some("tests"));
    }
    assert_eq!(world.events("audit"), [Event::Decision]);
}

#[tokio::test]
async fn a_stop_is_told_as_it_stands_and_its_lifting_too() {
    let world = world().await;
    world.act(CAROL, Act::Stop("host web-2".parse().unwrap())).await.unwrap();
    let entry = world.ca.stops().unwrap()[0].entry;
    assert_eq!((stop(&world.told("chat")[0]).stands, stop(&world.told("chat")[0]).stop), (Stands::UntilLifted, entry));
    world.clock.pass(1);
    world.act(CAROL, Act::Lift(entry)).await.unwrap();
    let world = world.restart(Setup::default()).await;
    let told = world.told("chat");
    let said: Vec<_> = told.iter().map(|told| (told.notice.event, stop(told).stands, stop(told).stop)).collect();
    assert_eq!(said, [(Event::Stop, Stands::Over, entry), (Event::Lift, Stands::Over, entry)], "it is over by now");
    let chat = "chat".parse().unwrap();
    for notice in world.ca.notices(&chat, world.now(), 100).unwrap() {
        world.ca.settle(notice, Settled::Over).await.unwrap();
    }
    assert_eq!(world.told("chat"), []);
}
