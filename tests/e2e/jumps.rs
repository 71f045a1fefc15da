//! Hosts that a client cannot reach itself, through a jump host that does nothing but forward.

use testkit::{Door, Namespace, Output, Result, Sshd, SshdOptions, free_port};

use crate::world::{Entry, RULES, World, entry, jump_login, login, only_root_can, scoped};

/// What alice's ssh reads: the lines of `hallpass ssh-config`, and the keys of hosts.
async fn configured(world: &World, known: &[(&str, &Sshd)]) -> Result<()> {
    let lines = world.types(&world.alice, &["ssh-config"]).await?.ok()?;
    let first = format!("Host *\n    User {}\n{lines}", login()?);
    world.alice.configure(&first, known)?;
    std::fs::create_dir_all(world.alice.path(".ssh"))?;
    world.alice.write(".ssh/config", world.alice.read("ssh_config")?).map(drop)
}

async fn started(world: &mut World, hosts: &[Entry<'_>], rules: &str) -> Result<()> {
    world.directory("")?;
    world.hosts(hosts)?;
    world.file("access.toml", rules)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await
}

const BEHIND: &str = "via = \"bastion\"\n";

/// Whatever alice's ssh has from before is gone: the next one fetches.
fn forget(world: &World) -> Result<()> {
    let ssh = world.alice.path(".local/state/hallpass/ssh");
    for file in std::fs::read_dir(ssh)?.filter_map(std::result::Result::ok) {
        if file.file_name().to_string_lossy().ends_with("-cert.pub") {
            std::fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_the_client_cannot_reach_is_reached_with_one_request() -> Result<()> {
    if !only_root_can() {
        return Ok(());
    }
    let mut world = World::make().await?;
    let ca = world.ca()?;
    let network = Namespace::make().await?;
    let inner = Sshd::start_inside(&network, &SshdOptions::scoped("inner-1", ca.as_str())?).await?;
    let bastion = Sshd::start_inside(&network, &SshdOptions::scoped("bastion", ca.as_str())?).await?;
    let door = Door::open(&network, &bastion).await?;
    let jumps = jump_login()?;
    let hosts = [
        Entry { name: "bastion", port: door.port(), env: "edge", more: &jumps },
        Entry { more: BEHIND, ..entry("inner-1", &inner, "prod") },
    ];
    started(&mut world, &hosts, RULES).await?;
    let known = [("bastion", &bastion), ("inner-1", &inner)];
    let asked =
        world.types(&world.alice, &["request", "--no-wait", "inner-1", "--for", "30m", "-m", "INC-42"]).await?.ok()?;
    let id = crate::world::find_id(&asked).ok_or("no id")?;
    let approved = world.types(&world.bob, &["approve", "--yes", &id]).await?;
    let words = format!("on inner-1, through bastion as {}, for", login()?);
    assert!(approved.code == Some(0) && approved.err.contains(&words), "{approved:?}");
    configured(&world, &known).await?;

    let direct = world.alice.ssh(&["-o", "ProxyJump=none", "inner-1", "true"]).await?;
    assert!(direct.code == Some(255) && direct.err.contains("Connection refused"), "{direct:?}");
    for (way, ssh) in [
        ("plain ssh", world.alice.ssh(&["inner-1", "id -un"]).await?),
        ("hallpass ssh", world.types(&world.alice, &["ssh", "inner-1", "id", "-un"]).await?),
        ("hallpass run", world.types(&world.alice, &["run", "inner-1", "--", "ssh", "inner-1", "id -un"]).await?),
    ] {
        assert_eq!((ssh.code, ssh.out.trim()), (Some(0), login()?.as_str()), "{way}: {ssh:?}\n{}", door.log()?);
    }
    assert!(door.log()?.contains(&format!("ID hallpass:{id}:alice:")), "{}", door.log()?);
    inner.logged(&format!("ID hallpass:{id}:alice:")).await?;

    only_forwards(&world, &door, &inner).await?;

    // What was fetched before is good for minutes; nothing more is fetched for either.
    world.types(&world.bob, &["stop", "host", "bastion", "-m", "it looks odd"]).await?.ok()?;
    forget(&world)?;
    let before =
        (door.log()?.matches("Accepted publickey").count(), inner.log()?.matches("Accepted publickey").count());
    let ssh = world.alice.ssh(&["inner-1", "true"]).await?;
    assert!(ssh.code == Some(255) && ssh.err.contains("which was removed or stopped"), "{ssh:?}");
    let fetch =
        world.types(&world.alice, &["cert", "inner-1", "--out", &world.alice.path("out").to_string_lossy()]).await?;
    assert!(fetch.code == Some(3) && fetch.err.contains("jump host `bastion`"), "{fetch:?}");
    let after = (door.log()?.matches("Accepted publickey").count(), inner.log()?.matches("Accepted publickey").count());
    assert_eq!(before, after);
    Ok(())
}

/// The certificate for the jump host gives no shell, no command, no terminal and no files there, and forwards.
async fn only_forwards(world: &World, door: &Door, inner: &Sshd) -> Result<()> {
    let alice = &world.alice;
    let touched = alice.path("touched");
    let ran = alice.ssh(&["bastion", &format!("touch {}", touched.display())]).await?;
    let said = "This login only forwards connections to the hosts behind.";
    assert_eq!((ran.code, ran.out.trim()), (Some(0), said), "{ran:?}");
    assert!(!touched.exists(), "nothing else ran");
    assert_eq!(alice.ssh(&["bastion"]).await?.out.trim(), said, "no shell");
    let terminal = alice.ssh(&["-tt", "bastion"]).await?;
    assert!(terminal.err.contains("PTY allocation request failed"), "{terminal:?}");
    let batch = alice.write("batch", "ls /\n")?;
    let sftp = alice.with_config("sftp", &["-b", &batch.to_string_lossy(), "bastion"]).await?;
    assert_ne!(sftp.code, Some(0), "{sftp:?}");
    let banner = alice.ssh(&["-W", &format!("127.0.0.1:{}", inner.port()), "bastion"]).await?;
    assert!(banner.out.starts_with("SSH-2.0-OpenSSH"), "{banner:?}\n{}", door.log()?);
    Ok(())
}

/// The rules of every test, with certificates that are good from this machine's networks alone.
fn pinned() -> String {
    RULES.replacen("max = \"1h\"", "max = \"1h\"\nsource = [\"127.0.0.0/8\", \"::1\"]", 1)
}

#[tokio::test]
async fn a_host_behind_a_jump_host_takes_certificates_from_that_one_alone() -> Result<()> {
    let mut world = World::make().await?;
    let (bastion, inner) = (scoped("bastion", &world.ca()?).await?, scoped("inner-1", &world.ca()?).await?);
    let elsewhere = jump_login()? + "egress = \"192.0.2.7\"\n";
    let hosts = [
        Entry { more: &elsewhere, ..entry("bastion", &bastion, "edge") },
        Entry { more: BEHIND, ..entry("inner-1", &inner, "prod") },
    ];
    started(&mut world, &hosts, &pinned()).await?;
    world.granted("inner-1").await?;
    configured(&world, &[("bastion", &bastion), ("inner-1", &inner)]).await?;
    let refused = world.alice.ssh(&["inner-1", "true"]).await?;
    assert_eq!(refused.code, Some(255), "{refused:?}");
    bastion.logged("Accepted publickey").await?;
    inner.logged("not from a permitted source address").await?;

    // By its address it comes from here.
    let jumps = jump_login()?;
    world.hosts(&[
        Entry { more: &jumps, ..entry("bastion", &bastion, "edge") },
        Entry { more: BEHIND, ..entry("inner-1", &inner, "prod") },
    ])?;
    world.reload().await?;
    forget(&world)?;
    world.granted("inner-1").await?;
    let ssh = world.alice.ssh(&["inner-1", "true"]).await?;
    assert_eq!(ssh.code, Some(0), "{ssh:?}");
    inner.logged("Accepted publickey").await?;
    Ok(())
}

#[tokio::test]
async fn jump_hosts_that_cannot_be_are_told_where_they_are() -> Result<()> {
    let jumps = jump_login()?;
    let port = free_port()?;
    let bastion = |more| Entry { name: "bastion", port, env: "edge", more };
    let inner = || Entry { name: "inner-1", port, env: "prod", more: BEHIND };
    let own = jump_login()? + BEHIND;
    let named = jumps.clone() + "# address";
    for (hosts, rules, told) in [
        (&[bastion(&own)][..], RULES.to_owned(), "`bastion` is its own jump host"),
        (
            &[Entry { name: "inner-1", port, env: "prod", more: "via = \"bastian\"\n" }],
            RULES.to_owned(),
            "the jump host `bastian` is not a host of this file",
        ),
        (&[bastion(""), inner()], RULES.to_owned(), "the jump host `bastion` has no login that only forwards"),
        (&[bastion(&named), inner()], pinned(), "pins certificates for `inner-1` to networks"),
    ] {
        let world = World::make().await?;
        world.directory("")?;
        world.hosts(hosts)?;
        let text = std::fs::read_to_string(world.server_dir().join("hosts.toml"))?;
        // Of one that has a name for an address nothing says where its connections come from.
        let text = if text.contains("# address") { text.replace("address = \"127.0.0.1\"\n", "") } else { text };
        world.file("hosts.toml", &text)?;
        world.file("access.toml", &rules)?;
        let check = checked(&world).await?;
        assert_eq!(check.code, Some(1), "{check:?}");
        let all = check.out.clone() + &check.err;
        assert!(all.contains("hosts.toml:") && all.contains(told), "{told}: {check:?}");
    }
    Ok(())
}

async fn checked(world: &World) -> Result<Output> {
    let config = world.config();
    world.alice.run(crate::world::HALLPASSD, &["check", "--config", &config.to_string_lossy()]).await
}
