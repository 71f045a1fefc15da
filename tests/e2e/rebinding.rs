//! Another connecting key for a grant: after the client helper was restarted, and on another machine.

use testkit::Result;

use crate::world::{HALLPASS, RULES, World, entry, scoped};

#[tokio::test]
async fn a_grant_goes_on_with_the_key_of_the_next_session_and_the_old_one_fetches_nothing() -> Result<()> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    let id = world.granted("web-1").await?;
    world.certificate("web-1").await?;
    let none = world.types(&world.alice, &["rebind"]).await?;
    assert!(!none.succeeded() && format!("{none:?}").contains("is for another connecting key"), "{none:?}");

    world.alice.run(HALLPASS, &["agent", "--stop"]).await?.ok()?;
    let gone = world.certificate("web-1").await.err().map(|why| why.to_string()).unwrap_or_default();
    assert!(gone.contains(&format!("hallpass login && hallpass rebind {id}")), "{gone}");
    world.login(&world.alice, "alice").await?;
    let gone = world.certificate("web-1").await.err().map(|why| why.to_string()).unwrap_or_default();
    assert!(gone.contains(&format!("To put that of this session in its place: hallpass rebind {id}")), "{gone}");

    let rebound = world.types(&world.alice, &["rebind", "-m", "the helper was restarted"]).await?;
    assert!(rebound.err.contains("put the connecting key ed25519 SHA256:"), "{rebound:?}");
    assert!(rebound.ok()?.contains(&format!("Request {id} is approved until")));
    let certificate = world.certificate("web-1").await?;
    let here = world.ssh_with(&certificate, &web, &["target", "true"]).await?;
    assert_eq!(here.code, Some(0), "{here:?}");
    let shown = world.types(&world.bob, &["show", &id, "--json"]).await?.ok()?;
    assert_eq!(
        shown.matches("\"connecting_key\":\"ssh-ed25519 ").count(),
        2,
        "the key, and how it came there: {shown}"
    );

    // To a key of her own, which the helper's then gives way to.
    world.alice.keygen("ed25519", "own").await?;
    let own = world.alice.path("own.pub").to_string_lossy().into_owned();
    world.types(&world.alice, &["rebind", &id, "--connecting-key", &own]).await?.ok()?;
    let ssh = world.types(&world.alice, &["ssh", "web-1", "true"]).await?;
    assert!(!format!("{ssh:?}").contains("hallpass rebind"), "{ssh:?}");
    let others = world.types(&world.bob, &["rebind", &id]).await?;
    assert!(!others.succeeded() && format!("{others:?}").contains(&format!("request {id} is not yours")), "{others:?}");
    world.types(&world.alice, &["done", &id]).await?.ok()?;
    let late = world.types(&world.alice, &["rebind", &id]).await?;
    assert!(!late.succeeded() && format!("{late:?}").contains("is given-back: it is over"), "{late:?}");
    Ok(())
}
