//! What keys and networks rules take: judged when something is signed, and again at every fetch.

use domain::{Approval, Digest, PublicKey};
use ed25519_dalek::Signer as _;
use ssh_key::public::{Ed25519PublicKey, KeyData, SkEd25519};
use ssh_key::{Algorithm, Signature};
use statement::{RequestStatement, Signed, SshSig, Statement, to_be_signed};

use super::harness::*;
use crate::{Error, Issued, View};

/// What OpenSSH's FIDO keys are made for.
const APPLICATION: &str = "ssh:";
/// sk-api.h: SSH_SK_USER_PRESENCE_REQD, and SSH_SK_USER_VERIFICATION_REQD beside it.
const TOUCHED: u8 = 0x01;
const VERIFIED: u8 = 0x05;

/// The FIDO key of somebody.
fn token(seed: u8) -> PublicKey {
    let public = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
    PublicKey::from_key_data(KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(public), APPLICATION))).unwrap()
}

/// Signs as a FIDO token does (PROTOCOL.u2f), with these flags.
fn by_token<S: Statement>(seed: u8, flags: u8, said: &S) -> Signed {
    let text = said.encode();
    let trailer = [flags, 0, 0, 0, 7];
    let (application, message) = (Digest::of(APPLICATION.as_bytes()), Digest::of(&to_be_signed(S::KIND, &text)));
    let signed = [&application.as_bytes()[..], &trailer, &message.as_bytes()[..]].concat();
    let signature = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).sign(&signed).to_bytes();
    let signature = Signature::new(Algorithm::SkEd25519, [&signature[..], &trailer].concat()).unwrap();
    Signed { signature: SshSig::assemble(S::KIND, &token(seed), &signature).unwrap(), text }
}

/// Everybody has a FIDO key besides, and the rule of prod takes more.
fn setup(more: &str) -> Setup {
    let mut setup = Setup::default();
    for seed in [ALICE, BOB, CAROL] {
        let plain = format!("\"{}\"", public(&key(seed)));
        setup.directory = setup.directory.replace(&plain, &format!("{plain}, \"{}\"", token(seed)));
    }
    setup.access = setup.access.replacen("allow = [\"pty\"]", &format!("allow = [\"pty\"]\n{more}"), 1);
    setup
}

async fn submit(world: &World, signed: &Signed) -> Result<View, Error> {
    world.ca.submit(signed.text.as_bytes(), signed.signature.as_bytes()).await
}

async fn approve(world: &World, view: &View, approver: u8, flags: u8) -> Result<View, Error> {
    let signed = by_token(approver, flags, &world.decision(view, approver, Approval::Approve));
    world.ca.decide(signed.text.as_bytes(), signed.signature.as_bytes()).await
}

fn told<T>(result: Result<T, Error>) -> String {
    result.err().unwrap().to_string()
}

#[tokio::test]
async fn a_request_takes_the_key_that_its_rule_asks_for() {
    let world = world_of(setup("requester_key = \"sk-verified\"")).await;
    let said = world.request("root@web-1", "30m");
    for weak in [by(ALICE, &said), by_token(ALICE, TOUCHED, &said)] {
        let refused = told(submit(&world, &weak).await);
        assert!(refused.contains("signed with a verified FIDO key") && refused.contains("--key"), "{refused}");
    }
    let view = submit(&world, &by_token(ALICE, VERIFIED, &said)).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
}

#[tokio::test]
async fn an_approval_takes_the_key_that_the_ruling_asks_for_and_a_deny_any() {
    let world = world_of(setup("approver_key = \"sk\"")).await;
    let (view, other) = (world.asked("root@web-1").await, world.asked("root@web-2").await);
    let refused = told(world.decide(&view, BOB, Approval::Approve).await);
    assert!(refused.contains("must be signed with a FIDO key; sign with a key of kind ed25519-sk"), "{refused}");
    assert_eq!(approve(&world, &view, BOB, TOUCHED).await.unwrap().state, request::StateName::Approved);
    assert!(world.fetch(view.stored.id, &["root@web-1"]).await.is_ok());
    assert_eq!(world.decide(&other, BOB, Approval::Deny).await.unwrap().state, request::StateName::Denied);
}

/// The server that rules by other files from now on.
async fn fetched_under(more: &str, key: impl Fn(&World) -> (Signed, u8)) -> Result<Issued, Error> {
    let world = world_of(setup("")).await;
    let (signed, flags) = key(&world);
    let view = submit(&world, &signed).await.unwrap();
    match flags {
        0 => world.decide(&view, BOB, Approval::Approve).await.unwrap(),
        flags => approve(&world, &view, BOB, flags).await.unwrap(),
    };
    world.reload(&setup(more)).await;
    world.fetch(view.stored.id, &["root@web-1"]).await
}

#[tokio::test]
async fn keys_are_judged_again_at_every_fetch() {
    let asked = |world: &World| world.request("root@web-1", "30m");
    let plain = |world: &World| (by(ALICE, &asked(world)), 0);
    let strong = |world: &World| (by_token(ALICE, VERIFIED, &asked(world)), TOUCHED);
    let requester = told(fetched_under("requester_key = \"sk\"", plain).await);
    assert!(requester.contains("was not signed with a FIDO key, which this takes by now"), "{requester}");
    let approver = told(fetched_under("approver_key = \"sk\"", plain).await);
    assert!(approver.contains("lacks an approval from sre: an approval no longer counts"), "{approver}");
    let verify = told(fetched_under("verify_required = true", plain).await);
    assert!(verify.contains("must be verified by a FIDO key by now"), "{verify}");
    assert!(fetched_under("requester_key = \"sk-verified\"\napprover_key = \"sk\"", strong).await.is_ok());
    let unverified = told(fetched_under("approver_key = \"sk-verified\"", strong).await);
    assert!(unverified.contains("must be signed with a verified FIDO key"), "{unverified}");
}

/// The critical options of the first certificate.
pub(super) fn options(issued: &Issued) -> Vec<(String, String)> {
    let certificate = &issued.certificates[0].1;
    certificate.critical_options().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn networks_narrow_at_issue_and_never_widen() {
    let world = world_of(setup("source = [\"10.0.0.0/8\", \"2001:db8::/32\"]")).await;
    let id = world.granted("root@web-1").await;
    for (today, value) in [
        ("source = [\"10.0.0.0/8\", \"2001:db8::/32\"]", "10.0.0.0/8,2001:db8::/32"),
        ("", "10.0.0.0/8,2001:db8::/32"),
        ("source = [\"0.0.0.0/0\"]", "10.0.0.0/8"),
        ("source = [\"10.1.0.0/16\", \"192.0.2.0/24\"]", "10.1.0.0/16"),
    ] {
        world.reload(&setup(today)).await;
        let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
        assert_eq!(options(&issued), [("source-address".to_owned(), value.to_owned())], "{today}");
    }
    world.reload(&setup("source = [\"192.0.2.0/24\"]")).await;
    let refused = told(world.fetch(id, &["root@web-1"]).await);
    assert!(refused.contains("shares no host, login, command or network"), "{refused}");
}

#[tokio::test]
async fn verified_logins_take_a_fido_connecting_key_and_certify_it_so() {
    let world = world_of(setup("verify_required = true")).await;
    let said = world.request("root@web-1", "30m");
    let refused = told(submit(&world, &by(ALICE, &said)).await);
    assert!(refused.contains("--connecting-key FILE.pub"), "{refused}");
    let said = RequestStatement { connecting_key: token(LAPTOP), ..world.request("root@web-1", "30m") };
    let view = submit(&world, &by(ALICE, &said)).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    let fetch = by_token(LAPTOP, VERIFIED, &world.fetch_statement(view.stored.id, &["root@web-1"]));
    let issued = world.send_fetch(&fetch).await.unwrap();
    let options: Vec<_> = issued.certificates[0].1.critical_options().collect();
    assert_eq!(options, [("verify-required", "")]);
}
