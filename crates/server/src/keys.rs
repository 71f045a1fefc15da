//! The server's keys on disk: made by `init` and `realm`, loaded by `serve`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cert::{CaSigner, SignError};
use domain::{PublicKey, Random, RealmName};
use ed25519_dalek::SigningKey;
use signer::{KeyFileError, Passphrase, PassphraseError, Protection, SecretFileError, SoftSigner};

use crate::config::KeysAre;
use crate::layout::Layout;
use crate::net::{TlsKey, TlsKeyError};

/// Why the keys are not there.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// No passphrase.
    #[error("there is no passphrase for the key files")]
    Passphrase(#[from] PassphraseError),
    /// A key file cannot be used.
    #[error("a key is missing")]
    File(#[from] KeyFileError),
    /// The TLS key's file cannot be used.
    #[error("the TLS key is missing")]
    TlsFile(#[from] SecretFileError),
    /// The TLS key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsKeyError),
    /// A CA key makes wrong signatures.
    #[error("the CA key in {} makes wrong signatures; restore it from its backup", path.display())]
    Signature {
        /// The key's file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        cause: SignError,
    },
    /// The realms cannot be listed.
    #[error("{} could not be read", path.display())]
    Realms {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file that is no realm's key.
    #[error("{} is in the way: a realm's key is named after its realm, NAME.key", .0.display())]
    RealmName(PathBuf),
}

/// How a variable of the environment is read, as [`std::env::var_os`] does.
pub type Environment = fn(&str) -> Option<OsString>;

/// The keys that the server runs with. The host CA's key is not among them: nothing signs with it yet.
pub(crate) struct Keys {
    pub(crate) user_ca: Arc<dyn CaSigner>,
    pub(crate) realms: BTreeMap<RealmName, Arc<dyn CaSigner>>,
    pub(crate) ledger: SigningKey,
    pub(crate) tls: TlsKey,
}

impl Keys {
    /// Loads every key.
    pub(crate) fn load(layout: &Layout, keys_are: &KeysAre, environment: Environment) -> Result<Self, KeysError> {
        let passphrase = passphrase(keys_are, environment)?;
        let passphrase = passphrase.as_ref();
        let mut realms = BTreeMap::new();
        for (realm, path) in realm_files(layout)? {
            realms.insert(realm, load_ca(&path, passphrase)?);
        }
        Ok(Self {
            user_ca: load_ca(&layout.user_ca(), passphrase)?,
            realms,
            ledger: signer::load_ed25519(&layout.ledger(), passphrase)?,
            tls: load_tls(layout)?,
        })
    }
}

/// Makes the four keys, and `ca.pub`.
pub(crate) fn make_all(layout: &Layout, made: &Maker<'_>) -> Result<SigningKey, KeysError> {
    let user_ca = made.make(&layout.user_ca(), "hallpass user CA")?;
    made.make(&layout.host_ca(), "hallpass host CA")?;
    let ledger = made.make(&layout.ledger(), "hallpass ledger")?;
    signer::create_secret(&layout.tls(), TlsKey::generate()?.to_pem().as_bytes())?;
    write_public(&layout.ca_pub(), &user_ca, "hallpass-user-ca")?;
    Ok(ledger)
}

/// Makes the user CA of a plain realm, and its `.pub`.
pub(crate) fn make_realm(layout: &Layout, realm: &RealmName, made: &Maker<'_>) -> Result<PublicKey, KeysError> {
    let key = made.make(&layout.realm(realm), &format!("hallpass user CA of realm {realm}"))?;
    if let Err(error) = write_public(&layout.realm_pub(realm), &key, &format!("hallpass-realm-{realm}")) {
        // A key alone would be in the way of the next attempt; if it cannot go either, that attempt says so.
        drop(fs::remove_file(layout.realm(realm)));
        return Err(error);
    }
    Ok(signer::public_half(&key))
}

/// Makes key files that are all protected alike.
pub(crate) struct Maker<'a> {
    pub(crate) protection: Protection<'a>,
    pub(crate) random: &'a dyn Random,
}

impl Maker<'_> {
    fn make(&self, path: &Path, comment: &str) -> Result<SigningKey, KeysError> {
        let key = signer::generate(self.random);
        signer::create(path, &key, self.protection, comment, self.random)?;
        Ok(key)
    }
}

/// The passphrase, when the keys have one.
pub(crate) fn passphrase(keys_are: &KeysAre, environment: Environment) -> Result<Option<Passphrase>, PassphraseError> {
    match keys_are {
        KeysAre::Unencrypted => Ok(None),
        KeysAre::Encrypted(source) => source.read(environment).map(Some),
    }
}

/// How new key files are protected by it.
pub(crate) fn protection(passphrase: Option<&Passphrase>) -> Protection<'_> {
    passphrase.map_or(Protection::Unencrypted, Protection::Passphrase)
}

/// The key files that cannot be used, whatever the passphrase: missing, or readable by others.
pub(crate) fn unusable(layout: &Layout, realms: Option<&BTreeMap<RealmName, PathBuf>>) -> Vec<SecretFileError> {
    let files = [layout.user_ca(), layout.host_ca(), layout.ledger(), layout.tls()];
    let all = files.iter().chain(realms.into_iter().flat_map(BTreeMap::values));
    all.filter_map(|path| signer::read_secret(path).err()).collect()
}

/// The realms that have a user CA, with their key files.
pub(crate) fn realm_files(layout: &Layout) -> Result<BTreeMap<RealmName, PathBuf>, KeysError> {
    let directory = layout.realms();
    let failed = |cause| KeysError::Realms { path: directory.clone(), cause };
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "key") {
            continue;
        }
        let realm = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        found.insert(realm.ok_or_else(|| KeysError::RealmName(path.clone()))?, path);
    }
    Ok(found)
}

fn load_ca(path: &Path, passphrase: Option<&Passphrase>) -> Result<Arc<dyn CaSigner>, KeysError> {
    let key = signer::load_ed25519(path, passphrase)?;
    let signer = SoftSigner::new(key).map_err(|cause| KeysError::Signature { path: path.to_owned(), cause })?;
    Ok(Arc::new(signer))
}

fn load_tls(layout: &Layout) -> Result<TlsKey, KeysError> {
    let pem = signer::read_secret(&layout.tls())?;
    // What is no text is no PEM either: its reader says so.
    Ok(TlsKey::from_pem(std::str::from_utf8(&pem).unwrap_or_default())?)
}

/// A line for TrustedUserCAKeys. It ends with a newline: such files are joined, and keys on one line are none.
fn write_public(path: &Path, key: &SigningKey, comment: &str) -> Result<(), KeysError> {
    let line = format!("{} {comment}\n", signer::public_half(key));
    Ok(signer::create_secret(path, line.as_bytes())?)
}
