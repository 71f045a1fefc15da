//! Passphrases, and where they come from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::secret_file::{self, Readers, SecretFileError};

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The file cannot be used.
    #[error("the passphrase could not be taken from its file")]
    File(#[from] SecretFileError),
    /// The variable is not set.
    #[error("the environment variable {0}, which should hold the passphrase, is not set")]
    NoVariable(String),
    /// Hallpass was not started with credentials.
    #[error(
        "the passphrase is to come from the systemd credential {0}, but CREDENTIALS_DIRECTORY is not set; add \
         LoadCredentialEncrypted={0}:FILE to the unit, or configure a file"
    )]
    NoCredentials(String),
    /// A name that leads out of the directory.
    #[error("`{0}` is not the name of a systemd credential: it is a file name, without `/`")]
    CredentialName(String),
    /// Nothing is there.
    #[error("the passphrase is empty")]
    Empty,
    /// Not one line of text.
    #[error("the passphrase must be one line of UTF-8 text")]
    NotALine,
}

/// A passphrase: wiped from memory on drop, and never shown.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase from one line of text; a newline at its end is not part of it.
    ///
    /// # Errors
    /// When nothing is there, or more than one line.
    pub fn new(given: &str) -> Result<Self, PassphraseError> {
        let line = given.strip_suffix('\n').unwrap_or(given);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if line.contains(['\n', '\r', '\0']) {
            return Err(PassphraseError::NotALine);
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, PassphraseError> {
        Self::new(str::from_utf8(bytes).map_err(|_| PassphraseError::NotALine)?)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Where a passphrase comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseSource {
    /// A file that only its owner can read.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A systemd credential, `$CREDENTIALS_DIRECTORY/NAME`.
    Credential(String),
}

impl PassphraseSource {
    /// Takes the passphrase from there; `environment` answers what a variable holds, as [`std::env::var_os`] does.
    ///
    /// # Errors
    /// When nothing is there, or others could read it.
    pub fn read(&self, environment: impl Fn(&str) -> Option<OsString>) -> Result<Passphrase, PassphraseError> {
        match self {
            Self::File(path) => Passphrase::from_bytes(&secret_file::read(path, Readers::Owner)?),
            Self::Variable(name) => {
                let value = environment(name).ok_or_else(|| PassphraseError::NoVariable(name.clone()))?;
                let value = Zeroizing::new(value.into_encoded_bytes());
                Passphrase::from_bytes(&value)
            }
            Self::Credential(name) => {
                if name.is_empty() || name.contains('/') || name == "." || name == ".." {
                    return Err(PassphraseError::CredentialName(name.clone()));
                }
                let directory = environment("CREDENTIALS_DIRECTORY");
                let directory = directory.ok_or_else(|| PassphraseError::NoCredentials(name.clone()))?;
                Passphrase::from_bytes(&secret_file::read(&Path::new(&directory).join(name), Readers::ThePlaces)?)
            }
        }
    }
}
