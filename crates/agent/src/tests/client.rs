//! The client half against the real ssh-agent, and against agents that misbehave.

use std::time::Duration;

use domain::Span;
use signature::Verifier as _;

use super::fakes::{Counting, FakeAgent, framed};
use super::openssh::{OpenSsh, eventually};
use crate::client::Step;
use crate::message;
use crate::{AgentClient, AgentError, ConnectingKey, Lifetime};

fn minutes(minutes: u64) -> Span {
    Span::from_seconds(minutes * 60).unwrap()
}

#[tokio::test]
async fn every_kind_of_key_in_an_agent_signs() {
    let openssh = OpenSsh::with_agent().await;
    let agent = AgentClient::connect(openssh.socket()).await.unwrap();
    for (kind, algorithm) in [
        ("ed25519", "ssh-ed25519"),
        ("ecdsa", "ecdsa-sha2-nistp256"),
        ("rsa", "rsa-sha2-512"),
        ("ed25519-sk", "sk-ssh-ed25519@openssh.com"),
        ("ecdsa-sk", "sk-ecdsa-sha2-nistp256@openssh.com"),
    ] {
        let key = openssh.keygen(kind, kind).await;
        openssh.ok(&format!("ssh-add -q {kind}")).await;
        let listed = agent.identities().await.unwrap();
        let identity = listed.iter().find(|identity| identity.comment() == kind).unwrap();
        assert_eq!(identity.public_key(), Some(key.clone()));
        let signature = agent.sign(&key, b"data").await.unwrap();
        assert_eq!(signature.algorithm().as_str(), algorithm);
        assert!(key.key_data().verify(b"data", &signature).is_ok(), "{kind}");
        assert!(key.key_data().verify(b"other", &signature).is_err(), "{kind}");
        if key.is_fido() {
            // User presence, and the counter that sk-dummy always gives.
            assert!(signature.as_bytes().ends_with(&[1, 0x12, 0x34, 0x56, 0x78]), "{kind}");
        }
    }
}

#[tokio::test]
async fn an_identity_of_an_unknown_kind_hides_no_other() {
    let openssh = OpenSsh::with_agent().await;
    let key = openssh.keygen("ed25519", "mine").await;
    openssh.keygen("ed25519", "ca").await;
    // ssh-key cannot read a certificate that is valid for ever.
    openssh.ok("ssh-keygen -q -s ca -I always -n root -V always:forever mine.pub").await;
    openssh.ok("ssh-add -q mine").await;
    let listed = AgentClient::connect(openssh.socket()).await.unwrap().identities().await.unwrap();
    assert_eq!(listed.iter().filter_map(crate::Identity::public_key).collect::<Vec<_>>(), [key]);
    assert_eq!(listed.iter().filter(|identity| identity.is_certificate()).count(), 1);
}

#[tokio::test]
async fn a_certificate_is_one_identity_that_ends_by_itself() {
    let openssh = OpenSsh::with_agent().await;
    let agent = AgentClient::connect(openssh.socket()).await.unwrap();
    let key = ConnectingKey::fresh(&Counting::new()).unwrap();
    let certificate = openssh.certify(key.public_key(), 7, "+5m").await;
    assert_eq!(agent.add_certificate(&key, &certificate, minutes(5), "ours").await.unwrap(), Lifetime::Kept);
    let listed = openssh.listed().await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert!(listed[0].ends_with("ours (ED25519-CERT)"), "{listed:?}");
    // The agent believes the key: it signs for the certificate.
    std::fs::write(openssh.path("c-cert.pub"), format!("{}\n", certificate.to_openssh())).unwrap();
    openssh.ok("ssh-add -T c-cert.pub").await;

    agent.remove_certificate(&certificate).await.unwrap();
    assert!(openssh.listed().await.is_empty());
    let again = agent.remove_certificate(&certificate).await;
    assert!(matches!(again, Err(AgentError::Refused(Step::Remove))));

    let second = Span::from_seconds(1).unwrap();
    assert_eq!(agent.add_certificate(&key, &certificate, second, "ours").await.unwrap(), Lifetime::Kept);
    eventually(async || openssh.listed().await.is_empty()).await;
}

#[tokio::test]
async fn a_plain_key_can_be_removed() {
    let openssh = OpenSsh::with_agent().await;
    let key = openssh.keygen("ed25519", "mine").await;
    openssh.ok("ssh-add -q mine").await;
    let agent = AgentClient::connect(openssh.socket()).await.unwrap();
    agent.remove_key(&key).await.unwrap();
    assert!(openssh.listed().await.is_empty());
    assert!(matches!(agent.sign(&key, b"data").await, Err(AgentError::Refused(Step::Sign))));
}

#[tokio::test]
async fn an_agent_without_lifetimes_is_asked_again() {
    let openssh = OpenSsh::new();
    let key = ConnectingKey::fresh(&Counting::new()).unwrap();
    let certificate = openssh.certify(key.public_key(), 7, "+5m").await;
    let fake = FakeAgent::start(openssh.dir(), |message| {
        framed(&[if message[0] == message::ADD_ID_CONSTRAINED { message::FAILURE } else { message::SUCCESS }])
    });
    let agent = AgentClient::connect(&fake.path).await.unwrap();
    assert_eq!(agent.add_certificate(&key, &certificate, minutes(5), "").await.unwrap(), Lifetime::Refused);
    assert_eq!(fake.kinds(), [message::ADD_ID_CONSTRAINED, message::ADD_IDENTITY]);
}

#[tokio::test]
async fn an_agent_that_takes_nothing_is_named() {
    let openssh = OpenSsh::new();
    let key = ConnectingKey::fresh(&Counting::new()).unwrap();
    let certificate = openssh.certify(key.public_key(), 7, "+5m").await;
    let fake = FakeAgent::start(openssh.dir(), |_| framed(&[message::FAILURE]));
    let agent = AgentClient::connect(&fake.path).await.unwrap();
    let refused = agent.add_certificate(&key, &certificate, minutes(5), "").await;
    assert!(matches!(refused, Err(AgentError::Refused(Step::Add))));
}

#[tokio::test]
async fn no_agent_is_an_error_that_says_where() {
    let error = AgentClient::connect("/nonexistent/agent.sock").await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/agent.sock"), "{error}");
}

#[tokio::test]
async fn what_is_no_answer_is_refused_by_name() {
    for (answer, expected) in [
        (framed(&[message::SUCCESS]), "its answer cannot be read"),
        (framed(&[message::IDENTITIES_ANSWER, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]), "its answer cannot be read"),
        (framed(&[message::IDENTITIES_ANSWER, 255, 255, 255, 255]), "its answer cannot be read"),
        (framed(&[message::FAILURE]), "refused to list its keys"),
        (vec![0, 0, 0, 0], "the connection failed"),
        (vec![255, 255, 255, 255, 12], "the connection failed"),
    ] {
        let openssh = OpenSsh::new();
        let fake = FakeAgent::start(openssh.dir(), move |_| answer.clone());
        let error = AgentClient::connect(&fake.path).await.unwrap().identities().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn an_agent_that_never_answers_is_not_waited_for() {
    let openssh = OpenSsh::new();
    let fake = FakeAgent::start(openssh.dir(), |_| Vec::new());
    let agent = AgentClient::connect(&fake.path).await.unwrap().with_patience(Duration::from_millis(50));
    assert!(matches!(agent.identities().await, Err(AgentError::Slow { step: Step::List, .. })));
}
