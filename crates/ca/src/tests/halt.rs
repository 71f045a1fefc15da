//! Stops: by the clock, by a history that is not ours, and their end.

use domain::Digest;
use ledger::Checkpoint;
use statement::{Act, Seen};

use super::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_stops_issuing_until_an_administrator_resumes() {
    for jump in [NOON + 3600, NOON - 3600] {
        let world = world().await;
        let id = world.granted("root@web-1").await;
        world.clock.set_wall(jump);
        let size = world.ca.checkpoint().checkpoint.size;
        assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "CLOCK_FAULT");
        assert_eq!(
            world.ca.checkpoint().checkpoint.size,
            size + 1,
            "the stop is an entry, and nothing else was written"
        );
        world.clock.set_wall(NOON);
        assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "ISSUING_STOPPED", "time is right, the stop stays");
        assert_eq!(reason(world.act(BOB, Act::Resume).await), "NO_RIGHT");
        world.act(CAROL, Act::Resume).await.unwrap();
        assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_is_refused_makes_no_clock_right() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let resume = by(CAROL, &world.act_statement(CAROL, Act::Resume));
    world.ca.resume(resume.text.as_bytes(), resume.signature.as_bytes()).await.unwrap();
    world.clock.set_wall(NOON + 30);
    assert_eq!(reason(world.ca.resume(resume.text.as_bytes(), resume.signature.as_bytes()).await), "REPLAYED");
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "CLOCK_FAULT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_survives_a_restart() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.clock.set_wall(NOON + 3600);
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "CLOCK_FAULT");
    world.clock.set_wall(NOON + 1);
    let world = world.restart(Setup::default()).await;
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "ISSUING_STOPPED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_while_the_server_was_down_stops_issuing() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.clock.set_wall(NOON - 60);
    let world = world.restart(Setup::default()).await;
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "ISSUING_STOPPED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_before_a_stop_does_not_leave_after_it() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    assert!(world.ca.gate().pass(&issued.leaving).is_ok());
    world.ca.halt("a test").await;
    assert!(world.ca.gate().pass(&issued.leaving).is_err());
    world.act(CAROL, Act::Resume).await.unwrap();
    assert!(world.ca.gate().pass(&issued.leaving).is_err(), "it was made under the epoch before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_we_signed_and_do_not_have_stops_issuing() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let key = ed25519_dalek::SigningKey::from_bytes(&[LEDGER_SEED; 32]);
    let forked = ledger::CheckpointSigner::new(world.server.name.clone(), key).sign(3, Digest::of(b"another history"));

    let mut invented = world.fetch_statement(id, &["root@web-1"]);
    invented.header.seen = Some(Seen { size: 3, root: forked.checkpoint.root, signature: [7; 64] });
    assert_eq!(reason(world.send_fetch(&by(LAPTOP, &invented)).await), "SEEN_UNKNOWN");
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok(), "an invention stops nobody else");

    let mut witness = world.fetch_statement(id, &["root@web-1"]);
    witness.header.seen = Some(Seen { size: 3, root: forked.checkpoint.root, signature: forked.signature });
    assert_eq!(reason(world.send_fetch(&by(LAPTOP, &witness)).await), "ISSUING_STOPPED");
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "ISSUING_STOPPED");
}

#[tokio::test]
async fn every_checkpoint_that_was_signed_is_known_again() {
    let world = world().await;
    let mut known = vec![world.seen()];
    let id = world.granted("root@web-1").await;
    known.push(world.seen());
    for seen in known {
        let mut fetch = world.fetch_statement(id, &["root@web-1"]);
        fetch.header.seen = Some(seen);
        assert!(world.send_fetch(&by(LAPTOP, &fetch)).await.is_ok());
    }
    let Checkpoint { origin, .. } = world.ca.checkpoint().checkpoint;
    assert_eq!(origin, world.server.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_ahead_does_not_stop_the_next_start() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.clock.set_wall(NOON + 3600);
    assert_eq!(reason(world.fetch(id, &["root@web-1"]).await), "CLOCK_FAULT");
    world.clock.set_wall(NOON + 1);
    world.act(CAROL, Act::Resume).await.unwrap();
    let world = world.restart(Setup::default()).await;
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok(), "the stop was recorded by the time since boot");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_has_seen_the_lost_history_can_resume() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let key = ed25519_dalek::SigningKey::from_bytes(&[LEDGER_SEED; 32]);
    let forked = ledger::CheckpointSigner::new(world.server.name.clone(), key).sign(3, Digest::of(b"another history"));
    let seen = Seen { size: 3, root: forked.checkpoint.root, signature: forked.signature };
    let mut witness = world.fetch_statement(id, &["root@web-1"]);
    witness.header.seen = Some(seen.clone());
    assert_eq!(reason(world.send_fetch(&by(LAPTOP, &witness)).await), "ISSUING_STOPPED");
    let mut header = world.header();
    header.seen = Some(seen);
    let said = statement::ActStatement { header, user: name(CAROL), act: Act::Resume, reason: None };
    let signed = by(CAROL, &said);
    world.ca.resume(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap();
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_stops_nothing_by_a_checkpoint_that_was_lost() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let key = ed25519_dalek::SigningKey::from_bytes(&[LEDGER_SEED; 32]);
    let forked = ledger::CheckpointSigner::new(world.server.name.clone(), key).sign(3, Digest::of(b"another history"));
    let seen = Some(Seen { size: 3, root: forked.checkpoint.root, signature: forked.signature });

    let mut asked = world.request("root@web-1", "30m");
    asked.header.seen = seen.clone();
    let signed = by(99, &asked);
    let refused = world.ca.submit(signed.text.as_bytes(), signed.signature.as_bytes()).await;
    assert_eq!(reason(refused), "UNKNOWN_KEY");
    let mut fetch = world.fetch_statement(id, &["root@web-1"]);
    fetch.header.seen = seen;
    assert_eq!(reason(world.send_fetch(&by(99, &fetch)).await), "NOT_GRANTED");
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_loaded_while_the_clock_is_ahead_do_not_stop_the_next_start() {
    let world = world().await;
    world.clock.set_wall(NOON + 3600);
    let changed = Setup::default();
    world.reload(&Setup { access: format!("{}\n# Looked at.\n", changed.access), ..changed }).await;
    world.clock.set_wall(NOON + 1);
    let world = world.restart(Setup::default()).await;
    let id = world.granted("root@web-1").await;
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
}
