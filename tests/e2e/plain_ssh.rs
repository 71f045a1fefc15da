//! Plain ssh and its family through the lines of `hallpass ssh-config`, and what stays in agents.

use testkit::{Output, Result};

use crate::world::{Entry, HALLPASS, World, entry, jump_login, login, scoped};

/// The lines that make plain `ssh` work, in front of what the machine knows.
async fn configured(world: &World, hosts: &[(&str, &testkit::Sshd)]) -> Result<()> {
    let lines = world.types(&world.alice, &["ssh-config"]).await?.ok()?;
    // The login stands above, as the lines themselves say.
    let first = format!("Host *\n    User {}\n{lines}", login()?);
    world.alice.configure(&first, hosts)
}

#[tokio::test]
async fn ssh_sftp_scp_rsync_and_a_jump_work_unchanged() -> Result<()> {
    let mut world = World::make().await?;
    let (web, bastion) = (scoped("web-1", &world.ca()?).await?, scoped("bastion", &world.ca()?).await?);
    let inner = scoped("inner-1", &world.ca()?).await?;
    world.directory("")?;
    let jumps = jump_login()?;
    world.hosts(&[
        entry("web-1", &web, "prod"),
        Entry { more: &jumps, ..entry("bastion", &bastion, "prod") },
        Entry { more: "via = \"bastion\"\n", ..entry("inner-1", &inner, "prod") },
    ])?;
    world.file("access.toml", crate::world::RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    for host in ["web-1", "inner-1"] {
        world.granted(host).await?;
    }
    configured(&world, &[("web-1", &web), ("bastion", &bastion), ("inner-1", &inner)]).await?;
    let alice = &world.alice;
    let ssh = alice.ssh(&["web-1", "id -un"]).await?;
    assert_eq!(ssh.clone().ok()?.trim(), login()?, "{ssh:?}");

    let here = alice.write("sent", "by scp")?;
    let there = alice.path("received");
    let target = format!("web-1:{}", there.display());
    let scp = alice.with_config("scp", &["-q", &here.to_string_lossy(), &target]).await?;
    assert_eq!((scp.code, alice.read("received")?.as_str()), (Some(0), "by scp"), "{scp:?}");
    let batch = alice.write("batch", format!("put {} {}-2\n", here.display(), there.display()))?;
    let sftp = alice.with_config("sftp", &["-q", "-b", &batch.to_string_lossy(), "web-1"]).await?;
    assert_eq!((sftp.code, alice.read("received-2")?.as_str()), (Some(0), "by scp"), "{sftp:?}");
    let shell = format!("ssh -F {}", alice.path("ssh_config").display());
    let rsync = alice.run("rsync", &["-e", &shell, &here.to_string_lossy(), &format!("{target}-3")]).await?;
    assert_eq!((rsync.code, alice.read("received-3")?.as_str()), (Some(0), "by scp"), "{rsync:?}");

    let jump = alice.ssh(&["inner-1", "true"]).await?;
    assert_eq!(jump.code, Some(0), "{jump:?}");
    bastion.logged("Accepted publickey").await?;
    assert!(alice.identities().await?.is_empty(), "the user's ssh-agent holds nothing of ours");
    Ok(())
}

/// The hosts that the names lead to then would let alice in, and she knows their keys, by address and by other names.
#[tokio::test]
async fn a_name_that_the_server_sends_elsewhere_is_refused_by_its_host_key() -> Result<()> {
    let mut world = World::make().await?;
    let ca = world.ca()?;
    let (web, bastion) = (scoped("web-1", &ca).await?, scoped("bastion", &ca).await?);
    let (other_web, other_bastion) = (scoped("web-1", &ca).await?, scoped("bastion", &ca).await?);
    let inner = scoped("inner-1", &ca).await?;
    let jumps = jump_login()?;
    let hosts = |web, bastion| {
        [
            Entry { more: "aliases = [\"w\"]\n", ..entry("web-1", web, "prod") },
            Entry { more: &jumps, ..entry("bastion", bastion, "prod") },
            Entry { more: "via = \"bastion\"\n", ..entry("inner-1", &inner, "prod") },
        ]
    };
    world.directory("")?;
    world.hosts(&hosts(&web, &bastion))?;
    world.file("access.toml", crate::world::RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    for host in ["web-1", "inner-1"] {
        world.granted(host).await?;
    }
    let others = [("other-1", &other_web), ("other-2", &other_bastion)];
    let own = [("web-1,w", &web), ("bastion", &bastion), ("inner-1", &inner)];
    let known = [&own[..], &others[..]].concat();
    configured(&world, &known).await?;
    // What `hallpass ssh` includes.
    std::fs::create_dir(world.alice.path(".ssh"))?;
    world.alice.write(".ssh/config", world.alice.read("ssh_config")?)?;
    let ways = async |host: &str| -> Result<[Output; 2]> {
        Ok([world.alice.ssh(&[host, "true"]).await?, world.types(&world.alice, &["ssh", host, "true"]).await?])
    };
    for host in ["web-1", "w", "inner-1"] {
        for ssh in ways(host).await? {
            assert_eq!(ssh.code, Some(0), "{host}: {ssh:?}");
        }
    }
    world.hosts(&hosts(&other_web, &other_bastion))?;
    world.reload().await?;
    // From now on plain ssh knows it, too.
    world.types(&world.alice, &["ls"]).await?.ok()?;
    for host in ["web-1", "w", "inner-1"] {
        for ssh in ways(host).await? {
            assert_eq!(ssh.code, Some(255), "{host}: {ssh:?}");
            assert!(ssh.err.contains("Host key verification failed"), "{host}: {ssh:?}");
        }
    }
    for (_, other) in others {
        assert!(!other.log()?.contains("Accepted publickey"), "{}", other.log()?);
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_left_to_other_keys() -> Result<()> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "prod")])?;
    world.file("access.toml", crate::world::RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    let foreign = world.types(&world.alice, &["ensure", "elsewhere", "root"]).await?;
    assert_eq!((foreign.code, foreign.out.as_str(), foreign.err.as_str()), (Some(1), "", ""));
    let ungranted = world.types(&world.alice, &["ensure", "web-1", &login()?]).await?;
    assert_eq!((ungranted.code, ungranted.err.lines().count()), (Some(1), 1), "{ungranted:?}");
    assert!(ungranted.err.contains("hallpass request"), "the next step is named: {ungranted:?}");
    world.kill().await?;
    let offline = world.types(&world.alice, &["ensure", "elsewhere", "root"]).await?;
    assert_eq!((offline.code, offline.err.as_str()), (Some(1), ""), "no network is needed to say no");
    Ok(())
}

#[tokio::test]
async fn agents_are_left_clean() -> Result<()> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    // Ten names of one sshd: its principals are web-1's, so one of them is let in, and all are tried.
    let names: Vec<String> = (1..=10).map(|n| format!("web-{n}")).collect();
    let hosts: Vec<Entry<'_>> = names.iter().map(|name| entry(name, &web, "bare")).collect();
    world.directory("")?;
    world.hosts(&hosts)?;
    world.file("access.toml", crate::world::RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    let known = world.alice.write("known", web.known_hosts_line(&names.join(","))?)?;
    let known = format!("UserKnownHostsFile={}", known.display());
    for name in &names {
        world.granted(name).await?;
        let words = ["ssh", name, "-o", "BatchMode=yes", "-o", &known, "-o", "StrictHostKeyChecking=yes", "true"];
        let ssh = world.alice.run(HALLPASS, &words).await?;
        assert_eq!(ssh.code, Some(if name == "web-1" { 0 } else { 255 }), "{name}: {ssh:?}");
    }
    assert!(world.alice.identities().await?.is_empty());
    for _ in 0..5 {
        world.types(&world.alice, &["cert", "web-1"]).await?.ok()?;
    }
    let held = world.alice.identities().await?;
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held[0].contains("ED25519-CERT"), "{held:?}");
    world.types(&world.alice, &["logout"]).await?.ok()?;
    assert!(world.alice.identities().await?.is_empty(), "logout takes back what the helper loaded");
    Ok(())
}
