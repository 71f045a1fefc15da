use std::collections::BTreeSet;
use std::net::SocketAddr;

use ed25519_dalek::SigningKey;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status};
use wire::v1::info_server::{Info, InfoServer};
use wire::v1::{GetServerInfoRequest, GetServerInfoResponse};

use super::*;

const NAME: &str = "ca.example.com";
const USER_CA: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

struct Says(GetServerInfoResponse);

#[tonic::async_trait]
impl Info for Says {
    async fn get_server_info(
        &self,
        _: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }
}

fn ledger() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn pin() -> Pin {
    Pin { name: NAME.parse().unwrap(), ledger_key: Digest::of(ledger().verifying_key().as_bytes()) }
}

fn info(tls_keys: BTreeSet<Digest>) -> GetServerInfoResponse {
    let key = LedgerKey::new(ledger().verifying_key().to_bytes()).unwrap();
    let list = TlsKeys::new(NAME.parse().unwrap(), &key, tls_keys);
    GetServerInfoResponse {
        name: NAME.to_owned(),
        ledger_key: key.as_bytes().to_vec(),
        tls_keys: list.encode().into_bytes(),
        tls_keys_signature: list.sign(&ledger()).to_vec(),
        api_version: API_VERSION,
        oldest_client: "0.1.0".to_owned(),
        server_version: "0.1.0".to_owned(),
        time: 1_772_373_720,
        user_ca: USER_CA.to_owned(),
    }
}

/// A server with a TLS key of its own that says of itself what the test wants.
async fn serve(says: impl FnOnce(Digest) -> GetServerInfoResponse) -> (Address, Digest) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = webpki::EndEntityCert::try_from(made.cert.der()).unwrap();
    let spki = Digest::of(certificate.subject_public_key_info().as_ref());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at: SocketAddr = listener.local_addr().unwrap();
    let service = InfoServer::new(Says(says(spki)));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (sender, accepted) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(mut tls) = acceptor.accept(tcp).await {
                let (near, mut far) = tokio::io::duplex(65_536);
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tls, &mut far).await });
                sender.send(Ok::<_, std::io::Error>(near)).await.ok();
            }
        }
    });
    let incoming = tokio_stream::wrappers::ReceiverStream::new(accepted);
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (at.to_string().parse().unwrap(), spki)
}

#[tokio::test]
async fn the_pinned_server_is_reached_over_the_key_that_it_lists() {
    let (address, spki) = serve(|own| info([own, Digest::of(b"next")].into())).await;
    let connection = connect(&address, &pin()).await.unwrap();
    assert_eq!(connection.tls_key(), spki);
    assert_eq!(connection.server().name, pin().name);
    assert_eq!(probe(&address).await.unwrap(), pin());
}

#[tokio::test]
async fn somebody_between_client_and_server_is_noticed() {
    // Relays what the true server says of itself, but has not its TLS key.
    let (address, spki) = serve(|_| info([Digest::of(b"the true server's")].into())).await;
    let refused = connect(&address, &pin()).await.unwrap_err();
    assert!(matches!(refused, DialError::Intercepted { seen, .. } if seen == spki), "{refused}");
    assert!(matches!(probe(&address).await, Err(DialError::Intercepted { .. })));
}

#[tokio::test]
async fn a_list_that_the_ledger_key_did_not_sign_is_refused() {
    let forged = |own| GetServerInfoResponse { tls_keys_signature: vec![1; 64], ..info([own].into()) };
    let (address, _) = serve(forged).await;
    let refused = connect(&address, &pin()).await.unwrap_err();
    assert!(matches!(refused, DialError::TlsKeys { cause: ledger::TlsKeysError::Signature, .. }), "{refused}");
}

#[tokio::test]
async fn another_ledger_key_or_name_than_the_pin_is_refused() {
    let (address, _) = serve(|own| info([own].into())).await;
    let other_key = Pin { ledger_key: Digest::of(b"other"), ..pin() };
    assert!(matches!(connect(&address, &other_key).await, Err(DialError::OtherLedgerKey { .. })));
    let other_name = Pin { name: "other.example.com".parse().unwrap(), ..pin() };
    assert!(matches!(connect(&address, &other_name).await, Err(DialError::OtherName { .. })));
    let renamed = |own| GetServerInfoResponse { name: "other.example.com".to_owned(), ..info([own].into()) };
    let (address, _) = serve(renamed).await;
    assert!(matches!(connect(&address, &pin()).await, Err(DialError::OtherName { .. })));
}

#[tokio::test]
async fn versions_that_do_not_fit_are_said() {
    let newer = |own| GetServerInfoResponse { api_version: API_VERSION + 1, ..info([own].into()) };
    let (address, _) = serve(newer).await;
    assert!(matches!(connect(&address, &pin()).await, Err(DialError::ApiVersion { .. })));
    let demanding = |own| GetServerInfoResponse { oldest_client: "99.0.0".to_owned(), ..info([own].into()) };
    let (address, _) = serve(demanding).await;
    assert!(matches!(connect(&address, &pin()).await, Err(DialError::ClientTooOld { .. })));
    assert!(version("0.10.0") > version("0.9.9"));
}

#[tokio::test]
async fn where_nobody_listens_the_address_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let address: Address = free.to_string().parse().unwrap();
    let refused = connect(&address, &pin()).await.unwrap_err();
    assert!(refused.to_string().contains(&free.to_string()), "{refused}");
}

/// Two handshakes of one connection: the second shows another key.
#[test]
fn a_connection_stays_with_the_key_of_its_first_handshake() {
    use rustls::client::danger::ServerCertVerifier as _;
    let first_key = FirstKey::new();
    let shown = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        made.cert.der().clone()
    };
    let (one, other) = (shown("a"), shown("a"));
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let now = rustls::pki_types::UnixTime::now();
    let see = |certificate| first_key.verify_server_cert(certificate, &[], &name, &[], now);
    assert!(see(&one).is_ok());
    assert!(see(&one).is_ok());
    assert!(see(&other).is_err());
}
