//! What stops issuing, and what ends that.

use statement::Act;
use tonic::Code;
use wire::v1;
use wire::v1::admin_client::AdminClient;

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
