//! FIDO keys for real, by OpenSSH's own stand-in for a token.

use testkit::{Result, SK_DUMMY};

use crate::world::{RULES, World, entry, scoped};

/// Bob's key is a FIDO key in his ssh-agent.
async fn with_fido_approver(kind: &str, options: &[&str]) -> Result<World> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    let words = [&["-q", "-t", kind, "-N", "", "-C", "bobs-token", "-f", "bob-sk"][..], options].concat();
    world.bob.run("ssh-keygen", &words).await?.ok()?;
    world.bob.run("ssh-add", &["-q", "bob-sk"]).await?.ok()?;
    let sk = world.bob.read("bob-sk.pub")?;
    let plain = world.bob.read("bob.pub")?;
    world.directory("")?;
    let directory = std::fs::read_to_string(world.server_dir().join("directory.toml"))?;
    world.file("directory.toml", &directory.replace(plain.trim(), sk.trim()))?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    Ok(world)
}

#[tokio::test]
async fn both_kinds_log_in_and_approve() -> Result<()> {
    assert!(std::path::Path::new(SK_DUMMY).exists(), "install the package openssh-tests");
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let world = with_fido_approver(kind, &[]).await?;
        let place = format!("{}#{}", world.address, world.fingerprint);
        let words = ["login", &place, "--as", "e2e", "--user", "bob", "--key", "bobs-token"];
        world.types(&world.bob, &words).await?.ok()?;
        world.granted("web-1").await?;
        world.certificate("web-1").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_signature_without_a_touch_is_refused() -> Result<()> {
    let world = with_fido_approver("ed25519-sk", &["-O", "no-touch-required"]).await?;
    let place = format!("{}#{}", world.address, world.fingerprint);
    let refused =
        world.types(&world.bob, &["login", &place, "--as", "e2e", "--user", "bob", "--key", "bobs-token"]).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("touch"), "{refused:?}");
    Ok(())
}
