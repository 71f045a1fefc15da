//! Break-glass with a verified FIDO key, through the system's own sshd.

use testkit::{Result, SK_DUMMY};

use crate::world::{RULES, World, entry, find_id, login, scoped};

const TOKEN: &str = "alices-token";

/// Alice has a plain key and a token that verifies her; the rule takes the token for break-glass, and bob reviews it.
async fn world() -> Result<(World, testkit::Sshd)> {
    assert!(std::path::Path::new(SK_DUMMY).exists(), "install the package openssh-tests");
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    let make = ["-q", "-t", "ed25519-sk", "-O", "verify-required", "-N", "", "-C", TOKEN, "-f", TOKEN];
    world.alice.run("ssh-keygen", &make).await?.ok()?;
    world.alice.run("ssh-add", &["-q", TOKEN]).await?.ok()?;
    world.directory("")?;
    let directory = std::fs::read_to_string(world.server_dir().join("directory.toml"))?;
    let (plain, token) = (world.alice.read("alice.pub")?, world.alice.read(&format!("{TOKEN}.pub"))?);
    world
        .file("directory.toml", &directory.replace(plain.trim(), &format!("{}\", \"{}", plain.trim(), token.trim())))?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    let glass = "break_glass = \"15m reviewed by sre\"\nbreak_glass_key = \"sk-verified\"\nmax = \"1h\"";
    world.file("access.toml", &RULES.replacen("max = \"1h\"", glass, 1))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    Ok((world, web))
}

const ASK: [&str; 7] = ["request", "web-1", "--for", "10m", "--break-glass", "-m", "INC-42 nobody answers"];

#[tokio::test]
async fn break_glass_opens_at_once_and_once_until_somebody_else_reviewed_it() -> Result<()> {
    let (world, web) = world().await?;
    let with_token = [&ASK[..], &["--key", TOKEN, "--no-wait"]].concat();
    let refused = world.types(&world.alice, &ASK).await?;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("Everybody in sre is told now"), "said before it is signed: {refused:?}");
    assert!(refused.err.contains("a verified FIDO key"), "{refused:?}");

    let taken = world.types(&world.alice, &with_token).await?;
    assert!(taken.err.contains("AT ONCE, without approval, to be reviewed by sre"), "{taken:?}");
    let first = find_id(&taken.clone().ok()?).ok_or("no id")?;
    let certificate = world.certificate("web-1").await?;
    let there = world.ssh_with(&certificate, &web, &["target", "id -un"]).await?;
    assert_eq!(there.clone().ok()?.trim(), login()?, "{there:?}");

    let next = world.types(&world.alice, &with_token).await?;
    assert!(next.err.contains("A review of earlier break-glass is owed"), "{next:?}");
    let second = find_id(&next.ok()?).ok_or("no id")?;
    let status = world.types(&world.alice, &["status"]).await?.ok()?;
    assert!(status.contains(&format!("A review of my break-glass is owed ({first})")), "{status}");

    let inbox = world.types(&world.bob, &["inbox"]).await?.ok()?;
    assert!(inbox.contains("break-glass, review owed") && inbox.contains(&second), "{inbox}");
    let report = world.types(&world.bob, &["admin", "report"]).await?.ok()?;
    assert!(report.contains("REVIEW OWED") && report.contains(&first), "{report}");
    let own = world.types(&world.alice, &["review", &first, "-m", "it was me", "--yes"]).await?;
    assert_eq!(own.code, Some(3), "{own:?}");
    let review = ["review", &first, "-m", "right: it was down", "--yes"];
    let reviewed = world.types(&world.bob, &review).await?;
    assert!(
        reviewed.err.contains("@web-1, from ") && reviewed.err.contains("serial "),
        "what came of it: {reviewed:?}"
    );
    assert!(reviewed.ok()?.contains("break-glass, reviewed"), "and what became of it");

    world.types(&world.alice, &["done", &second]).await?.ok()?;
    let free = world.types(&world.alice, &with_token).await?;
    assert!(free.err.contains("AT ONCE, without approval"), "{free:?}");
    let third = find_id(&free.ok()?).ok_or("no id")?;
    world.types(&world.bob, &["stop", "request", &third, "-m", "enough"]).await?.ok()?;
    let over = world.types(&world.alice, &["show", &third]).await?.ok()?;
    assert!(over.contains("stopped, break-glass, review owed"), "{over}");
    Ok(())
}
