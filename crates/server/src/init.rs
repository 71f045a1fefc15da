//! Making the directory of a new server.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca::Bundle;
use directory::{Directory, Mistakes, SAMPLE_DIRECTORY, SAMPLE_HOSTS, Source};
use domain::{Clock, Digest, Origin, PublicKey, Quorum, Random, TimeError, UserName};
use ledger::CheckpointSigner;
use policy::{Files, SAMPLE_ACCESS};
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
    /// Who signs every bundle after the first; without, nobody needs to.
    pub signers: Option<Quorum>,
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
    /// The administrators could not sign as given: nothing could ever be changed.
    #[error(
        "the signers cannot be as given; name more administrators (--admin), or ask for fewer of the group `admins`:\n{0}"
    )]
    Signers(Mistakes),
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
    let bundle = first_bundle(setup)?.kept().clone();
    let layout = Layout::of_directory(&setup.directory);
    let claim = Claim::of(&setup.directory)?;
    let made = (|| {
        make_directory(&layout.keys())?;
        make_directory(&layout.realms())?;
        let maker = Maker { protection: keys::protection(passphrase.as_ref()), random: &*random };
        let ledger = keys::make_all(&layout, &maker)?;
        write_files(&layout, setup, &bundle)?;
        let signer = CheckpointSigner::new(setup.name.clone(), ledger);
        let fingerprint = signer.public_key().fingerprint();
        Store::init(&layout.store(), signer, Arc::clone(&random), now, Some(bundle))?;
        claim.complete()?;
        Ok(fingerprint)
    })();
    if made.is_err() {
        claim.undo(&layout);
    }
    made
}

/// Whether a directory was there before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WasThere {
    Yes,
    No,
}

/// A directory that this attempt alone fills: whoever made its mark has it, and others find it not empty.
struct Claim<'a> {
    directory: &'a Path,
    was_there: WasThere,
}

impl<'a> Claim<'a> {
    /// Makes the directory if it is missing, and the mark in it; it is then empty otherwise, and its owner's alone.
    fn of(directory: &'a Path) -> Result<Self, InitError> {
        if let Some(parent) = directory.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
            made.map_err(failed_at(parent))?;
        }
        let was_there = match DirBuilder::new().mode(0o700).create(directory) {
            Ok(()) => WasThere::No,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => WasThere::Yes,
            Err(error) => return Err(failed_at(directory)(error)),
        };
        let claim = Self { directory, was_there };
        claim.expect_entries(0)?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(claim.mark()) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(InitError::NotEmpty(directory.to_owned()));
            }
            Err(error) => return Err(failed_at(directory)(error)),
        }
        // Another attempt may have come to its end between the look and the mark.
        let alone = claim.expect_entries(1);
        let own = alone
            .and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(failed_at(directory)));
        if own.is_err() {
            claim.give_up();
        }
        own.map(|()| claim)
    }

    fn expect_entries(&self, expected: usize) -> Result<(), InitError> {
        let found = fs::read_dir(self.directory).map_err(failed_at(self.directory))?.take(2).count();
        if found == expected { Ok(()) } else { Err(InitError::NotEmpty(self.directory.to_owned())) }
    }

    fn mark(&self) -> PathBuf {
        self.directory.join(".init")
    }

    /// Everything is made.
    fn complete(&self) -> Result<(), InitError> {
        fs::remove_file(self.mark()).map_err(failed_at(self.directory))
    }

    /// Removes what an attempt makes, and nothing else. What cannot be removed, the next attempt will name.
    fn undo(&self, layout: &Layout) {
        for made in [layout.keys(), layout.realms(), layout.store()] {
            drop(fs::remove_dir_all(made));
        }
        let config = layout.config().to_owned();
        for made in [config, layout.directory(), layout.hosts(), layout.access(), layout.ca_pub()] {
            drop(fs::remove_file(made));
        }
        self.give_up();
    }

    /// Lets others have the directory; one that somebody has put something into stays.
    fn give_up(&self) {
        drop(fs::remove_file(self.mark()));
        if self.was_there == WasThere::No {
            drop(fs::remove_dir(self.directory));
        }
    }
}

fn failed_at(path: &Path) -> impl Fn(io::Error) -> InitError {
    move |cause| InitError::Directory { path: path.to_owned(), cause }
}

fn make_directory(path: &Path) -> Result<(), InitError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed_at(path))
}

fn write_files(layout: &Layout, setup: &Setup, bundle: &store::Bundle) -> Result<(), SecretFileError> {
    let config = config::sample(&setup.name, setup.listen, setup.metrics, &setup.keys_are);
    signer::create_secret(layout.config(), config.as_bytes())?;
    bundle.files.iter().try_for_each(|(name, content)| signer::create_secret(&layout.root().join(name), content))
}

/// What is in force from the genesis entry on, so that the first start already compares its files with it: the samples, the
/// first administrators, and who signs what comes after.
fn first_bundle(setup: &Setup) -> Result<Bundle, InitError> {
    let [directory, hosts, access, _] = Files::NAMES;
    let files = Files {
        directory: Source::new(directory, directory_with(&setup.admins)),
        hosts: Source::new(hosts, SAMPLE_HOSTS),
        access: Source::new(access, access_with(setup.signers.as_ref())),
        cedar: None,
    };
    // One key for two of them.
    Directory::parse(&files.directory, &files.hosts).map_err(InitError::Admins)?;
    Bundle::load(&files).map_err(InitError::Signers)
}

/// The sample, and below it the first administrators. Names and keys are parsed: nothing in them needs quoting.
fn directory_with(admins: &[(UserName, PublicKey)]) -> String {
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
    format!("{SAMPLE_DIRECTORY}{users}\n{group}rights = [\"admin\", \"audit\"]\n")
}

/// The sample, and below it the signers. A group's name needs no quoting either.
fn access_with(signers: Option<&Quorum>) -> String {
    let signers = signers.map(|quorum| format!("\n[policy]\nsigners = \"{quorum}\"\n"));
    format!("{SAMPLE_ACCESS}{}", signers.unwrap_or_default())
}
