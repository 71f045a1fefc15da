//! The TLS keys in force, named by the ledger key: how a client that pins one key trusts a connection of another.

use std::collections::BTreeSet;

use domain::{Digest, Origin};
use ed25519_dalek::{Signature, Signer as _, SigningKey};

use crate::LedgerKey;

const FIRST_LINE: &str = "hallpass-tls-keys v1";
/// Most TLS keys at once: those in force and the next ones.
const MOST: usize = 64;

/// Why a list of TLS keys was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsKeysError {
    /// Not the one spelling of such a list.
    #[error("this is not a list of TLS keys in its one spelling; is the server of a newer version?")]
    Malformed,
    /// The ledger key did not sign it.
    #[error("the list of TLS keys is not signed by the ledger key: it was changed or forged")]
    Signature,
    /// It is the list of another server.
    #[error("the list of TLS keys belongs to another server")]
    OtherServer,
}

/// The TLS keys of one server, each as SHA-256 of its SubjectPublicKeyInfo.
///
/// As text, whose bytes the ledger key signs. Its first line is no name of a server, so that no checkpoint reads as
/// such a list:
///
/// ```text
/// hallpass-tls-keys v1
/// server: ca.example.com 4f1c...
/// key: 09af...
/// key: e3b0...
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsKeys {
    server: Origin,
    ledger_key: Digest,
    keys: BTreeSet<Digest>,
}

impl TlsKeys {
    /// The list of the server whose ledger key this is.
    pub fn new(server: Origin, ledger_key: &LedgerKey, keys: BTreeSet<Digest>) -> Self {
        Self { server, ledger_key: ledger_key.fingerprint(), keys }
    }

    /// The server's name.
    pub const fn server(&self) -> &Origin {
        &self.server
    }

    /// Whether a connection with this TLS key is one with the server.
    pub fn contains(&self, key: &Digest) -> bool {
        self.keys.contains(key)
    }

    /// The canonical text.
    pub fn encode(&self) -> String {
        let keys: String = self.keys.iter().map(|key| format!("key: {key}\n")).collect();
        format!("{FIRST_LINE}\nserver: {} {}\n{keys}", self.server, self.ledger_key)
    }

    /// The ledger key's signature over the canonical text.
    pub fn sign(&self, ledger_key: &SigningKey) -> [u8; 64] {
        ledger_key.sign(self.encode().as_bytes()).to_bytes()
    }

    /// Reads a list that the ledger key signed.
    ///
    /// # Errors
    /// When it is not signed by this key, is no such list, or is one of another server.
    pub fn verify(text: &[u8], signature: &[u8; 64], ledger_key: &LedgerKey) -> Result<Self, TlsKeysError> {
        let signature = Signature::from_bytes(signature);
        ledger_key.verifying_key().verify_strict(text, &signature).map_err(|_| TlsKeysError::Signature)?;
        let list = std::str::from_utf8(text).ok().and_then(parse).ok_or(TlsKeysError::Malformed)?;
        if list.ledger_key == ledger_key.fingerprint() { Ok(list) } else { Err(TlsKeysError::OtherServer) }
    }
}

fn parse(text: &str) -> Option<TlsKeys> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    lines.next().filter(|line| *line == FIRST_LINE)?;
    let (name, ledger_key) = lines.next()?.strip_prefix("server: ")?.split_once(' ')?;
    let list = TlsKeys {
        server: name.parse().ok()?,
        ledger_key: ledger_key.parse().ok()?,
        keys: lines.take(MOST + 1).map(|line| line.strip_prefix("key: ")?.parse().ok()).collect::<Option<_>>()?,
    };
    // One spelling: sorted, without duplicates, nothing besides.
    (list.keys.len() <= MOST && list.encode() == text).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn public() -> LedgerKey {
        LedgerKey::new(ledger().verifying_key().to_bytes()).unwrap()
    }

    fn list() -> TlsKeys {
        let keys = [Digest::of(b"now"), Digest::of(b"next")].into();
        TlsKeys::new("ca.example.com/prod".parse().unwrap(), &public(), keys)
    }

    #[test]
    fn a_signed_list_reads_back() {
        let read = TlsKeys::verify(list().encode().as_bytes(), &list().sign(&ledger()), &public()).unwrap();
        assert_eq!(read, list());
        assert!(read.contains(&Digest::of(b"now")));
        assert!(!read.contains(&Digest::of(b"other")));
    }

    #[test]
    fn a_list_that_somebody_else_signed_or_changed_is_refused() {
        let other = SigningKey::from_bytes(&[8; 32]);
        let text = list().encode();
        let refused = |text: &str, signature| TlsKeys::verify(text.as_bytes(), &signature, &public());
        assert_eq!(refused(&text, list().sign(&other)), Err(TlsKeysError::Signature));
        let changed = text.replace("prod", "test");
        assert_eq!(refused(&changed, list().sign(&ledger())), Err(TlsKeysError::Signature));
    }

    #[test]
    fn only_the_one_spelling_is_read() {
        let text = list().encode();
        let (head, keys) = text.split_at(text.find("key: ").unwrap());
        let (first, second) = keys.split_at(keys.len() / 2);
        let twice = format!("{head}{first}{first}{second}");
        let unsorted = format!("{head}{second}{first}");
        let longer = format!("{text}more: x\n");
        let cut = text.trim_end();
        let checkpoint = "ca.example.com/prod\n7\nAAAA\n";
        for wrong in [twice.as_str(), &unsorted, &longer, cut, checkpoint, "", "hallpass-tls-keys v1\n"] {
            let signature = ledger().sign(wrong.as_bytes()).to_bytes();
            let read = TlsKeys::verify(wrong.as_bytes(), &signature, &public());
            assert_eq!(read, Err(TlsKeysError::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn a_list_names_the_ledger_key_that_signs_it() {
        let other = SigningKey::from_bytes(&[8; 32]);
        let other_public = LedgerKey::new(other.verifying_key().to_bytes()).unwrap();
        let read = TlsKeys::verify(list().encode().as_bytes(), &list().sign(&other), &other_public);
        assert_eq!(read, Err(TlsKeysError::OtherServer));
    }
}
