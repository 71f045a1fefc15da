//! The helper as ssh and others meet it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::fakes::{Counting, Shifted, framed};
use super::openssh::OpenSsh;
use crate::message::{self, Message};
use crate::{Helper, HelperClient, HelperError, HelperSocket, Refusal, ServerName, frame};

/// A helper that serves in this process.
pub(super) struct Served {
    pub(super) client: HelperClient,
    pub(super) clock: Arc<Shifted>,
    pub(super) socket: PathBuf,
    pub(super) task: JoinHandle<()>,
}

pub(super) async fn serve(openssh: &OpenSsh) -> Served {
    let socket = openssh.path("hallpass/helper.sock");
    let clock = Arc::new(Shifted::default());
    let helper = Helper::new(Arc::clone(&clock) as _, Arc::new(Counting::new()));
    let bound = HelperSocket::bind(&socket).unwrap();
    let task = tokio::spawn(helper.serve(bound, std::future::pending()));
    Served { client: HelperClient::connect(&socket).await.unwrap(), clock, socket, task }
}

pub(super) fn prod() -> ServerName {
    "prod".parse().unwrap()
}

/// Sends one message and reads the answer.
pub(super) async fn exchange(stream: &mut UnixStream, message: &[u8]) -> Vec<u8> {
    frame::write(stream, message).await.unwrap();
    frame::read(stream, frame::LONGEST).await.unwrap().unwrap().to_vec()
}

#[tokio::test]
async fn openssh_sees_an_agent_and_signs_with_it() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    assert!(!openssh.run(&served.socket, "ssh-add -l").await.0, "there is no key before a login");
    let key = served.client.create_key(&prod()).await.unwrap();
    let (_, listed) = openssh.run(&served.socket, "ssh-add -L").await;
    assert_eq!(listed, format!("{key} hallpass prod\n"));

    std::fs::write(openssh.path("k.pub"), format!("{key}\n")).unwrap();
    std::fs::write(openssh.path("allowed"), format!("alice {key}\n")).unwrap();
    std::fs::write(openssh.path("text"), "text").unwrap();
    let signed = openssh.run(&served.socket, "ssh-keygen -Y sign -f k.pub -n hallpass-fetch text").await;
    assert!(signed.0, "{}", signed.1);
    let verified = tokio::process::Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "allowed", "-I", "alice", "-n", "hallpass-fetch", "-s", "text.sig"])
        .current_dir(openssh.dir())
        .stdin(std::fs::File::open(openssh.path("text")).unwrap())
        .output()
        .await
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn keys_cannot_be_added_or_removed_by_others() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    let key = served.client.create_key(&prod()).await.unwrap();
    std::fs::write(openssh.path("k.pub"), format!("{key}\n")).unwrap();
    openssh.keygen("ed25519", "mine").await;
    for refused in ["ssh-add mine", "ssh-add -t 60 mine", "ssh-add -d k.pub", "ssh-add -D"] {
        let (done, said) = openssh.run(&served.socket, refused).await;
        assert!(!done, "{refused}: {said}");
    }
    let held = served.client.status().await.unwrap().keys;
    assert_eq!(held.iter().map(|held| &held.public_key).collect::<Vec<_>>(), [&key]);
}

#[tokio::test]
async fn each_login_session_has_a_key_of_its_own() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    let (test, prod) = ("test".parse().unwrap(), prod());
    let first = served.client.create_key(&prod).await.unwrap();
    let other = served.client.create_key(&test).await.unwrap();
    let second = served.client.create_key(&prod).await.unwrap();
    assert_eq!(served.client.key(&prod).await.unwrap(), second);
    assert_eq!(served.client.key(&test).await.unwrap(), other);
    assert!(served.client.sign(&second, b"data").await.is_ok());
    let gone = |signed| matches!(signed, Err(HelperError::Refused(Refusal::NoKey)));
    assert!(gone(served.client.sign(&first, b"data").await), "the key of the session before is wiped");
    served.client.drop_key(&prod).await.unwrap();
    assert!(gone(served.client.sign(&second, b"data").await));
    assert!(matches!(served.client.key(&prod).await, Err(HelperError::Refused(Refusal::NoKey))));
}

#[tokio::test]
async fn the_number_of_keys_is_bounded() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    for n in 0..16 {
        served.client.create_key(&format!("s{n}").parse().unwrap()).await.unwrap();
    }
    let one_more = served.client.create_key(&prod()).await;
    assert!(matches!(one_more, Err(HelperError::Refused(Refusal::Full))));
    assert!(served.client.create_key(&"s3".parse().unwrap()).await.is_ok(), "a new session takes no more room");
}

#[tokio::test]
async fn a_host_that_the_agent_is_forwarded_to_gets_nothing() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    let key = served.client.create_key(&prod()).await.unwrap();
    let bind = |forwarded| {
        let bind = Message::new(message::EXTENSION, 64).string("session-bind@openssh.com");
        bind.string("host key").string("session").string("signature").u8(forwarded)
    };
    let sign = Message::new(message::SIGN_REQUEST, 0).string(key.to_wire()).string("data").u32(0);
    let shut_down = Message::new(message::EXTENSION, 0).string("shut-down@hallpass");
    let list = Message::new(message::REQUEST_IDENTITIES, 0);

    let mut stream = UnixStream::connect(&served.socket).await.unwrap();
    assert_eq!(exchange(&mut stream, bind(0).bytes()).await, [message::SUCCESS]);
    assert_eq!(exchange(&mut stream, sign.bytes()).await[0], message::SIGN_RESPONSE);
    // The second binding is what ssh sends for a forwarded connection, the third the remote ssh's own.
    for forwarded in [1, 0] {
        assert_eq!(exchange(&mut stream, bind(forwarded).bytes()).await, [message::SUCCESS]);
        for refused in [&sign, &shut_down, &list] {
            assert_eq!(exchange(&mut stream, refused.bytes()).await, [message::FAILURE]);
        }
    }
    assert!(served.client.status().await.is_ok(), "it still runs for its own machine");
}

#[tokio::test]
async fn what_is_not_in_the_protocol_is_refused_and_the_helper_lives_on() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    let mut stream = UnixStream::connect(&served.socket).await.unwrap();
    for odd in [&[99][..], &[message::SIGN_REQUEST], &[message::EXTENSION, 255, 255, 255, 255], &[message::EXTENSION]] {
        assert_eq!(exchange(&mut stream, odd).await, [message::FAILURE], "{odd:?}");
    }
    stream.write_all(&[0xff, 0xff, 0xff, 0xff]).await.unwrap();
    assert!(frame::read(&mut stream, frame::LONGEST).await.ok().flatten().is_none(), "too long: closed");
    let mut cut = UnixStream::connect(&served.socket).await.unwrap();
    cut.write_all(&framed(&[message::REQUEST_IDENTITIES])[..3]).await.unwrap();
    drop(cut);
    assert!(served.client.status().await.is_ok());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_another_to_end() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        let mut stream = UnixStream::connect(&served.socket).await.unwrap();
        exchange(&mut stream, &[message::REQUEST_IDENTITIES]).await;
        idle.push(stream);
    }
    let mut late = UnixStream::connect(&served.socket).await.unwrap();
    frame::write(&mut late, &[message::REQUEST_IDENTITIES]).await.unwrap();
    let moment = std::time::Duration::from_millis(100);
    assert!(tokio::time::timeout(moment, late.readable()).await.is_err());
    idle.pop();
    assert!(frame::read(&mut late, 64).await.is_ok());
}

#[tokio::test]
async fn shutting_down_answers_and_leaves_no_socket() {
    let openssh = OpenSsh::new();
    let served = serve(&openssh).await;
    served.client.shut_down().await.unwrap();
    served.task.await.unwrap();
    assert!(!served.socket.exists());
    assert!(matches!(HelperClient::connect(&served.socket).await, Err(HelperError::NotRunning(_))));
}

#[tokio::test]
async fn an_agent_that_is_no_helper_is_told_apart() {
    let openssh = OpenSsh::with_agent().await;
    let stranger = HelperClient::connect(openssh.socket()).await.unwrap();
    assert!(matches!(stranger.status().await, Err(HelperError::Agent(_))));
}
