//! Approvals one stage after the other, and others who stand in.

use domain::{Approval, Event, UserName};
use request::{Grant, StateName};
use statement::{Act, Canonical as _, FetchStatement, RulingText};
use store::{StoredDecision, StoredRequest};

use super::harness::*;
use crate::{Error, Told, View};

/// Bob and dave lead; carol and bob are of `sre`; carol and backup are on duty.
const LEAD_THEN_SRE: &str = "root@staged-1";
const LEAD_OR_DUTY: &str = "1 of leads or duty after 15m";

fn names<'n>(users: impl IntoIterator<Item = &'n UserName>) -> Vec<&'n str> {
    users.into_iter().map(UserName::as_str).collect()
}

fn refusal(result: Result<View, Error>) -> String {
    match result {
        Ok(view) => panic!("it was taken: {}", view.state),
        Err(error) => {
            assert_eq!(error.reason(), "DECISION_REFUSED", "{error}");
            error.to_string()
        }
    }
}

impl World {
    /// Who has this in their inbox.
    async fn inboxes(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        for (user, name) in [(BOB, "bob"), (CAROL, "carol"), (DAVE, "dave")] {
            let session = self.login(user).await;
            let inbox = self.ca.list(&session, crate::Which::Inbox, crate::Liveness::Live, 9).unwrap();
            found.extend((!inbox.is_empty()).then_some(name));
        }
        found
    }

    /// What is told of an event.
    fn told_of(&self, event: Event) -> Vec<Told> {
        let notices = self.ca.notices(&"chat".parse().unwrap(), self.now(), 100).unwrap();
        let of_event = notices.into_iter().filter(|notice| notice.event == event);
        of_event.map(|notice| self.ca.tell(notice).unwrap_or_else(|e| panic!("{e}"))).collect()
    }

    /// What a fetch comes to when the store gives this back.
    fn grants(&self, stored: StoredRequest) -> Result<Grant, Error> {
        let signed = by(LAPTOP, &self.fetch_statement(stored.id, &[LEAD_THEN_SRE]));
        let fetch = statement::verify::<FetchStatement>(signed.text.as_bytes(), signed.signature.as_bytes()).unwrap();
        let record = self.ca.verified(stored.into())?;
        let (bundle, now) = (self.ca.bundle(), self.now());
        let today = record.rule_again(&bundle, &["staged-1".parse().unwrap()].into(), now)?;
        Ok(request::grant(&record.held(&today), &[], &fetch, bundle.judging(), now)?)
    }
}

#[tokio::test]
async fn the_next_group_is_asked_once_the_first_agreed() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    assert_eq!((names(&view.approvers), view.missing.as_str()), (vec!["bob", "dave"], LEAD_OR_DUTY));
    assert_eq!(world.inboxes().await, ["bob", "dave"]);
    let told = refusal(world.decide(&view, CAROL, Approval::Approve).await);
    assert_eq!(told, format!("carol is asked once {LEAD_OR_DUTY} has approved; approve again then"));

    let agreed = world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    assert_eq!((agreed.state, agreed.missing.as_str()), (StateName::Pending, "1 of sre"));
    assert_eq!(names(&agreed.approvers), ["bob", "carol"]);
    assert_eq!(world.inboxes().await, ["bob", "carol"]);
    assert_eq!(reason(world.fetch(view.stored.id, &[LEAD_THEN_SRE]).await), "NOT_GRANTED");
    let approved = world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    assert_eq!((approved.state, approved.missing.as_str()), (StateName::Approved, ""));
    assert!(world.fetch(view.stored.id, &[LEAD_THEN_SRE]).await.is_ok());
}

#[tokio::test]
async fn one_person_fills_one_slot_of_all_stages() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    let agreed = world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert_eq!(reason(world.decide(&view, BOB, Approval::Approve).await), "DECIDED_BEFORE");
    assert_eq!(names(&agreed.approvers), ["bob", "carol"]);
    assert_eq!(world.inboxes().await, ["carol"]);
}

#[tokio::test]
async fn whoever_is_asked_in_any_stage_denies_at_any_time() {
    for denies in [CAROL, DAVE] {
        let world = world().await;
        let view = world.asked(LEAD_THEN_SRE).await;
        assert_eq!(world.decide(&view, denies, Approval::Deny).await.unwrap().state, StateName::Denied);
    }
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    assert_eq!(world.decide(&view, BOB, Approval::Deny).await.unwrap().state, StateName::Denied);
}

#[tokio::test]
async fn those_of_the_next_stage_are_told_of_the_decision_that_opens_it() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    assert_eq!(names(&world.told_of(Event::Submit)[0].to), ["bob", "dave"]);
    world.clock.pass(10);
    world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    let opened = &world.told_of(Event::Decision)[0];
    let crate::About::Request(about) = &opened.about else { panic!("{opened:?}") };
    assert_eq!((names(&opened.to), about.missing.as_str()), (vec!["alice", "bob", "carol"], "1 of sre"));
    assert_eq!(opened.decision().map(|decided| decided.approver.as_str()), Some("dave"));
    world.clock.pass(10);
    world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    let told = world.told_of(Event::Decision);
    assert_eq!(told.iter().map(|told| names(&told.to)).collect::<Vec<_>>(), [["alice"], ["alice"]]);
}

#[tokio::test]
async fn others_stand_in_after_their_wait_and_are_told_once() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    world.clock.pass(899);
    assert_eq!((world.ca.escalate().await.unwrap(), world.inboxes().await), (0, vec!["bob", "dave"]));
    refusal(world.decide(&view, CAROL, Approval::Approve).await);
    world.clock.pass(1);
    assert_eq!(world.ca.escalate().await.unwrap(), 1);
    assert_eq!(world.inboxes().await, ["bob", "carol", "dave"]);
    let world = world.restart(Setup::default()).await;
    assert_eq!(world.ca.escalate().await.unwrap(), 0, "also after a restart");
    let told = &world.told_of(Event::Escalation)[..];
    assert_eq!(told.iter().map(|told| names(&told.to)).collect::<Vec<_>>(), [["carol"]]);
    let crate::About::Request(about) = &told[0].about else { panic!("{told:?}") };
    assert_eq!(names(&about.approvers), ["bob", "carol", "dave"]);

    let agreed = world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    assert_eq!(agreed.missing, "1 of sre");
    assert_eq!(world.decide(&view, BOB, Approval::Approve).await.unwrap().state, StateName::Approved);
    assert!(world.fetch(view.stored.id, &[LEAD_THEN_SRE]).await.is_ok());
}

#[tokio::test]
async fn who_only_stands_in_is_told_from_when_on() {
    let mut setup = Setup::default();
    setup.directory =
        setup.directory.replace("\"duty\"\nmembers = [\"carol\"", "\"duty\"\nmembers = [\"carol\", \"eve\"");
    setup.directory.push_str(&format!("[[user]]\nname = \"eve\"\nkeys = [\"{}\"]\n", public(&key(9))));
    let world = world_of(setup).await;
    let view = world.asked(LEAD_THEN_SRE).await;
    let mut decision = world.decision(&view, DAVE, Approval::Approve);
    decision.approver = "eve".parse().unwrap();
    let signed = by(9, &decision);
    let told = refusal(world.ca.decide(signed.text.as_bytes(), signed.signature.as_bytes()).await);
    let opens = "2026-03-01T12:15:00Z";
    assert_eq!(
        told,
        format!("members of `duty` stand in for others from {opens} on; until then those who are asked decide")
    );
}

#[tokio::test]
async fn nobody_is_told_to_stand_in_for_who_has_agreed_or_what_is_over() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    let over = world.asked(LEAD_THEN_SRE).await;
    world.decide(&over, DAVE, Approval::Deny).await.unwrap();
    world.clock.pass(900);
    assert_eq!(world.ca.escalate().await.unwrap(), 0);
    assert_eq!(world.told_of(Event::Escalation).len(), 0);
    assert_eq!(world.ca.store.escalating(world.now(), 9).unwrap(), [], "and nothing is looked at again");
}

#[tokio::test]
async fn an_approval_that_a_withdrawn_one_went_before_counts_no_more_and_can_be_given_again() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    let id = view.stored.id;
    world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    world.clock.pass(100);
    world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    world.act(DAVE, Act::Withdraw(id)).await.unwrap();
    let before = world.ca.view(id).unwrap();
    assert_eq!((before.state, before.missing.as_str()), (StateName::Pending, LEAD_OR_DUTY));
    world.clock.pass(100);
    let agreed = world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert_eq!((agreed.state, agreed.missing.as_str()), (StateName::Pending, "1 of sre"));
    assert_eq!(world.inboxes().await, ["carol"]);
    let again = world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    assert_eq!((again.state, again.stored.decisions.len()), (StateName::Approved, 2));
    assert!(world.fetch(id, &[LEAD_THEN_SRE]).await.is_ok());
}

/// Whoever writes the database may bring back what was withdrawn and put rows in another order.
#[tokio::test]
async fn no_order_of_rows_makes_an_early_approval_count() {
    let world = world().await;
    let view = world.asked(LEAD_THEN_SRE).await;
    let id = view.stored.id;
    world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    world.clock.pass(100);
    let early = world.decide(&view, CAROL, Approval::Approve).await.unwrap().stored.decisions[1].clone();
    world.act(DAVE, Act::Withdraw(id)).await.unwrap();
    world.act(CAROL, Act::Withdraw(id)).await.unwrap();
    world.clock.pass(61);
    let lead = world.decide(&view, BOB, Approval::Approve).await.unwrap().stored.decisions[0].clone();
    let approved = world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    let now = world.now();
    let with = |decisions: &[&StoredDecision]| {
        let decisions = decisions.iter().map(|decision| StoredDecision { time: now, ..(*decision).clone() }).collect();
        world.grants(StoredRequest { decisions, ..(*approved.stored).clone() })
    };
    let [_, late] = &approved.stored.decisions[..] else { panic!("two approvals") };
    assert!(with(&[&lead, late]).is_ok());
    assert!(with(&[&early, &lead, late]).is_ok(), "it does not stand in the way either");
    for decisions in [&[&lead, &early][..], &[&early, &lead], &[&lead], &[late, &lead]] {
        let refused = with(decisions).unwrap_err().to_string();
        assert!(refused.contains("lacks an approval from sre"), "{refused}");
    }
    let refused = with(&[&lead, &early]).unwrap_err().to_string();
    assert!(refused.contains("comes after one that is dated"), "{refused}");
}

#[tokio::test]
async fn todays_stages_count_beside_those_that_were_approved() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
    let stricter = |approve: &str| {
        let mut setup = Setup::default();
        setup.access = setup.access.replacen("approve = \"1 of sre\"", &format!("approve = \"{approve}\""), 1);
        setup
    };
    world.reload(&stricter("1 of sre then 1 of leads")).await;
    assert_eq!(reason(world.fetch(view.stored.id, &["root@web-1"]).await), "NOT_GRANTED");
    world.reload(&stricter("1 of sre or duty after 15m")).await;
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
}

#[tokio::test]
async fn who_stood_in_counts_only_as_long_as_todays_policy_lets_them() {
    let setup = |escalate: &str| {
        let mut setup = Setup::default();
        setup.access =
            setup.access.replacen("approve = \"1 of sre\"", &format!("approve = \"1 of sre\"\n{escalate}"), 1);
        setup.directory = setup.directory.replace("members = [\"carol\", \"backup\"]", "members = [\"dave\"]");
        setup
    };
    let world = world_of(setup("escalate = \"15m to duty\"")).await;
    let view = world.asked("root@web-1").await;
    let ruling = RulingText::parse(&view.stored.ruling).unwrap();
    let words = ruling.in_words().as_str();
    assert!(words.ends_with(", approved by 1 of sre or duty after 15m"), "{words}");
    world.clock.pass(900);
    let approved = world.decide(&view, DAVE, Approval::Approve).await.unwrap();
    assert_eq!(approved.state, StateName::Approved);
    let fetches = async |escalate: &str| {
        world.reload(&setup(escalate)).await;
        world.fetch(view.stored.id, &["root@web-1"]).await.is_ok()
    };
    assert!(fetches("escalate = \"15m to duty\"").await);
    assert!(fetches("escalate = \"5m to duty\"").await);
    assert!(!fetches("escalate = \"16m to duty\"").await);
    assert!(!fetches("escalate = \"15m to leads\"").await);
    assert!(!fetches("").await);
}
