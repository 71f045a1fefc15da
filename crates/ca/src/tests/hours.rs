//! Conditions on approvers: judged for the moment of the decision, when it arrives and at every fetch.

use domain::Approval;
use request::StateName;

use super::harness::*;
use crate::{Liveness, Which};

/// The clock begins at noon, 2026-03-01, a Sunday.
fn setup(entries: &str) -> Setup {
    let mut setup = Setup::default();
    setup.access.push_str(entries);
    setup
}

const UNTIL_TEN_PAST: &str = "[[approver]]\ngroup = \"sre\"\nwhen = \"08:00-12:10 UTC\"\n";
const FROM_TEN_PAST: &str = "[[approver]]\ngroup = \"sre\"\nwhen = \"12:10-18:00 UTC\"\n";

#[tokio::test]
async fn an_approval_outside_of_the_hours_does_not_count_and_says_when_one_would() {
    let world = world_of(setup(UNTIL_TEN_PAST)).await;
    let view = world.asked("root@web-1").await;
    world.clock.pass(600);
    let refused = world.decide(&view, BOB, Approval::Approve).await.err().unwrap();
    assert_eq!(refused.reason(), "DECISION_REFUSED");
    let told = "members of `sre` may not approve this at that time; they may from 2026-03-02T08:00:00Z on";
    assert_eq!(refused.to_string(), told);
    assert_eq!(reason(world.fetch(view.stored.id, &["root@web-1"]).await), "NOT_GRANTED");
    assert_eq!(world.decide(&view, BOB, Approval::Deny).await.unwrap().state, StateName::Denied, "a deny counts");
}

#[tokio::test]
async fn an_approval_inside_of_the_hours_still_counts_at_a_fetch_outside_of_them() {
    let world = world_of(setup(UNTIL_TEN_PAST)).await;
    let id = world.granted("root@web-1").await;
    world.clock.pass(1200);
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
}

#[tokio::test]
async fn todays_conditions_count_for_the_time_of_the_decision() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.clock.pass(900);
    world.reload(&setup(FROM_TEN_PAST)).await;
    let refused = world.fetch(id, &["root@web-1"]).await.err().unwrap().to_string();
    assert!(refused.contains("lacks an approval from sre: an approval no longer counts"), "{refused}");
    world.reload(&setup(UNTIL_TEN_PAST)).await;
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok(), "it was taken at noon");
    for elsewhere in ["for = \"admins\"", "hosts = \"env=two\"", "hosts = \"web-2\""] {
        world.reload(&setup(&format!("[[approver]]\ngroup = \"sre\"\n{elsewhere}\n"))).await;
        assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "NOT_GRANTED", "{elsewhere}");
    }
}

#[tokio::test]
async fn hosts_are_judged_as_far_as_they_are_fetched() {
    let world = world().await;
    let mut labels = setup("");
    labels.access = labels.access.replace("hosts = \"env=prod\"", "hosts = [\"web-1\", \"web-2\"]");
    world.reload(&labels).await;
    let view = world.submit(&world.request("root@web-1", "30m")).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let mut limited = labels.clone();
    limited.access.push_str("[[approver]]\ngroup = \"sre\"\nhosts = \"web-1\"\n");
    world.reload(&limited).await;
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
}

/// What people are shown is what deciding finds, whatever the conditions and the time.
#[tokio::test]
async fn who_is_shown_as_approver_is_who_can_approve() {
    let conditions = [
        "",
        UNTIL_TEN_PAST,
        FROM_TEN_PAST,
        "[[approver]]\ngroup = \"sre\"\nfor = \"dev\"\nhosts = \"env=prod\"\n",
        "[[approver]]\ngroup = \"sre\"\nfor = \"admins\"\nhosts = \"env=prod\"\n[[approver]]\ngroup = \"sre\"\nhosts = \"web-1\"\n",
        "[[approver]]\ngroup = \"admins\"\nhosts = \"web-2\"\n",
    ];
    let (mut shown_some, mut shown_none) = (0, 0);
    for entries in conditions {
        for (later, access) in [(0, "root@web-1"), (900, "root@web-1"), (900, "root@web-2")] {
            for approver in [ALICE, BOB, CAROL, ALICE_ADMIN, BACKUP, DAVE] {
                let world = world_of(setup("")).await;
                let view = world.asked(access).await;
                world.clock.pass(later);
                world.reload(&setup(entries)).await;
                let shown = world.ca.view(view.stored.id).unwrap().approvers.contains(&name(approver));
                let session = world.login(approver).await;
                let inbox = world.ca.list(&session, Which::Inbox, Liveness::Any, 10).unwrap();
                assert_eq!(inbox.len(), usize::from(shown), "{entries} {approver}: the inbox");
                let decided = world.decide(&view, approver, Approval::Approve).await;
                assert_eq!(decided.is_ok(), shown, "{entries} after {later}: {approver} on {access}");
                if shown { shown_some += 1 } else { shown_none += 1 }
            }
        }
    }
    assert!(shown_some > 10 && shown_none > 10, "{shown_some} {shown_none}");
}

#[tokio::test]
async fn who_may_not_approve_now_may_still_read_and_deny() {
    let world = world_of(setup(FROM_TEN_PAST)).await;
    let view = world.asked("root@web-1").await;
    let session = world.login(BOB).await;
    assert!(world.ca.list(&session, Which::Inbox, Liveness::Any, 10).unwrap().is_empty());
    assert!(world.ca.get(&session, view.stored.id).is_ok());
    world.clock.pass(600);
    assert_eq!(world.ca.list(&session, Which::Inbox, Liveness::Any, 10).unwrap().len(), 1);
}
