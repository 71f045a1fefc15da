//! Asking.

use domain::{Approval, Digest};
use request::StateName;
use statement::Act;

use super::harness::*;
use crate::{Liveness, Which};

#[tokio::test]
async fn a_request_waits_for_those_who_may_approve_it() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    assert_eq!(view.state, StateName::Pending);
    let approvers: Vec<_> = view.approvers.iter().map(ToString::to_string).collect();
    assert_eq!(approvers, ["bob", "carol"], "neither the requester's accounts nor a service");
    assert_eq!(view.missing, "1 of sre");
}

#[tokio::test]
async fn auto_opens_the_window_at_once() {
    let world = world().await;
    let view = world.asked("root@dev-1").await;
    assert_eq!(view.state, StateName::Approved);
    assert!(world.fetch(view.stored.id, &["root@dev-1"]).await.is_ok());
}

#[tokio::test]
async fn windows_that_cannot_be_are_refused() {
    let world = world().await;
    assert_eq!(reason(world.submit(&world.request("root@web-1", "0s")).await), "WINDOW_INVALID");
    assert_eq!(reason(world.submit(&world.request("root@web-1", "2h")).await), "POLICY_REFUSED");
    let mut past = world.request("root@web-1", "30m");
    past.start = Some(world.now().before("2m".parse().unwrap()));
    assert_eq!(reason(world.submit(&past).await), "WINDOW_INVALID");
    let mut far = world.request("root@web-1", "30m");
    far.start = world.now().after("31d".parse().unwrap());
    assert_eq!(reason(world.submit(&far).await), "WINDOW_INVALID");
}

#[tokio::test]
async fn what_policy_does_not_open_is_refused() {
    let world = world().await;
    for access in ["deploy@web-1", "root@nowhere", "self@dev-1", "root@env=none"] {
        assert_eq!(reason(world.submit(&world.request(access, "30m")).await), "POLICY_REFUSED", "{access}");
    }
}

#[tokio::test]
async fn a_plain_host_is_off_unless_its_realm_has_a_ca() {
    let world = world().await;
    assert_eq!(reason(world.submit(&world.request("root@off-1", "30m")).await), "NO_REALM_CA");
    assert!(world.submit(&world.request("root@old-1", "30m")).await.is_ok());
}

#[tokio::test]
async fn a_statement_counts_once_for_this_server_and_now() {
    let world = world().await;
    let said = world.request("root@web-1", "30m");
    assert!(world.submit(&said).await.is_ok());
    assert_eq!(reason(world.submit(&said).await), "REPLAYED");

    let mut stale = world.request("root@web-1", "30m");
    stale.header.time = world.now().before("61s".parse().unwrap());
    assert_eq!(reason(world.submit(&stale).await), "STATEMENT_STALE");
    let mut future = world.request("root@web-1", "30m");
    future.header.time = world.now().after("61s".parse().unwrap()).unwrap();
    assert_eq!(reason(world.submit(&future).await), "STATEMENT_STALE");
    let mut elsewhere = world.request("root@web-1", "30m");
    elsewhere.header.server.ledger_key = Digest::of(b"another ledger key");
    assert_eq!(reason(world.submit(&elsewhere).await), "OTHER_SERVER");
}

#[tokio::test]
async fn a_request_is_signed_by_a_key_of_its_requester() {
    let world = world().await;
    let said = world.request("root@web-1", "30m");
    for (signer, expected) in [(BOB, "OTHER_USERS_KEY"), (99, "UNKNOWN_KEY"), (ALICE_ADMIN, "OTHER_USERS_KEY")] {
        let signed = by(signer, &said);
        let result = world.ca.submit(signed.text.as_bytes(), signed.signature.as_bytes()).await;
        assert_eq!(reason(result), expected);
    }
    let mut foreign = world.request("root@web-1", "30m");
    foreign.connecting_key = public(&key(BOB));
    assert_eq!(reason(world.submit(&foreign).await), "OTHER_USERS_KEY");
}

#[tokio::test]
async fn one_user_cannot_fill_the_queue() {
    let world = world().await;
    for _ in 0..5 {
        world.asked("root@web-1").await;
    }
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "TOO_MANY_PENDING");
}

#[tokio::test]
async fn only_those_concerned_see_a_request() {
    let world = world().await;
    let id = world.asked("root@web-1").await.stored.id;
    let (alice, bob, carol, dave) =
        (world.login(ALICE).await, world.login(BOB).await, world.login(CAROL).await, world.login(DAVE).await);
    assert!(world.ca.get(&alice, id).is_ok());
    assert!(world.ca.get(&bob, id).is_ok());
    assert!(world.ca.get(&carol, id).is_ok());
    assert_eq!(reason(world.ca.get(&dave, id)), "NO_SUCH_REQUEST");
    let seen = |session, which| world.ca.list(session, which, Liveness::Any, 10).unwrap().len();
    assert_eq!((seen(&alice, Which::Mine), seen(&alice, Which::Inbox)), (1, 0));
    assert_eq!((seen(&bob, Which::Mine), seen(&bob, Which::Inbox)), (0, 1));
    assert_eq!((seen(&dave, Which::All), seen(&carol, Which::All)), (0, 1));
}

#[tokio::test]
async fn only_the_requester_ends_a_request() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    let id = view.stored.id;
    assert_eq!(reason(world.act(BOB, Act::Cancel(id)).await), "NOT_YOURS");
    assert_eq!(reason(world.act(ALICE, Act::GiveBack(id)).await), "WRONG_STATE");
    world.act(ALICE, Act::Cancel(id)).await.unwrap();
    assert_eq!(reason(world.act(ALICE, Act::Cancel(id)).await), "WRONG_STATE");
    assert_eq!(reason(world.decide(&view, BOB, Approval::Approve).await), "WRONG_STATE");

    let granted = world.granted("root@web-1").await;
    world.act(ALICE, Act::GiveBack(granted)).await.unwrap();
    assert_eq!(reason(world.fetch(granted, &["root@web-1"]).await), "NOT_GRANTED");
}

#[tokio::test]
async fn what_is_over_is_not_ended_once_more() {
    let world = world().await;
    let (pending, granted) = (world.asked("root@web-1").await.stored.id, world.granted("root@web-2").await);
    world.clock.pass(3600);
    let size = world.ca.checkpoint().checkpoint.size;
    for act in [Act::Cancel(pending), Act::GiveBack(granted)] {
        assert_eq!(reason(world.act(ALICE, act).await), "WRONG_STATE");
    }
    for id in [pending, granted] {
        assert_eq!(world.ca.view(id).unwrap().state, StateName::Expired);
    }
    assert_eq!(world.ca.checkpoint().checkpoint.size, size, "nothing was written");
}

#[tokio::test]
async fn a_login_through_a_relay_is_refused() {
    let world = world().await;
    let said = statement::LoginStatement { header: world.header(), user: name(ALICE), tls_key: Digest::of(b"relay") };
    let signed = by(ALICE, &said);
    let result = world.ca.login(signed.text.as_bytes(), signed.signature.as_bytes()).await;
    assert_eq!(reason(result), "RELAYED_LOGIN");
}

#[tokio::test]
async fn a_session_ends_by_itself_by_logout_and_with_its_user() {
    let world = world().await;
    let said = statement::LoginStatement { header: world.header(), user: name(ALICE), tls_key: Digest::of(TLS_KEY) };
    let signed = by(ALICE, &said);
    let token = world.ca.login(signed.text.as_bytes(), signed.signature.as_bytes()).await.unwrap().token;
    let session = world.ca.session(token.expose()).unwrap();
    assert_eq!(reason(world.ca.session("guess")), "NO_SESSION");
    let mut setup = Setup::default();
    setup.directory = setup.directory.replace("login = \"alice\"", "login = \"alice\"\ndisabled = true");
    world.reload(&setup).await;
    assert_eq!(reason(world.ca.session(token.expose())), "USER_DISABLED");
    world.reload(&Setup::default()).await;
    world.clock.pass(8 * 3600);
    assert_eq!(reason(world.ca.session(token.expose())), "NO_SESSION");
    world.ca.logout(&session).await.unwrap();
}

#[tokio::test]
async fn a_request_names_hosts_as_the_inventory_does() {
    let world = world().await;
    assert_eq!(reason(world.submit(&world.request("root@www", "30m")).await), "HOST_ALIAS");
}
