//! What a power cut leaves: every certificate that a client holds is in the ledger, and no serial is there twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ledger::{CheckpointSigner, Payload};
use store::Store;
use testkit::{Result, SeededRandom, eventually};

use crate::world::{HALLPASS, HALLPASSD, RULES, World, entry, scoped};

/// How often the server is killed.
const CUTS: u64 = 30;
/// How many clients fetch at once.
const CLIENTS: usize = 4;

async fn granted_world() -> Result<World> {
    let mut world = World::make().await?;
    let web = scoped("web-1", &world.ca()?).await?;
    world.directory("")?;
    world.hosts(&[entry("web-1", &web, "bare")])?;
    world.file("access.toml", RULES)?;
    world.serve().await?;
    world.login(&world.alice, "alice").await?;
    world.granted("web-1").await?;
    Ok(world)
}

/// The store of a server that does not run.
fn store(world: &World) -> Result<Store> {
    let key = signer::load_ed25519(&world.server_dir().join("keys/ledger"), None)?;
    let signer = CheckpointSigner::new("e2e.hallpass".parse()?, key);
    Ok(Store::open(&world.server_dir().join("store"), signer, Arc::new(SeededRandom::new(1)))?)
}

fn payloads(store: &Store) -> Result<BTreeMap<u64, Payload>> {
    let mut all = BTreeMap::new();
    loop {
        let next = u64::try_from(all.len())?;
        let entries = store.entries(next, 500)?;
        if entries.is_empty() {
            return Ok(all);
        }
        all.extend(entries.into_iter().map(|entry| (entry.index, entry.payload)));
    }
}

/// Every certificate file below a directory: its serial, and the bytes of its one line.
fn certificates(dir: &Path) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    for out in std::fs::read_dir(dir)?.filter_map(std::result::Result::ok) {
        for file in std::fs::read_dir(out.path())?.filter_map(std::result::Result::ok) {
            let text = std::fs::read_to_string(file.path())?;
            if !text.contains("-cert-v01@openssh.com") {
                continue;
            }
            let certificate = ssh_key::Certificate::from_openssh(text.trim())?;
            found.push((certificate.serial(), certificate.to_bytes()?));
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_that_a_client_holds_survives_thirty_kills() -> Result<()> {
    let mut world = granted_world().await?;
    let out = world.alice.path("out");
    std::fs::create_dir(&out)?;
    for cut in 0..CUTS {
        let done = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let fetching = async |client: usize| {
            let mut count = 0;
            while !stop.load(Ordering::SeqCst) {
                let dir = out.join(format!("{cut}-{client}-{count}"));
                // Those that the kill catches fail; what they wrote before counts.
                let fetched = world.alice.run(HALLPASS, &["cert", "web-1", "--out", &dir.to_string_lossy()]).await;
                done.fetch_add(u64::from(fetched.is_ok_and(|fetched| fetched.succeeded())), Ordering::SeqCst);
                count += 1;
            }
        };
        // Once some of this round are through, and then at another moment of the next ones each time.
        let killing = async {
            let enough = eventually("certificates are fetched", async || done.load(Ordering::SeqCst) >= 2).await;
            tokio::time::sleep(Duration::from_millis(3 * (cut % 17))).await;
            let pid = world.pid().unwrap_or_default().to_string();
            let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
            stop.store(true, Ordering::SeqCst);
            enough.map(|()| killed)
        };
        let mut clients = Vec::new();
        for client in 0..CLIENTS {
            clients.push(fetching(client));
        }
        let [a, b, c, d] = <[_; CLIENTS]>::try_from(clients).map_err(|_| "four clients")?;
        let (killed, (), (), (), ()) = tokio::join!(killing, a, b, c, d);
        assert!(killed??.success());
        world.kill().await?;
        // The normal path: nothing is repaired by hand.
        world.serve().await?;
    }
    world.types(&world.alice, &["status"]).await?.ok()?;
    world.kill().await?;

    let held = certificates(&out)?;
    assert!(held.len() > 30, "only {} certificates were fetched in all", held.len());
    let ledger = payloads(&store(&world)?)?;
    let mut serials: Vec<u64> = held.iter().map(|(serial, _)| *serial).collect();
    for (serial, bytes) in &held {
        match ledger.get(serial) {
            Some(Payload::Certificate { to_be_signed, .. }) => {
                assert!(bytes.starts_with(to_be_signed), "entry {serial} says something else than the certificate");
            }
            _ => panic!("certificate {serial} is not in the ledger"),
        }
    }
    serials.sort_unstable();
    let count = serials.len();
    serials.dedup();
    assert_eq!(serials.len(), count, "a serial was used twice");
    Ok(())
}

#[tokio::test]
async fn ssh_keygen_accepts_every_stored_statement() -> Result<()> {
    let mut world = granted_world().await?;
    world.certificate("web-1").await?;
    let id = world.granted_with(&["web-1", "--for", "10m", "-m", "another"]).await?;
    world.types(&world.alice, &["done", &id]).await?.ok()?;
    world.login(&world.bob, "bob").await?;
    world.kill().await?;
    let mut kinds = BTreeMap::new();
    for payload in payloads(&store(&world)?)?.into_values() {
        let signed = match payload {
            Payload::Login { statement } | Payload::Act { statement } => statement,
            Payload::Request { statement, .. } | Payload::Decision { statement, .. } => statement,
            Payload::Certificate { fetch: ledger::FetchProof::Statement(statement), .. } => statement,
            _ => continue,
        };
        let namespace = signed.text.split(' ').next().unwrap_or_default().to_owned();
        let key = statement::armored(&signed.signature);
        let (text, signature) = (world.alice.write("text", &signed.text)?, world.alice.write("sig", key)?);
        // `find-principals` and a list of one key would need to know the key: check-novalidate takes it from the signature.
        let script =
            format!("ssh-keygen -Y check-novalidate -n {namespace} -s {} < {}", signature.display(), text.display());
        let checked = world.alice.run("sh", &["-c", &script]).await?;
        assert!(checked.out.contains("Good") && checked.code == Some(0), "{namespace}: {checked:?}");
        *kinds.entry(namespace).or_insert(0) += 1;
    }
    let kinds: Vec<&str> = kinds.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["hallpass-act", "hallpass-fetch", "hallpass-login", "hallpass-request"]);
    Ok(())
}

#[tokio::test]
async fn the_disk_has_it_before_the_certificate_leaves() -> Result<()> {
    let mut world = granted_world().await?;
    world.kill().await?;
    let trace = world.dir.path().join("trace");
    // The server is the process that is started, and ends with the test; strace looks on from beside it.
    let mut strace = tokio::process::Command::new("strace");
    strace.args(["-D", "-f", "-y", "-e", "trace=fsync,fdatasync,write,writev,sendto,sendmsg", "-o"]).arg(&trace);
    strace.arg(HALLPASSD).arg("serve").arg("--config").arg(world.config());
    world.serve_by(strace).await?;
    for _ in 0..3 {
        let before = std::fs::read_to_string(&trace)?.lines().count();
        world.certificate("web-1").await?;
        let log = std::fs::read_to_string(&trace)?;
        let during: Vec<&str> = log.lines().skip(before).collect();
        let last = |what: &dyn Fn(&str) -> bool| during.iter().rposition(|line| what(line));
        let synced =
            last(&|line| line.contains("sync(") && line.contains("hallpass.db") || line.contains("sync resumed"));
        let sent = last(&|line| line.contains("TCP") || line.contains("socket:"));
        assert!(
            synced.is_some() && synced < sent,
            "no sync before the last bytes to the client:\n{}",
            during.join("\n")
        );
    }
    Ok(())
}
