//! What a certificate is restricted to, as sshd sees it: networks, and logins that a FIDO key verifies.

use std::path::Path;

use testkit::{Output, Result, SK_DUMMY, Sshd};

use crate::world::{World, entry, login, scoped};

const RULES: &str = r#"
[[rule]]
name = "near"
who = "dev"
hosts = "env=near"
logins = "self"
approve = "auto"
max = "1h"
ttl = "5m"
source = ["127.0.0.0/8", "::1"]

[[rule]]
name = "far"
who = "dev"
hosts = "env=far"
logins = "self"
approve = "auto"
max = "1h"
ttl = "5m"
source = "192.0.2.0/24"

[[rule]]
name = "fido"
who = "dev"
hosts = "env=fido"
logins = "self"
approve = "1 of sre"
max = "1h"
ttl = "5m"
allow = ["pty", "port-forwarding"]
source = ["127.0.0.0/8", "::1"]
verify_required = true
"#;

async fn serving(hosts: &[(&'static str, &'static str)]) -> Result<(World, Vec<Sshd>)> {
    let mut world = World::make().await?;
    let mut running = Vec::new();
    for (name, _) in hosts {
        running.push(scoped(name, &world.ca()?).await?);
    }
    world.directory("")?;
    let entries: Vec<_> = hosts.iter().zip(&running).map(|((name, env), sshd)| entry(name, sshd, env)).collect();
    world.hosts(&entries)?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    Ok((world, running))
}

#[tokio::test]
async fn a_certificate_is_good_from_its_networks_alone() -> Result<()> {
    let (world, running) = serving(&[("near-1", "near"), ("far-1", "far")]).await?;
    world.granted("near-1").await?;
    let certificate = world.certificate("near-1").await?;
    let here = world.ssh_with(&certificate, &running[0], &["target", "id -un"]).await?;
    assert_eq!(here.clone().ok()?.trim(), login()?, "{here:?}");
    world.granted("far-1").await?;
    let certificate = world.certificate("far-1").await?;
    let there = world.ssh_with(&certificate, &running[1], &["target", "id -un"]).await?;
    assert_eq!(there.code, Some(255), "{there:?}");
    running[1].logged("not from a permitted source address").await
}

/// ssh with a certificate for a key in alice's ssh-agent.
async fn ssh(world: &World, certificate: &Path, sshd: &Sshd) -> Result<Output> {
    let key = certificate.to_string_lossy().replace("-cert.pub", ".pub");
    let first = format!(
        "Host *\n    IdentityAgent {}\n    IdentitiesOnly yes\n    IdentityFile {key}\n    CertificateFile {}\n",
        world.alice.agent_socket().display(),
        certificate.display()
    );
    world.alice.configure(&first, &[("target", sshd)])?;
    world.alice.ssh(&["target", "true"]).await
}

#[tokio::test]
async fn a_login_must_be_verified_by_the_fido_key_where_the_rule_says_so() -> Result<()> {
    assert!(Path::new(SK_DUMMY).exists(), "install the package openssh-tests");
    let (world, running) = serving(&[("vault-1", "fido")]).await?;
    let request = ["request", "vault-1", "--for", "10m", "-m", "INC-42"];
    let refused = world.types(&world.alice, &request).await?;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("ssh-keygen -t ed25519-sk -O verify-required"), "the next step: {refused:?}");

    for (name, options, verified) in [("with-pin", &["-O", "verify-required"][..], true), ("touch-only", &[], false)] {
        let words = [&["-q", "-t", "ed25519-sk", "-N", "", "-C", name, "-f", name][..], options].concat();
        world.alice.run("ssh-keygen", &words).await?.ok()?;
        world.alice.run("ssh-add", &["-q", name]).await?.ok()?;
        let key = world.alice.path(&format!("{name}.pub")).to_string_lossy().into_owned();
        let words = ["vault-1", "--for", "10m", "-m", "INC-42", "--connecting-key", &key, "--", "echo", "hello"];
        let id = world.granted_with(&words).await?;
        let certificate = world.certificate("vault-1").await?;
        let shown = world.alice.run("ssh-keygen", &["-L", "-f", &certificate.to_string_lossy()]).await?.ok()?;
        let options = shown.split_once("Critical Options:").ok_or("no options")?.1;
        let options: Vec<&str> = options.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let all = [
            "force-command echo hello",
            "source-address 127.0.0.0/8,::1/128",
            "verify-required",
            "Extensions:",
            "permit-port-forwarding",
            "permit-pty",
        ];
        assert_eq!(options, all, "{shown}");
        let ssh = ssh(&world, &certificate, &running[0]).await?;
        if verified {
            assert_eq!((ssh.code, ssh.out.trim()), (Some(0), "hello"), "{ssh:?}");
        } else {
            assert_eq!(ssh.code, Some(255), "{ssh:?}");
            running[0].logged("user verification").await?;
        }
        world.types(&world.alice, &["done", &id]).await?.ok()?;
    }
    Ok(())
}
