//! Programs as users: pinned to networks, and approving in their owner's place when they are marked.

use domain::Approval;
use request::StateName;
use statement::RequestStatement;

use super::harness::*;
use super::keys::options;
use crate::View;

/// Backup is bob's program; it is in `sre`, and also asks as `dev`.
fn setup(backup: &str) -> Setup {
    let Setup { directory, access, .. } = Setup::default();
    let directory = directory
        .replace("owner = \"bob\"", &format!("owner = \"bob\"\n{backup}"))
        .replace("members = [\"alice\"]", "members = [\"alice\", \"bob\", \"backup\"]");
    Setup { directory, access, ..Setup::default() }
}

async fn asked_by(world: &World, user: u8, access: &str) -> View {
    let said = RequestStatement { requester: name(user), ..world.request(access, "30m") };
    let signed = by(user, &said);
    world.ca.submit(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap_or_else(|e| panic!("{e}"))
}

fn approvers(view: &View) -> Vec<&str> {
    view.approvers.iter().map(domain::UserName::as_str).collect()
}

#[tokio::test]
async fn a_marked_program_fills_the_slot_of_its_owner() {
    let world = world_of(setup("approves = true")).await;
    let view = world.asked("root@two-1").await;
    assert_eq!(approvers(&view), ["backup", "bob", "carol"]);
    let once = world.decide(&view, BACKUP, Approval::Approve).await.unwrap();
    assert_eq!((once.state, once.missing.as_str()), (StateName::Pending, "1 of sre"));
    assert_eq!(reason(world.decide(&view, BOB, Approval::Approve).await), "DECIDED_BEFORE", "one person, one slot");
    world.decide(&view, CAROL, Approval::Approve).await.unwrap();
    assert_eq!(world.fetch(view.stored.id, &["root@two-1"]).await.unwrap().certificates.len(), 1);
}

#[tokio::test]
async fn a_program_decides_nothing_for_its_owner_nor_the_owner_for_it() {
    let world = world_of(setup("approves = true")).await;
    for (asks, decides) in [(BOB, BACKUP), (BACKUP, BOB), (BACKUP, BACKUP)] {
        let view = asked_by(&world, asks, "root@web-1").await;
        assert_eq!(approvers(&view), ["alice", "alice-admin", "carol"]);
        assert_eq!(reason(world.decide(&view, decides, Approval::Approve).await), "DECISION_REFUSED");
    }
}

#[tokio::test]
async fn an_approval_counts_no_more_when_the_mark_is_gone() {
    let world = world_of(setup("approves = true")).await;
    let view = world.asked("root@web-1").await;
    world.decide(&view, BACKUP, Approval::Approve).await.unwrap();
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
    world.reload(&setup("")).await;
    let refused = world.fetch(view.stored.id, &["root@web-1"]).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("backup is a service that approves nothing"), "{refused}");
}

#[tokio::test]
async fn where_a_program_is_pinned_is_in_its_certificates_and_judged_at_each() {
    let world = world_of(setup("source = [\"10.0.0.0/8\", \"2001:db8::/32\"]")).await;
    let id = asked_by(&world, BACKUP, "root@dev-1").await.stored.id;
    for (today, expected) in [
        ("source = [\"10.0.0.0/8\", \"2001:db8::/32\"]", "10.0.0.0/8,2001:db8::/32"),
        // What was asked for stays, however much more there is by now.
        ("", "10.0.0.0/8,2001:db8::/32"),
        ("source = [\"10.1.0.0/16\", \"192.0.2.0/24\"]", "10.1.0.0/16"),
    ] {
        world.reload(&setup(today)).await;
        world.clock.pass(1);
        let issued = world.fetch(id, &["root@dev-1"]).await.unwrap();
        assert_eq!(options(&issued), [("source-address".to_owned(), expected.to_owned())], "{today}");
    }
    world.reload(&setup("source = \"192.0.2.0/24\"")).await;
    assert_eq!(reason(world.fetch(id, &["root@dev-1"]).await), "NOT_GRANTED");
}
