//! What tests of this crate share: a context without a terminal, and keys that are always the same.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use domain::{Clock, PublicKey, Random, TimeError, UnixTime};
use ed25519_dalek::SigningKey;
use jiff::tz::TimeZone;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use zeroize::Zeroizing;

use crate::context::{Context, Environment};
use crate::processes::{Processes, Program, Started};
use crate::terminal::{Colours, Terminal};

/// 2026-03-01T14:02:00Z.
pub(crate) const NOW: u64 = 1_772_373_720;

/// A public key that is always the same for a seed.
pub(crate) fn public_key(seed: u8) -> PublicKey {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
    PublicKey::from_key_data(KeyData::Ed25519(Ed25519PublicKey(key))).unwrap()
}

/// The private half of [`public_key`].
pub(crate) fn private_key(seed: u8) -> ssh_key::PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    ssh_key::PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap()
}

/// What a person would have seen and answered.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) out: Mutex<String>,
    pub(crate) notes: Mutex<String>,
    pub(crate) answers: Mutex<VecDeque<String>>,
}

impl Script {
    pub(crate) fn answering(answers: &[&str]) -> Arc<Self> {
        let answers = Mutex::new(answers.iter().map(ToString::to_string).collect());
        Arc::new(Self { answers, ..Self::default() })
    }

    pub(crate) fn out(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    pub(crate) fn notes(&self) -> String {
        self.notes.lock().unwrap().clone()
    }
}

impl Terminal for Script {
    fn out(&self, text: &str) -> io::Result<()> {
        self.out.lock().unwrap().push_str(text);
        Ok(())
    }

    fn note(&self, line: &str) {
        *self.notes.lock().unwrap() += &format!("{line}\n");
    }

    fn colours(&self) -> Colours {
        Colours::Off
    }

    fn ask(&self, question: &str) -> Option<String> {
        self.note(question);
        self.answers.lock().unwrap().pop_front()
    }

    fn ask_secret(&self, question: &str) -> Option<Zeroizing<String>> {
        self.ask(question).map(Zeroizing::new)
    }

    fn progress(&self, _: Option<&str>) {}

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

struct Fixed;

impl Clock for Fixed {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        UnixTime::new(NOW)
    }

    fn since_boot_ms(&self) -> u64 {
        0
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Processes for Fixed {
    fn own_path(&self) -> io::Result<PathBuf> {
        Ok(PathBuf::from("/usr/bin/hallpass"))
    }

    fn start_helper(&self, _: &Path, _: &Environment) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn replace_by(&self, _: &Program, _: &Environment) -> io::Result<u8> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn start(&self, _: &Program, _: &Environment) -> io::Result<Box<dyn Started>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A context with these variables, where nobody but the script answers.
pub(crate) fn context(variables: &[(&str, &str)], script: &Arc<Script>) -> Context {
    Context {
        environment: Environment::new(variables.iter().copied()),
        clock: Arc::new(Fixed),
        random: Arc::new(Fixed),
        terminal: Arc::clone(script) as Arc<dyn Terminal>,
        processes: Arc::new(Fixed),
        time_zone: TimeZone::UTC,
    }
}
