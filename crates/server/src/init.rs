//! Making the directory of a new server.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directory::{Directory, Mistakes, SAMPLE_DIRECTORY, SAMPLE_HOSTS, Source};
use domain::{Clock, Digest, Origin, PublicKey, Random, TimeError, UserName};
use ledger::CheckpointSigner;
use policy::SAMPLE_ACCESS;
use signer::{PassphraseError, SecretFileError};
use store::{OpenError, Store};

use crate::config::{self, KeysAre};
use crate::keys::{self, Environment, KeysError, Maker};
use crate::layout::Layout;

/// Where the metrics of a new server are read.
pub(crate) const METRICS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9472));

/// What a new server is to be.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its directory: missing, or empty.
    pub directory: PathBuf,
    /// Its name.
    pub name: Origin,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its metrics are read.
    pub metrics: SocketAddr,
    /// Its first administrators, each with a key.
    pub admins: Vec<(UserName, PublicKey)>,
    /// How its keys are protected.
    pub keys_are: KeysAre,
}

/// Why a server's directory was not made. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something is there.
    #[error("{} is not empty; give the path of an empty directory, or of one that does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    /// The directory cannot be made or looked into.
    #[error("the directory {} cannot be used", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// No passphrase.
    #[error("there is no passphrase to encrypt the keys with")]
    Passphrase(#[from] PassphraseError),
    /// The administrators cannot be as given.
    #[error("the administrators cannot be as given:\n{0}")]
    Admins(Mistakes),
    /// The keys could not be made.
    #[error("the keys could not be made")]
    Keys(#[from] KeysError),
    /// A file could not be made.
    #[error("a file could not be made")]
    File(#[from] SecretFileError),
    /// The clock is wrong.
    #[error("the machine's clock is wrong; set it, then try again")]
    Clock(#[from] TimeError),
    /// The store could not be made.
    #[error("the store could not be made")]
    Store(#[from] OpenError),
}

/// Makes the directory of a new server; returns the fingerprint of its ledger key, which clients pin.
///
/// # Errors
/// [`InitError`]; then nothing is left behind.
pub fn init(
    setup: &Setup,
    environment: Environment,
    clock: &dyn Clock,
    random: Arc<dyn Random>,
) -> Result<Digest, InitError> {
    // What an operator gets wrong is found before anything is made.
    let passphrase = keys::passphrase(&setup.keys_are, environment)?;
    let now = clock.wall()?;
    let directory = directory_with(&setup.admins).map_err(InitError::Admins)?;
    let was_there = claim(&setup.directory)?;

    let layout = Layout::of_directory(&setup.directory);
    let made = (|| {
        make_directory(&layout.keys())?;
        make_directory(&layout.realms())?;
        let maker = Maker { protection: keys::protection(passphrase.as_ref()), random: &*random };
        let ledger = keys::make_all(&layout, &maker)?;
        write_files(&layout, setup, &directory)?;
        let signer = CheckpointSigner::new(setup.name.clone(), ledger);
        let fingerprint = signer.public_key().fingerprint();
        Store::init(&layout.store(), signer, Arc::clone(&random), now)?;
        Ok(fingerprint)
    })();
    if made.is_err() {
        undo(&setup.directory, was_there);
    }
    made
}

/// Whether a directory was there before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WasThere {
    Yes,
    No,
}

/// Makes sure that the directory is there, empty and its owner's alone.
fn claim(path: &Path) -> Result<WasThere, InitError> {
    let failed = |cause| InitError::Directory { path: path.to_owned(), cause };
    match fs::read_dir(path) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(InitError::NotEmpty(path.to_owned()));
            }
            fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
            Ok(WasThere::Yes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_directory(path)?;
            Ok(WasThere::No)
        }
        Err(error) => Err(failed(error)),
    }
}

fn make_directory(path: &Path) -> Result<(), InitError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| InitError::Directory { path: path.to_owned(), cause })
}

/// Empties what was empty. What cannot be removed, the next attempt will name.
fn undo(path: &Path, was_there: WasThere) {
    if was_there == WasThere::No {
        drop(fs::remove_dir_all(path));
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
    }
}

fn write_files(layout: &Layout, setup: &Setup, directory: &str) -> Result<(), SecretFileError> {
    let config = config::sample(&setup.name, setup.listen, setup.metrics, &setup.keys_are);
    for (path, text) in [
        (layout.config().to_owned(), config),
        (layout.directory(), directory.to_owned()),
        (layout.hosts(), SAMPLE_HOSTS.to_owned()),
        (layout.access(), SAMPLE_ACCESS.to_owned()),
    ] {
        signer::create_secret(&path, text.as_bytes())?;
    }
    Ok(())
}

/// The sample, and below it the first administrators. Names and keys are parsed: nothing in them needs quoting.
fn directory_with(admins: &[(UserName, PublicKey)]) -> Result<String, Mistakes> {
    let mut keys: BTreeMap<&UserName, Vec<String>> = BTreeMap::new();
    for (name, key) in admins {
        keys.entry(name).or_default().push(format!("\"{key}\""));
    }
    let user = |(name, keys): (&&UserName, &Vec<String>)| {
        format!("\n[[user]]\nname = \"{name}\"\nkeys = [{}]\n", keys.join(", "))
    };
    let users: String = keys.iter().map(user).collect();
    let members: Vec<String> = keys.keys().map(|name| format!("\"{name}\"")).collect();
    let group = format!("[[group]]\nname = \"admins\"\nmembers = [{}]\n", members.join(", "));
    let text = format!("{SAMPLE_DIRECTORY}{users}\n{group}rights = [\"admin\", \"audit\"]\n");
    // One key for two of them is found here, before anything is made.
    Directory::parse(&Source::new("directory.toml", &*text), &Source::new("hosts.toml", ""))?;
    Ok(text)
}
