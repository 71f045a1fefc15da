//! Bundles come into force by files, by a push and by going back, and with signers by nobody alone.

use domain::Digest;
use ledger::{Payload, SignedText};
use policy::Files;
use statement::{Act, BundleChange};

use super::harness::*;
use crate::{Bundle, Error, FromFiles};

/// What tests push: hosts of realms that have a CA alone, and a note that makes it another bundle.
fn files(setup: &Setup, note: &str) -> Files {
    let mut files = setup.files();
    files.hosts.text = files.hosts.text.replace("realm = \"off\"", "");
    files.access.text.push_str(&format!("# {note}\n"));
    files
}

fn bundle(setup: &Setup, note: &str) -> Bundle {
    Bundle::load(&files(setup, note)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Bob and carol are administrators, and a bundle takes two of them.
fn two_of_admins() -> Setup {
    let Setup { directory, access, .. } = Setup::default();
    let directory =
        directory.replace("members = [\"carol\"]\nrights", "members = [\"bob\", \"carol\", \"dave\"]\nrights");
    Setup { directory, access: format!("{access}\n[policy]\nsigners = \"2 of admins\"\n"), ..Setup::default() }
}

fn next(world: &World, bundle: Digest) -> BundleChange {
    BundleChange { bundle, after: world.ca.bundle().entry() }
}

fn signature(world: &World, user: u8, change: BundleChange) -> SignedText {
    let signed = by(user, &world.act_statement(user, Act::SignBundle(change)));
    SignedText { text: signed.text, signature: signed.signature.as_bytes().to_vec() }
}

async fn push(world: &World, user: u8, bundle: Bundle, signatures: Vec<SignedText>) -> Result<Digest, Error> {
    let change = next(world, bundle.digest());
    let signed = by(user, &world.act_statement(user, Act::LoadBundle(change)));
    let push = world.ca.begin_push(signed.text.as_bytes(), signed.signature.as_bytes()).await?;
    world.ca.push(push, bundle, signatures).await
}

#[tokio::test]
async fn an_administrator_pushes_a_bundle_and_nobody_else_does() {
    let (world, setup) = (world().await, Setup::default());
    assert_eq!(reason(push(&world, BOB, bundle(&setup, "bob's"), Vec::new()).await), "NO_RIGHT");
    let before = world.ca.bundle().digest();
    let digest = push(&world, CAROL, bundle(&setup, "carol's"), Vec::new()).await.unwrap();
    assert_eq!(world.ca.bundle().digest(), digest);
    assert_ne!(digest, before);
    let entries = world.ca.store.entries(world.ca.bundle().entry() - 1, 9).unwrap();
    assert!(matches!(&entries[0].payload, Payload::Act { statement } if statement.text.contains("load-bundle")));
    assert!(matches!(&entries[1].payload, Payload::Bundle { digest: loaded, .. } if *loaded == digest));
    assert_eq!(reason(push(&world, CAROL, bundle(&setup, "carol's"), Vec::new()).await), "BUNDLE_IN_FORCE");
}

#[tokio::test]
async fn what_was_signed_for_another_state_or_bundle_counts_for_none() {
    let (world, setup) = (world().await, Setup::default());
    let [one, two] = ["one", "two"].map(|note| bundle(&setup, note));
    let early = by(CAROL, &world.act_statement(CAROL, Act::LoadBundle(next(&world, two.digest()))));
    push(&world, CAROL, one, Vec::new()).await.unwrap();
    let late = world.ca.begin_push(early.text.as_bytes(), early.signature.as_bytes()).await;
    assert_eq!(reason(late.map(drop)), "BUNDLE_MOVED");

    let change = next(&world, two.digest());
    let signed = by(CAROL, &world.act_statement(CAROL, Act::LoadBundle(change)));
    let begun = world.ca.begin_push(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap();
    assert_eq!(begun.digest(), two.digest());
    assert_eq!(reason(world.ca.push(begun, bundle(&setup, "three"), Vec::new()).await), "OTHER_BUNDLE");
    // Two that were begun at once: one comes first.
    let begin = async || {
        let signed = by(CAROL, &world.act_statement(CAROL, Act::LoadBundle(change)));
        world.ca.begin_push(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap()
    };
    let (first, second) = (begin().await, begin().await);
    world.ca.push(first, bundle(&setup, "two"), Vec::new()).await.unwrap();
    assert_eq!(reason(world.ca.push(second, bundle(&setup, "two"), Vec::new()).await), "BUNDLE_IN_FORCE");
}

#[tokio::test]
async fn going_back_takes_an_act_of_its_own() {
    let (world, setup) = (world().await, Setup::default());
    let old = push(&world, CAROL, bundle(&setup, "old"), Vec::new()).await.unwrap();
    push(&world, CAROL, bundle(&setup, "new"), Vec::new()).await.unwrap();
    assert_eq!(reason(push(&world, CAROL, bundle(&setup, "old"), Vec::new()).await), "BUNDLE_BEFORE");
    let back = |bundle| Act::RollBack(next(&world, bundle));
    assert_eq!(reason(world.act(BOB, back(old)).await), "NO_RIGHT");
    assert_eq!(reason(world.act(CAROL, back(Digest::of(b"never"))).await), "NO_SUCH_BUNDLE");
    world.act(CAROL, back(old)).await.unwrap();
    assert_eq!(world.ca.bundle().digest(), old);
}

#[tokio::test]
async fn a_program_signs_no_bundle_whatever_it_may_approve() {
    let mut setup = two_of_admins();
    setup.directory = setup.directory.replace("owner = \"bob\"", "owner = \"bob\"\napproves = true");
    setup.directory = setup.directory.replace("\"dave\"]\nrights", "\"dave\", \"backup\"]\nrights");
    let world = world_of(setup.clone()).await;
    let change = next(&world, bundle(&setup, "x").digest());
    let [bob, carol, backup] = [BOB, CAROL, BACKUP].map(|user| signature(&world, user, change));
    let refused = push(&world, CAROL, bundle(&setup, "x"), vec![backup.clone()]).await;
    assert_eq!(reason(refused), "BUNDLE_UNSIGNED");
    let refused = push(&world, BACKUP, bundle(&setup, "x"), vec![backup, carol.clone()]).await;
    assert_eq!(reason(refused), "BUNDLE_UNSIGNED", "nor by pushing");
    push(&world, BACKUP, bundle(&setup, "x"), vec![bob, carol]).await.unwrap();
    assert_eq!(world.ca.bundle().digest(), change.bundle);
}

#[tokio::test]
async fn a_bundle_counts_only_with_its_signers() {
    let (world, setup) = (world_of(two_of_admins()).await, two_of_admins());
    let before = world.ca.bundle().digest();
    let refused = async |by: u8, note: &str, from: &[SignedText]| {
        let refused = push(&world, by, bundle(&setup, note), from.to_vec()).await.unwrap_err();
        assert_eq!(refused.reason(), "BUNDLE_UNSIGNED");
        assert_eq!(world.ca.bundle().digest(), before);
        refused.to_string()
    };
    let change = next(&world, bundle(&setup, "x").digest());
    assert!(refused(CAROL, "x", &[]).await.contains("a signature from admins"));
    let own = signature(&world, CAROL, change);
    refused(CAROL, "x", &[own.clone(), own]).await;
    let alices = signature(&world, ALICE, change);
    refused(CAROL, "x", &[alices]).await;
    let elsewhere = signature(&world, BOB, next(&world, bundle(&setup, "y").digest()));
    assert!(refused(CAROL, "x", &[elsewhere]).await.contains("bob signed another bundle"));
    let stale = signature(&world, BOB, BundleChange { after: change.after - 1, ..change });
    assert!(refused(CAROL, "x", &[stale]).await.contains("to come after entry"));
    let mut foreign = world.act_statement(BOB, Act::SignBundle(change));
    foreign.header.server.ledger_key = Digest::of(b"another server of this name");
    let foreign = by(BOB, &foreign);
    let foreign = SignedText { text: foreign.text, signature: foreign.signature.as_bytes().to_vec() };
    let told = refused(CAROL, "x", &[foreign]).await;
    assert!(told.contains(&format!("with the key {}", Digest::of(b"another server of this name"))), "{told}");
    let mut forged = signature(&world, BOB, change);
    forged.signature = signature(&world, DAVE, change).signature;
    refused(CAROL, "x", &[forged]).await;

    let bobs = signature(&world, BOB, change);
    push(&world, CAROL, bundle(&setup, "x"), vec![bobs.clone()]).await.unwrap();
    assert_eq!(world.ca.bundle().digest(), change.bundle);
    // Going back and on again takes new signatures: those were for another state.
    let first = push(&world, CAROL, bundle(&setup, "y"), vec![bobs]).await;
    assert_eq!(reason(first), "BUNDLE_UNSIGNED");
}

#[tokio::test]
async fn a_disabled_or_removed_administrator_signs_nothing() {
    let (world, setup) = (world_of(two_of_admins()).await, two_of_admins());
    let change = next(&world, bundle(&setup, "x").digest());
    let bobs = signature(&world, BOB, change);
    world.act(DAVE, Act::Amend(domain::Amendment::DisableUser(name(BOB)))).await.unwrap();
    let refused = push(&world, CAROL, bundle(&setup, "x"), vec![bobs]).await.unwrap_err();
    assert!(refused.to_string().contains("bob is disabled"), "{refused}");
    // Nor does who is left out of the group by the bundle in force, or whose key was removed.
    let without = Setup { directory: setup.directory.replace("[\"bob\", \"carol\",", "[\"carol\","), ..setup.clone() };
    let other = world_of(without).await;
    let change = next(&other, bundle(&setup, "x").digest());
    let bobs = signature(&other, BOB, change);
    assert_eq!(reason(push(&other, CAROL, bundle(&setup, "x"), vec![bobs]).await), "BUNDLE_UNSIGNED");
    let daves = signature(&other, DAVE, change);
    let key = domain::Amendment::RemoveKey { user: name(DAVE), key: public(&key(DAVE)).fingerprint() };
    other.act(CAROL, Act::Amend(key)).await.unwrap();
    let refused = push(&other, CAROL, bundle(&setup, "x"), vec![daves]).await;
    assert_eq!(reason(refused), "BUNDLE_UNSIGNED", "a key that is bound to nobody");
    let change = next(&world, bundle(&setup, "x").digest());
    // An amendment in between spoils no signature that counts.
    let daves = signature(&world, DAVE, change);
    push(&world, CAROL, bundle(&setup, "x"), vec![daves]).await.unwrap();
}

#[tokio::test]
async fn a_bundle_that_would_lock_everybody_out_is_refused() {
    let (world, setup) = (world().await, two_of_admins());
    let before = world.ca.bundle().digest();
    // By itself it takes two of three; with what acts have taken away, one is left.
    for user in [BOB, DAVE] {
        world.act(CAROL, Act::Amend(domain::Amendment::DisableUser(name(user)))).await.unwrap();
    }
    let refused = push(&world, CAROL, bundle(&setup, "x"), Vec::new()).await.unwrap_err();
    assert_eq!(refused.reason(), "BUNDLE_LOCKS_OUT");
    assert!(refused.to_string().contains("nobody would be left for admins"), "{refused}");
    let own = FromFiles { bundle: bundle(&setup, "x"), signatures: Vec::new() };
    assert_eq!(reason(world.ca.reload(own).await), "BUNDLE_LOCKS_OUT");
    // After a push only a push changes anything, and that takes somebody with the right.
    let Setup { directory, access, hosts } = Setup::default();
    let nobody = Setup {
        directory: directory.replace("rights = [\"admin\", \"audit\"]", "rights = [\"audit\"]"),
        access,
        hosts,
    };
    assert_ne!(nobody.directory, directory);
    let refused = push(&world, CAROL, bundle(&nobody, "x"), Vec::new()).await.unwrap_err();
    assert!(refused.to_string().contains("nobody would be left for the right admin"), "{refused}");
    assert_eq!(world.ca.bundle().digest(), before);
}

#[tokio::test]
async fn with_signers_the_servers_own_files_need_them_too() {
    let (world, setup) = (world_of(two_of_admins()).await, two_of_admins());
    let looser = bundle(&setup, "looser");
    let change = next(&world, looser.digest());
    let reload = |signatures| FromFiles { bundle: bundle(&setup, "looser"), signatures };
    assert_eq!(reason(world.ca.reload(reload(Vec::new())).await), "BUNDLE_UNSIGNED");
    // Without its [policy] it would need no signers by itself: what counts is the bundle before.
    let without =
        Setup { access: setup.access.replace("signers = \"2 of admins\"", "signers = \"1 of dev\""), ..setup.clone() };
    let without = FromFiles { bundle: bundle(&without, ""), signatures: Vec::new() };
    assert_eq!(reason(world.ca.reload(without).await), "BUNDLE_UNSIGNED");
    let both = vec![signature(&world, BOB, change), signature(&world, DAVE, change)];
    world.ca.reload(reload(both)).await.unwrap();
    assert_eq!(world.ca.bundle().digest(), looser.digest());
}

#[tokio::test]
async fn after_a_push_the_servers_own_files_are_out_of_use_until_they_are_in_force() {
    let setup = Setup::default();
    let world = world().await;
    let pushed = push(&world, CAROL, bundle(&setup, "pushed"), Vec::new()).await.unwrap();
    let own = |note: &str| FromFiles { bundle: bundle(&setup, note), signatures: Vec::new() };
    assert_eq!(reason(world.ca.reload(own("edited")).await), "FILES_OUT_OF_USE");
    let world = world.restart(Setup::default()).await;
    assert_eq!(world.ca.bundle().digest(), pushed, "a restart with the old files");
    world.ca.reload(own("pushed")).await.unwrap();
    assert_eq!(world.ca.bundle().digest(), pushed);
}
