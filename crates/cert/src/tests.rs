//! What the tests of this crate share: a CA, connecting keys of every kind, and a draft to vary.

mod krl;
mod krl_openssh;
mod properties;
mod signing;
mod ssh_keygen;

use domain::{PublicKey, Serial, UnixTime};
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::{Algorithm, Signature};

use crate::{CaSigner, Draft, SignError};

/// The public halves of keys that `ssh-keygen` made once; those of the FIDO kinds with OpenSSH's `sk-dummy.so`.
const CONNECTING_KEYS: [(&str, &str); 7] = [
    ("ed25519", include_str!("tests/keys/ed25519.pub")),
    ("ecdsa-p256", include_str!("tests/keys/ecdsa-p256.pub")),
    ("ecdsa-p384", include_str!("tests/keys/ecdsa-p384.pub")),
    ("ecdsa-p521", include_str!("tests/keys/ecdsa-p521.pub")),
    ("rsa-3072", include_str!("tests/keys/rsa-3072.pub")),
    ("ed25519-sk", include_str!("tests/keys/ed25519-sk.pub")),
    ("ecdsa-sk", include_str!("tests/keys/ecdsa-sk.pub")),
];

fn connecting_key(name: &str) -> PublicKey {
    CONNECTING_KEYS.iter().find(|(known, _)| *known == name).unwrap().1.parse().unwrap()
}

/// A CA key in memory.
struct TestCa {
    key: SigningKey,
    public: PublicKey,
}

impl TestCa {
    fn from_seed(seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        Self { public: PublicKey::ed25519(key.verifying_key().to_bytes()), key }
    }
}

impl CaSigner for TestCa {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError> {
        let signature = self.key.sign(to_be_signed).to_bytes();
        Ok(Signature::new(Algorithm::Ed25519, signature).unwrap())
    }
}

fn time(text: &str) -> UnixTime {
    text.parse().unwrap()
}

fn serial(index: u64) -> Serial {
    Serial::new(index).unwrap()
}

/// Root on web-1 for five minutes, with all that a draft can hold.
fn draft() -> Draft {
    Draft {
        connecting_key: connecting_key("ed25519"),
        principal: "root@web-1.example.com".parse().unwrap(),
        key_id: "hallpass:7K3F9-QXMWT:alice:1772377320".parse().unwrap(),
        valid_after: time("2026-03-01T14:01:30Z"),
        valid_before: time("2026-03-01T14:07:00Z"),
        force_command: Some("systemctl restart nginx".parse().unwrap()),
        source: Some("10.0.0.0/8, 2001:db8::/32".parse().unwrap()),
        verify_required: false,
        extensions: domain::Extension::ALL.into(),
        nonce: [7; 32],
    }
}
