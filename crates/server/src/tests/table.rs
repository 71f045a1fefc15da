//! Every RPC in a table: what it needs, and that it is refused without.

use std::collections::{BTreeMap, BTreeSet};

use ca::Bundle;
use domain::{Amendment, Digest, StopTarget, UnixTime};
use ledger::{CheckpointSigner, FetchProof, Payload, SignedText};
use ssh_key::PrivateKey;
use statement::{
    Act, ActStatement, BundleChange, FetchStatement, Header, Kind, LoginStatement, Pairs, Rebind, Seen, ServerId,
};
use store::Store;
use tonic::{Request, Response};
use wire::v1;
use wire::v1::admin_client::AdminClient;
use wire::v1::history_client::HistoryClient;
use wire::v1::hosts_client::HostsClient;
use wire::v1::info_client::InfoClient;
use wire::v1::push_bundle_request::Part;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;
use wire::v1::stops_client::StopsClient;

use super::harness::{Person, World, reason, signed};

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: anybody may call.
    Nothing,
    /// A session's token; and what becomes of requests that its user may not read.
    Session(Others),
    /// A statement of this kind; and what somebody without a right to it is told, if a right is needed.
    Statement(Kind, Option<&'static str>),
}

/// What is told of a request to somebody who neither asked, nor may decide, nor has the right `audit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// It tells of no request at all.
    NoRequest,
    /// Asked for by its id it is refused, for this reason.
    Refused(&'static str),
    /// It is left out of every view.
    LeftOut,
    /// Asked for by its id it is refused, for this reason; and it is left out of every view.
    RefusedAndLeftOut(&'static str),
    /// The whole call is refused: it takes the right `audit`.
    NoRight,
}

pub(crate) const TABLE: [(&str, Needs); 26] = [
    ("/hallpass.v1.Info/GetServerInfo", Needs::Nothing),
    ("/hallpass.v1.Sessions/Login", Needs::Statement(Kind::Login, None)),
    ("/hallpass.v1.Sessions/Logout", Needs::Session(Others::NoRequest)),
    ("/hallpass.v1.Sessions/WhoAmI", Needs::Session(Others::NoRequest)),
    ("/hallpass.v1.Hosts/ListHosts", Needs::Session(Others::NoRequest)),
    ("/hallpass.v1.Requests/Submit", Needs::Statement(Kind::Request, Some("POLICY_REFUSED"))),
    ("/hallpass.v1.Requests/GetRequest", Needs::Session(Others::Refused("NO_SUCH_REQUEST"))),
    ("/hallpass.v1.Requests/ListRequests", Needs::Session(Others::LeftOut)),
    ("/hallpass.v1.Requests/WatchRequests", Needs::Session(Others::RefusedAndLeftOut("NO_SUCH_REQUEST"))),
    ("/hallpass.v1.Requests/Decide", Needs::Statement(Kind::Decision, Some("DECISION_REFUSED"))),
    ("/hallpass.v1.Requests/End", Needs::Statement(Kind::Act, Some("NOT_YOURS"))),
    ("/hallpass.v1.Requests/Review", Needs::Statement(Kind::Act, Some("REVIEW_REFUSED"))),
    ("/hallpass.v1.Requests/Fetch", Needs::Statement(Kind::Fetch, Some("NOT_GRANTED"))),
    ("/hallpass.v1.Requests/Rebind", Needs::Statement(Kind::Act, Some("NOT_YOURS"))),
    ("/hallpass.v1.History/ListHistory", Needs::Session(Others::NoRight)),
    ("/hallpass.v1.History/Explain", Needs::Session(Others::Refused("NO_SUCH_REQUEST"))),
    ("/hallpass.v1.Admin/Resume", Needs::Statement(Kind::Act, Some("NO_RIGHT"))),
    ("/hallpass.v1.Admin/PushBundle", Needs::Statement(Kind::Act, Some("NO_RIGHT"))),
    ("/hallpass.v1.Admin/RollBackBundle", Needs::Statement(Kind::Act, Some("NO_RIGHT"))),
    ("/hallpass.v1.Admin/ListBundles", Needs::Session(Others::NoRequest)),
    ("/hallpass.v1.Admin/GetBundle", Needs::Session(Others::NoRequest)),
    ("/hallpass.v1.Admin/Amend", Needs::Statement(Kind::Act, Some("NO_RIGHT"))),
    ("/hallpass.v1.Stops/Stop", Needs::Statement(Kind::Act, Some("NO_RIGHT"))),
    ("/hallpass.v1.Stops/Lift", Needs::Statement(Kind::Act, Some("NO_RIGHT"))),
    ("/hallpass.v1.Stops/ListStops", Needs::Session(Others::NoRequest)),
    ("/hallpass.v1.Stops/GetRevocations", Needs::Nothing),
];

/// The calls that carry statements.
fn statements() -> impl Iterator<Item = (&'static str, Kind, Option<&'static str>)> {
    TABLE.into_iter().filter_map(|(path, needs)| match needs {
        Needs::Statement(kind, without) => Some((path, kind, without)),
        _ => None,
    })
}

#[test]
fn every_rpc_has_a_row() {
    let rows: BTreeSet<String> = TABLE.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(rows, wire::rpc_paths().into_iter().collect());
}

#[tokio::test]
async fn what_needs_a_session_is_refused_to_a_stranger() {
    let case = Case::start().await;
    for (path, _) in TABLE.into_iter().filter(|(_, needs)| matches!(needs, Needs::Session(_))) {
        for token in [None, Some("Bearer guess"), Some("Basic guess")] {
            assert_eq!(case.call(path, token, None).await.unwrap_err(), "NO_SESSION", "{path} {token:?}");
        }
    }
    for (path, _) in TABLE.into_iter().filter(|(_, needs)| *needs == Needs::Nothing) {
        assert!(case.call(path, None, None).await.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn a_statement_is_refused_without_its_key_or_its_right() {
    let case = Case::start().await;
    let entries = case.entries();
    let stranger = Person::new("stranger");
    for (path, kind, without) in statements() {
        let header = case.world.header();
        let rightful = case.rightful(path);
        let forged = case.statement(path, header.clone(), rightful.name, &stranger.key);
        let expected = if kind == Kind::Fetch { "NOT_GRANTED" } else { "UNKNOWN_KEY" };
        assert_eq!(case.call(path, None, Some(forged)).await.unwrap_err(), expected, "{path} by a stranger");

        let others = case.statement(path, header.clone(), rightful.name, &case.world.dave.key);
        let expected = if kind == Kind::Fetch { "NOT_GRANTED" } else { "OTHER_USERS_KEY" };
        assert_eq!(case.call(path, None, Some(others)).await.unwrap_err(), expected, "{path} by another's key");

        if let Some(expected) = without {
            let daves = case.statement(path, header, "dave", &case.world.dave.key);
            assert_eq!(case.call(path, None, Some(daves)).await.unwrap_err(), expected, "{path} without the right");
        }
    }
    assert_eq!(case.entries(), entries, "a refusal is no entry");
}

#[tokio::test]
async fn a_statement_is_refused_late_early_elsewhere_or_with_another_history() {
    let case = Case::start().await;
    let entries = case.entries();
    for (path, ..) in statements() {
        let rightful = case.rightful(path);
        let now = case.world.header().time.seconds();
        let at = |seconds| Header { time: UnixTime::new(seconds).unwrap(), ..case.world.header() };
        let server = ServerId { ledger_key: Digest::of(b"other"), ..case.world.header().server };
        let seen = Some(Seen { size: 1, root: Digest::of(b"other"), signature: [1; 64] });
        for (header, expected) in [
            (at(now - 61), "STATEMENT_STALE"),
            (at(now + 61), "STATEMENT_STALE"),
            (Header { server, ..case.world.header() }, "OTHER_SERVER"),
            (Header { seen, ..case.world.header() }, "SEEN_UNKNOWN"),
        ] {
            let statement = case.statement(path, header, rightful.name, &rightful.key);
            assert_eq!(case.call(path, None, Some(statement)).await.unwrap_err(), expected, "{path}");
        }
    }
    assert_eq!(case.entries(), entries, "a refusal is no entry");
}

#[tokio::test]
async fn a_statement_of_one_kind_is_none_of_another() {
    let case = Case::start().await;
    for (path, kind, _) in statements() {
        for (other, ..) in statements().filter(|(_, other, _)| *other != kind) {
            let rightful = case.rightful(other);
            let statement = case.statement(other, case.world.header(), rightful.name, &rightful.key);
            let refused = case.call(path, None, Some(statement)).await.unwrap_err();
            assert_eq!(refused, "STATEMENT_INVALID", "what is for {other} at {path}");
        }
    }
    let resume = case.statement("/hallpass.v1.Admin/Resume", case.world.header(), "alice", &case.world.alice.key);
    assert_eq!(case.call("/hallpass.v1.Requests/End", None, Some(resume)).await.unwrap_err(), "UNSUPPORTED");
    let give_back = case.statement("/hallpass.v1.Requests/End", case.world.header(), "bob", &case.world.bob.key);
    assert_eq!(case.call("/hallpass.v1.Admin/Resume", None, Some(give_back)).await.unwrap_err(), "UNSUPPORTED");
}

#[tokio::test]
async fn a_statement_counts_once_and_is_kept_in_the_ledger() {
    let case = Case::start().await;
    let mut kept = Vec::new();
    for (path, kind, _) in statements() {
        let rightful = case.rightful(path);
        let statement = case.statement(path, case.world.header(), rightful.name, &rightful.key);
        let entries = case.entries();
        let first = case.call(path, None, Some(statement.clone())).await;
        assert!(first.is_ok(), "{path}: {first:?}");
        assert_eq!(case.entries(), entries + writes(path), "{path}");
        let again = case.call(path, None, Some(statement.clone())).await;
        match kind {
            // The certificate of the same entry; its signature, ed25519, is the same too.
            Kind::Fetch => assert_eq!(again, first),
            // What is ended cannot be ended again, and says so.
            _ => assert!(AGAIN.contains(&again.unwrap_err().as_str()), "{path}"),
        }
        assert_eq!(case.entries(), entries + writes(path), "{path} again");
        kept.push(statement);
    }
    let logged = case.ledger().await;
    for statement in kept {
        let text = String::from_utf8(statement.text).unwrap();
        let found = logged.iter().find(|entry| entry.text == text);
        assert_eq!(found.map(|entry| &entry.signature), Some(&statement.signature), "{text}");
    }
}

/// What a statement is told that comes a second time: it was used, or what it would do is done.
const AGAIN: [&str; 7] =
    ["REPLAYED", "NOT_REBOUND", "WRONG_STATE", "BUNDLE_IN_FORCE", "NOT_AMENDABLE", "STOPPED_ALREADY", "NO_SUCH_STOP"];

/// How many entries a call writes.
fn writes(path: &str) -> u64 {
    // The act, and the bundle that it puts in force.
    if path.ends_with("Bundle") { 2 } else { 1 }
}

/// A server with a pending request of bob's, and one that was granted.
struct Case {
    world: World,
    pending: v1::Request,
    granted: v1::Request,
    /// One of bob's that is break-glass.
    broken: v1::Request,
    /// The bundle that was in force at first.
    first: Digest,
}

impl Case {
    async fn start() -> Self {
        let world = World::with_config("[limits]\ncalls-per-second = 1000\n").await;
        let pending = world.submit(&world.bob, "root@web-1").await.unwrap();
        let granted = world.submit(&world.bob, "self@dev-1").await.unwrap();
        let broken = world.break_glass(&world.bob, "root@web-1").await.unwrap();
        let first = world.running.ca().bundle().digest();
        Self { world, pending, granted, broken, first }
    }

    /// Who may make a call's statement.
    fn rightful(&self, path: &str) -> &Person {
        match path {
            "/hallpass.v1.Requests/Decide" | "/hallpass.v1.Requests/Review" => &self.world.alice,
            path if path.starts_with("/hallpass.v1.Admin/") || path.starts_with("/hallpass.v1.Stops/") => {
                &self.world.alice
            }
            _ => &self.world.bob,
        }
    }

    /// The statement of a call, by this user's word and this key.
    fn statement(&self, path: &str, header: Header, user: &'static str, key: &PrivateKey) -> v1::Signed {
        let named = Person { name: user, key: key.clone() };
        let reason = Some("a test".parse().unwrap());
        let act = |act| ActStatement { header: header.clone(), user: user.parse().unwrap(), act, reason };
        match path {
            "/hallpass.v1.Sessions/Login" => {
                let (user, tls_key) = (user.parse().unwrap(), self.world.tls_key());
                signed(&LoginStatement { header, user, tls_key }, key)
            }
            "/hallpass.v1.Requests/Submit" => {
                let asked = self.world.asks(&named, "deploy@dev-1");
                signed(&statement::RequestStatement { header, ..asked }, key)
            }
            "/hallpass.v1.Requests/Decide" => {
                let decision = self.world.approves(&named, &self.pending);
                signed(&statement::DecisionStatement { header, ..decision }, key)
            }
            "/hallpass.v1.Requests/Fetch" => {
                let pairs = Pairs::new(["bob@dev-1".parse().unwrap()].into()).unwrap();
                signed(&FetchStatement { header, id: self.granted.id.parse().unwrap(), pairs }, key)
            }
            "/hallpass.v1.Requests/Review" => signed(&act(Act::Review(self.broken.id.parse().unwrap())), key),
            "/hallpass.v1.Requests/End" => signed(&act(Act::GiveBack(self.ended().parse().unwrap())), key),
            "/hallpass.v1.Requests/Rebind" => {
                let (id, key_of) = (self.granted.id.parse().unwrap(), Person::new("laptop").key);
                let new = key_of.public_key().to_openssh().unwrap().parse().unwrap();
                signed(&act(Act::Rebind(Rebind { id, key: new })), key)
            }
            "/hallpass.v1.Admin/Resume" => signed(&act(Act::Resume), key),
            "/hallpass.v1.Admin/PushBundle" => {
                let pushed = Bundle::load(&policy::Files::of(self.pushed()).unwrap()).unwrap_or_else(|m| panic!("{m}"));
                signed(&act(Act::LoadBundle(self.next(pushed.digest()))), key)
            }
            "/hallpass.v1.Admin/RollBackBundle" => signed(&act(Act::RollBack(self.next(self.first))), key),
            "/hallpass.v1.Admin/Amend" => {
                signed(&act(Act::Amend(Amendment::RemoveHost("web-1".parse().unwrap()))), key)
            }
            "/hallpass.v1.Stops/Stop" => signed(&act(Act::Stop(StopTarget::Host("dev-1".parse().unwrap()))), key),
            "/hallpass.v1.Stops/Lift" => {
                let stops = self.world.running.ca().stops().unwrap();
                signed(&act(Act::Lift(stops.first().map_or(1, |stop| stop.entry))), key)
            }
            other => panic!("no statement for {other}"),
        }
    }

    fn next(&self, bundle: Digest) -> BundleChange {
        BundleChange { bundle, after: self.world.running.ca().bundle().entry() }
    }

    /// The files that are pushed.
    fn pushed(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.world.running.ca().kept_bundle(self.first).unwrap().files;
        files.get_mut("access.toml").unwrap().extend(b"# pushed\n");
        files
    }

    /// The request that ends: by then it was approved.
    fn ended(&self) -> &str {
        &self.pending.id
    }

    /// Makes a call with this header `authorization` and statement; of the answer only certificates are looked at.
    async fn call(
        &self,
        path: &'static str,
        authorization: Option<&str>,
        statement: Option<v1::Signed>,
    ) -> Result<Vec<v1::Issued>, String> {
        let channel = self.world.channel().await;
        let (mut info, mut hosts) = (InfoClient::new(channel.clone()), HostsClient::new(channel.clone()));
        let (mut sessions, mut admin) = (SessionsClient::new(channel.clone()), AdminClient::new(channel.clone()));
        let (mut history, mut stops) = (HistoryClient::new(channel.clone()), StopsClient::new(channel.clone()));
        let mut requests = RequestsClient::new(channel);
        let auth = authorization;
        let answered = match path {
            "/hallpass.v1.Info/GetServerInfo" => info.get_server_info(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Sessions/Login" => sessions.login(v1::LoginRequest { statement }).await.map(empty),
            "/hallpass.v1.Sessions/Logout" => sessions.logout(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Sessions/WhoAmI" => sessions.who_am_i(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Hosts/ListHosts" => hosts.list_hosts(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Requests/Submit" => requests.submit(v1::SubmitRequest { statement }).await.map(empty),
            "/hallpass.v1.Requests/GetRequest" => requests.get_request(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Requests/ListRequests" => {
                requests.list_requests(with(auth, Default::default())).await.map(empty)
            }
            "/hallpass.v1.Requests/WatchRequests" => {
                requests.watch_requests(with(auth, Default::default())).await.map(empty)
            }
            "/hallpass.v1.Requests/Decide" => requests.decide(v1::DecideRequest { statement }).await.map(empty),
            "/hallpass.v1.Requests/Review" => requests.review(v1::ReviewRequest { statement }).await.map(empty),
            "/hallpass.v1.Requests/End" => requests.end(v1::EndRequest { statement }).await.map(empty),
            "/hallpass.v1.Requests/Rebind" => requests.rebind(v1::RebindRequest { statement }).await.map(empty),
            "/hallpass.v1.Requests/Fetch" => {
                let answer = requests.fetch(v1::FetchRequest { statement }).await;
                answer.map(|answer| answer.into_inner().certificates)
            }
            "/hallpass.v1.History/ListHistory" => history.list_history(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.History/Explain" => history.explain(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Admin/Resume" => admin.resume(v1::ResumeRequest { statement }).await.map(empty),
            "/hallpass.v1.Admin/PushBundle" => {
                let begin = v1::PushBegin { statement, signatures: Vec::new() };
                let files = wire::parts(&self.pushed()).into_iter().map(Part::File);
                let parts = std::iter::once(Part::Begin(begin)).chain(files);
                let parts: Vec<_> = parts.map(|part| v1::PushBundleRequest { part: Some(part) }).collect();
                admin.push_bundle(tokio_stream::iter(parts)).await.map(empty)
            }
            "/hallpass.v1.Admin/RollBackBundle" => {
                let signatures = Vec::new();
                admin.roll_back_bundle(v1::RollBackBundleRequest { statement, signatures }).await.map(empty)
            }
            "/hallpass.v1.Admin/ListBundles" => admin.list_bundles(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Admin/GetBundle" => admin.get_bundle(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Admin/Amend" => admin.amend(v1::AmendRequest { statement }).await.map(empty),
            "/hallpass.v1.Stops/Stop" => stops.stop(v1::StopRequest { statement }).await.map(empty),
            "/hallpass.v1.Stops/Lift" => stops.lift(v1::LiftRequest { statement }).await.map(empty),
            "/hallpass.v1.Stops/ListStops" => stops.list_stops(with(auth, Default::default())).await.map(empty),
            "/hallpass.v1.Stops/GetRevocations" => {
                stops.get_revocations(with(auth, Default::default())).await.map(empty)
            }
            other => panic!("no call for {other}"),
        };
        answered.map_err(|status| reason(&status))
    }

    fn entries(&self) -> u64 {
        self.world.running.ca().checkpoint().checkpoint.size
    }

    /// Every statement in the ledger, read after the server has stopped.
    async fn ledger(self) -> Vec<SignedText> {
        let World { directory, running, .. } = self.world;
        let (name, root) = (running.id().name.clone(), directory.path().join("server"));
        running.stop().await;
        let key = signer::load_ed25519(&root.join("keys/ledger"), None).unwrap();
        let random = std::sync::Arc::new(crate::SystemRandom);
        let store = Store::open(&root.join("store"), CheckpointSigner::new(name, key), random).unwrap();
        store.entries(0, 1000).unwrap().into_iter().filter_map(|entry| statement_in(entry.payload)).collect()
    }
}

/// A message with this header `authorization`.
fn with<T>(authorization: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(value) = authorization {
        request.metadata_mut().insert("authorization", value.parse().unwrap());
    }
    request
}

/// An answer without certificates.
fn empty<T>(_: Response<T>) -> Vec<v1::Issued> {
    Vec::new()
}

fn statement_in(payload: Payload) -> Option<SignedText> {
    match payload {
        Payload::Login { statement }
        | Payload::Request { statement, .. }
        | Payload::Decision { statement, .. }
        | Payload::Act { statement }
        | Payload::Certificate { fetch: FetchProof::Statement(statement), .. } => Some(statement),
        _ => None,
    }
}
