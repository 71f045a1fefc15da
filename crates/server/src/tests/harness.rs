//! A server on a free port with a clock that tests move, and a client that signs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Clock, Digest, Nonce, PublicKey, Random as _, Span, TimeError, UnixTime};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use ssh_key::PrivateKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use statement::{
    Act, ActStatement, BreakGlass, DecisionStatement, FetchStatement, Header, LoginStatement, Pairs, RequestStatement,
    RulingText, Statement,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use wire::v1;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;

use crate::{KeysAre, Running, ServeOptions, Server, Setup, SystemClock, SystemRandom, init};

/// Both hands of a clock.
pub(crate) struct Hands {
    wall: AtomicU64,
    boot_ms: AtomicU64,
}

impl Hands {
    pub(crate) fn now() -> Arc<Self> {
        let now = SystemClock.wall().unwrap().seconds();
        Arc::new(Self { wall: now.into(), boot_ms: 1_000_000.into() })
    }

    /// Time passes.
    pub(crate) fn pass(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
        self.boot_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock.
    pub(crate) fn jump(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        UnixTime::new(self.wall.load(Ordering::SeqCst))
    }

    fn since_boot_ms(&self) -> u64 {
        self.boot_ms.load(Ordering::SeqCst)
    }
}

/// Somebody with a key.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) key: PrivateKey,
}

impl Person {
    pub(crate) fn new(name: &'static str) -> Self {
        let mut seed = [0; 32];
        SystemRandom.fill(&mut seed);
        let pair = Ed25519Keypair::from_seed(&seed);
        Self { name, key: PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap() }
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_key_data(self.key.public_key().key_data().clone()).unwrap()
    }
}

const ACCESS: &str = r#"
[[rule]]
name = "self-service"
who = "people"
hosts = "env=dev"
logins = ["self", "deploy"]
approve = "auto"
max = "1h"
ttl = "5m"
allow = ["pty"]

[[rule]]
name = "prod"
who = "people"
hosts = "env=prod"
logins = ["root"]
approve = "1 of admins"
break_glass = "30m reviewed by admins"
max = "1h"
ttl = "5m"
"#;
const HOSTS: &str = "[[host]]\nname = \"dev-1\"\naddress = \"192.0.2.1\"\nlabels = { env = \"dev\" }\n\
                     [[host]]\nname = \"web-1\"\nlabels = { env = \"prod\" }\n";

/// A server with an administrator `alice`, a user `bob`, and `dave` who is in no group.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) clock: Arc<Hands>,
    pub(crate) alice: Person,
    pub(crate) bob: Person,
    pub(crate) dave: Person,
    pub(crate) running: Running,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_config("").await
    }

    /// A server with these lines at the end of its `hallpassd.toml`.
    pub(crate) async fn with_config(lines: &str) -> Self {
        Self::with(|root| append(&root.join("hallpassd.toml"), lines)).await
    }

    /// A server whose files were changed before it started.
    pub(crate) async fn with(change: impl FnOnce(&Path)) -> Self {
        let directory = TempDir::new().unwrap();
        let [alice, bob, dave] = ["alice", "bob", "dave"].map(Person::new);
        let root = directory.path().join("server");
        made(&root, &alice);
        std::fs::write(root.join("hosts.toml"), HOSTS).unwrap();
        std::fs::write(root.join("access.toml"), ACCESS).unwrap();
        let users = format!(
            "[[user]]\nname = \"bob\"\nlogin = \"bob\"\nkeys = [\"{}\"]\n\
             [[user]]\nname = \"dave\"\nlogin = \"dave\"\nkeys = [\"{}\"]\n\
             [[group]]\nname = \"people\"\nmembers = [\"alice\", \"bob\"]\n",
            bob.public(),
            dave.public()
        );
        append(&root.join("directory.toml"), &users);
        change(&root);
        let clock = Hands::now();
        let running = serve(&root.join("hallpassd.toml"), clock.clone()).await.unwrap();
        Self { directory, clock, alice, bob, dave, running }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("server")
    }

    /// A connection; it takes any TLS key, since who the server is `dial` proves.
    pub(crate) async fn channel(&self) -> Channel {
        connect(self, client_config()).await
    }

    pub(crate) fn header(&self) -> Header {
        let mut nonce = [0; 16];
        SystemRandom.fill(&mut nonce);
        let (server, time) = (self.running.id().clone(), self.clock.wall().unwrap());
        Header { server, nonce: Nonce::new(nonce), time, seen: None }
    }

    pub(crate) fn tls_key(&self) -> Digest {
        self.running.ca().identity().tls_keys[0]
    }

    pub(crate) async fn log_in(&self, person: &Person) -> Result<String, Status> {
        let login =
            LoginStatement { header: self.header(), user: person.name.parse().unwrap(), tls_key: self.tls_key() };
        let statement = Some(signed(&login, &person.key));
        let answer = SessionsClient::new(self.channel().await).login(v1::LoginRequest { statement }).await?;
        Ok(answer.into_inner().token)
    }

    /// What somebody asks for; the connecting key is their own.
    pub(crate) fn asks(&self, person: &Person, access: &str) -> RequestStatement {
        RequestStatement {
            header: self.header(),
            requester: person.name.parse().unwrap(),
            access: access.parse().unwrap(),
            start: None,
            window: Span::from_seconds(1800).unwrap(),
            uses: None,
            command: None,
            reason: "INC-42 disk full".parse().unwrap(),
            ticket: None,
            connecting_key: person.public(),
            rule: None,
            break_glass: None,
            extends: None,
        }
    }

    pub(crate) async fn submit(&self, person: &Person, access: &str) -> Result<v1::Request, Status> {
        let statement = Some(signed(&self.asks(person, access), &person.key));
        let answer = RequestsClient::new(self.channel().await).submit(v1::SubmitRequest { statement }).await?;
        Ok(answer.into_inner().request.unwrap())
    }

    pub(crate) async fn break_glass(&self, person: &Person, access: &str) -> Result<v1::Request, Status> {
        let asks = RequestStatement { break_glass: Some(BreakGlass), ..self.asks(person, access) };
        let statement = Some(signed(&asks, &person.key));
        let answer = RequestsClient::new(self.channel().await).submit(v1::SubmitRequest { statement }).await?;
        Ok(answer.into_inner().request.unwrap())
    }

    /// What an approver says of a request.
    pub(crate) fn approves(&self, person: &Person, request: &v1::Request) -> DecisionStatement {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ruling: RulingText = statement::Canonical::parse(&text(&request.ruling)).unwrap();
        DecisionStatement {
            header: self.header(),
            approver: person.name.parse().unwrap(),
            id: request.id.parse().unwrap(),
            request: Digest::of(&request.statement.as_ref().unwrap().text),
            ruling: Digest::of(&request.ruling),
            allows: ruling.in_words().clone(),
            verdict: domain::Approval::Approve,
            comment: None,
        }
    }

    pub(crate) async fn approve(&self, person: &Person, request: &v1::Request) -> Result<v1::Request, Status> {
        let statement = Some(signed(&self.approves(person, request), &person.key));
        let answer = RequestsClient::new(self.channel().await).decide(v1::DecideRequest { statement }).await?;
        Ok(answer.into_inner().request.unwrap())
    }

    pub(crate) fn fetches(&self, person: &Person, id: &str, pair: &str) -> v1::FetchRequest {
        let pairs = Pairs::new([pair.parse().unwrap()].into()).unwrap();
        let fetch = FetchStatement { header: self.header(), id: id.parse().unwrap(), pairs };
        v1::FetchRequest { statement: Some(signed(&fetch, &person.key)) }
    }

    pub(crate) async fn fetch(&self, fetch: v1::FetchRequest) -> Result<Vec<v1::Issued>, Status> {
        let answer = RequestsClient::new(self.channel().await).fetch(fetch).await?;
        Ok(answer.into_inner().certificates)
    }

    pub(crate) fn act(&self, person: &Person, act: Act) -> Option<v1::Signed> {
        let reason = Some("because".parse().unwrap());
        let act = ActStatement { header: self.header(), user: person.name.parse().unwrap(), act, reason };
        Some(signed(&act, &person.key))
    }
}

/// A new server's directory with alice as administrator, on free ports, with keys that are not encrypted.
pub(crate) fn made(root: &Path, alice: &Person) {
    made_with(root, alice, KeysAre::Unencrypted);
}

pub(crate) fn made_with(root: &Path, alice: &Person, keys_are: KeysAre) {
    let local = "127.0.0.1:0".parse().unwrap();
    let setup = Setup {
        directory: root.to_owned(),
        name: "ca.example.com/test".parse().unwrap(),
        listen: local,
        metrics: local,
        admins: vec![("alice".parse().unwrap(), alice.public())],
        signers: None,
        keys_are,
    };
    init(&setup, |_| None, &SystemClock, Arc::new(SystemRandom)).unwrap();
}

pub(crate) async fn serve(config: &Path, clock: Arc<Hands>) -> Result<Running, crate::StartError> {
    let (environment, random) = ((|_| None) as crate::Environment, Arc::new(SystemRandom));
    Server::start(ServeOptions { config: config.to_owned(), keys_are: None, environment, clock, random }).await
}

pub(crate) fn append(path: &Path, lines: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, format!("{text}{lines}")).unwrap();
}

pub(crate) fn signed<S: Statement>(statement: &S, key: &PrivateKey) -> v1::Signed {
    let signed = statement::sign_with(statement, key).unwrap();
    v1::Signed { text: signed.text.into_bytes(), signature: signed.signature.into_bytes() }
}

/// A message with a session's token.
pub(crate) fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// The stable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_else(|| format!("{status:?}"))
}

pub(crate) async fn connect(world: &World, config: ClientConfig) -> Channel {
    let (address, tls) = (world.running.addresses()[0], TlsConnector::from(Arc::new(config)));
    let connector = tower::service_fn(move |_| {
        let tls = tls.clone();
        async move {
            let tcp = TcpStream::connect(address).await?;
            Ok::<_, std::io::Error>(TokioIo::new(tls.connect(ServerName::from(address.ip()), tcp).await?))
        }
    });
    // A server has little under way that was not read: what a slow reader does to it can be seen.
    let endpoint = Endpoint::from_static("http://test").initial_stream_window_size(65_535);
    endpoint.connect_with_connector(connector).await.unwrap()
}

pub(crate) fn client_config() -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

#[derive(Debug)]
struct AnyKey;

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
