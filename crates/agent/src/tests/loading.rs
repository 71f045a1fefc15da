//! Certificates in the running ssh-agent: one for each host, for no longer than they are valid.

use std::path::Path;

use domain::PublicKey;

use super::fakes::{FakeAgent, framed};
use super::helper::{Served, prod, serve};
use super::openssh::OpenSsh;
use crate::{HelperError, Lifetime, Load, Refusal, message};

async fn load(openssh: &OpenSsh, key: &PublicKey, serial: u32, host: &str, agent: &Path) -> Load {
    let certificate = openssh.certify(key, serial, "+5m").await;
    Load { server: prod(), host: host.parse().unwrap(), agent: agent.to_owned(), certificate }
}

async fn logged_in(openssh: &OpenSsh) -> (Served, PublicKey) {
    let served = serve(openssh).await;
    let key = served.client.create_key(&prod()).await.unwrap();
    (served, key)
}

#[tokio::test]
async fn five_certificates_for_one_host_leave_one_identity() {
    let openssh = OpenSsh::with_agent().await;
    let (served, key) = logged_in(&openssh).await;
    let mine = openssh.keygen("ed25519", "mine").await;
    openssh.ok("ssh-add -q mine").await;
    for serial in 1..=5 {
        let load = load(&openssh, &key, serial, "web-1", &openssh.socket()).await;
        assert_eq!(served.client.load(&load).await.unwrap(), Lifetime::Kept);
    }
    let other = load(&openssh, &key, 6, "web-2", &openssh.socket()).await;
    assert_eq!(served.client.load(&other).await.unwrap(), Lifetime::Kept);
    let listed = openssh.listed().await;
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(listed[0].contains(&mine.fingerprint().to_string()), "what is not ours stays");
    assert!(listed[1].ends_with("hallpass prod web-1 (ED25519-CERT)"), "{listed:?}");
    assert!(listed[2].ends_with("hallpass prod web-2 (ED25519-CERT)"), "{listed:?}");
    let hosts: Vec<_> = served.client.status().await.unwrap().loaded.into_iter().map(|l| l.host.to_string()).collect();
    assert_eq!(hosts, ["web-1", "web-2"]);
}

#[tokio::test]
async fn the_same_certificate_again_stays_loaded() {
    let openssh = OpenSsh::with_agent().await;
    let (served, key) = logged_in(&openssh).await;
    let load = load(&openssh, &key, 1, "web-1", &openssh.socket()).await;
    for _ in 0..2 {
        assert_eq!(served.client.load(&load).await.unwrap(), Lifetime::Kept);
    }
    assert_eq!(openssh.listed().await.len(), 1);
}

#[tokio::test]
async fn what_a_helper_before_this_one_loaded_is_replaced() {
    let openssh = OpenSsh::with_agent().await;
    let (before, key) = logged_in(&openssh).await;
    let old = load(&openssh, &key, 1, "web-1", &openssh.socket()).await;
    assert_eq!(before.client.load(&old).await.unwrap(), Lifetime::Kept);
    before.task.abort();
    assert!(before.task.await.is_err(), "killed: it took nothing back");
    assert_eq!(openssh.listed().await.len(), 1);

    let (served, key) = logged_in(&openssh).await;
    let new = load(&openssh, &key, 2, "web-1", &openssh.socket()).await;
    assert_eq!(served.client.load(&new).await.unwrap(), Lifetime::Kept);
    assert_eq!(openssh.listed().await.len(), 1);
}

#[tokio::test]
async fn the_end_of_a_session_takes_its_certificates_back() {
    let openssh = OpenSsh::with_agent().await;
    let (served, key) = logged_in(&openssh).await;
    let load = load(&openssh, &key, 1, "web-1", &openssh.socket()).await;
    assert_eq!(served.client.load(&load).await.unwrap(), Lifetime::Kept);
    served.client.drop_key(&prod()).await.unwrap();
    assert!(openssh.listed().await.is_empty());

    let key = served.client.create_key(&prod()).await.unwrap();
    let load = self::load(&openssh, &key, 2, "web-1", &openssh.socket()).await;
    assert_eq!(served.client.load(&load).await.unwrap(), Lifetime::Kept);
    served.client.shut_down().await.unwrap();
    assert!(openssh.listed().await.is_empty());
}

#[tokio::test]
async fn certificates_that_open_nothing_are_refused() {
    let openssh = OpenSsh::with_agent().await;
    let (served, key) = logged_in(&openssh).await;
    let good = load(&openssh, &key, 1, "web-1", &openssh.socket()).await;
    let refusal = async |load: &Load| match served.client.load(load).await {
        Err(HelperError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let strange = openssh.keygen("ed25519", "strange").await;
    let other_key = load(&openssh, &strange, 2, "web-1", &openssh.socket()).await;
    assert_eq!(refusal(&other_key).await, Refusal::OtherKey);
    assert_eq!(refusal(&Load { server: "test".parse().unwrap(), ..good.clone() }).await, Refusal::NoKey);
    let nowhere = Load { agent: openssh.path("nowhere.sock"), ..good.clone() };
    assert!(matches!(refusal(&nowhere).await, Refusal::Agent(why) if why.contains("nowhere.sock")));
    // Somebody exported the helper's own socket: it takes no keys, and does not wait for itself.
    let itself = Load { agent: served.socket.clone(), ..good.clone() };
    assert!(matches!(refusal(&itself).await, Refusal::Agent(why) if why.contains("take no keys")));
    served.clock.forward(301);
    assert_eq!(refusal(&good).await, Refusal::Expired);
    assert!(openssh.listed().await.is_empty());
}

#[tokio::test]
async fn an_agent_without_lifetimes_is_tidied_at_expiry() {
    let openssh = OpenSsh::new();
    let (served, key) = logged_in(&openssh).await;
    let fake = FakeAgent::start(openssh.dir(), |message| match message[0] {
        message::ADD_ID_CONSTRAINED => framed(&[message::FAILURE]),
        message::REQUEST_IDENTITIES => framed(&[message::IDENTITIES_ANSWER, 0, 0, 0, 0]),
        _ => framed(&[message::SUCCESS]),
    });
    let load = load(&openssh, &key, 1, "web-1", &fake.path).await;
    assert_eq!(served.client.load(&load).await.unwrap(), Lifetime::Refused);
    fake.kinds();
    assert_eq!(served.client.status().await.unwrap().loaded.len(), 1);
    assert_eq!(fake.kinds(), [] as [u8; 0]);
    served.clock.forward(301);
    assert!(served.client.status().await.unwrap().loaded.is_empty());
    assert_eq!(fake.kinds(), [message::REMOVE_IDENTITY]);
}
