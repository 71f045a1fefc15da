//! What stops issuing, and what ends that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use statement::Act;
use tokio::task::JoinSet;
use tonic::Code;
use wire::v1;
use wire::v1::admin_client::AdminClient;
use wire::v1::requests_client::RequestsClient;
use wire::v1::stops_client::StopsClient;

use super::harness::{World, reason};

#[tokio::test]
async fn a_clock_that_jumped_stops_issuing_until_an_administrator_resumes_it() {
    let world = World::start().await;
    let asked = world.submit(&world.bob, "self@dev-1").await.unwrap();
    world.clock.jump(10);
    let stopped = world.fetch(world.fetches(&world.bob, &asked.id, "bob@dev-1")).await.unwrap_err();
    assert_eq!((stopped.code(), reason(&stopped).as_str()), (Code::Unavailable, "CLOCK_FAULT"));
    let still = world.fetch(world.fetches(&world.bob, &asked.id, "bob@dev-1")).await.unwrap_err();
    assert_eq!(still.code(), Code::Unavailable);

    let mut admin = AdminClient::new(world.channel().await);
    let not_bob = v1::ResumeRequest { statement: world.act(&world.bob, Act::Resume) };
    assert_eq!(reason(&admin.resume(not_bob).await.unwrap_err()), "NO_RIGHT");
    let resume = v1::ResumeRequest { statement: world.act(&world.alice, Act::Resume) };
    admin.resume(resume.clone()).await.unwrap();
    assert_eq!(reason(&admin.resume(resume).await.unwrap_err()), "REPLAYED");
    let issued = world.fetch(world.fetches(&world.bob, &asked.id, "bob@dev-1")).await.unwrap();
    assert_eq!(issued.len(), 1);
}

#[tokio::test]
async fn a_stop_outlives_the_server() {
    let world = World::start().await;
    let asked = world.submit(&world.bob, "self@dev-1").await.unwrap();
    world.clock.jump(10);
    world.running.ca().watch_clock().await;
    let World { directory, clock, alice, bob, dave, running } = world;
    running.stop().await;
    let config = directory.path().join("server/hallpassd.toml");
    let running = super::harness::serve(&config, clock.clone()).await.unwrap();
    let world = World { directory, clock, alice, bob, dave, running };
    let stopped = world.fetch(world.fetches(&world.bob, &asked.id, "bob@dev-1")).await.unwrap_err();
    assert_eq!(reason(&stopped), "ISSUING_STOPPED");
}

/// Invariant 9 under load: callers who fetch without a pause, and a stop of their user in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_is_acknowledged_nothing_it_covers_leaves_and_what_left_is_revoked() {
    const CALLERS: usize = 32;
    let world = Arc::new(World::with_config("[limits]\ncalls-per-second = 100000\n").await);
    let asked = world.submit(&world.bob, "self@dev-1").await.unwrap();
    let acknowledged = Arc::new(AtomicBool::new(false));
    let received = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (world, id) = (Arc::clone(&world), asked.id.clone());
        let (acknowledged, received) = (Arc::clone(&acknowledged), Arc::clone(&received));
        let mut requests = RequestsClient::new(world.channel().await);
        callers.spawn(async move {
            let mut serials = Vec::new();
            loop {
                let after = acknowledged.load(Ordering::SeqCst);
                match requests.fetch(world.fetches(&world.bob, &id, "bob@dev-1")).await {
                    Ok(answer) => {
                        assert!(!after, "a call that began after the stop was acknowledged got a certificate");
                        serials.extend(answer.into_inner().certificates.iter().map(|issued| issued.serial));
                        received.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(status) => {
                        let why = reason(&status);
                        assert!(["NOT_GRANTED", "ISSUING_STOPPED", "POLICY_REFUSED"].contains(&why.as_str()), "{why}");
                        return serials;
                    }
                }
            }
        });
    }
    while received.load(Ordering::SeqCst) < 4 * CALLERS {
        tokio::task::yield_now().await;
    }
    let mut stops = StopsClient::new(world.channel().await);
    let stop = Act::Stop("user bob".parse().unwrap());
    let done = stops.stop(v1::StopRequest { statement: world.act(&world.alice, stop) }).await.unwrap().into_inner();
    acknowledged.store(true, Ordering::SeqCst);
    let got: Vec<u64> = callers.join_all().await.into_iter().flatten().collect();
    assert!(got.len() >= 4 * CALLERS, "{}", got.len());

    let krl = stops.get_revocations(v1::GetRevocationsRequest {}).await.unwrap().into_inner().krl;
    let krl = cert::Krl::decode(&krl).unwrap();
    let ca = world.running.ca().signers().scoped_key().clone();
    for serial in got {
        assert!(serial < done.entry, "{serial} was logged after the stop");
        assert!(krl.revokes(&ca, domain::Serial::new(serial).unwrap()), "{serial} is not revoked");
    }
}
