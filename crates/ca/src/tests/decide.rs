//! Deciding.

use domain::{Approval, Digest};
use request::StateName;

use super::harness::*;

#[tokio::test]
async fn one_approval_of_the_group_opens_the_window() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    world.clock.pass(600);
    let approved = world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert_eq!(approved.state, StateName::Approved);
    let store::RequestState::Approved(window) = approved.stored.state else { panic!("not approved") };
    assert_eq!(window.not_before.seconds(), NOON + 600, "a slow approval does not eat the window");
    assert_eq!(window.not_after.seconds(), NOON + 600 + 1800);
}

#[tokio::test]
async fn nobody_decides_on_their_own_request() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    for account in [ALICE, ALICE_ADMIN] {
        assert_eq!(reason(world.decide(&view, account, Approval::Approve).await), "DECISION_REFUSED");
    }
}

#[tokio::test]
async fn services_and_those_who_are_not_asked_do_not_decide() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    for account in [BACKUP, DAVE] {
        assert_eq!(reason(world.decide(&view, account, Approval::Approve).await), "DECISION_REFUSED");
    }
}

#[tokio::test]
async fn one_person_fills_one_slot() {
    let world = world().await;
    let view = world.asked("root@two-1").await;
    let once = world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert_eq!((once.state, once.missing.as_str()), (StateName::Pending, "1 of sre"));
    assert_eq!(reason(world.decide(&view, BOB, Approval::Approve).await), "DECIDED_BEFORE");
    let twice = world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    assert_eq!(twice.state, StateName::Approved);
}

#[tokio::test]
async fn one_deny_ends_it() {
    let world = world().await;
    let view = world.asked("root@two-1").await;
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert_eq!(world.decide(&view, CAROL, Approval::Deny).await.unwrap().state, StateName::Denied);
    assert_eq!(reason(world.fetch(view.stored.id, &["root@two-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn a_decision_counts_for_the_very_texts_it_was_made_over() {
    let world = world().await;
    let (view, other) = (world.asked("root@web-1").await, world.asked("root@web-2").await);
    let right = world.decision(&view, BOB, Approval::Approve);
    let wrong = [
        statement::DecisionStatement { id: other.stored.id, ..right.clone() },
        statement::DecisionStatement { request: Digest::of(b"other"), ..right.clone() },
        statement::DecisionStatement { ruling: Digest::of(b"other"), ..right.clone() },
    ];
    for decision in wrong {
        let signed = by(BOB, &decision);
        let result = world.ca.decide(signed.text.as_bytes(), signed.signature.as_bytes()).await;
        assert_eq!(reason(result), "DECISION_REFUSED");
    }
    assert_eq!(world.ca.view(view.stored.id).unwrap().state, StateName::Pending);
}

#[tokio::test]
async fn of_two_decisions_at_once_one_wins() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    let (approve, deny) = (
        by(BOB, &world.decision(&view, BOB, Approval::Approve)),
        by(CAROL, &world.decision(&view, CAROL, Approval::Deny)),
    );
    let (one, two) = tokio::join!(
        world.ca.decide(approve.text.as_bytes(), approve.signature.as_bytes()),
        world.ca.decide(deny.text.as_bytes(), deny.signature.as_bytes()),
    );
    let reasons: Vec<_> = [&one, &two].iter().filter_map(|r| r.as_ref().err()).map(crate::Error::reason).collect();
    assert_eq!(reasons.len(), 1, "one wins");
    assert!(["CHANGED_MEANWHILE", "WRONG_STATE"].contains(&reasons[0]), "{reasons:?}");
}

#[tokio::test]
async fn a_pending_request_dies_after_its_hour() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    world.clock.pass(3600);
    assert_eq!(reason(world.decide(&view, BOB, Approval::Approve).await), "WRONG_STATE");
    assert_eq!(world.ca.view(view.stored.id).unwrap().state, StateName::Expired);
    assert_eq!(world.ca.expire().await.unwrap(), 1);
    assert_eq!(world.ca.expire().await.unwrap(), 0);
    assert_eq!(world.ca.view(view.stored.id).unwrap().stored.state, store::RequestState::Expired);
}

#[tokio::test]
async fn a_decision_says_what_its_ruling_allows() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    let mut decision = world.decision(&view, BOB, Approval::Approve);
    decision.allows = "nothing at all".parse().unwrap();
    let signed = by(BOB, &decision);
    let result = world.ca.decide(signed.text.as_bytes(), signed.signature.as_bytes()).await;
    assert_eq!(reason(result), "DECISION_REFUSED");
}
