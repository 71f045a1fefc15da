//! What holds for every call and connection, whatever it asks for.

use std::sync::Arc;

use domain::Digest;
use ledger::{LedgerKey, TlsKeys};
use rustls::NamedGroup;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use wire::v1;
use wire::v1::info_client::InfoClient;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;

use super::harness::{Hands, Person, World, client_config, made, reason, serve};

#[tokio::test]
async fn the_server_proves_its_tls_key_by_its_ledger_key() {
    let world = World::start().await;
    let info = InfoClient::new(world.channel().await).get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    let info = wire::ServerInfo::try_from(info.into_inner()).unwrap();
    let key = LedgerKey::new(info.ledger_key).unwrap();
    assert_eq!(key.fingerprint(), world.running.id().ledger_key);
    let list = TlsKeys::verify(&info.tls_keys, &info.tls_keys_signature, &key).unwrap();

    let tls = handshake(&world, client_config()).await;
    let (_, session) = tls.get_ref();
    let shown = webpki::EndEntityCert::try_from(&session.peer_certificates().unwrap()[0]).unwrap();
    assert!(list.contains(&Digest::of(shown.subject_public_key_info().as_ref())));
}

#[tokio::test]
async fn key_exchange_is_post_quantum_where_the_client_can() {
    let world = World::start().await;
    let tls = handshake(&world, client_config()).await;
    let group = tls.get_ref().1.negotiated_key_exchange_group().map(|group| group.name());
    assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
    assert_eq!(tls.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
}

async fn handshake(world: &World, config: rustls::ClientConfig) -> tokio_rustls::client::TlsStream<TcpStream> {
    let address = world.running.addresses()[0];
    let tcp = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::from(address.ip()), tcp).await.unwrap()
}

#[tokio::test]
async fn both_families_of_addresses_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let (root, config) = (directory.path().join("server"), directory.path().join("server/hallpassd.toml"));
    made(&root, &Person::new("alice"));
    let text = std::fs::read_to_string(&config).unwrap();
    let both = text.replace("[\"127.0.0.1:0\"]", "[\"127.0.0.1:0\", \"[::1]:0\"]");
    assert_ne!(both, text);
    std::fs::write(&config, both).unwrap();
    let running = serve(&config, Hands::now()).await.unwrap();
    let families: Vec<bool> = running.addresses().iter().map(std::net::SocketAddr::is_ipv6).collect();
    assert_eq!(families, [false, true]);
    for address in running.addresses() {
        let tcp = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::new(client_config())).connect(ServerName::from(address.ip()), tcp).await.unwrap();
    }
}

#[tokio::test]
async fn a_stranger_reads_nothing() {
    let world = World::start().await;
    let mut sessions = SessionsClient::new(world.channel().await);
    let refused = sessions.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "NO_SESSION"));
    assert!(refused.message().contains("hallpass login"), "{}", refused.message());
    let mut guess = Request::new(v1::WhoAmIRequest {});
    guess.metadata_mut().insert("authorization", "Bearer guess".parse().unwrap());
    assert_eq!(reason(&sessions.who_am_i(guess).await.unwrap_err()), "NO_SESSION");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let world = World::start().await;
    let mut requests = RequestsClient::new(world.channel().await);
    let mut submit = async |text: usize, signature: usize| {
        let statement = Some(v1::Signed { text: vec![b'x'; text], signature: vec![0; signature] });
        requests.submit(v1::SubmitRequest { statement }).await.unwrap_err()
    };
    let huge = submit(10 << 20, 1).await;
    assert_eq!((huge.code(), reason(&huge).as_str()), (Code::OutOfRange, "MESSAGE_TOO_LARGE"));
    assert!(huge.message().contains("77 KiB"), "{huge}");
    assert_eq!(reason(&submit(78_849, 1).await), "MESSAGE_INVALID");
    assert_eq!(reason(&submit(1, 4097).await), "MESSAGE_INVALID");
    assert_eq!(reason(&submit(1, 1).await), "STATEMENT_INVALID");
    let nothing = requests.submit(v1::SubmitRequest { statement: None }).await.unwrap_err();
    assert_eq!(reason(&nothing), "MESSAGE_INVALID");
}

#[tokio::test]
async fn a_peer_that_calls_too_often_is_refused_before_any_signature_is_checked() {
    let world = World::with_config("[limits]\ncalls-per-second = 1\n").await;
    let mut requests = RequestsClient::new(world.channel().await);
    let mut reasons = Vec::new();
    for _ in 0..11 {
        let statement = Some(v1::Signed { text: vec![b'x'], signature: vec![0] });
        reasons.push(reason(&requests.submit(v1::SubmitRequest { statement }).await.unwrap_err()));
    }
    assert_eq!(reasons.pop().as_deref(), Some("RATE_LIMITED"));
    assert!(reasons.iter().all(|reason| reason == "STATEMENT_INVALID"), "{reasons:?}");
    world.clock.pass(1);
    let statement = Some(v1::Signed { text: vec![b'x'], signature: vec![0] });
    let refused = requests.submit(v1::SubmitRequest { statement }).await.unwrap_err();
    assert_eq!(reason(&refused), "STATEMENT_INVALID");
}

#[tokio::test]
async fn one_peer_cannot_have_every_connection() {
    let world = World::with_config("[limits]\nconnections-per-peer = 2\n").await;
    let address = world.running.addresses()[0];
    let (_one, _two) = (handshake(&world, client_config()).await, handshake(&world, client_config()).await);
    let tcp = TcpStream::connect(address).await.unwrap();
    let refused = TlsConnector::from(Arc::new(client_config())).connect(ServerName::from(address.ip()), tcp).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn health_and_the_apis_description_are_there() {
    let world = World::start().await;
    let mut health = HealthClient::new(world.channel().await);
    let answer = health.check(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(answer.status, 1, "SERVING");
    let described =
        tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(world.channel().await)
            .server_reflection_info(tokio_stream::once(tonic_reflection::pb::v1::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(
                    tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices(String::new()),
                ),
            }))
            .await
            .unwrap()
            .into_inner()
            .message()
            .await
            .unwrap();
    assert!(format!("{described:?}").contains("hallpass.v1.Requests"), "{described:?}");
}

#[tokio::test]
async fn a_stranger_who_watches_health_holds_no_stop_up() {
    let world = World::start().await;
    let mut health = HealthClient::new(world.channel().await);
    let mut watch = health.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().map(|said| said.status), Some(1), "SERVING");
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(5), world.running.stop());
    let (stopped, ended) = tokio::join!(stopped, async {
        let end = async { while let Ok(Some(_)) = watch.message().await {} };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), end).await;
        drop(health);
        ended
    });
    assert!(ended.is_ok(), "the watch has no end");
    assert!(stopped.is_ok(), "the watch was waited for");
}

#[tokio::test]
async fn strangers_ask_short_questions_alone() {
    use tonic_reflection::pb::{v1, v1alpha};
    let world = World::start().await;
    let long = || "x".repeat(8192);
    let mut health = HealthClient::new(world.channel().await);
    assert_eq!(health.check(HealthCheckRequest { service: long() }).await.unwrap_err().code(), Code::OutOfRange);
    let mut reflection = v1::server_reflection_client::ServerReflectionClient::new(world.channel().await);
    let list = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let question = v1::ServerReflectionRequest { host: long(), message_request: Some(list) };
    let answer = reflection.server_reflection_info(tokio_stream::once(question)).await.unwrap();
    assert!(!matches!(answer.into_inner().message().await, Ok(Some(_))), "a stream that says too much ends");
    let mut reflection = v1alpha::server_reflection_client::ServerReflectionClient::new(world.channel().await);
    let list = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let question = v1alpha::ServerReflectionRequest { host: long(), message_request: Some(list) };
    let answer = reflection.server_reflection_info(tokio_stream::once(question)).await.unwrap();
    assert!(!matches!(answer.into_inner().message().await, Ok(Some(_))), "a stream that says too much ends");
}

#[tokio::test]
async fn who_does_not_speak_http2_over_tls_is_let_go() {
    let world = World::start().await;
    let (mut silent, mut other) = (handshake(&world, client_config()).await, handshake(&world, client_config()).await);
    other.write_all(b"GET / HTTP/1.1\r\nHost: ca.example.com\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // The server closes both: one at once, the other when the time for a handshake is over.
    let (other, silent) = tokio::join!(other.read_to_end(&mut answer), silent.read_u8());
    assert!(other.is_err() || answer.is_empty(), "{answer:?}");
    assert!(silent.is_err());
}

#[tokio::test]
async fn metrics_are_read_on_loopback() {
    let world = World::start().await;
    world.log_in(&world.bob).await.unwrap();
    let address = world.running.metrics_address().unwrap();
    assert!(address.ip().is_loopback());
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    let counted = "hallpass_calls_total{method=\"/hallpass.v1.Sessions/Login\",code=\"Ok\"} 1";
    assert!(answer.contains(counted), "{answer}");
    assert!(!answer.contains("bob"), "no names of people");
}
