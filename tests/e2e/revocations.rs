//! Revocation lists, as the system's own sshd reads them.

use std::path::Path;

use cert::{Certificate, Krl};
use testkit::{Result, Sshd, SshdOptions};

use crate::world::{RULES, World, entry};

/// The certificate in a file.
fn read(file: &Path) -> Result<Certificate> {
    Ok(Certificate::from_openssh(&std::fs::read_to_string(file)?)?)
}

#[tokio::test]
async fn sshd_refuses_a_revoked_certificate_and_takes_another_of_the_same_ca() -> Result<()> {
    let mut world = World::make().await?;
    let file = world.dir.path().join("revoked");
    let mut krl = Krl { number: 1, generated: "2026-03-01T14:05:00Z".parse()?, comment: None, revoked: [].into() };
    std::fs::write(&file, krl.encode()?)?;
    let options = SshdOptions::scoped("web-1", world.ca()?)?.with(&format!("RevokedKeys {}", file.display()));
    let web = Sshd::start(&options).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;

    world.granted("web-1").await?;
    let newest = world.certificate("web-1").await?;
    // Both are for one connecting key and one principal: nothing but the serial tells them apart.
    let revoked = world.alice.write("revoked-cert.pub", std::fs::read(&newest)?)?;
    world.alice.write("revoked.pub", std::fs::read(newest.to_string_lossy().replace("-cert.pub", ".pub"))?)?;
    let other = world.certificate("web-1").await?;
    let (of_revoked, of_other) = (read(&revoked)?, read(&other)?);
    assert_ne!(of_revoked.serial(), of_other.serial());
    let before = world.ssh_with(&revoked, &web, &["target", "true"]).await?;
    assert_eq!(before.code, Some(0), "not revoked yet: {before:?}");

    krl.number = 2;
    krl.revoked.insert(of_revoked.ca_key().clone(), [of_revoked.serial()].into_iter().collect());
    std::fs::write(world.dir.path().join("next"), krl.encode()?)?;
    std::fs::rename(world.dir.path().join("next"), &file)?;
    let refused = world.ssh_with(&revoked, &web, &["target", "true"]).await?;
    assert_eq!(refused.code, Some(255), "{refused:?}");
    web.logged("revoked by file").await?;
    let taken = world.ssh_with(&other, &web, &["target", "true"]).await?;
    assert_eq!(taken.code, Some(0), "another of the same CA: {taken:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_stopped_is_refused_by_sshd_until_that_is_lifted() -> Result<()> {
    let mut world = World::make().await?;
    let file = world.server_dir().join("revoked.krl");
    let options = SshdOptions::scoped("web-1", world.ca()?)?.with(&format!("RevokedKeys {}", file.display()));
    let web = Sshd::start(&options).await?;
    world.directory("[[group]]\nname = \"admins\"\nmembers = [\"bob\"]\nrights = [\"admin\"]\n")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    world.granted("web-1").await?;
    let certificate = world.certificate("web-1").await?;
    let serial = read(&certificate)?.serial().to_string();
    let before = world.ssh_with(&certificate, &web, &["target", "true"]).await?;
    assert_eq!(before.code, Some(0), "{before:?}");

    let others = world.types(&world.alice, &["stop", "user", "bob", "-m", "why not"]).await?;
    assert!(!others.succeeded() && format!("{others:?}").contains("lacks the right `stop`"), "{others:?}");
    let told = world.types(&world.bob, &["stop", "user", "alice", "-m", "lost laptop"]).await?.ok()?;
    assert!(told.contains(&format!("serial {serial} of")), "{told}");
    let number = |file: &Path| Some(Krl::decode(&std::fs::read(file).ok()?).ok()?.number);
    testkit::eventually("the server writes the list", async || number(&file).is_some_and(|number| number > 0)).await?;
    let refused = world.ssh_with(&certificate, &web, &["target", "true"]).await?;
    assert_eq!(refused.code, Some(255), "{refused:?}");
    web.logged("revoked by file").await?;
    let again = world.login(&world.alice, "alice").await.err().map(|refused| refused.to_string());
    assert!(again.as_ref().is_some_and(|why| why.contains("disabled or stopped")), "{again:?}");

    // A host elsewhere fetches the list without a session, and keeps it when an older one comes.
    world.types(&world.bob, &["logout"]).await?.ok()?;
    let copy = world.bob.path("revoked.krl");
    let copied = copy.display().to_string();
    world.types(&world.bob, &["admin", "ca", "krl", "--out", &copied]).await?.ok()?;
    assert_eq!(std::fs::read(&copy)?, std::fs::read(&file)?);
    let newer = Krl { number: u64::MAX, ..Krl::decode(&std::fs::read(&copy)?)? }.encode()?;
    std::fs::write(&copy, &newer)?;
    let older = world.types(&world.bob, &["admin", "ca", "krl", "--out", &copied]).await?;
    assert!(!older.succeeded() && format!("{older:?}").contains("holds list 18446744073709551615"), "{older:?}");
    assert_eq!(std::fs::read(&copy)?, newer);

    world.login(&world.bob, "bob").await?;
    let list = world.types(&world.bob, &["stop", "list"]).await?.ok()?;
    let entry = list.lines().find(|line| line.contains("user alice")).and_then(|line| line.split_whitespace().next());
    let entry = entry.ok_or("no entry")?.to_owned();
    world.types(&world.bob, &["stop", "lift", &entry, "-m", "found again"]).await?.ok()?;
    world.login(&world.alice, "alice").await?;
    world.granted("web-1").await?;
    let again = world.certificate("web-1").await?;
    let after = world.ssh_with(&again, &web, &["target", "true"]).await?;
    assert_eq!(after.code, Some(0), "{after:?}");
    Ok(())
}
