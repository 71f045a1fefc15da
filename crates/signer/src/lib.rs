//! Where private keys of the server live: OpenSSH key files, encrypted with a passphrase, and the CA key in memory.
//!
//! ```text
//! PassphraseSource --read--> Passphrase
//!                                |
//! create <--- key file ---> load_ed25519 ---> SoftSigner: cert::CaSigner
//! ```
//!
//! Key files are those of `ssh-keygen`, so that people can look at them, change their passphrase and keep them in
//! backups by what they know.

mod key_file;
mod passphrase;
mod secret_file;
mod soft;
#[cfg(test)]
mod tests;

pub use key_file::{KeyFileError, Protection, create, generate, load_ed25519};
pub use passphrase::{Passphrase, PassphraseError, PassphraseSource};
pub use secret_file::{SecretFileError, create_secret, read_secret};
pub use soft::{SoftSigner, public_half};
