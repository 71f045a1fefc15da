//! The way of a request through the API.

use tokio_stream::StreamExt as _;
use wire::v1;
use wire::v1::hosts_client::HostsClient;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;

use super::harness::{World, append, reason, signed, with_token};
use crate::SystemRandom;
use crate::keys::{self, Maker};
use crate::layout::Layout;

#[tokio::test]
async fn an_approved_request_becomes_a_certificate() {
    let world = World::start().await;
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    assert_eq!((asked.state.as_str(), asked.missing.as_str()), ("pending", "1 of admins"));
    assert_eq!(asked.approvers, ["alice"]);
    let early = world.fetch(world.fetches(&world.bob, &asked.id, "root@web-1")).await.unwrap_err();
    assert_eq!(reason(&early), "NOT_GRANTED");

    let approved = world.approve(&world.alice, &asked).await.unwrap();
    assert_eq!(approved.state, "approved");
    assert_eq!(approved.not_after - approved.not_before, 1800);
    let fetch = world.fetches(&world.bob, &asked.id, "root@web-1");
    let issued = world.fetch(fetch.clone()).await.unwrap();
    let certificate = cert::Certificate::from_openssh(&issued[0].certificate).unwrap();
    assert_eq!(certificate.principals(), ["root@web-1"]);
    assert_eq!(certificate.serial().get(), issued[0].serial);
    assert_eq!(certificate.ca_key(), world.running.ca().signers().scoped_key());
    assert_eq!(*certificate.public_key(), world.bob.public());

    let again = world.fetch(fetch).await.unwrap();
    assert_eq!(again[0].serial, issued[0].serial, "an identical fetch gets the same entry");
    let anew = world.fetch(world.fetches(&world.bob, &asked.id, "root@web-1")).await.unwrap();
    assert_ne!(anew[0].serial, issued[0].serial);
}

#[tokio::test]
async fn a_session_reads_until_it_ends_itself() {
    let world = World::start().await;
    let token = world.log_in(&world.bob).await.unwrap();
    let mut sessions = SessionsClient::new(world.channel().await);
    let me = sessions.who_am_i(with_token(&token, v1::WhoAmIRequest {})).await.unwrap().into_inner();
    assert_eq!((me.user.as_str(), me.login.as_str(), me.groups), ("bob", "bob", vec!["people".to_owned()]));
    assert!(me.rights.is_empty());
    let checkpoint = wire::Head::try_from(me.checkpoint).unwrap();
    assert!(checkpoint.size >= 2, "genesis and the bundle, at least");

    sessions.logout(with_token(&token, v1::LogoutRequest {})).await.unwrap();
    let over = sessions.who_am_i(with_token(&token, v1::WhoAmIRequest {})).await.unwrap_err();
    assert_eq!(reason(&over), "NO_SESSION");
}

#[tokio::test]
async fn a_session_ends_after_its_hours() {
    let world = World::start().await;
    let token = world.log_in(&world.bob).await.unwrap();
    let mut sessions = SessionsClient::new(world.channel().await);
    world.clock.pass(8 * 3600 - 1);
    assert!(sessions.who_am_i(with_token(&token, v1::WhoAmIRequest {})).await.is_ok());
    world.clock.pass(1);
    let over = sessions.who_am_i(with_token(&token, v1::WhoAmIRequest {})).await.unwrap_err();
    assert_eq!(reason(&over), "NO_SESSION");
}

#[tokio::test]
async fn a_user_sees_what_there_is_to_ask_for() {
    let world = World::start().await;
    let token = world.log_in(&world.bob).await.unwrap();
    let mut hosts = HostsClient::new(world.channel().await);
    let list = |selector: &str| with_token(&token, v1::ListHostsRequest { selector: selector.to_owned() });
    let all = hosts.list_hosts(list("")).await.unwrap().into_inner().hosts;
    let all: Vec<wire::Host> = all.into_iter().map(|host| host.try_into().unwrap()).collect();
    let names: Vec<&str> = all.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["dev-1", "web-1"]);
    let logins: Vec<String> = all[0].logins.iter().map(|login| login.login.to_string()).collect();
    assert_eq!(logins, ["self", "deploy"]);
    assert_eq!(hosts.list_hosts(list("env=prod")).await.unwrap().into_inner().hosts.len(), 1);
    assert_eq!(reason(&hosts.list_hosts(list("env=")).await.unwrap_err()), "MESSAGE_INVALID");
}

#[tokio::test]
async fn an_inbox_learns_of_a_request_and_of_its_end() {
    let world = World::start().await;
    let token = world.log_in(&world.alice).await.unwrap();
    let mut requests = RequestsClient::new(world.channel().await);
    let watch = v1::WatchRequestsRequest { view: v1::View::Inbox.into(), id: String::new() };
    let mut inbox = requests.watch_requests(with_token(&token, watch)).await.unwrap().into_inner();
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let seen = inbox.next().await.unwrap().unwrap().request.unwrap();
    assert_eq!((seen.id.as_str(), seen.state.as_str()), (asked.id.as_str(), "pending"));

    let cancel = world.act(&world.bob, statement::Act::Cancel(asked.id.parse().unwrap()));
    let ended = requests.end(v1::EndRequest { statement: cancel }).await.unwrap().into_inner().request.unwrap();
    assert_eq!(ended.state, "cancelled");
    let seen = inbox.next().await.unwrap().unwrap().request.unwrap();
    assert_eq!((seen.id.as_str(), seen.state.as_str()), (asked.id.as_str(), "cancelled"));
}

#[tokio::test]
async fn a_watch_ends_when_the_session_does_and_when_the_server_stops() {
    let world = World::start().await;
    let token = world.log_in(&world.bob).await.unwrap();
    let mut requests = RequestsClient::new(world.channel().await);
    let watch = || v1::WatchRequestsRequest { view: v1::View::Mine.into(), id: String::new() };
    let mut own = requests.watch_requests(with_token(&token, watch())).await.unwrap().into_inner();
    SessionsClient::new(world.channel().await).logout(with_token(&token, v1::LogoutRequest {})).await.unwrap();
    world.submit(&world.bob, "self@dev-1").await.unwrap();
    assert_eq!(reason(&own.next().await.unwrap().unwrap_err()), "NO_SESSION");

    let token = world.log_in(&world.bob).await.unwrap();
    let mut own = requests.watch_requests(with_token(&token, watch())).await.unwrap().into_inner();
    assert_eq!(own.next().await.unwrap().unwrap().request.unwrap().state, "approved");
    world.running.stop().await;
    assert!(matches!(own.next().await, None | Some(Err(_))));
}

#[tokio::test]
async fn reading_shows_ones_own_and_what_one_may_decide() {
    let world = World::start().await;
    let (alice, bob) = (world.log_in(&world.alice).await.unwrap(), world.log_in(&world.bob).await.unwrap());
    let own = world.submit(&world.bob, "self@dev-1").await.unwrap();
    let asked = world.submit(&world.bob, "root@web-1").await.unwrap();
    let others = world.submit(&world.alice, "deploy@dev-1").await.unwrap();
    let mut requests = RequestsClient::new(world.channel().await);
    let list = |token: &str, view: v1::View| {
        with_token(token, v1::ListRequestsRequest { view: view.into(), limit: 0, live: true })
    };
    let mut ids = async |token: &str, view| {
        let listed = requests.list_requests(list(token, view)).await.unwrap().into_inner().requests;
        listed.into_iter().map(|request| request.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&bob, v1::View::Mine).await, [asked.id.clone(), own.id.clone()]);
    assert_eq!(ids(&alice, v1::View::Inbox).await, std::slice::from_ref(&asked.id));
    assert_eq!(ids(&bob, v1::View::All).await, [asked.id.clone(), own.id.clone()]);
    assert_eq!(ids(&alice, v1::View::All).await, [others.id.clone(), asked.id, own.id]);
    let hidden = requests.get_request(with_token(&bob, v1::GetRequestRequest { id: others.id })).await.unwrap_err();
    assert_eq!(reason(&hidden), "NO_SUCH_REQUEST");
}

#[tokio::test]
async fn a_plain_realm_has_a_ca_of_its_own() {
    let world = World::with(|root| {
        let maker = Maker { protection: signer::Protection::Unencrypted, random: &SystemRandom };
        keys::make_realm(&Layout::of_directory(root), &"legacy".parse().unwrap(), &maker).unwrap();
        let old = |n| format!("[[host]]\nname = \"old-{n}\"\nrealm = \"legacy\"\nlabels = {{ env = \"dev\" }}\n");
        append(&root.join("hosts.toml"), &(old(1) + &old(2)));
    })
    .await;
    let line = std::fs::read_to_string(world.root().join("realms/legacy.pub")).unwrap();
    assert!(line.ends_with('\n') && line.lines().count() == 1, "{line:?}");
    let asked = world.submit(&world.bob, "deploy@old-1").await.unwrap();
    assert!(String::from_utf8(asked.ruling).unwrap().contains("legacy"));
    let issued = world.fetch(world.fetches(&world.bob, &asked.id, "deploy@old-1")).await.unwrap();
    let certificate = cert::Certificate::from_openssh(&issued[0].certificate).unwrap();
    assert_eq!(certificate.principals(), ["deploy"]);
    assert_eq!(*certificate.ca_key(), line.parse().unwrap());
    assert_ne!(certificate.ca_key(), world.running.ca().signers().scoped_key());

    append(&world.root().join("hosts.toml"), "[[host]]\nname = \"new-1\"\nrealm = \"later\"\n");
    let refused = world.running.reload().await.unwrap_err().to_string();
    assert!(refused.contains("hallpassd realm later"), "{refused}");
}

#[tokio::test]
async fn a_relayed_login_is_refused() {
    let world = World::start().await;
    let login = statement::LoginStatement {
        header: world.header(),
        user: "bob".parse().unwrap(),
        tls_key: domain::Digest::of(b"somebody between"),
    };
    let statement = Some(signed(&login, &world.bob.key));
    let refused = SessionsClient::new(world.channel().await).login(v1::LoginRequest { statement }).await;
    assert_eq!(reason(&refused.err().unwrap()), "RELAYED_LOGIN");
}
