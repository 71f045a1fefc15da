//! The agent protocol, as somebody else on this machine may speak it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent::{AgentClient, Helper, HelperSocket, Identity};
use domain::{Clock, PublicKey, Random, TimeError, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::Target;

pub(crate) const TARGETS: [Target; 2] = [
    Target { name: "agent-helper", run: helper, seeds: requests },
    Target { name: "agent-client", run: client, seeds: answers },
];

/// `SSH_AGENT_FAILURE` and `SSH_AGENT_EXTENSION_FAILURE` (RFC 9987).
const REFUSALS: [u8; 2] = [5, 28];
/// The helper answers at once whatever it is told; more is a hang.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bytes are what a client sends on one connection; accepted are those that get any answer but a refusal.
fn helper(data: &[u8]) -> bool {
    in_a_directory(async |place| {
        let socket = HelperSocket::bind(place).ok()?;
        let helper = tokio::spawn(Helper::new(Arc::new(Still), Arc::new(Still)).serve(socket, std::future::pending()));
        let answers = timeout(PATIENCE, exchange(place, data)).await;
        helper.abort();
        assert!(answers.is_ok(), "the helper hangs");
        let answers = answers.ok()??;
        frames(&answers).any(|answer| answer.first().is_some_and(|kind| !REFUSALS.contains(kind))).then_some(())
    })
}

async fn exchange(place: &Path, data: &[u8]) -> Option<Vec<u8>> {
    let mut stream = UnixStream::connect(place).await.ok()?;
    // It may hang up at the first wrong byte.
    let _hung_up = stream.write_all(data).await;
    let _hung_up = stream.shutdown().await;
    let mut answers = Vec::new();
    let _hung_up = stream.read_to_end(&mut answers).await;
    Some(answers)
}

/// The bytes are what an ssh-agent answers when it is asked for its identities.
fn client(data: &[u8]) -> bool {
    in_a_directory(async |place| {
        let listener = UnixListener::bind(place).ok()?;
        let data = data.to_vec();
        let agent = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 5];
                if stream.read_exact(&mut request).await.is_ok() {
                    let _hung_up = stream.write_all(&data).await;
                }
            }
        });
        let client = AgentClient::connect(place).await.ok()?;
        let identities = client.identities().await;
        agent.abort();
        for key in identities.ok()?.iter().filter_map(Identity::public_key) {
            assert_eq!(PublicKey::from_wire(&key.to_wire()), Ok(key));
        }
        Some(())
    })
}

fn in_a_directory(work: impl AsyncFnOnce(&Path) -> Option<()>) -> bool {
    let private = Permissions::from_mode(0o700);
    let Ok(directory) = tempfile::Builder::new().permissions(private).tempdir() else { return false };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return false };
    runtime.block_on(work(&directory.path().join("socket"))).is_some()
}

/// The messages of a stream, without their lengths.
fn frames(mut stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = stream.split_first_chunk()?;
        let (frame, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        stream = rest;
        Some(frame)
    })
}

/// Neither time nor randomness.
struct Still;

impl Clock for Still {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        UnixTime::new(1_772_373_720)
    }

    fn since_boot_ms(&self) -> u64 {
        0
    }
}

impl Random for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), message].concat()
}

fn string(text: &str) -> Vec<u8> {
    framed(text.as_bytes())
}

fn requests() -> Vec<Vec<u8>> {
    let identities = framed(&[11]);
    let extension = |fields: &[&str]| {
        framed(&[vec![27]].into_iter().chain(fields.iter().map(|field| string(field))).collect::<Vec<_>>().concat())
    };
    let create = extension(&["create-key@hallpass", "prod"]);
    let drop = extension(&["drop-key@hallpass", "prod"]);
    let status = extension(&["status@hallpass"]);
    vec![[create, identities.clone(), status, drop].concat(), identities, extension(&["shut-down@hallpass"])]
}

fn answers() -> Vec<Vec<u8>> {
    let keys = crate::vocabulary::keys();
    let count = u32::try_from(keys.len()).unwrap_or(0).to_be_bytes().to_vec();
    let identities = keys.iter().flat_map(|key| [framed(&key.to_wire()), string("a comment")]);
    let all: Vec<Vec<u8>> = [vec![12], count].into_iter().chain(identities).collect();
    vec![framed(&all.concat()), framed(&[12, 0, 0, 0, 0])]
}
