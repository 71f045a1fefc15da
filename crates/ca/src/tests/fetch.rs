//! Fetching certificates.

use std::collections::BTreeSet;

use domain::{Approval, Extension};
use statement::{Act, RequestStatement};

use super::harness::*;

#[tokio::test]
async fn a_grant_gives_a_certificate_for_one_login_on_one_host() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    let [(pair, certificate)] = &issued.certificates[..] else { panic!("one pair, one certificate") };
    assert_eq!(pair.to_string(), "root@web-1");
    assert_eq!(certificate.principals().iter().map(ToString::to_string).collect::<Vec<_>>(), ["root@web-1"]);
    assert_eq!(certificate.valid_after().seconds(), NOON - 30);
    assert_eq!(certificate.valid_before().seconds(), NOON + 300);
    assert_eq!(certificate.extensions().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), ["permit-pty"]);
    assert_eq!(certificate.key_id(), format!("hallpass:{id}:alice:{}", NOON + 1800));
    let entry = world.ca.store.entries(certificate.serial().get(), 1).unwrap().remove(0);
    assert!(matches!(entry.payload, ledger::Payload::Certificate { request, .. } if request == id));
}

#[tokio::test]
async fn a_certificate_never_outlives_the_window() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.clock.pass(1700);
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    assert_eq!(issued.certificates[0].1.valid_before().seconds(), NOON + 1800);
    world.clock.pass(100);
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn a_repeated_fetch_gets_the_certificate_of_the_same_entry() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let signed = by(LAPTOP, &world.fetch_statement(id, &["root@web-1"]));
    let first = world.send_fetch(&signed).await.unwrap();
    let size = world.ca.checkpoint().checkpoint.size;
    world.clock.pass(30);
    let again = world.send_fetch(&signed).await.unwrap();
    assert_eq!(first.certificates[0].1.to_openssh(), again.certificates[0].1.to_openssh());
    assert_eq!(world.ca.checkpoint().checkpoint.size, size, "no entry was written");
    world.clock.pass(31);
    assert_eq!(reason(world.send_fetch(&signed).await), "STATEMENT_STALE");
}

#[tokio::test]
async fn a_repeated_fetch_passes_every_check_again() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let signed = by(LAPTOP, &world.fetch_statement(id, &["root@web-1"]));
    assert!(world.send_fetch(&signed).await.is_ok());
    world.act(ALICE, Act::GiveBack(id)).await.unwrap();
    assert_eq!(reason(world.send_fetch(&signed).await), "NOT_GRANTED");
}

#[tokio::test]
async fn only_the_connecting_key_fetches_and_only_what_was_granted() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    for signer in [ALICE, BOB, 99] {
        let signed = by(signer, &world.fetch_statement(id, &["root@web-1"]));
        assert_eq!(reason(world.send_fetch(&signed).await), "NOT_GRANTED");
    }
    for pair in ["root@web-2", "alice@web-1", "root@unknown"] {
        assert_eq!(reason(world.fetch(id, &[pair]).await), "NOT_GRANTED");
    }
    let pending = world.asked("root@web-2").await;
    assert_eq!(reason(world.fetch(pending.stored.id, &["root@web-2"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn a_plain_realm_has_a_ca_of_its_own_and_its_ruling_says_so() {
    let world = world().await;
    let view = world.asked("root@old-1").await;
    assert!(
        view.stored.ruling.contains("ALL 2 hosts of realm legacy") || {
            let ruling = <statement::RulingText as statement::Canonical>::parse(&view.stored.ruling).unwrap();
            ruling.in_words().as_str().contains("ALL 2 hosts of realm legacy")
        }
    );
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let issued = world.fetch(view.stored.id, &["root@old-1"]).await.unwrap();
    let certificate = &issued.certificates[0].1;
    assert_eq!(certificate.principals().iter().map(ToString::to_string).collect::<Vec<_>>(), ["root"]);
    assert_ne!(certificate.ca_key(), world.ca.signers().scoped_key());
}

/// What changes after the approval counts at issue.
#[tokio::test]
async fn approvals_and_rules_are_judged_as_of_now() {
    let changes: [(&str, &str, &str); 6] = [
        ("the approver left the group", "members = [\"bob\", \"carol\"", "members = [\"carol\""),
        ("the approver is disabled", "name = \"bob\"\n", "name = \"bob\"\ndisabled = true\n"),
        ("the requester is disabled", "login = \"alice\"", "login = \"alice\"\ndisabled = true"),
        ("the requester left the group", "members = [\"alice\"]", "members = [\"dave\"]"),
        ("the rule is gone", "name = \"dev-root\"", "name = \"dev-other\""),
        (
            "the rule asks for more people",
            "approve = \"1 of sre\"\nmax = \"1h\"\nttl = \"5m\"\nallow",
            "approve = \"2 of sre\"\nmax = \"1h\"\nttl = \"5m\"\nallow",
        ),
    ];
    for (what, from, to) in changes {
        let world = world().await;
        let id = world.granted("root@web-1").await;
        let mut setup = Setup::default();
        assert!(setup.directory.contains(from) || setup.access.contains(from), "{what}");
        setup.directory = setup.directory.replace(from, to);
        setup.access = setup.access.replace(from, to);
        world.reload(&setup).await;
        let refused = reason(world.fetch(id, &["root@web-1"]).await);
        assert!(["NOT_GRANTED", "POLICY_REFUSED"].contains(&refused), "{what}: {refused}");
        world.reload(&Setup::default()).await;
        assert!(world.fetch(id, &["root@web-1"]).await.is_ok(), "{what}, and back again");
    }
}

#[tokio::test]
async fn a_rule_that_closes_issues_nothing_more_and_says_when_it_opens() {
    // The clock begins at noon, 2026-03-01, a Sunday.
    let mut setup = Setup::default();
    setup.access = setup.access.replacen("allow = [\"pty\"]", "allow = [\"pty\"]\nwhen = \"08:00-12:10 UTC\"", 1);
    let world = world_of(setup).await;
    let id = world.granted("root@web-1").await;
    world.clock.pass(599);
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
    world.clock.pass(1);
    let refused = world.fetch(id, &["root@web-1"]).await.err().unwrap();
    assert_eq!(refused.to_string(), "the rule `dev-root` is closed at this time; it opens at 2026-03-02T08:00:00Z");
    let refused = world.submit(&world.request("root@web-1", "30m")).await.err().unwrap();
    let told = "no rule lets `alice` ask for this at this time; one does from 2026-03-02T08:00:00Z on";
    assert_eq!(refused.to_string(), told);
}

#[tokio::test]
async fn a_rule_that_got_stricter_cuts_what_was_approved() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let mut setup = Setup::default();
    setup.access = setup
        .access
        .replacen("ttl = \"5m\"\nallow = [\"pty\"]", "ttl = \"1m\"\nallow = []", 1)
        .replacen("\"1h\"", "\"10m\"", 1);
    world.reload(&setup).await;
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    let certificate = &issued.certificates[0].1;
    assert_eq!(certificate.valid_before().seconds(), NOON + 60);
    assert_eq!(certificate.key_id(), format!("hallpass:{id}:alice:{}", NOON + 600));
    let allowed: BTreeSet<String> = certificate.extensions().map(|(name, _)| name.to_owned()).collect();
    assert!(!allowed.contains(Extension::Pty.openssh_name()));
    world.clock.pass(600);
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn no_more_certificates_than_were_asked_for_leave() {
    let world = world().await;
    let asked = RequestStatement { uses: std::num::NonZeroU32::new(3), ..world.request("root@role=web", "30m") };
    let view = world.submit(&asked).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let id = view.stored.id;
    let both = by(LAPTOP, &world.fetch_statement(id, &["root@web-1", "root@web-2"]));
    assert!(world.send_fetch(&both).await.is_ok());
    assert!(world.send_fetch(&both).await.is_ok(), "the same again takes no use");
    assert_eq!(reason(world.fetch(id, &["root@web-1", "root@web-2"]).await), "NOT_GRANTED", "one is left");
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
    assert_eq!(world.ca.view(id).unwrap().stored.uses, 3);
    let world = world.restart(Setup::default()).await;
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "NOT_GRANTED");
}
