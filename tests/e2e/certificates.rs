//! What a certificate opens, and what it does not.

use testkit::{Result, Sshd, SshdOptions};

use crate::world::{RULES, World, entry, is_root, login, scoped};

#[tokio::test]
async fn a_certificate_opens_one_login_on_one_host_until_it_expires() -> Result<()> {
    let mut world = World::make().await?;
    let (web, db) = (scoped("web-1", &world.ca()?).await?, scoped("db-1", &world.ca()?).await?);
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod"), entry("db-1", &db, "prod")])?;
    world.file("access.toml", &RULES.replace("\"5m\"", "\"4s\""))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    world.granted("web-1").await?;
    let certificate = world.certificate("web-1").await?;

    let here = world.ssh_with(&certificate, &web, &["target", "id -un"]).await?;
    assert_eq!(here.clone().ok()?.trim(), login()?, "{here:?}");
    let there = world.ssh_with(&certificate, &db, &["target", "true"]).await?;
    assert_eq!(there.code, Some(255), "another host: {there:?}");
    db.logged("Certificate does not contain an authorized principal").await?;
    if is_root() {
        let other = world.ssh_with(&certificate, &web, &["daemon@target", "true"]).await?;
        assert_eq!(other.code, Some(255), "another login: {other:?}");
        web.logged("Certificate does not contain an authorized principal").await?;
    }
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let late = world.ssh_with(&certificate, &web, &["target", "true"]).await?;
    assert_eq!(late.code, Some(255), "after expiry: {late:?}");
    web.logged("Certificate invalid: expired").await
}

#[tokio::test]
async fn a_pty_and_forwarding_come_only_where_the_ruling_names_them() -> Result<()> {
    let mut world = World::make().await?;
    let (rich, bare) = (scoped("rich-1", &world.ca()?).await?, scoped("bare-1", &world.ca()?).await?);
    world.directory("")?;
    world.hosts(&[entry("rich-1", &rich, "prod"), entry("bare-1", &bare, "bare")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    world.granted("bare-1").await?;
    let certificate = world.certificate("bare-1").await?;
    let tty = world.ssh_with(&certificate, &bare, &["-tt", "target", "tty"]).await?;
    assert!(tty.err.contains("PTY allocation request failed"), "{tty:?}");
    // An ordinary user's sshd cannot hand a terminal over in every container; root's can.
    if is_root() {
        world.granted("rich-1").await?;
        let certificate = world.certificate("rich-1").await?;
        let tty = world.ssh_with(&certificate, &rich, &["-tt", "target", "tty"]).await?;
        assert!(tty.out.contains("/dev/pts/"), "{tty:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_command_is_all_that_its_certificate_runs() -> Result<()> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    world.granted_with(&["web-1", "--for", "10m", "-m", "INC-42", "--", "echo", "only", "this"]).await?;
    let certificate = world.certificate("web-1").await?;
    let other = world.ssh_with(&certificate, &web, &["target", "cat /etc/hostname"]).await?;
    assert_eq!(other.ok()?.trim(), "only this");
    Ok(())
}

#[tokio::test]
async fn a_plain_host_takes_its_own_realms_ca_and_no_other() -> Result<()> {
    let mut world = World::make().await?;
    let mut keys = Vec::new();
    for realm in ["legacy", "other"] {
        let config = world.config();
        let made = tokio::process::Command::new(crate::world::HALLPASSD)
            .args(["realm", realm, "--no-passphrase", "--config"])
            .arg(&config)
            .output()
            .await?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        keys.push(std::fs::read_to_string(world.server_dir().join(format!("realms/{realm}.pub")))?);
    }
    let legacy = Sshd::start(&SshdOptions::plain(keys[0].clone())).await?;
    let other = Sshd::start(&SshdOptions::plain(keys[1].clone())).await?;
    let scoped_host = scoped("web-1", &world.ca()?).await?;
    let in_realm = |name: &'static str, sshd: &Sshd, realm: &'static str| crate::world::Entry {
        more: realm,
        ..entry(name, sshd, "prod")
    };
    world.directory("")?;
    world.hosts(&[
        in_realm("old-1", &legacy, "realm = \"legacy\"\n"),
        in_realm("old-2", &other, "realm = \"other\"\n"),
        entry("web-1", &scoped_host, "prod"),
    ])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    world.granted("old-1").await?;
    let certificate = world.certificate("old-1").await?;
    let here = world.ssh_with(&certificate, &legacy, &["target", "true"]).await?;
    assert_eq!(here.code, Some(0), "{here:?}");
    for (host, what) in [(&other, "another realm"), (&scoped_host, "a scoped host")] {
        let there = world.ssh_with(&certificate, host, &["target", "true"]).await?;
        assert_eq!(there.code, Some(255), "{what}: {there:?}");
    }
    Ok(())
}

#[tokio::test]
async fn ssh_keygen_shows_exactly_what_was_granted() -> Result<()> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    let id = world.granted("web-1").await?;
    let certificate = world.certificate("web-1").await?;
    let shown = world.alice.run("ssh-keygen", &["-L", "-f", &certificate.to_string_lossy()]).await?.ok()?;
    let fields: Vec<&str> = shown.lines().skip(1).map(str::trim).collect();
    let field = |name: &str| fields.iter().find(|line| line.starts_with(name)).copied().unwrap_or_default();
    assert_eq!(field("Type:"), "Type: ssh-ed25519-cert-v01@openssh.com user certificate");
    assert!(field("Key ID:").starts_with(&format!("Key ID: \"hallpass:{id}:alice:")), "{shown}");
    assert!(field("Signing CA: ED25519").ends_with("(using ssh-ed25519)"), "{shown}");
    let from = |name: &str| fields.iter().position(|line| line.starts_with(name)).unwrap_or_default();
    let rest = fields[from("Principals:")..].join("\n");
    let login = login()?;
    assert_eq!(
        rest,
        format!(
            "Principals:\n{login}@web-1\nCritical Options: (none)\nExtensions:\npermit-port-forwarding\npermit-pty"
        )
    );
    Ok(())
}
