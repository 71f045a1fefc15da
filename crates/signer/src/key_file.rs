//! Ed25519 private keys in OpenSSH's format (PROTOCOL.key), as `ssh-keygen` makes and reads them.

use std::path::{Path, PathBuf};

use domain::Random;
use ed25519_dalek::SigningKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Algorithm, Cipher, Kdf, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use crate::passphrase::Passphrase;
use crate::secret_file::{self, Readers, SecretFileError};

/// Rounds of bcrypt-pbkdf, as OpenSSH 10 has them (`DEFAULT_ROUNDS` in sshkey.c).
const BCRYPT_ROUNDS: u32 = 24;

/// Why a key was not loaded or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be used.
    #[error("the key file cannot be used")]
    File(#[from] SecretFileError),
    /// Not a private key in OpenSSH's format.
    #[error("{} is not a private key in OpenSSH's format; ssh-keygen -p -f FILE rewrites older formats", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What its reader said.
        #[source]
        cause: ssh_key::Error,
    },
    /// A key of another kind.
    #[error("{} holds a key of type {kind}; an ed25519 key belongs here", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it holds.
        kind: String,
    },
    /// It is encrypted.
    #[error("{} is encrypted; configure where its passphrase comes from", .0.display())]
    PassphraseNeeded(PathBuf),
    /// It is not encrypted, although somebody thinks so.
    #[error(
        "{} is not encrypted, although a passphrase is configured for it; encrypt it with: ssh-keygen -p -f {}",
        .0.display(),
        .0.display()
    )]
    NotEncrypted(PathBuf),
    /// Decryption gave nothing that reads as a key.
    #[error("the passphrase for {} is wrong, or the file is damaged", .0.display())]
    WrongPassphrase(PathBuf),
    /// The key could not be written in OpenSSH's format.
    #[error("the key for {} could not be written in OpenSSH's format", path.display())]
    Encode {
        /// The file that was to be made.
        path: PathBuf,
        /// What its writer said.
        #[source]
        cause: ssh_key::Error,
    },
}

/// How a key file is protected beside its mode.
#[derive(Clone, Copy)]
pub enum Protection<'a> {
    /// Encrypted with this passphrase.
    Passphrase(&'a Passphrase),
    /// Not encrypted: whoever copies the file has the key.
    Unencrypted,
}

/// A new key.
pub fn generate(random: &dyn Random) -> SigningKey {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(seed.as_mut());
    SigningKey::from_bytes(&seed)
}

/// Makes a key file with mode 0600. What is there already is never overwritten.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn create(
    path: &Path,
    key: &SigningKey,
    protection: Protection<'_>,
    comment: &str,
    random: &dyn Random,
) -> Result<(), KeyFileError> {
    let text = encode(key, protection, comment, random);
    let text = text.map_err(|cause| KeyFileError::Encode { path: path.to_owned(), cause })?;
    Ok(secret_file::create(path, text.as_bytes())?)
}

fn encode(
    key: &SigningKey,
    protection: Protection<'_>,
    comment: &str,
    random: &dyn Random,
) -> Result<Zeroizing<String>, ssh_key::Error> {
    let plain = PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from(key)), comment)?;
    let Protection::Passphrase(passphrase) = protection else {
        return plain.to_openssh(LineEnding::LF);
    };
    let (mut salt, mut check) = (vec![0; 16], [0; 4]);
    random.fill(&mut salt);
    random.fill(&mut check);
    let kdf = Kdf::Bcrypt { salt, rounds: BCRYPT_ROUNDS };
    plain
        .encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_be_bytes(check), passphrase.as_bytes())?
        .to_openssh(LineEnding::LF)
}

/// Loads the ed25519 key of a file that only its owner can read. A passphrase without encryption is refused like
/// encryption without a passphrase: the configuration would promise what the file does not keep.
///
/// # Errors
/// When the file cannot be used, the key is of another kind, or the passphrase is wrong.
pub fn load_ed25519(path: &Path, passphrase: Option<&Passphrase>) -> Result<SigningKey, KeyFileError> {
    let text = secret_file::read(path, Readers::Owner)?;
    let malformed = |cause| KeyFileError::Malformed { path: path.to_owned(), cause };
    let stored = PrivateKey::from_openssh(&*text).map_err(malformed)?;
    if stored.algorithm() != Algorithm::Ed25519 {
        return Err(KeyFileError::Kind { path: path.to_owned(), kind: stored.algorithm().to_string() });
    }
    let key = match (stored.is_encrypted(), passphrase) {
        (false, None) => stored,
        (true, Some(passphrase)) => {
            stored.decrypt(passphrase.as_bytes()).map_err(|_| KeyFileError::WrongPassphrase(path.to_owned()))?
        }
        (true, None) => return Err(KeyFileError::PassphraseNeeded(path.to_owned())),
        (false, Some(_)) => return Err(KeyFileError::NotEncrypted(path.to_owned())),
    };
    let pair = key.key_data().ed25519().ok_or_else(|| malformed(ssh_key::Error::PublicKey))?;
    Ok(SigningKey::from(&pair.private))
}
