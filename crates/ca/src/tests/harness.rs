//! A certificate authority in a temporary directory, people with keys, and hands on its clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cert::{CaSigner, SignError, Signature};
use directory::Source;
use domain::{
    Approval, Clock, Digest, Event, Nonce, Pair, PublicKey, Random, RequestId, Span, TimeError, UnixTime, UserName,
};
use ed25519_dalek::Signer as _;
use ledger::CheckpointSigner;
use policy::Files;
use ssh_key::{Algorithm, PrivateKey};
use statement::{
    Act, ActStatement, Canonical as _, DecisionStatement, FetchStatement, Header, LoginStatement, Pairs,
    RequestStatement, RulingText, Seen, ServerId, Signed, Statement, sign_with,
};
use store::Store;

use crate::{Bundle, Ca, Error, FromFiles, Identity, Issued, Limits, Parts, Signers, Subscription, View};

/// Noon, some day.
pub(super) const NOON: u64 = 1_772_366_400;

/// A clock whose two hands tests move together or apart.
pub(super) struct Hands {
    wall: AtomicU64,
    boot_ms: AtomicU64,
}

impl Hands {
    /// Time passes.
    pub(super) fn pass(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
        self.boot_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock.
    pub(super) fn set_wall(&self, seconds: u64) {
        self.wall.store(seconds, Ordering::SeqCst);
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

/// Bytes that never repeat, and are the same in every run.
#[derive(Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&Digest::of(&count.to_le_bytes()).as_bytes()[..chunk.len()]);
        }
    }
}

/// A CA key in memory.
struct TestCa(ed25519_dalek::SigningKey, PublicKey);

impl TestCa {
    fn new(seed: u8) -> Arc<Self> {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::ed25519(key.verifying_key().to_bytes());
        Arc::new(Self(key, public))
    }
}

impl CaSigner for TestCa {
    fn public_key(&self) -> &PublicKey {
        &self.1
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError> {
        let signature = self.0.sign(to_be_signed).to_bytes().to_vec();
        Ok(Signature::new(Algorithm::Ed25519, signature).unwrap())
    }
}

/// Somebody's key, the same in every run.
pub(super) fn key(seed: u8) -> PrivateKey {
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::from(pair)
}

pub(super) fn public(key: &PrivateKey) -> PublicKey {
    key.public_key().to_openssh().unwrap().parse().unwrap()
}

/// The people: each by the seed of their key.
pub(super) const ALICE: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const CAROL: u8 = 3;
pub(super) const ALICE_ADMIN: u8 = 4;
pub(super) const BACKUP: u8 = 5;
pub(super) const DAVE: u8 = 6;
/// The connecting key, and another one.
pub(super) const LAPTOP: u8 = 50;
pub(super) const OTHER_LAPTOP: u8 = 51;

pub(super) fn name(seed: u8) -> UserName {
    let name = match seed {
        ALICE => "alice",
        BOB => "bob",
        CAROL => "carol",
        ALICE_ADMIN => "alice-admin",
        BACKUP => "backup",
        _ => "dave",
    };
    name.parse().unwrap()
}

/// What tests change about the files.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) directory: String,
    pub(super) access: String,
    /// Hosts beside those that every test has.
    pub(super) hosts: String,
}

impl Default for Setup {
    fn default() -> Self {
        let user = |seed: u8, more: &str| {
            format!("[[user]]\nname = \"{}\"\nkeys = [\"{}\"]\n{more}\n", name(seed), public(&key(seed)))
        };
        let mut directory = [
            user(ALICE, "login = \"alice\""),
            user(BOB, ""),
            user(CAROL, ""),
            user(ALICE_ADMIN, "owner = \"alice\""),
            user(BACKUP, "kind = \"service\"\nowner = \"bob\""),
            user(DAVE, ""),
        ]
        .concat();
        directory.push_str("[[group]]\nname = \"dev\"\nmembers = [\"alice\"]\n");
        directory.push_str(
            "[[group]]\nname = \"sre\"\nmembers = [\"bob\", \"carol\", \"alice\", \"alice-admin\", \"backup\"]\n",
        );
        directory.push_str("[[group]]\nname = \"leads\"\nmembers = [\"dave\", \"bob\"]\n");
        directory.push_str("[[group]]\nname = \"duty\"\nmembers = [\"carol\", \"backup\"]\n");
        directory.push_str("[[group]]\nname = \"admins\"\nmembers = [\"carol\"]\nrights = [\"admin\", \"audit\"]\n");
        let access = r#"
[[rule]]
name = "dev-root"
who = "dev"
hosts = "env=prod"
logins = ["root", "self"]
break_glass = "10m reviewed by sre"
approve = "1 of sre"
max = "1h"
ttl = "5m"
allow = ["pty"]

[[rule]]
name = "dev-two"
who = "dev"
hosts = "env=two"
logins = ["root"]
approve = "2 of sre"
max = "1h"
ttl = "5m"

[[rule]]
name = "dev-auto"
who = "dev"
hosts = "env=dev"
logins = ["root"]
approve = "auto"
max = "1h"
ttl = "5m"

[[rule]]
name = "dev-staged"
who = "dev"
hosts = "env=staged"
logins = ["root"]
approve = "1 of leads or duty after 15m then 1 of sre"
max = "1h"
ttl = "5m"

[[rule]]
name = "plain"
who = "dev"
hosts = "env=plain"
logins = ["root"]
approve = "1 of sre"
max = "1h"
ttl = "5m"
"#;
        Self { directory, access: access.to_owned(), hosts: String::new() }
    }
}

impl Setup {
    pub(super) fn files(&self) -> Files {
        let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
        let hosts = "\
            [[host]]\nname = \"web-1\"\naliases = [\"www\"]\nlabels = { env = \"prod\", role = \"web\" }\n\
            [[host]]\nname = \"web-2\"\nlabels = { env = \"prod\", role = \"web\" }\n\
            [[host]]\nname = \"two-1\"\nlabels = { env = \"two\" }\n\
            [[host]]\nname = \"staged-1\"\nlabels = { env = \"staged\" }\n\
            [[host]]\nname = \"dev-1\"\nlabels = { env = \"dev\" }\n\
            [[host]]\nname = \"old-1\"\nlabels = { env = \"plain\" }\nrealm = \"legacy\"\n\
            [[host]]\nname = \"old-2\"\nlabels = { env = \"plain\" }\nrealm = \"legacy\"\n\
            [[host]]\nname = \"off-1\"\nlabels = { env = \"prod\" }\nrealm = \"off\"\n";
        Files {
            directory: source("directory.toml", &self.directory),
            hosts: source("hosts.toml", &format!("{hosts}{}", self.hosts)),
            access: source("access.toml", &self.access),
            cedar: None,
        }
    }
}

/// A certificate authority and its surroundings.
pub(super) struct World {
    pub(super) ca: Ca,
    pub(super) clock: Arc<Hands>,
    pub(super) server: ServerId,
    pub(super) directory: tempfile::TempDir,
    random: Arc<dyn Random>,
    nonce: AtomicU64,
}

pub(super) const LEDGER_SEED: u8 = 200;
pub(super) const TLS_KEY: &[u8] = b"the server's TLS key";

pub(super) async fn world() -> World {
    world_of(Setup::default()).await
}

pub(super) async fn world_of(setup: Setup) -> World {
    let clock = Arc::new(Hands { wall: AtomicU64::new(NOON), boot_ms: AtomicU64::new(0) });
    let directory = tempfile::tempdir().unwrap();
    let random: Arc<dyn Random> = Arc::new(Counting::default());
    let store = Store::init(directory.path(), ledger_signer(), Arc::clone(&random), UnixTime::new(NOON).unwrap(), None)
        .unwrap();
    start(store, setup, clock, random, directory).await
}

fn ledger_signer() -> CheckpointSigner {
    let key = ed25519_dalek::SigningKey::from_bytes(&[LEDGER_SEED; 32]);
    CheckpointSigner::new("ca.example.com".parse().unwrap(), key)
}

async fn start(
    store: Store,
    setup: Setup,
    clock: Arc<Hands>,
    random: Arc<dyn Random>,
    directory: tempfile::TempDir,
) -> World {
    let bundle = Bundle::load(&setup.files()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let server = ServerId { name: "ca.example.com".parse().unwrap(), ledger_key: store.ledger_key().fingerprint() };
    let identity = Identity { server: server.clone(), tls_keys: vec![Digest::of(TLS_KEY)] };
    let realms = BTreeMap::from([("legacy".parse().unwrap(), TestCa::new(101) as Arc<dyn CaSigner>)]);
    let signers = Signers::new(TestCa::new(100), realms);
    let limits = Limits { patience: "1h".parse().unwrap(), pending_per_user: 5, session: "8h".parse().unwrap() };
    let files = FromFiles { bundle, signatures: Vec::new() };
    let subscriptions = vec![
        Subscription { receiver: "chat".parse().unwrap(), on: Event::ALL.into() },
        Subscription { receiver: "audit".parse().unwrap(), on: [Event::Decision].into() },
    ];
    let (time, dice) = (clock.clone(), Arc::clone(&random));
    let parts = Parts { store, files, signers, identity, limits, clock: time, random: dice, subscriptions };
    let ca = Ca::start(parts).await.unwrap();
    World { ca, clock, server, directory, random, nonce: AtomicU64::new(0) }
}

impl World {
    /// The server ends and starts again over the same store.
    pub(super) async fn restart(self, setup: Setup) -> Self {
        let Self { ca, clock, directory, random, nonce, .. } = self;
        drop(ca);
        let store = Store::open(directory.path(), ledger_signer(), Arc::clone(&random)).unwrap();
        Self { nonce, ..start(store, setup, clock, random, directory).await }
    }

    pub(super) fn now(&self) -> UnixTime {
        self.clock.wall().unwrap()
    }

    pub(super) fn header(&self) -> Header {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonce.fetch_add(1, Ordering::SeqCst).to_le_bytes());
        Header { server: self.server.clone(), nonce: Nonce::new(nonce), time: self.now(), seen: None }
    }

    pub(super) fn seen(&self) -> Seen {
        let latest = self.ca.checkpoint();
        Seen { size: latest.checkpoint.size, root: latest.checkpoint.root, signature: latest.signature }
    }

    /// What alice would sign to ask for this.
    pub(super) fn request(&self, access: &str, window: &str) -> RequestStatement {
        RequestStatement {
            header: self.header(),
            requester: name(ALICE),
            access: access.parse().unwrap(),
            start: None,
            window: window.parse::<Span>().unwrap(),
            uses: None,
            command: None,
            reason: "INC-42 disk full".parse().unwrap(),
            ticket: None,
            connecting_key: public(&key(LAPTOP)),
            rule: None,
            break_glass: None,
            extends: None,
        }
    }

    pub(super) async fn submit(&self, said: &RequestStatement) -> Result<View, Error> {
        let signed = by(ALICE, said);
        self.ca.submit(signed.text.as_bytes(), signed.signature.as_bytes()).await
    }

    /// Alice asks for this, and it waits or is granted.
    pub(super) async fn asked(&self, access: &str) -> View {
        self.submit(&self.request(access, "30m")).await.unwrap_or_else(|e| panic!("{e}"))
    }

    pub(super) fn decision(&self, view: &View, approver: u8, verdict: Approval) -> DecisionStatement {
        let ruling = RulingText::parse(&view.stored.ruling).unwrap();
        DecisionStatement {
            header: self.header(),
            approver: name(approver),
            id: view.stored.id,
            request: view.stored.statement.digest(),
            ruling: ruling.digest(),
            allows: ruling.in_words().clone(),
            verdict,
            comment: None,
        }
    }

    pub(super) async fn decide(&self, view: &View, approver: u8, verdict: Approval) -> Result<View, Error> {
        let signed = by(approver, &self.decision(view, approver, verdict));
        self.ca.decide(signed.text.as_bytes(), signed.signature.as_bytes()).await
    }

    /// Alice asks for this, and bob approves.
    pub(super) async fn granted(&self, access: &str) -> RequestId {
        let view = self.asked(access).await;
        self.decide(&view, BOB, Approval::Approve).await.unwrap_or_else(|e| panic!("{e}")).stored.id
    }

    pub(super) fn fetch_statement(&self, id: RequestId, pairs: &[&str]) -> FetchStatement {
        let pairs = pairs.iter().map(|p| p.parse::<Pair>().unwrap()).collect();
        FetchStatement { header: self.header(), id, pairs: Pairs::new(pairs).unwrap() }
    }

    pub(super) async fn fetch(&self, id: RequestId, pairs: &[&str]) -> Result<Issued, Error> {
        self.send_fetch(&by(LAPTOP, &self.fetch_statement(id, pairs))).await
    }

    pub(super) async fn send_fetch(&self, signed: &Signed) -> Result<Issued, Error> {
        self.ca.fetch(signed.text.as_bytes(), signed.signature.as_bytes()).await
    }

    pub(super) fn act_statement(&self, user: u8, act: Act) -> ActStatement {
        ActStatement { header: self.header(), user: name(user), act, reason: Some("tests".parse().unwrap()) }
    }

    pub(super) async fn act(&self, user: u8, act: Act) -> Result<(), Error> {
        let signed = by(user, &self.act_statement(user, act.clone()));
        let (text, signature) = (signed.text.as_bytes(), signed.signature.as_bytes());
        match act {
            Act::Resume => self.ca.resume(text, signature).await,
            Act::Amend(_) => self.ca.amend(text, signature).await.map(drop),
            Act::Stop(_) => self.ca.stop(text, signature).await.map(drop),
            Act::Rebind(_) => self.ca.rebind(text, signature).await.map(drop),
            Act::Lift(_) => self.ca.lift(text, signature).await.map(drop),
            Act::Review(_) => self.ca.review(text, signature).await.map(drop),
            Act::RollBack(_) => self.ca.roll_back(text, signature, Vec::new()).await.map(drop),
            _ => self.ca.end(text, signature).await.map(drop),
        }
    }

    pub(super) async fn login(&self, user: u8) -> crate::Session {
        let said = LoginStatement { header: self.header(), user: name(user), tls_key: Digest::of(TLS_KEY) };
        let signed = by(user, &said);
        let session = self.ca.login(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap();
        self.ca.session(session.token.expose()).unwrap()
    }

    pub(super) async fn reload(&self, setup: &Setup) {
        let bundle = Bundle::load(&setup.files()).unwrap_or_else(|m| panic!("{m}"));
        self.ca.reload(FromFiles { bundle, signatures: Vec::new() }).await.unwrap();
    }
}

pub(super) fn by<S: Statement>(seed: u8, said: &S) -> Signed {
    sign_with(said, &key(seed)).unwrap()
}

/// The stable reason of a refusal.
#[track_caller]
pub(super) fn reason<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.reason(),
    }
}
