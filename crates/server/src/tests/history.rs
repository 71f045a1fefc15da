//! Looking back: every request that was, and how the bundle of then came to rule on it.

use domain::Extension;
use policy::{Ask, Files, Keys, divergences, rule};
use statement::{Canonical as _, RequestStatement, RulingText, verify};
use tokio_stream::StreamExt as _;
use tonic::Status;
use wire::v1;
use wire::v1::history_client::HistoryClient;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;

use super::harness::{World, append, reason, signed, with_token};

/// `bob` may audit.
async fn world() -> (World, String) {
    let world = World::with(|root| {
        append(&root.join("hallpassd.toml"), "[limits]\ncalls-per-second = 10000\npending-per-user = 1000\n");
        let group = "[[group]]\nname = \"auditors\"\nmembers = [\"bob\"]\nrights = [\"audit\"]\n";
        append(&root.join("directory.toml"), group);
    })
    .await;
    let token = world.log_in(&world.bob).await.unwrap();
    (world, token)
}

async fn history(world: &World) -> HistoryClient<tonic::transport::Channel> {
    HistoryClient::new(world.channel().await)
}

/// So much that it is not all under way before anybody reads it.
async fn fill(world: &World) {
    for _ in 0..600 {
        let asked =
            RequestStatement { reason: "x".repeat(1024).parse().unwrap(), ..world.asks(&world.bob, "self@dev-1") };
        let statement = Some(signed(&asked, &world.bob.key));
        RequestsClient::new(world.channel().await).submit(v1::SubmitRequest { statement }).await.unwrap();
    }
}

/// All messages until the end, or the refusal.
async fn listed(world: &World, token: &str, since: u64) -> Result<Vec<v1::ListHistoryResponse>, Status> {
    let asked = with_token(token, v1::ListHistoryRequest { since });
    let stream = history(world).await.list_history(asked).await?.into_inner();
    stream.collect::<Vec<_>>().await.into_iter().collect()
}

#[tokio::test]
async fn every_request_comes_once_the_oldest_first_with_all_that_was_signed() {
    let (world, token) = world().await;
    let empty = listed(&world, &token, 0).await.unwrap();
    assert_eq!(empty, [v1::ListHistoryResponse::default()], "how many comes even when there are none");
    let mut asked = Vec::new();
    for place in 0..150 {
        let access = if place % 2 == 0 { "self@dev-1" } else { "root@web-1" };
        asked.push(world.submit(&world.bob, access).await.unwrap());
    }
    let denied = world.approve(&world.alice, &asked[1]).await.unwrap();
    let messages = listed(&world, &token, 0).await.unwrap();
    assert_eq!(messages[0], v1::ListHistoryResponse { total: 150, requests: Vec::new() });
    assert!(messages.len() > 3, "in pages");
    let told: Vec<v1::Request> = messages.into_iter().flat_map(|message| message.requests).collect();
    let ids = |requests: &[v1::Request]| requests.iter().map(|request| request.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&told), ids(&asked));
    assert_eq!(told[1].decisions, denied.decisions);
    assert_eq!((&told[1].state, told[1].not_after), (&denied.state, denied.not_after));
    assert_eq!((&told[0].statement, &told[0].ruling), (&asked[0].statement, &asked[0].ruling));
    assert!(told.iter().all(|request| request.approvers.is_empty() && request.endpoints.is_empty()));

    world.clock.pass(100);
    let late = world.submit(&world.bob, "self@dev-1").await.unwrap();
    let messages = listed(&world, &token, late.submitted).await.unwrap();
    assert_eq!((messages[0].total, ids(&messages[1].requests)), (1, vec![late.id]));
}

#[tokio::test]
async fn a_stream_ends_with_the_session_and_with_the_right() {
    let (world, token) = world().await;
    fill(&world).await;
    let asked = with_token(&token, v1::ListHistoryRequest { since: 0 });
    let mut stream = history(&world).await.list_history(asked).await.unwrap().into_inner();
    assert_eq!(stream.next().await.unwrap().unwrap().total, 600);
    SessionsClient::new(world.channel().await).logout(with_token(&token, v1::LogoutRequest {})).await.unwrap();
    let last = loop {
        match stream.next().await.expect("it must not look like the end") {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&last), "NO_SESSION");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stop_of_the_server_ends_a_stream_that_nobody_reads() {
    let (world, token) = world().await;
    fill(&world).await;
    let asked = with_token(&token, v1::ListHistoryRequest { since: 0 });
    let mut stream = history(&world).await.list_history(asked).await.unwrap().into_inner();
    assert_eq!(stream.next().await.unwrap().unwrap().total, 600);
    let stopping = std::time::Instant::now();
    world.running.stop().await;
    assert!(stopping.elapsed().as_secs() < 15, "not after the grace that calls under way have");
    let mut told = 0;
    while let Some(Ok(page)) = stream.next().await {
        told += page.requests.len();
    }
    assert!(told < 600, "it was cut off");
}

/// Replay with the same bundle differs nowhere; with another, exactly where it rules otherwise.
#[tokio::test]
async fn ruled_again_by_the_bundle_that_ruled_nothing_differs() {
    let (world, token) = world().await;
    for access in ["self@dev-1", "deploy@dev-1", "root@web-1", "bob@dev-1"] {
        world.submit(&world.bob, access).await.ok();
        world.submit(&world.alice, access).await.ok();
    }
    let mut sources = Files::of(world.running.ca().bundle().files().clone()).unwrap();
    let same = sources.understand().unwrap();
    sources.access.text = sources.access.text.replace("1 of admins", "auto").replace("[\"pty\"]", "[]");
    let other = sources.understand().unwrap();
    let told: Vec<v1::Request> =
        listed(&world, &token, 0).await.unwrap().into_iter().flat_map(|message| message.requests).collect();
    assert!(told.len() >= 5, "{}", told.len());
    for request in told {
        let signed = request.statement.unwrap();
        let asked = verify::<RequestStatement>(&signed.text, &signed.signature).unwrap();
        let said = asked.statement();
        let was = RulingText::parse(std::str::from_utf8(&request.ruling).unwrap()).unwrap();
        let ask = Ask {
            requester: said.requester.clone(),
            login: said.access.login.clone(),
            target: said.access.target.clone(),
            window: said.window,
            command: said.command.clone(),
            ticket: said.ticket.clone(),
            rule: said.rule.clone(),
            break_glass: None,
            keys: Some(Keys { signed: asked.strength(), connecting: said.connecting_key.strength() }),
            extends: None,
        };
        let at = domain::UnixTime::new(request.submitted).unwrap();
        assert_eq!(divergences(was.obligations(), &rule(&same.1, &same.0, &ask, at)), []);
        let changed = divergences(was.obligations(), &rule(&other.1, &other.0, &ask, at));
        let expected = if was.obligations().rule.as_str() == "prod" {
            policy::Divergence::Quorum("1 of admins".parse().unwrap(), domain::Quorum::auto())
        } else {
            policy::Divergence::AllowLost([Extension::Pty].into())
        };
        assert_eq!(changed, [expected]);
    }
}

async fn explained(world: &World, token: &str, id: &str) -> wire::Explanation {
    let asked = with_token(token, v1::ExplainRequest { id: id.to_owned() });
    let answer = history(world).await.explain(asked).await.unwrap().into_inner();
    answer.explanation.try_into().unwrap()
}

#[tokio::test]
async fn a_request_is_explained_by_the_bundle_that_ruled_on_it() {
    let (world, token) = world().await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let ruling = RulingText::parse(std::str::from_utf8(&asked.ruling).unwrap()).unwrap();
    let by_then = explained(&world, &token, &asked.id).await;
    assert_eq!((by_then.bundle, by_then.time.seconds()), (*ruling.bundle(), asked.submitted));
    let [taken] = by_then.rules.as_slice() else { panic!("{by_then:?}") };
    assert_eq!((taken.rule.as_str(), taken.taken), ("prod", true));
    assert_eq!(taken.whole.quorum.as_ref(), Some(&ruling.obligations().quorum));

    let access = world.root().join("access.toml");
    let text = std::fs::read_to_string(&access).unwrap();
    std::fs::write(&access, text.replace("\"prod\"\nwho", "\"production\"\nwho")).unwrap();
    world.running.reload().await.unwrap();
    world.clock.pass(60);
    for _ in 0..2 {
        assert_eq!(explained(&world, &token, &asked.id).await, by_then, "another bundle is in force by now");
    }
    let now = world.submit(&world.bob, "root@web-1").await.unwrap();
    assert_eq!(explained(&world, &token, &now.id).await.rules[0].rule.as_str(), "production");
}
