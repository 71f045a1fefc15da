//! Randomness and time that tests control, and agents that misbehave.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use domain::{Clock, Random, TimeError, UnixTime};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::frame;

/// Randomness that never repeats a fill, and is the same in every run.
pub(crate) struct Counting(AtomicU8);

impl Counting {
    pub(crate) const fn new() -> Self {
        Self(AtomicU8::new(1))
    }
}

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// The machine's time, and what a test adds to it.
#[derive(Default)]
pub(super) struct Shifted(AtomicU64);

impl Shifted {
    pub(super) fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Shifted {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        UnixTime::new(now() + self.0.load(Ordering::Relaxed))
    }

    fn since_boot_ms(&self) -> u64 {
        0
    }
}

pub(super) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// An agent that gives each message to a function, and sends back what that returns, byte for byte.
pub(super) struct FakeAgent {
    pub(super) path: PathBuf,
    pub(super) heard: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl FakeAgent {
    pub(super) fn start(dir: &Path, answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let path = dir.join("fake.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                while let Ok(Some(message)) = frame::read(&mut stream, frame::LONGEST).await {
                    hearing.lock().unwrap().push(message.to_vec());
                    tokio::io::AsyncWriteExt::write_all(&mut stream, &answer(&message)).await.unwrap();
                }
            }
        });
        Self { path, heard, task }
    }

    /// The kinds of the messages that it got, and forgets them.
    pub(super) fn kinds(&self) -> Vec<u8> {
        std::mem::take(&mut *self.heard.lock().unwrap()).iter().map(|message| message[0]).collect()
    }
}

impl Drop for FakeAgent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A frame around a message.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}
