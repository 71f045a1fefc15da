//! What a power cut leaves: every certificate that a client holds is in the ledger, and no serial is there twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ledger::{CheckpointSigner, Payload};
use store::Store;
use testkit::{Result, SeededRandom, eventually};

use crate::trace::{Call, RECEIVES, SENDS, SYNCS, calls};
use crate::world::{Entry, HALLPASS, HALLPASSD, RULES, World, entry, scoped};

/// How often the server is killed.
const CUTS: u64 = 30;
/// How many clients fetch at once.
const CLIENTS: usize = 4;
/// The fields of statements that name who signs.
const SIGNERS: [&str; 3] = ["user", "requester", "approver"];

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
pub(crate) fn store(world: &World) -> Result<Store> {
    let key = signer::load_ed25519(&world.server_dir().join("keys/ledger"), None)?;
    let signer = CheckpointSigner::new("e2e.hallpass".parse()?, key);
    Ok(Store::open(&world.server_dir().join("store"), signer, Arc::new(SeededRandom::new(1)))?)
}

/// Every entry of the ledger.
pub(crate) fn payloads(store: &Store) -> Result<BTreeMap<u64, Payload>> {
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

/// Who signs what, as `ssh-keygen -Y verify` takes it: each key is good for its own kinds of statements alone.
async fn allowed_signers(world: &World, connecting: &Path) -> Result<PathBuf> {
    let certificate = connecting.to_string_lossy();
    let connecting = std::fs::read_to_string(certificate.replace("-cert.pub", ".pub"))?;
    let lines = [
        ("alice", "hallpass-login,hallpass-request,hallpass-act", world.alice.read("alice.pub")?),
        ("bob", "hallpass-login,hallpass-decision", world.bob.read("bob.pub")?),
        ("connecting", "hallpass-fetch", connecting),
    ]
    .map(|(principal, namespaces, key)| format!("{principal} namespaces=\"{namespaces}\" {}\n", key.trim()));
    world.alice.write("allowed_signers", lines.concat())
}

/// Who has to have signed a text: the user that it names, or for a fetch, which names none, the connecting key.
fn signer_of(text: &str) -> &str {
    let fields = text.lines().filter_map(|line| line.split_once(": "));
    let mut named = fields.filter(|(field, _)| SIGNERS.contains(field));
    named.next().map_or("connecting", |(_, user)| user)
}

#[tokio::test]
async fn ssh_keygen_accepts_every_stored_statement() -> Result<()> {
    let mut world = World::start(&[Entry { name: "web-1", port: 22, env: "prod", more: "" }]).await?;
    let id = world.granted("web-1").await?;
    let signers = allowed_signers(&world, &world.certificate("web-1").await?).await?;
    world.types(&world.alice, &["done", &id]).await?.ok()?;
    world.kill().await?;
    let mut checked = Vec::new();
    for payload in payloads(&store(&world)?)?.into_values() {
        let signed = match payload {
            Payload::Login { statement } | Payload::Act { statement } => statement,
            Payload::Request { statement, .. } | Payload::Decision { statement, .. } => statement,
            Payload::Certificate { fetch: ledger::FetchProof::Statement(statement), .. } => statement,
            _ => continue,
        };
        let namespace = signed.text.split(' ').next().unwrap_or_default().to_owned();
        let signer = signer_of(&signed.text).to_owned();
        let signature = world.alice.write("sig", statement::armored(&signed.signature))?;
        let verify = async |signer: &str, text: &str| {
            let text = world.alice.write("text", text)?;
            let script = format!(
                "ssh-keygen -Y verify -f {} -I {signer} -n {namespace} -s {} < {}",
                signers.display(),
                signature.display(),
                text.display()
            );
            world.alice.run("sh", &["-c", &script]).await
        };
        let good = verify(&signer, &signed.text).await?;
        let says = format!("Good \"{namespace}\" signature for {signer} with ");
        assert!(good.code == Some(0) && good.out.starts_with(&says), "{namespace}: {good:?}");
        let other = if signer == "bob" { "alice" } else { "bob" };
        for (signer, text) in [(other, signed.text.clone()), (&signer, format!("{} ", signed.text))] {
            let refused = verify(signer, &text).await?;
            assert!(!refused.succeeded(), "{namespace} by {signer}: {refused:?}");
        }
        checked.push(format!("{namespace} by {signer}"));
    }
    checked.sort_unstable();
    let all = [
        "act by alice",
        "decision by bob",
        "fetch by connecting",
        "login by alice",
        "login by bob",
        "request by alice",
    ];
    assert_eq!(checked, all.map(|what| format!("hallpass-{what}")));
    Ok(())
}

/// Fewer bytes than an answer with a certificate has, or a fetch with its signature, sealed by TLS.
const ANSWER: u64 = 500;
/// More bytes than HTTP/2 says of itself meanwhile, which may come before the sync: settings, pings and windows are
/// acknowledged with 9 to 17 bytes and TLS's 22, some of them at once.
const ACKNOWLEDGEMENT: u64 = 100;

#[tokio::test]
async fn the_disk_has_it_before_any_byte_of_the_answer_leaves() -> Result<()> {
    let mut world = granted_world().await?;
    world.kill().await?;
    let trace = world.dir.path().join("trace");
    // The server is the process that is started, and ends with the test; strace looks on from beside it. It holds up
    // each sync before the disk sees it, so that what does not wait for the disk is seen to leave earlier.
    let mut strace = tokio::process::Command::new("strace");
    strace.args(["-D", "-f", "-yy", "-s", "0", "-e", &format!("trace={SYNCS},{RECEIVES},{SENDS}")]);
    strace.args(["-e", &format!("inject={SYNCS}:delay_enter=1s"), "-o"]).arg(&trace);
    strace.arg(HALLPASSD).arg("serve").arg("--config").arg(world.config());
    world.serve_by(strace).await?;
    for _ in 0..3 {
        let before = std::fs::read_to_string(&trace)?.lines().count();
        world.certificate("web-1").await?;
        let log = std::fs::read_to_string(&trace)?;
        let during: Vec<&str> = log.lines().skip(before).collect();
        let calls = calls(&during);
        let told = || during.join("\n");
        let last = |of: &str, large: u64, earlier: usize, on: &dyn Fn(&Call) -> bool| {
            let found = |call: &&Call| call.is(of) && call.began < earlier && call.result >= large && on(call);
            calls.iter().filter(found).max_by_key(|call| call.began)
        };
        let tcp = |call: &Call| call.file.contains("TCP");
        let answer = last(SENDS, ANSWER, usize::MAX, &tcp).ok_or_else(told)?;
        // The statement and its signature are as large as the certificate.
        let fetch = last(RECEIVES, ANSWER, answer.began, &|call| call.file == answer.file).ok_or_else(told)?;
        let covers = |call: &&Call| call.is(SYNCS) && call.file.contains("hallpass.db") && call.began > fetch.ended;
        let sync = calls.iter().filter(covers).min_by_key(|call| call.ended).ok_or_else(told)?;
        assert!(sync.ended < answer.began, "the answer left before the disk had it:\n{}", told());
        for call in calls.iter().filter(|call| call.is(SENDS) && call.file == answer.file) {
            let early = call.ended > fetch.began && call.began < sync.ended;
            assert!(!early || call.result <= ACKNOWLEDGEMENT, "{call:?} before the sync's end:\n{}", told());
        }
    }
    Ok(())
}
