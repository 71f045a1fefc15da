//! Bundles and amendments of a running server, from the command line.

use std::path::Path;

use testkit::{Machine, Result};

use crate::world::{RULES, World};

/// Writes what is in force into a directory of this person's, and adds a line to its rules.
async fn pulled(world: &World, person: &Machine, line: &str) -> Result<String> {
    let dir = person.path("policy");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    let dir = dir.to_string_lossy().into_owned();
    world.types(person, &["admin", "policy", "pull", "--out", &dir]).await?.ok()?;
    let access = Path::new(&dir).join("access.toml");
    let rules = std::fs::read_to_string(&access)?;
    std::fs::write(&access, format!("{rules}{line}\n"))?;
    Ok(dir)
}

/// What `admin policy log` lists, the latest first: each bundle, and where it came from.
async fn log(world: &World) -> Result<Vec<(String, String)>> {
    let told = world.types(&world.bob, &["admin", "policy", "log"]).await?.ok()?;
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let line = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| !is_digest(word));
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    Ok(told.lines().filter_map(line).collect())
}

#[tokio::test]
async fn a_bundle_is_pushed_and_gone_back_from() -> Result<()> {
    let world = World::start(&[]).await?;
    let dir = pulled(&world, &world.bob, "# looked at").await?;
    let push = ["admin", "policy", "push", &dir, "--yes", "-m", "looked at"];
    let strangers = world.types(&world.alice, &push).await?;
    assert!(!strangers.succeeded(), "alice is no administrator: {strangers:?}");
    let unasked = world.types(&world.bob, &["admin", "policy", "push", &dir]).await?;
    assert!(!unasked.succeeded(), "nobody agreed: {unasked:?}");
    let pushed = world.types(&world.bob, &push).await?;
    assert!(pushed.succeeded() && format!("{pushed:?}").contains("lines added 1, removed 0"), "{pushed:?}");
    let again = world.types(&world.bob, &push).await?;
    assert!(!again.succeeded() && format!("{again:?}").contains("in force already"), "{again:?}");

    let loads = log(&world).await?;
    let origins: Vec<&str> = loads.iter().map(|(_, origin)| origin.as_str()).collect();
    assert_eq!(origins, ["push", "files", "files"], "the first is what `init` put in force");
    let first = loads[1].0.as_str();
    let back = ["admin", "policy", "rollback", first, "--yes", "-m", "it was too much", "--dir", &dir];
    world.types(&world.bob, &back).await?.ok()?;
    assert_eq!(log(&world).await?[0], (first.to_owned(), "roll-back".to_owned()));
    let before = world.types(&world.bob, &push).await?;
    assert!(format!("{before:?}").contains("policy rollback"), "an earlier one takes an act of its own: {before:?}");
    Ok(())
}

#[tokio::test]
async fn with_signers_nobody_changes_anything_alone() -> Result<()> {
    let mut world = World::make().await?;
    world.directory("[[group]]\nname = \"admins\"\nmembers = [\"alice\", \"bob\"]\nrights = [\"admin\"]\n")?;
    world.hosts(&[])?;
    world.file("access.toml", &format!("{RULES}\n[policy]\nsigners = \"2 of admins\"\n"))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;

    let dir = pulled(&world, &world.bob, "# for two").await?;
    let push = ["admin", "policy", "push", &dir, "--yes"];
    let alone = world.types(&world.bob, &push).await?;
    assert!(!alone.succeeded() && format!("{alone:?}").contains("lacks a signature from admins"), "{alone:?}");
    world.types(&world.alice, &["admin", "policy", "sign", &dir, "--yes"]).await?.ok()?;
    // What alice signed is for these files alone.
    let access = Path::new(&dir).join("access.toml");
    let rules = std::fs::read_to_string(&access)?;
    std::fs::write(&access, format!("{rules}# and more\n"))?;
    let more = world.types(&world.bob, &push).await?;
    assert!(!more.succeeded() && format!("{more:?}").contains("alice signed another bundle"), "{more:?}");
    std::fs::write(&access, rules)?;
    world.types(&world.bob, &push).await?.ok()?;

    // The server's own files are out of use now, also across a restart.
    world.kill().await?;
    world.file("access.toml", "")?;
    world.serve().await?;
    assert_eq!(log(&world).await?[0].1, "push");
    Ok(())
}

#[tokio::test]
async fn who_signs_bundles_needs_no_right_beside_it() -> Result<()> {
    let mut world = World::make().await?;
    world.directory("[[group]]\nname = \"keepers\"\nmembers = [\"alice\"]\n")?;
    world.hosts(&[])?;
    world.file("access.toml", &format!("{RULES}\n[policy]\nsigners = \"1 of keepers\"\n"))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    let dir = pulled(&world, &world.bob, "# for a keeper").await?;
    let push = ["admin", "policy", "push", &dir, "--yes"];
    let alone = world.types(&world.bob, &push).await?;
    assert!(alone.err.contains("lacks a signature from keepers"), "{alone:?}");
    world.types(&world.alice, &["admin", "policy", "sign", &dir, "--yes"]).await?.ok()?;
    world.types(&world.bob, &push).await?.ok()?;
    let more = pulled(&world, &world.alice, "# of her own").await?;
    let own = world.types(&world.alice, &["admin", "policy", "push", &more, "--yes"]).await?;
    assert!(own.err.contains("lacks the right `admin`"), "she signs, and no more: {own:?}");
    Ok(())
}

#[tokio::test]
async fn files_without_their_signatures_start_no_server_from_init_on() -> Result<()> {
    let mut world = World::make_with_signers("2 of admins").await?;
    let made = std::fs::read_to_string(world.server_dir().join("access.toml"))?;
    world.file("access.toml", "# Nobody signs any more.\n")?;
    let mut command = tokio::process::Command::new(crate::world::HALLPASSD);
    command.arg("serve").arg("--config").arg(world.config());
    world.spawn(command)?;
    assert_eq!(world.ended().await?, Some(1));
    assert!(world.log().contains("lacks a signature from admins"), "{}", world.log());

    world.file("access.toml", &made)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    let dir = pulled(&world, &world.bob, RULES.replace("dev", "admins").replace("sre", "admins").as_str()).await?;
    world.types(&world.alice, &["admin", "policy", "sign", &dir, "--yes"]).await?.ok()?;
    world.types(&world.bob, &["admin", "policy", "push", &dir, "--yes"]).await?.ok()?;
    assert_eq!(log(&world).await?.iter().map(|(_, origin)| origin.as_str()).collect::<Vec<_>>(), ["push", "files"]);
    Ok(())
}

#[tokio::test]
async fn a_lost_key_signs_nothing_more() -> Result<()> {
    let world = World::start(&[crate::world::Entry { name: "web-1", port: 22, env: "prod", more: "" }]).await?;
    let files = world.server_dir().to_string_lossy().into_owned();
    let keys = world.types(&world.bob, &["admin", "user", "keys", "alice", "--dir", &files]).await?.ok()?;
    let fingerprint = keys.split_whitespace().find(|word| word.starts_with("SHA256:")).ok_or("no key")?;
    let remove = ["admin", "user", "remove-key", "alice", fingerprint, "-m", "the laptop is lost"];
    world.types(&world.bob, &remove).await?.ok()?;
    let asks = world.types(&world.alice, &["request", "web-1", "--for", "5m", "-m", "x", "--no-wait"]).await?;
    assert!(!asks.succeeded(), "{asks:?}");
    let again = world.types(&world.bob, &remove).await?;
    assert!(!again.succeeded() && again.err.contains("nothing was changed"), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn a_leaver_is_out_at_once_and_stays_out() -> Result<()> {
    let mut world = World::start(&[crate::world::Entry { name: "web-1", port: 22, env: "prod", more: "" }]).await?;
    let id = world.granted("web-1").await?;
    world.certificate("web-1").await?;
    let said = world.types(&world.bob, &["admin", "user", "disable", "alice", "-m", "she left"]).await?.ok()?;
    assert!(said.contains(&id), "the request that ended is told: {said}");
    assert!(said.contains("serial ") && said.contains("@web-1 until"), "what is still valid is told: {said}");
    for words in [&["status"][..], &["cert", "web-1", "--out", "x"], &["request", "web-1", "--for", "5m", "-m", "more"]]
    {
        assert!(!world.types(&world.alice, words).await?.succeeded(), "{words:?}");
    }
    world.kill().await?;
    world.serve().await?;
    assert!(
        !world.types(&world.alice, &["status"]).await?.succeeded(),
        "after a restart, and files that still have her"
    );
    let again = world.types(&world.bob, &["admin", "user", "disable", "alice", "-m", "again"]).await?;
    assert!(format!("{again:?}").contains("disabled already"), "{again:?}");
    Ok(())
}
