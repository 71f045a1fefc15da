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
