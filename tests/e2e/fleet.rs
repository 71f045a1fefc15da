//! Grants for many hosts, and commands that run with them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use testkit::{Machine, Result, Sshd, eventually};

use crate::running::Program;
use crate::world::{Entry, HALLPASS, RULES, World, entry, find_id, login, scoped, signal};

/// A fleet whose certificates live for seconds, and one that somebody approves.
const FLEET: &str = r#"
[[rule]]
name = "fleet"
who = "dev"
hosts = "env=fleet"
logins = ["self"]
approve = "auto"
max = "1h"
ttl = "6s"

[[rule]]
name = "staging"
who = "dev"
hosts = "env=staging"
logins = ["self"]
approve = "1 of sre"
max = "1h"
ttl = "5m"

[[rule]]
name = "changing"
who = "dev"
hosts = "env=changing"
logins = ["self"]
approve = "1 of sre"
max = "1h"
ttl = "5m"
live_hosts = true
"#;

/// These hosts, which alice's ssh knows by their keys.
async fn fleet(env: &str, count: usize) -> Result<(World, Vec<Sshd>)> {
    let mut world = World::make().await?;
    let (mut hosts, mut known) = (Vec::new(), String::new());
    for n in 1..=count {
        let name = format!("web-{n}");
        let sshd = scoped(&name, &world.ca()?).await?;
        known.push_str(&sshd.known_hosts_line(&name)?);
        hosts.push((name, sshd));
    }
    world.directory("")?;
    world.hosts(&hosts.iter().map(|(name, sshd)| entry(name, sshd, env)).collect::<Vec<_>>())?;
    world.file("access.toml", &format!("{RULES}{FLEET}"))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    knows(&world.alice, &known)?;
    Ok((world, hosts.into_iter().map(|(_, sshd)| sshd).collect()))
}

/// The user's own configuration, which a run includes.
fn knows(person: &Machine, known: &str) -> Result<()> {
    let known = person.write("known_hosts", known)?;
    std::fs::create_dir(person.path(".ssh"))?;
    let config = format!(
        "Host *\n    BatchMode yes\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    UserKnownHostsFile {}\n",
        known.display()
    );
    person.write(".ssh/config", config).map(drop)
}

/// The private directories of runs.
fn private(person: &Machine) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(person.path("run/hallpass")).into_iter().flatten().filter_map(std::result::Result::ok);
    let runs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"));
    runs.map(|entry| entry.path()).collect()
}

/// A script of alice's, and the words that run it.
fn script(person: &Machine, text: &str, words: &[&str]) -> Result<Vec<String>> {
    let script = person.write("script.sh", text)?;
    let command = ["--", "sh", "-eu", &script.to_string_lossy()].map(str::to_owned);
    Ok(std::iter::once("run").chain(words.iter().copied()).map(str::to_owned).chain(command).collect())
}

const REACHES: &str = r#"
for host in web-1 web-2 web-3; do ssh $host id -un; done
scp -q sent "web-1:$PWD/by-scp"
echo "put sent $PWD/by-sftp" | sftp -q -b - web-1 >/dev/null
rsync sent "web-2:$PWD/by-rsync"
git clone -q "web-3:$PWD/origin" clone
cert=$(dirname "$HALLPASS_SSH_CONFIG")/$(id -un)@web-2-cert.pub
serial() { ssh-keygen -L -f "$cert" | grep Serial; }
for renewal in 1 2; do
    before=$(serial)
    until [ "$(serial)" != "$before" ]; do sleep 0.1; done
done
ssh web-2 echo after the first certificates were over
ls -l "$(dirname "$HALLPASS_SSH_CONFIG")" >inside
exit 7
"#;

#[tokio::test]
async fn a_command_reaches_its_hosts_by_ssh_scp_rsync_and_git_while_certificates_are_made_new() -> Result<()> {
    let (world, hosts) = fleet("fleet", 3).await?;
    let alice = &world.alice;
    alice.write("sent", "to a host")?;
    for words in [
        &["init", "-q", "origin"][..],
        &["-C", "origin", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"],
    ] {
        alice.run("git", words).await?.ok()?;
    }
    let words = script(alice, REACHES, &["self@env=fleet", "-m", "deploy the site"])?;
    let ran = alice.run(HALLPASS, &words).await?;
    assert_eq!(ran.code, Some(7), "{ran:?}");
    let own = login()?;
    let said: Vec<&str> = ran.out.lines().collect();
    assert_eq!(said, [&own, &own, &own, "after the first certificates were over"].map(AsRef::as_ref) as [&str; 4]);
    for way in ["by-scp", "by-sftp", "by-rsync"] {
        assert_eq!(alice.read(way)?, "to a host", "{way}");
    }
    assert!(alice.path("clone/.git").exists());
    let inside = alice.read("inside")?;
    assert!(inside.lines().skip(1).all(|line| line.contains("------ ") || line.starts_with("drwx------")), "{inside}");
    assert!(private(alice).is_empty(), "{:?}", private(alice));
    assert!(alice.identities().await?.is_empty(), "the user's ssh-agent holds nothing of ours");
    // Nobody has to ask again for what is granted.
    let again = alice.run(HALLPASS, &["run", "self@env=fleet", "--", "ssh", "web-3", "true"]).await?;
    assert!(again.succeeded() && again.err.contains("Under the grant of request"), "{again:?}");
    hosts[2].logged("Accepted publickey").await
}

#[tokio::test]
async fn a_command_ends_as_it_does_and_leaves_nothing() -> Result<()> {
    let (world, _hosts) = fleet("fleet", 1).await?;
    let alice = &world.alice;
    world.granted("self@env=fleet").await?;
    let run = async |command: &[&str]| alice.run(HALLPASS, &[&["run", "web-1", "--"], command].concat()).await;
    assert_eq!(run(&["true"]).await?.code, Some(0));
    assert_eq!(run(&["sh", "-c", "exit 42"]).await?.code, Some(42));
    assert_eq!(run(&["sh", "-c", "kill -KILL $$"]).await?.code, Some(137));
    let missing = run(&["no-such-program"]).await?;
    assert_eq!(missing.code, Some(127), "{missing:?}");
    assert!(missing.err.contains("`no-such-program` cannot be run"), "{missing:?}");
    // What knows only agents finds the certificate first, and may log in with it and do nothing else.
    let listed = run(&["ssh-add", "-L"]).await?.ok()?;
    let kinds: Vec<_> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(kinds, ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]);
    let key = alice.path("key.pub");
    let signs =
        format!("ssh-add -L | tail -1 >{0} && ssh-keygen -Y sign -f {0} -n hallpass-fetch script.sh", key.display());
    alice.write("script.sh", "")?;
    let signed = run(&["sh", "-c", &signs]).await?;
    assert!(!signed.succeeded() && signed.err.contains("agent refused operation"), "{signed:?}");
    assert!(private(alice).is_empty());
    Ok(())
}

/// Says when it has begun, and what it was told.
const WAITS: &str = "trap 'echo was told to end; exit 9' TERM\necho begun\nwhile :; do sleep 0.05; done\n";

#[tokio::test]
async fn a_signal_reaches_the_command_and_what_a_killed_run_left_is_removed() -> Result<()> {
    let (world, _hosts) = fleet("fleet", 1).await?;
    let alice = &world.alice;
    world.granted("self@env=fleet").await?;
    let words = script(alice, WAITS, &["web-1"])?;
    let told = Program::start(alice.command(HALLPASS, &words), &alice.path("screen"))?;
    told.says("begun").await?;
    assert_eq!(private(alice).len(), 1);
    signal(told.pid()?, "TERM")?;
    let (code, said) = told.ended().await?;
    assert_eq!((code, said.contains("was told to end")), (Some(9), true), "{said}");
    assert!(private(alice).is_empty());

    let killed = Program::start(alice.command(HALLPASS, &words), &alice.path("screen"))?;
    killed.says("begun").await?;
    let left = private(alice);
    let children = crate::processes::descendants(killed.pid()?)?;
    signal(killed.pid()?, "KILL")?;
    killed.ended().await?;
    assert_eq!((private(alice), left.len()), (left, 1), "nobody was there to remove it");
    for child in &children {
        drop(signal(child.id, "KILL"));
    }
    alice.run(HALLPASS, &["run", "web-1", "--", "true"]).await?.ok()?;
    assert!(private(alice).is_empty());
    Ok(())
}

#[tokio::test]
async fn a_command_waits_for_approval_of_the_hosts_that_the_approver_sees() -> Result<()> {
    let (world, _hosts) = fleet("staging", 2).await?;
    let alice = &world.alice;
    let without = alice.run(HALLPASS, &["run", "self@env=staging", "--", "true"]).await?;
    assert_eq!(without.code, Some(1));
    assert!(without.err.contains("no live grant for self@env=staging"), "{without:?}");

    let words = ["run", "self@env=staging", "-m", "roll out", "--", "ssh", "web-2", "true"];
    let start = |screen: &str| Program::start(alice.command(HALLPASS, &words), &alice.path(screen));
    let refused = start("refused")?;
    refused.says("Waiting for approval").await?;
    let id = find_id(&refused.screen()).ok_or("no request")?;
    let denied = world.types(&world.bob, &["deny", "--yes", &id, "-m", "not today"]).await?;
    assert!(denied.err.contains("  hosts       web-1 web-2\n"), "{denied:?}");
    let (code, said) = refused.ended().await?;
    assert_eq!((code, said.contains("was denied by bob: not today")), (Some(3), true), "{said}");

    let granted = start("granted")?;
    granted.says("Waiting for approval").await?;
    let id = find_id(&granted.screen()).ok_or("no request")?;
    // A second run waits for the same request.
    let second = start("second")?;
    second.says(&format!("Ctrl-C leaves request {id} in place")).await?;
    world.types(&world.bob, &["approve", "--yes", &id]).await?.ok()?;
    for run in [granted, second] {
        let (code, said) = run.ended().await?;
        assert_eq!(code, Some(0), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_host_that_comes_later_is_reached_where_the_approver_read_so_unless_more_is_required_there() -> Result<()> {
    let (world, hosts) = fleet("changing", 2).await?;
    let entries: Vec<Entry<'_>> =
        ["web-1", "web-2"].iter().zip(&hosts).map(|(name, sshd)| entry(name, sshd, "changing")).collect();
    world.hosts(&entries[..1])?;
    world.reload().await?;
    let asked = ["request", "--no-wait", "self@env=changing", "--for", "30m", "-m", "roll out"];
    let asked = world.types(&world.alice, &asked).await?.ok()?;
    let id = find_id(&asked).ok_or("no request")?;
    let approved = world.types(&world.bob, &["approve", "--yes", &id]).await?;
    assert!(approved.err.contains("on web-1, including future hosts, for at most 1h"), "{approved:?}");

    world.hosts(&entries)?;
    world.reload().await?;
    let reaches = ["run", "self@env=changing", "--", "sh", "-c", "ssh web-1 echo one; ssh web-2 echo two"];
    let both = world.types(&world.alice, &reaches).await?;
    assert_eq!((both.code, both.out.as_str()), (Some(0), "one\ntwo\n"), "{both:?}");
    let required = "[[require]]\nhosts = \"web-2\"\napprove = \"2 of sre\"\n";
    world.file("access.toml", &format!("{RULES}{FLEET}{required}"))?;
    world.reload().await?;
    let one = world.types(&world.alice, &reaches).await?;
    assert_eq!((one.code, one.out.as_str()), (Some(255), "one\n"), "{one:?}");
    assert!(
        one.err.contains("web-2 cannot be fetched for") && one.err.contains("lacks an approval from sre"),
        "{one:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_is_told_once() -> Result<()> {
    let (mut world, _hosts) = fleet("fleet", 1).await?;
    world.granted("self@env=fleet").await?;
    let words = script(&world.alice, WAITS, &["web-1"])?;
    let run = Program::start(world.alice.command(HALLPASS, &words), &world.alice.path("screen"))?;
    run.says("begun").await?;
    world.kill().await?;
    run.says("certificates cannot be made new").await?;
    world.serve().await?;
    run.says("certificates are fetched again").await?;
    signal(run.pid()?, "TERM")?;
    let (code, said) = run.ended().await?;
    assert_eq!((code, said.matches("cannot be made new").count()), (Some(9), 1), "{said}");
    Ok(())
}

/// As cron runs it: hardly any environment, no terminal, no agent, a key in a file.
#[tokio::test]
async fn a_service_runs_a_command_from_cron() -> Result<()> {
    let (mut world, _hosts) = fleet("fleet", 2).await?;
    let bot = Machine::new()?;
    bot.keygen("ed25519", "id").await?;
    let more = format!(
        "[[user]]\nname = \"deploy-bot\"\nkind = \"service\"\nowner = \"bob\"\nlogin = \"{}\"\nkeys = [\"{}\"]\n\
         [[group]]\nname = \"deployers\"\nmembers = [\"deploy-bot\"]\n",
        login()?,
        bot.read("id.pub")?.trim()
    );
    world.directory(&more)?;
    let rules = FLEET.replace("name = \"fleet\"\nwho = \"dev\"", "name = \"fleet\"\nwho = \"deployers\"");
    world.file("access.toml", &format!("{RULES}{rules}"))?;
    world.reload().await?;
    knows(&bot, &world.alice.read("known_hosts")?)?;

    let key = bot.path("id");
    let server = format!("{}#{}", world.address, world.fingerprint);
    let line = format!(
        "{HALLPASS} login {server} --as e2e --user deploy-bot --key {0} && \
         {HALLPASS} run self@env=fleet -m nightly --connecting-key {0}.pub -- sh -c 'ssh web-1 true && ssh web-2 echo reached'; \
         code=$?; {HALLPASS} logout; {HALLPASS} agent --stop; exit $code",
        key.display()
    );
    let home = format!("HOME={}", bot.dir().display());
    for _ in 0..2 {
        let ran = bot.run("env", &["-i", &home, "PATH=/usr/bin:/bin", "LOGNAME=deploy", "sh", "-c", &line]).await?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains("reached"), "{ran:?}");
    }
    let left = |dir: &Path| {
        std::fs::read_dir(dir).map(|all| all.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect::<Vec<_>>())
    };
    let state = left(&bot.path(".local/state/hallpass"))?;
    assert!(!state.iter().any(|name| name.starts_with("run-")), "{state:?}");
    world.kill().await
}

#[tokio::test]
async fn labels_that_mean_nothing_or_too_much_are_told() -> Result<()> {
    let mut world = World::make().await?;
    world.directory("")?;
    let host = |n: usize| format!("[[host]]\nname = \"h{n}\"\nlabels = {{ env = \"fleet\" }}\n");
    world.file("hosts.toml", &(0..10_000).map(host).collect::<String>())?;
    world.file("access.toml", &format!("{RULES}{FLEET}"))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    let alice = &world.alice;
    for words in [
        &["request", "self@env=nowhere", "--for", "5m", "-m", "x"][..],
        &["run", "self@env=nowhere", "-m", "x", "--", "true"],
        &["cert", "self@env=nowhere", "--out", "there"],
    ] {
        let none = alice.run(HALLPASS, words).await?;
        assert!(!none.succeeded() && none.err.contains("has the labels"), "{none:?}");
        assert!(none.err.contains("hallpass ls"), "the next step is told: {none:?}");
    }
    for words in [
        &["request", "self@env=fleet", "--for", "5m", "-m", "x"][..],
        &["run", "self@env=fleet", "-m", "x", "--", "true"],
    ] {
        let many = alice.run(HALLPASS, words).await?;
        assert_eq!(many.code, Some(3), "{many:?}");
        assert!(many.err.contains("the labels mean 10000 hosts, and one request may name 4096"), "{many:?}");
    }
    assert!(private(alice).is_empty());
    Ok(())
}

#[tokio::test]
async fn five_hundred_hosts_are_fetched_for_within_seconds() -> Result<()> {
    const COUNT: usize = 500;
    let mut world = World::make().await?;
    let web = scoped("web-7", &world.ca()?).await?;
    let names: Vec<String> = (0..COUNT).map(|n| format!("web-{n}")).collect();
    world.directory("")?;
    world.hosts(&names.iter().map(|name| entry(name, &web, "staging")).collect::<Vec<Entry<'_>>>())?;
    world.file("access.toml", &format!("{RULES}{FLEET}"))?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.login(&world.bob, "bob").await?;
    let alice = &world.alice;
    knows(alice, &web.known_hosts_line("web-7")?)?;
    world.granted("self@env=staging").await?;

    let start = std::time::Instant::now();
    let out = alice.path("out");
    let told = alice.run(HALLPASS, &["cert", "self@env=staging", "--out", &out.to_string_lossy()]).await?.ok()?;
    println!("500 certificates into files: {:?}", start.elapsed());
    let own = login()?;
    assert!(told.starts_with("500 certificates for self@env=staging"), "{told}");
    let written: BTreeSet<String> =
        std::fs::read_dir(&out)?.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect();
    let both = |name: &String| [format!("{own}@{name}.pub"), format!("{own}@{name}-cert.pub")];
    assert_eq!(written, names.iter().flat_map(both).collect());
    let show = alice
        .run("ssh-keygen", &["-L", "-f", &out.join(format!("{own}@web-499-cert.pub")).to_string_lossy()])
        .await?
        .ok()?;
    assert!(show.contains(&format!("{own}@web-499\n")), "{show}");

    let start = std::time::Instant::now();
    let count =
        "ls \"$(dirname \"$HALLPASS_SSH_CONFIG\")\" | grep -c cert.pub; ssh web-7 echo reached; ssh-add -L | wc -l";
    let ran = alice.run(HALLPASS, &["run", "self@env=staging", "--", "sh", "-c", count]).await?;
    println!("a command with 500 certificates: {:?}", start.elapsed());
    assert_eq!(ran.clone().ok()?, "500\nreached\n1\n", "the agent lists the plain key alone: {ran:?}");
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    eventually("nothing is left", async || private(alice).is_empty()).await
}
