//! More time under a grant, through the real sshd.

use std::time::Duration;

use testkit::{Result, eventually, within};

use crate::world::{RULES, World, entry, find_id, login, scoped};

/// Alice's grants go on without asking bob again, for two minutes in all.
fn rules() -> String {
    RULES.replacen("approve = \"1 of sre\"\nmax = \"1h\"", "approve = \"1 of sre\"\nextend = \"auto\"\nmax = \"2m\"", 1)
}

#[tokio::test]
async fn an_extended_grant_opens_its_host_after_the_first_window_and_no_longer_than_its_rule_allows() -> Result<()> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", &rules().replacen("ttl = \"5m\"", "ttl = \"1m\"", 1))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    let first = world.granted_with(&["web-1", "--for", "12s", "-m", "INC-42 disk full"]).await?;
    let certificate = world.certificate("web-1").await?;
    let words = ["extend", "--for", "80s", "-m", "INC-42 still filling up"];
    let extended = world.types(&world.alice, &words).await?.ok()?;
    let second = find_id(&extended).ok_or("no request")?;
    assert!(extended.contains("is approved from") && second != first, "{extended}");
    let shown = world.types(&world.alice, &["show", &second, "--json"]).await?.ok()?;
    assert!(
        shown.contains(&format!("\"extends\":{{\"id\":\"{first}\"")) && shown.contains("\"rests\":true"),
        "{shown}"
    );

    let over =
        async || world.ssh_with(&certificate, &web, &["target", "true"]).await.is_ok_and(|o| o.code == Some(255));
    within(Duration::from_secs(60), "the first window is over", over).await?;
    web.logged("Certificate invalid: expired").await?;
    let goes_on = async || world.certificate("web-1").await.is_ok();
    eventually("the extension has begun", goes_on).await?;
    let certificate = world.certificate("web-1").await?;
    let here = world.ssh_with(&certificate, &web, &["target", "id -un"]).await?;
    assert_eq!(here.clone().ok()?.trim(), login()?, "{here:?}");

    let late = world.types(&world.alice, &["extend", &first, "--for", "10s", "-m", "again"]).await?;
    let next = format!("request {first} is expired, so there is nothing to extend; ask anew: hallpass request");
    assert!(!late.succeeded() && format!("{late:?}").contains(&next), "{late:?}");
    let long = world.types(&world.alice, &["extend", "--for", "1m", "-m", "again"]).await?;
    assert!(!long.succeeded() && format!("{long:?}").contains("at most 28s more"), "{long:?}");

    // Bob, who approved the first, ends what came of it.
    let stopped = world.types(&world.bob, &["stop", "request", &first, "-m", "enough"]).await?.ok()?;
    assert!(stopped.contains(&second), "{stopped}");
    assert!(world.certificate("web-1").await.is_err(), "nothing is left of it");
    Ok(())
}
