//! What administrators take away at once, and hosts that join their pools.

use domain::{Amendment, Approval};
use request::StateName;
use statement::Act;

use super::harness::*;
use crate::{Bundle, FromFiles};

fn amend(verb: &str, target: &str) -> Act {
    Act::Amend(Amendment::parse(verb, target).unwrap())
}

/// The usual world, with a pool of hosts and somebody who may add to it.
fn with_pool() -> FromFiles {
    let mut files = Setup::default().files();
    files.hosts.text.push_str("[[pool]]\nname = \"auto-*\"\nlabels = { env = \"dev\" }\n");
    files.directory.text.push_str("[[group]]\nname = \"scalers\"\nmembers = [\"dave\"]\nrights = [\"hosts\"]\n");
    FromFiles { bundle: Bundle::load(&files).unwrap_or_else(|m| panic!("{m}")), signatures: Vec::new() }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let world = world().await;
    let session = world.login(ALICE).await;
    let granted = world.granted("root@web-1").await;
    let pending = world.asked("root@web-2").await.stored.id;
    let issued = world.fetch(granted, &["root@web-1"]).await.unwrap();
    let serial = issued.certificates[0].1.serial();

    let signed = by(CAROL, &world.act_statement(CAROL, amend("disable-user", "alice")));
    let done = world.ca.amend(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap();
    assert_eq!(done.ended.sessions, 1);
    assert_eq!(done.ended.requests, [granted, pending]);
    assert_eq!(done.ended.revoked.iter().map(|revoked| revoked.serial).collect::<Vec<_>>(), [serial]);
    assert!(world.ca.gate().pass(&issued.leaving).is_err(), "it had not left yet");

    for id in [granted, pending] {
        assert_eq!(world.ca.view(id).unwrap().state, StateName::Stopped);
    }
    assert!(world.fetch(granted, &["root@web-1"]).await.is_err());
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "USER_DISABLED");
    assert_eq!(session.user(), &name(ALICE));
    // It lasts: across a restart, and over files that still have her.
    let world = world.restart(Setup::default()).await;
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "USER_DISABLED");
    let again = by(CAROL, &world.act_statement(CAROL, amend("disable-user", "alice")));
    assert_eq!(
        reason(world.ca.amend(again.text.as_bytes(), again.signature.as_bytes()).await.map(drop)),
        "NOT_AMENDABLE"
    );
}

#[tokio::test]
async fn an_approval_by_somebody_who_was_disabled_since_counts_no_more() {
    let world = world().await;
    let granted = world.granted("root@web-1").await;
    let waits = world.asked("root@two-1").await;
    world.decide(&waits, BOB, Approval::Approve).await.unwrap();
    world.act(CAROL, amend("disable-user", "bob")).await.unwrap();
    assert_eq!(reason(world.fetch(granted, &["root@web-1"]).await), "NOT_GRANTED");
    let after = world.decide(&waits, CAROL, Approval::Approve).await.unwrap();
    assert_eq!(after.state, StateName::Pending, "bob's place is open again");
}

#[tokio::test]
async fn a_key_that_was_removed_signs_nothing() {
    let world = world().await;
    let granted = world.granted("root@web-1").await;
    let key = public(&key(ALICE)).fingerprint();
    world.act(CAROL, amend("remove-key", &format!("alice {key}"))).await.unwrap();
    assert_eq!(reason(world.fetch(granted, &["root@web-1"]).await), "NOT_GRANTED");
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "UNKNOWN_KEY");
}

#[tokio::test]
async fn a_host_that_was_removed_opens_no_more() {
    let world = world().await;
    let granted = world.granted("root@web-1").await;
    world.act(CAROL, amend("remove-host", "web-1")).await.unwrap();
    assert!(world.fetch(granted, &["root@web-1"]).await.is_err());
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "POLICY_REFUSED");
    assert!(world.submit(&world.request("root@web-2", "30m")).await.is_ok());
}

#[tokio::test]
async fn only_those_with_the_right_amend() {
    let world = world().await;
    world.ca.reload(with_pool()).await.unwrap();
    for (who, verb, target) in [
        (BOB, "disable-user", "alice"),
        (DAVE, "disable-user", "alice"),
        (DAVE, "remove-host", "web-1"),
        (BOB, "add-host", "auto-1 192.0.2.1 22"),
    ] {
        assert_eq!(reason(world.act(who, amend(verb, target)).await), "NO_RIGHT", "{verb} {target}");
    }
    world.act(DAVE, amend("add-host", "auto-1 192.0.2.1 22")).await.unwrap();
    world.act(DAVE, amend("remove-host", "auto-1")).await.unwrap();
}

#[tokio::test]
async fn a_host_joins_its_pool_and_leaves_it_again() {
    let world = world().await;
    world.ca.reload(with_pool()).await.unwrap();
    assert_eq!(reason(world.act(CAROL, amend("add-host", "other-1 192.0.2.1 22")).await), "NOT_AMENDABLE");
    assert_eq!(reason(world.submit(&world.request("root@auto-1", "30m")).await), "POLICY_REFUSED");
    world.act(DAVE, amend("add-host", "auto-1 192.0.2.1 22")).await.unwrap();
    let granted = world.asked("root@auto-1").await;
    assert_eq!(granted.state, StateName::Approved, "the pool's label opens it by `dev-auto`");
    drop(world.fetch(granted.stored.id, &["root@auto-1"]).await.unwrap());
    world.act(DAVE, amend("remove-host", "auto-1")).await.unwrap();
    assert!(world.fetch(granted.stored.id, &["root@auto-1"]).await.is_err());
    world.act(DAVE, amend("add-host", "auto-1 192.0.2.9 22")).await.unwrap();
    assert_eq!(world.ca.bundle().amendments().count(), 1);
}

#[tokio::test]
async fn what_was_taken_away_comes_back_only_after_a_bundle_without_it() {
    let world = world().await;
    world.act(CAROL, amend("disable-user", "dave")).await.unwrap();
    let with = |directory: String, note: &str| {
        let mut files = Setup { directory, ..Setup::default() }.files();
        files.access.text.push_str(&format!("# {note}\n"));
        FromFiles { bundle: Bundle::load(&files).unwrap_or_else(|m| panic!("{m}")), signatures: Vec::new() }
    };
    let dave = name(DAVE);
    let usual = Setup::default().directory;
    world.ca.reload(with(usual.clone(), "still has dave")).await.unwrap();
    assert!(world.ca.bundle().directory().is_disabled(&dave));
    let caught_up = usual.replace("name = \"dave\"\n", "name = \"dave\"\ndisabled = true\n");
    world.ca.reload(with(caught_up, "dave is disabled")).await.unwrap();
    assert_eq!(world.ca.bundle().amendments().count(), 0);
    world.ca.reload(with(usual, "dave is back")).await.unwrap();
    assert!(!world.ca.bundle().directory().is_disabled(&dave));
}
