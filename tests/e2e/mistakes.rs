//! Mistakes that people make, each with its answer: an exit code, and words that name the next step.

use testkit::Result;

use crate::world::{Entry, HALLPASSD, RULES, World};

async fn world() -> Result<World> {
    World::start(&[Entry { name: "web-1", port: 22, env: "prod", more: "" }]).await
}

#[tokio::test]
async fn requests_that_cannot_be_are_refused_with_the_reason() -> Result<()> {
    let world = world().await?;
    let long = "x".repeat(1025);
    let huge = "x".repeat(100_000);
    let table: [(&[&str], i32, &str); 16] = [
        (&["nowhere", "--for", "10m", "-m", "x"], 3, "hallpass ls"),
        (&["deploy@web-1", "--for", "10m", "-m", "x"], 3, "no rule"),
        (&["web-1", "--for", "0s", "-m", "x"], 1, "no length"),
        (&["web-1", "--for", "2h", "-m", "x"], 3, "1h"),
        (&["web-1", "--for", "-5m", "-m", "x"], 2, "--for"),
        (&["web-1", "--for", "99999999999999d", "-m", "x"], 2, "duration"),
        (&["web-1", "--for", "10m", "-m", ""], 2, "empty"),
        (&["web-1", "--for", "10m", "-m", "two\nlines"], 2, "U+000A"),
        (&["web-1", "--for", "10m", "-m", "a\u{202e}b"], 2, "U+202E"),
        (&["web-1", "--for", "10m", "-m", "a\u{0378}b"], 2, "U+0378"),
        (&["web-1", "--for", "10m", "-m", &long], 2, "1024"),
        (&["web-1", "--for", "10m", "-m", &huge], 2, "1024"),
        (&["web-1", "--for", "10m", "-m", "x", "--at", "2020-01-01T00:00:00Z"], 2, "past"),
        (&["WEB-1", "--for", "10m", "-m", "x"], 2, "host name"),
        (&["web-1", "--for", "10m", "-m", "x", "--rule", "none"], 3, "none"),
        (&["web-1", "--for", "10m", "-m", "x", "--", "rm", "-rf", "a;b"], 2, "a;b"),
    ];
    for (words, code, says) in table {
        let all = [&["request", "--no-wait"], words].concat();
        let answered = world.types(&world.alice, &all).await?;
        let shown: String = answered.err.chars().take(600).collect();
        assert_eq!(answered.code, Some(code), "{words:.80?}: {shown}");
        assert!(answered.err.contains(says), "{words:.80?} does not say `{says}`: {shown}");
    }
    let status = world.types(&world.alice, &["status", "--json"]).await?.ok()?;
    assert!(!status.contains("pending"), "nothing was asked: {status}");
    Ok(())
}

#[tokio::test]
async fn keys_that_are_none_are_refused_by_name() -> Result<()> {
    let world = world().await?;
    let alice = &world.alice;
    alice.run("ssh-keygen", &["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", "weak"]).await?.ok()?;
    alice.write("garbage.pub", "ssh-ed25519 AAAA\n")?;
    alice.write("certificate.pub", "ssh-ed25519-cert-v01@openssh.com AAAAIHNz x\n")?;
    let private = alice.read("alice")?;
    alice.write("private.pub", private)?;
    for (file, says) in [
        ("weak.pub", "1024 bits"),
        ("garbage.pub", "not an OpenSSH public key"),
        ("certificate.pub", "certificate"),
        ("private.pub", "private key"),
        ("missing.pub", "missing.pub"),
    ] {
        let words = ["request", "web-1", "--for", "10m", "-m", "x", "--no-wait", "--connecting-key", file];
        let answered = world.types(alice, &words).await?;
        assert_eq!(answered.code, Some(1), "{file}: {answered:?}");
        assert!(answered.err.contains(says), "{file}: {answered:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_ones_own_is_refused() -> Result<()> {
    let world = world().await?;
    let asked = world.types(&world.alice, &["request", "web-1", "--for", "10m", "-m", "x", "--no-wait"]).await?.ok()?;
    let id = crate::world::find_id(&asked).ok_or("no id")?;
    let own = world.types(&world.alice, &["approve", "--yes", &id]).await?;
    assert_eq!(own.code, Some(3), "{own:?}");
    let unasked = world.types(&world.bob, &["approve", &id]).await?;
    assert_eq!(unasked.code, Some(1), "nobody is there to answer: {unasked:?}");
    let early = world.types(&world.alice, &["cert", "web-1"]).await?;
    assert_ne!(early.code, Some(0), "{early:?}");
    let foreign = world.types(&world.bob, &["done", &id]).await?;
    assert_ne!(foreign.code, Some(0), "{foreign:?}");
    world.types(&world.bob, &["deny", "--yes", "-m", "not now", &id]).await?.ok()?;
    let denied = world.types(&world.alice, &["show", &id]).await?.ok()?;
    assert!(denied.contains("denied") && denied.contains("not now"), "{denied}");
    Ok(())
}

#[tokio::test]
async fn the_server_names_what_keeps_it_from_starting() -> Result<()> {
    let mut world = world().await?;
    let config = world.config();
    let config = config.to_string_lossy();
    let second = world.bob.run(HALLPASSD, &["serve", "--config", &config]).await?;
    assert_eq!(second.code, Some(1), "{second:?}");
    world.kill().await?;

    let key = world.server_dir().join("keys/user_ca");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let open = world.bob.run(HALLPASSD, &["serve", "--config", &config]).await?;
    assert_eq!(open.code, Some(1));
    assert!(open.err.contains("chmod"), "{open:?}");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;

    world.file("access.toml", &RULES.replace("approve = \"1 of sre\"", "aprove = \"1 of nobody\""))?;
    world.file("hosts.toml", "[[host]]\nname = \"WEB\"\n")?;
    let check = world.bob.run(HALLPASSD, &["check", "--config", &config]).await?;
    assert_eq!(check.code, Some(1));
    for says in ["access.toml:", "hosts.toml:", "aprove", "WEB", "^"] {
        assert!(check.err.contains(says), "`{says}` is missing:\n{}", check.err);
    }
    let init = world
        .bob
        .run(
            HALLPASSD,
            &[
                "init",
                "--dir",
                &world.server_dir().to_string_lossy(),
                "--name",
                "x.y",
                "--no-passphrase",
                "--admin",
                &format!("bob={}", world.bob.path("bob.pub").display()),
            ],
        )
        .await?;
    assert!(init.code == Some(1) && init.err.contains("not empty"), "{init:?}");
    Ok(())
}
