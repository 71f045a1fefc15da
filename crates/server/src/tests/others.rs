//! Every RPC that reads, by somebody who may not read this: one who neither asked, nor may decide, nor has `audit`.

use std::collections::BTreeSet;
use std::path::Path;

use tokio_stream::StreamExt as _;
use tonic::Streaming;
use wire::v1;
use wire::v1::history_client::HistoryClient;
use wire::v1::requests_client::RequestsClient;

use super::harness::{World, append, reason, with_token};
use super::table::{Needs, Others, TABLE};

const VIEWS: [v1::View; 4] = [v1::View::Mine, v1::View::Inbox, v1::View::All, v1::View::Owed];
/// What dave may ask for and decide on: without it the views would be empty for want of anything to show him.
const DAVES: &str = r#"
[[rule]]
name = "dave-asks"
who = "others"
hosts = "env=dev"
logins = ["deploy"]
approve = "auto"
max = "1h"
ttl = "5m"

[[rule]]
name = "dave-decides"
who = "people"
hosts = "env=prod"
logins = ["deploy"]
approve = "1 of others"
break_glass = "30m reviewed by others"
max = "1h"
ttl = "5m"
"#;

fn with_daves_rules(root: &Path) {
    append(&root.join("access.toml"), DAVES);
    append(&root.join("directory.toml"), "[[group]]\nname = \"others\"\nmembers = [\"dave\"]\n");
    append(&root.join("hallpassd.toml"), "[limits]\ncalls-per-second = 1000\npending-per-user = 1000\n");
}

/// Dave, and requests that he may not read: one that waits for alice, and one that was granted.
struct Case {
    world: World,
    token: String,
    hidden: Vec<String>,
}

impl Case {
    async fn start() -> Self {
        let world = World::with(with_daves_rules).await;
        let token = world.log_in(&world.dave).await.unwrap();
        let mut case = Self { world, token, hidden: Vec::new() };
        case.ask_for_hidden().await;
        case
    }

    async fn ask_for_hidden(&mut self) {
        for access in ["root@web-1", "self@dev-1"] {
            self.hidden.push(self.world.submit(&self.world.bob, access).await.unwrap().id);
        }
        self.hidden.push(self.world.break_glass(&self.world.bob, "root@web-1").await.unwrap().id);
    }

    /// Bob asks for what dave may decide, and breaks the glass where dave reviews it (he owes a review, so dave approves that
    /// first); and dave asks for something of his own.
    async fn ask_for_readable(&self) -> [String; 3] {
        let decidable = self.world.submit(&self.world.bob, "deploy@web-1").await.unwrap().id;
        let owed = self.world.break_glass(&self.world.bob, "deploy@web-1").await.unwrap();
        self.world.approve(&self.world.dave, &owed).await.unwrap();
        [decidable, self.world.submit(&self.world.dave, "deploy@dev-1").await.unwrap().id, owed.id]
    }

    /// The request with this id, as an RPC shows it: its id, or the reason of the refusal.
    async fn one(&self, path: &str, id: &str) -> Result<String, String> {
        let id = id.to_owned();
        let mut requests = RequestsClient::new(self.world.channel().await);
        let shown = match path {
            "/hallpass.v1.Requests/GetRequest" => {
                let asked = with_token(&self.token, v1::GetRequestRequest { id });
                requests.get_request(asked).await.map(|answer| answer.into_inner().request)
            }
            "/hallpass.v1.Requests/WatchRequests" => {
                let asked = with_token(&self.token, v1::WatchRequestsRequest { view: 0, id });
                match requests.watch_requests(asked).await {
                    Ok(watch) => watch.into_inner().next().await.unwrap().map(|item| item.request),
                    Err(status) => Err(status),
                }
            }
            "/hallpass.v1.History/Explain" => {
                let mut history = HistoryClient::new(self.world.channel().await);
                let explained = history.explain(with_token(&self.token, v1::ExplainRequest { id: id.clone() })).await;
                // What is explained names no request; it is the one that was asked for.
                return explained.map(|_| id).map_err(|status| reason(&status));
            }
            other => panic!("{other} takes no id"),
        };
        shown.map(|request| request.unwrap().id).map_err(|status| reason(&status))
    }

    /// A call that tells of no one request.
    async fn call(&self, path: &str) -> Result<(), String> {
        let mut history = HistoryClient::new(self.world.channel().await);
        let called = match path {
            "/hallpass.v1.History/ListHistory" => {
                history.list_history(with_token(&self.token, v1::ListHistoryRequest::default())).await.map(drop)
            }
            other => panic!("{other} takes no right"),
        };
        called.map_err(|status| reason(&status))
    }

    async fn listed(&self, view: v1::View, live: bool) -> BTreeSet<String> {
        let asked = v1::ListRequestsRequest { view: view.into(), limit: 0, live };
        let mut requests = RequestsClient::new(self.world.channel().await);
        let listed = requests.list_requests(with_token(&self.token, asked)).await.unwrap().into_inner().requests;
        listed.into_iter().map(|request| request.id).collect()
    }

    async fn watch(&self, view: v1::View) -> Streaming<v1::WatchRequestsResponse> {
        let asked = v1::WatchRequestsRequest { view: view.into(), id: String::new() };
        let mut requests = RequestsClient::new(self.world.channel().await);
        requests.watch_requests(with_token(&self.token, asked)).await.unwrap().into_inner()
    }

    /// What a view of an RPC shows dave, of requests before and after it was opened; and the least that it has to show.
    async fn viewed(&mut self, path: &str, view: v1::View) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut watch = self.watch(view).await;
        self.ask_for_hidden().await;
        let [decidable, own, owed] = self.ask_for_readable().await;
        let readable: BTreeSet<_> = match view {
            v1::View::Mine => [own].into(),
            v1::View::Inbox => [decidable, owed].into(),
            v1::View::Owed => [owed].into(),
            _ => [decidable, own, owed].into(),
        };
        let mut shown = BTreeSet::new();
        match path {
            "/hallpass.v1.Requests/ListRequests" => shown = self.listed(view, false).await,
            // A watch tells of changes in their order: when the last of them has come, those before it would have.
            "/hallpass.v1.Requests/WatchRequests" => {
                while !readable.is_subset(&shown) {
                    shown.insert(watch.next().await.unwrap().unwrap().request.unwrap().id);
                }
            }
            other => panic!("{other} has no views"),
        }
        (shown, readable)
    }
}

#[tokio::test]
async fn a_request_is_kept_from_whoever_may_not_read_it() {
    let mut case = Case::start().await;
    let [decidable, own, owed] = case.ask_for_readable().await;
    for (path, needs) in TABLE {
        let (refused, left_out) = match needs {
            Needs::Session(Others::Refused(why)) => (Some(why), false),
            Needs::Session(Others::LeftOut) => (None, true),
            Needs::Session(Others::RefusedAndLeftOut(why)) => (Some(why), true),
            Needs::Session(Others::NoRight) => {
                assert_eq!(case.call(path).await, Err("NO_RIGHT".to_owned()), "{path}");
                continue;
            }
            Needs::Session(Others::NoRequest) | Needs::Nothing | Needs::Statement(..) => continue,
        };
        if let Some(why) = refused {
            for id in &case.hidden {
                assert_eq!(case.one(path, id).await, Err(why.to_owned()), "{path}");
            }
            for id in [&decidable, &own, &owed] {
                assert_eq!(case.one(path, id).await.as_ref(), Ok(id), "{path}");
            }
        }
        for view in VIEWS.into_iter().filter(|_| left_out) {
            let (shown, readable) = case.viewed(path, view).await;
            assert!(readable.is_subset(&shown), "{path} {view:?}");
            let told: Vec<_> = case.hidden.iter().filter(|id| shown.contains(*id)).collect();
            assert!(told.is_empty(), "{path} {view:?} tells of {told:?}");
        }
    }
}

#[tokio::test]
async fn the_right_to_audit_opens_requests_and_the_view_of_all_and_no_other() {
    let case = Case::start().await;
    let hidden: BTreeSet<String> = case.hidden.iter().cloned().collect();
    for live in [false, true] {
        assert!(case.listed(v1::View::All, live).await.is_disjoint(&hidden), "before");
    }
    let audit = "[[group]]\nname = \"auditors\"\nmembers = [\"dave\"]\nrights = [\"audit\"]\n";
    append(&case.world.root().join("directory.toml"), audit);
    case.world.running.reload().await.unwrap();
    for live in [false, true] {
        assert!(case.listed(v1::View::All, live).await.is_superset(&hidden));
        assert!(case.listed(v1::View::Mine, live).await.is_disjoint(&hidden));
        assert!(case.listed(v1::View::Inbox, live).await.is_disjoint(&hidden));
    }
    for id in &case.hidden {
        assert_eq!(case.one("/hallpass.v1.Requests/GetRequest", id).await.as_ref(), Ok(id));
        assert_eq!(case.one("/hallpass.v1.Requests/WatchRequests", id).await.as_ref(), Ok(id));
        assert_eq!(case.one("/hallpass.v1.History/Explain", id).await.as_ref(), Ok(id));
    }
}
