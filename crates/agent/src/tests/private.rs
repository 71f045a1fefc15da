//! A private agent over a helper's key, as programs meet it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use cert::Certificate;
use domain::PublicKey;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::helper::{Served, exchange, prod, serve};
use super::openssh::OpenSsh;
use crate::message::{self, Message};
use crate::{HelperClient, HelperSocket, PrivateAgent, SignsLogins};

struct ByHelper(HelperClient, PublicKey);

impl SignsLogins for ByHelper {
    fn sign<'a>(&'a self, data: &'a [u8], flags: u32) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send + 'a>> {
        Box::pin(async move { self.0.sign_as(&self.1, data, flags).await.ok() })
    }
}

struct Lent {
    socket: PathBuf,
    key: PublicKey,
    served: Served,
    task: JoinHandle<()>,
}

/// A private agent that lists this many certificates.
async fn lent(openssh: &OpenSsh, certificates: u32) -> Lent {
    let served = serve(openssh).await;
    let key = served.client.create_key(&prod()).await.unwrap();
    let agent = PrivateAgent::new(key.clone(), ByHelper(served.client.clone(), key.clone()));
    let mut listed: Vec<Certificate> = Vec::new();
    for serial in 1..=certificates {
        listed.push(openssh.certify(&key, serial, "+5m").await);
    }
    agent.list(listed.into_iter());
    let socket = openssh.path("private/agent.sock");
    let bound = HelperSocket::bind(&socket).unwrap();
    let task = tokio::spawn(async move { agent.serve(&bound).await });
    Lent { socket, key, served, task }
}

/// What a login by the key signs.
fn login(key: &PublicKey) -> Vec<u8> {
    let message = Message::new(0, 64).string([7; 32]).u8(50).string("root").string("ssh-connection");
    let message = message.string("publickey").u8(1).string("ssh-ed25519").string(key.to_wire());
    message.bytes().get(1..).unwrap().to_vec()
}

fn sign(key: &PublicKey, data: &[u8]) -> Message {
    Message::new(message::SIGN_REQUEST, 0).string(key.to_wire()).string(data).u32(0)
}

#[tokio::test]
async fn it_lists_few_certificates_first_and_of_many_none() {
    for (certificates, listed) in
        [(0, vec!["ED25519"]), (2, vec!["ED25519-CERT", "ED25519-CERT", "ED25519"]), (5, vec!["ED25519"])]
    {
        let openssh = OpenSsh::new();
        let lent = lent(&openssh, certificates).await;
        let (_, said) = openssh.run(&lent.socket, "ssh-add -l").await;
        let kinds: Vec<&str> =
            said.lines().filter_map(|line| Some(line.rsplit_once('(')?.1.trim_end_matches(')'))).collect();
        assert_eq!(kinds, listed, "{said}");
    }
}

#[tokio::test]
async fn it_signs_logins_by_its_key_and_nothing_else() {
    let openssh = OpenSsh::new();
    let lent = lent(&openssh, 0).await;
    let other = lent.served.client.create_key(&"test".parse().unwrap()).await.unwrap();
    let mut stream = UnixStream::connect(&lent.socket).await.unwrap();
    let mut answer = async |message: &Message| exchange(&mut stream, message.bytes()).await[0];
    assert_eq!(answer(&sign(&lent.key, &login(&lent.key))).await, message::SIGN_RESPONSE);
    for refused in [sign(&lent.key, b"SSHSIG"), sign(&other, &login(&other)), sign(&lent.key, &login(&other))] {
        assert_eq!(answer(&refused).await, message::FAILURE);
    }
    for order in ["status@hallpass", "create-key@hallpass", "load@hallpass", "shut-down@hallpass"] {
        let order = Message::new(message::EXTENSION, 0).string(order).string("prod");
        assert_eq!(answer(&order).await, message::FAILURE, "the helper's orders are not lent");
    }
    openssh.keygen("ed25519", "mine").await;
    std::fs::write(openssh.path("lent.pub"), format!("{}\n", lent.key)).unwrap();
    for refused in ["ssh-add mine", "ssh-add -D", "ssh-keygen -Y sign -f lent.pub -n hallpass-fetch mine"] {
        let (done, said) = openssh.run(&lent.socket, refused).await;
        assert!(!done, "{refused}: {said}");
    }
}

#[tokio::test]
async fn a_host_that_it_is_forwarded_to_gets_nothing_and_nobody_does_when_it_is_gone() {
    let openssh = OpenSsh::new();
    let lent = lent(&openssh, 0).await;
    let mut stream = UnixStream::connect(&lent.socket).await.unwrap();
    let bind = Message::new(message::EXTENSION, 64).string("session-bind@openssh.com");
    let bind = bind.string("host key").string("session").string("signature").u8(1);
    assert_eq!(exchange(&mut stream, bind.bytes()).await, [message::SUCCESS]);
    assert_eq!(exchange(&mut stream, sign(&lent.key, &login(&lent.key)).bytes()).await, [message::FAILURE]);
    assert_eq!(exchange(&mut stream, &[message::REQUEST_IDENTITIES]).await, [message::FAILURE]);

    let mut local = UnixStream::connect(&lent.socket).await.unwrap();
    assert_eq!(exchange(&mut local, sign(&lent.key, &login(&lent.key)).bytes()).await[0], message::SIGN_RESPONSE);
    lent.task.abort();
    assert!(lent.task.await.unwrap_err().is_cancelled());
    assert!(crate::frame::read(&mut local, 64).await.ok().flatten().is_none(), "connections end with it");
    assert!(!lent.socket.exists());
}
