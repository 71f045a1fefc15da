//! `hallpassd serve` as a service manager runs it: what it says, what SIGHUP loads, and how it ends.

use std::time::Duration;

use testkit::{Result, eventually};
use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::running::Program;
use crate::world::{Entry, HALLPASS, HALLPASSD, RULES, World, find_id};

const WEB: Entry<'_> = Entry { name: "web-1", port: 22, env: "prod", more: "" };
const DB: Entry<'_> = Entry { name: "db-1", port: 22, env: "prod", more: "" };
/// A rule that is missing from [`RULES`].
const DEPLOY: &str = "\n[[rule]]\nname = \"dev-deploy\"\nwho = \"dev\"\nhosts = \"env=prod\"\nlogins = [\"deploy\"]\n\
                      approve = \"1 of sre\"\nmax = \"1h\"\nttl = \"5m\"\n";
/// A request that only that rule lets through.
const ASK: [&str; 7] = ["request", "--no-wait", "deploy@web-1", "--for", "10m", "-m", "x"];

async fn world() -> Result<World> {
    World::start(&[WEB]).await
}

/// What the service manager is told next.
async fn told(manager: &UnixDatagram) -> Result<String> {
    let mut said = [0; 256];
    let length = tokio::time::timeout(Duration::from_secs(30), manager.recv(&mut said)).await??;
    Ok(String::from_utf8_lossy(said.get(..length).unwrap_or_default()).trim_end().to_owned())
}

#[tokio::test]
async fn the_service_manager_is_told_when_it_serves_and_when_it_stops() -> Result<()> {
    let mut world = World::make().await?;
    world.directory("")?;
    world.hosts(&[WEB])?;
    let socket = world.dir.path().join("notify");
    let manager = UnixDatagram::bind(&socket)?;
    let serve = |world: &World| {
        let mut command = Command::new(HALLPASSD);
        command.arg("serve").arg("--config").arg(world.config()).env("NOTIFY_SOCKET", &socket);
        command
    };

    world.file("access.toml", "[[rule]]\n")?;
    world.spawn(serve(&world))?;
    assert_eq!(world.ended().await?, Some(1));
    let silent = manager.try_recv(&mut [0; 256]).map_err(|error| error.kind());
    assert_eq!(silent, Err(std::io::ErrorKind::WouldBlock), "it said something, and never served");

    world.file("access.toml", RULES)?;
    world.spawn(serve(&world))?;
    assert_eq!(told(&manager).await?, "READY=1");
    // At once, without waiting for the port.
    world.login(&world.alice, "alice").await?;
    world.signal("TERM")?;
    assert_eq!(told(&manager).await?, "STOPPING=1");
    assert_eq!(world.ended().await?, Some(0), "{}", world.log());
    Ok(())
}

/// How often the log holds these words.
fn logged(world: &World, words: &str) -> usize {
    world.log().matches(words).count()
}

/// Sends SIGHUP, and waits for one more line with these words.
async fn reload(world: &World, words: &str) -> Result<()> {
    let before = logged(world, words);
    world.signal("HUP")?;
    let answered = eventually(words, async || logged(world, words) > before).await;
    answered.map_err(|error| format!("{error}\n{}", world.log()).into())
}

#[tokio::test]
async fn sighup_loads_all_files_or_with_a_mistake_in_one_of_them_none() -> Result<()> {
    let world = world().await?;
    let before = world.types(&world.alice, &ASK).await?;
    assert_eq!(before.code, Some(3), "{before:?}");
    let rules = format!("{RULES}{DEPLOY}");
    world.file("access.toml", &rules)?;
    let unread = world.types(&world.alice, &ASK).await?;
    assert_eq!(unread.code, Some(3), "loaded without being asked to: {unread:?}");
    reload(&world, "were loaded").await?;
    world.types(&world.alice, &ASK).await?.ok()?;

    // The mistake is in one file; what the others say anew is as valid as before.
    let mistaken = rules.replace("who = \"dev\"\nhosts = \"env=short\"", "who = \"devs\"\nhosts = \"env=short\"");
    let line = mistaken.lines().position(|line| line.contains("devs")).ok_or("no mistake")? + 1;
    world.file("access.toml", &mistaken.replace("[\"deploy\"]", "[\"daemon\"]"))?;
    world.hosts(&[WEB, DB])?;
    reload(&world, "stay in force").await?;
    let log = world.log();
    for says in [format!("access.toml:{line}:"), "devs".to_owned()] {
        assert!(log.contains(&says), "`{says}` is missing:\n{log}");
    }
    world.types(&world.alice, &ASK).await?.ok()?;
    let hosts = world.types(&world.alice, &["ls"]).await?.ok()?;
    assert!(hosts.contains("web-1") && !hosts.contains("db-1"), "{hosts}");

    world.file("access.toml", RULES)?;
    reload(&world, "were loaded").await?;
    let hosts = world.types(&world.alice, &["ls"]).await?.ok()?;
    assert!(hosts.contains("web-1") && hosts.contains("db-1"), "{hosts}");
    let gone = world.types(&world.alice, &ASK).await?;
    assert_eq!(gone.code, Some(3), "{gone:?}");
    Ok(())
}

#[tokio::test]
async fn an_inbox_that_is_followed_shows_what_comes_and_what_becomes_of_it() -> Result<()> {
    let world = world().await?;
    let inbox = Program::start(world.bob.command(HALLPASS, &["inbox", "-f"]), &world.bob.path("inbox"))?;
    let ask = |reason: &'static str| ["request", "--no-wait", "web-1", "--for", "10m", "-m", reason];
    let asked = world.types(&world.alice, &ask("first")).await?.ok()?;
    let id = find_id(&asked).ok_or("no id")?;
    inbox.says(&format!("Request {id} by alice: pending until ")).await?;
    world.types(&world.bob, &["approve", "--yes", &id]).await?.ok()?;
    inbox.says(&format!("Request {id} is approved until ")).await?;
    let asked = world.types(&world.alice, &ask("second")).await?.ok()?;
    let id = find_id(&asked).ok_or("no id")?;
    inbox.says(&format!("Request {id} by alice: pending until ")).await?;
    world.types(&world.alice, &["done", &id]).await?.ok()?;
    inbox.says(&format!("Request {id} is cancelled")).await?;
    Ok(())
}

#[tokio::test]
async fn sigterm_and_sigint_end_it_in_order_and_those_who_wait_find_the_next_one() -> Result<()> {
    let mut world = world().await?;
    for name in ["TERM", "INT"] {
        let asking = world.alice.command(HALLPASS, &["request", "web-1", "--for", "10m", "-m", name]);
        let asking = Program::start(asking, &world.alice.path("asking"))?;
        asking.says("Waiting for approval").await?;
        let id = find_id(&asking.screen()).ok_or("no id")?;
        let inbox = Program::start(world.bob.command(HALLPASS, &["inbox", "-f"]), &world.bob.path("inbox"))?;
        inbox.says(&id).await?;

        world.signal(name)?;
        assert_eq!(world.ended().await?, Some(0), "{name}: {}", world.log());
        assert!(logged(&world, "hallpassd stops") == 1 && logged(&world, "cut off") == 0, "{name}: {}", world.log());
        let log = world.server_dir().join("store/hallpass.db-wal");
        assert!(!log.exists(), "{name}: the store was not closed");
        let (code, told) = inbox.ended().await?;
        assert!(code == Some(1) && told.contains("is it being restarted?"), "{name}: {code:?} {told}");

        // The normal path: nothing holds the store, and nothing is repaired by hand.
        world.serve().await?;
        world.types(&world.bob, &["approve", "--yes", &id]).await?.ok()?;
        let (code, told) = asking.ended().await?;
        assert_eq!(code, Some(0), "{name}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fetch_under_way_is_answered_before_the_server_ends() -> Result<()> {
    let mut world = World::start(&[Entry { env: "bare", ..WEB }]).await?;
    world.granted("web-1").await?;
    world.kill().await?;
    // A disk so slow that the signal finds the fetch in its commit. The server is the process that is started, and
    // strace looks on from beside it.
    let trace = world.dir.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-y", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_exit=3s", "-o"]);
    strace.arg(&trace).arg(HALLPASSD).arg("serve").arg("--config").arg(world.config());
    world.serve_by(strace).await?;
    let synced = || std::fs::read_to_string(&trace).unwrap_or_default().matches("fdatasync(").count();
    let before = synced();
    let out = world.alice.path("out");
    let cert = world.alice.command(HALLPASS, &["cert", "web-1", "--out", &out.to_string_lossy()]);
    let cert = Program::start(cert, &world.alice.path("fetching"))?;
    eventually("the fetch is being written", async || synced() > before).await?;
    assert!(!out.exists(), "the certificate is there before the signal");
    world.signal("TERM")?;
    let (code, told) = cert.ended().await?;
    assert_eq!(code, Some(0), "{told}\n{}", world.log());
    assert_eq!(std::fs::read_dir(&out)?.count(), 2, "the certificate and its public key");
    assert_eq!(world.ended().await?, Some(0), "{}", world.log());
    let log = world.log();
    let (stops, issued) = (log.find("hallpassd stops"), log.find("issued a certificate"));
    assert!(stops.is_some() && stops < issued && !log.contains("cut off"), "the fetch was not under way:\n{log}");
    Ok(())
}
