//! What a certificate opens, and what it does not.

use std::path::Path;

use ledger::Payload;
use testkit::{Result, Sshd, SshdOptions};

use crate::durable::{payloads, store};
use crate::world::{Entry, RULES, World, entry, login, only_root_can, scoped};

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
    if only_root_can() {
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
    if only_root_can() {
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
    let in_realm =
        |name: &'static str, sshd: &Sshd, realm: &'static str| Entry { more: realm, ..entry(name, sshd, "prod") };
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

/// All that `ssh-keygen -L` shows of a certificate for `dev-prod`, with what differs each time in braces.
const SHOWN: &str = "\
{file}:
        Type: ssh-ed25519-cert-v01@openssh.com user certificate
        Public key: ED25519-CERT {connecting key}
        Signing CA: ED25519 {user CA} (using ssh-ed25519)
        Key ID: \"hallpass:{request}:alice:{deadline}\"
        Serial: {serial}
        Valid: from {begin} to {end}
        Principals:
                {login}@web-1
        Critical Options: (none)
        Extensions:
                permit-port-forwarding
                permit-pty
";

/// The value of a field of `--json`, without its quotes.
fn field<'a>(json: &'a str, name: &str) -> Result<&'a str> {
    let (_, after) = json.split_once(&format!("\"{name}\":")).ok_or_else(|| format!("no {name} in {json}"))?;
    Ok(after.split([',', '}']).next().unwrap_or_default().trim_matches('"'))
}

/// A time as programs write it, in seconds.
async fn seconds(world: &World, time: &str) -> Result<u64> {
    Ok(world.alice.run("date", &["-u", "-d", time, "+%s"]).await?.ok()?.trim().parse()?)
}

#[tokio::test]
async fn ssh_keygen_shows_exactly_what_was_granted() -> Result<()> {
    const TTL: u64 = 300;
    let mut world = World::start(&[Entry { name: "web-1", port: 22, env: "prod", more: "" }]).await?;
    let id = world.granted("web-1").await?;
    let granted = world.types(&world.alice, &["show", &id, "--json"]).await?.ok()?;
    let deadline = seconds(&world, field(&granted, "not_after")?).await?;
    let out = world.alice.path("out").to_string_lossy().into_owned();
    let earliest = seconds(&world, "now").await?;
    let fetched = world.types(&world.alice, &["cert", "web-1", "--out", &out, "--json"]).await?.ok()?;
    let latest = seconds(&world, "now").await?;
    let (serial, file) = (field(&fetched, "serial")?, field(&fetched, "certificate")?);

    let shown = world.alice.run("env", &["TZ=UTC", "ssh-keygen", "-L", "-f", file]).await?.ok()?;
    // It leaves a space at the end of some lines.
    let shown: String = shown.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let valid = shown.lines().find_map(|line| line.trim().strip_prefix("Valid: from ")).ok_or("no validity")?;
    let (begin, end) = valid.split_once(" to ").ok_or("no end")?;
    let issued = seconds(&world, begin).await? + 30;
    assert!((earliest..=latest).contains(&issued), "issued at {issued}, not in {earliest}..={latest}: {shown}");
    assert_eq!(seconds(&world, end).await?, issued + TTL, "{shown}");
    assert_eq!(seconds(&world, field(&fetched, "valid_before")?).await?, issued + TTL, "{fetched}");
    assert_eq!(deadline, seconds(&world, field(&granted, "not_before")?).await? + 30 * 60, "{granted}");

    let request_key = world.alice.write("asked.pub", field(&granted, "connecting_key")?)?;
    let ca = world.server_dir().join("ca.pub");
    let expected = SHOWN
        .replace("{file}", file)
        .replace("{connecting key}", &fingerprint(&world, &request_key).await?)
        .replace("{user CA}", &fingerprint(&world, &ca).await?)
        .replace("{request}", &id)
        .replace("{deadline}", &deadline.to_string())
        .replace("{serial}", serial)
        .replace("{begin}", begin)
        .replace("{end}", end)
        .replace("{login}", &login()?);
    assert_eq!(shown, expected);

    world.kill().await?;
    let ledger = payloads(&store(&world)?)?;
    let entries = ledger.iter().filter(|(_, payload)| matches!(payload, Payload::Certificate { .. }));
    let entries: Vec<String> = entries.map(|(index, _)| index.to_string()).collect();
    assert_eq!(entries, [serial], "the serial is its entry in the ledger");
    Ok(())
}

/// A public key's fingerprint: `SHA256:...`.
async fn fingerprint(world: &World, key: &Path) -> Result<String> {
    let shown = world.alice.run("ssh-keygen", &["-l", "-f", &key.to_string_lossy()]).await?.ok()?;
    Ok(shown.split(' ').nth(1).ok_or("no fingerprint")?.to_owned())
}

#[tokio::test]
async fn an_approval_is_taken_back_until_certificates_came_of_it_and_those_are_counted() -> Result<()> {
    let nowhere = Entry { name: "web-1", port: 22, env: "prod", more: "" };
    let world = World::start(&[nowhere]).await?;
    let words = ["web-1", "--for", "10m", "-m", "INC-42", "--uses", "1"];
    let id = world.granted_with(&words).await?;
    let others = world.types(&world.alice, &["withdraw", &id]).await?;
    assert!(!others.succeeded() && format!("{others:?}").contains("alice has not approved"), "{others:?}");
    let back = world.types(&world.bob, &["withdraw", &id, "-m", "the wrong host"]).await?.ok()?;
    assert!(back.contains("still needs 1 of sre"), "{back}");
    assert!(world.certificate("web-1").await.is_err(), "nobody approves it any more");

    world.types(&world.bob, &["approve", "--yes", &id]).await?.ok()?;
    world.certificate("web-1").await?;
    let late = world.types(&world.bob, &["withdraw", &id]).await?;
    assert!(!late.succeeded() && format!("{late:?}").contains("hallpass stop request"), "{late:?}");
    let shown = world.types(&world.alice, &["show", &id]).await?.ok()?;
    assert!(shown.contains("1 certificates at most, 1 taken"), "{shown}");
    let second = world.certificate("web-1").await.err().map(|why| why.to_string());
    assert!(second.as_ref().is_some_and(|why| why.contains("0 certificates left")), "{second:?}");
    Ok(())
}
