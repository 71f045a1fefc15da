//! Signature bytes that were tampered with, each refused by its name.

use rsa::pkcs1v15::SigningKey;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha2::Sha256;

use super::examples::example;
use super::openssh::Key;
use crate::{Kind, LoginStatement, SshSigError, VerifyError, to_be_signed, verify};

/// An SSHSIG blob taken apart, so that tests can change a part.
pub(super) struct Blob {
    pub(super) key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    algorithm: Vec<u8>,
    value: Vec<u8>,
    /// Flags and counter of FIDO signatures; else empty.
    pub(super) trailer: Vec<u8>,
}

fn take(bytes: &mut &[u8]) -> Vec<u8> {
    let length = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    let string = bytes[4..4 + length].to_vec();
    *bytes = &bytes[4 + length..];
    string
}

pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

impl Blob {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut rest = bytes.strip_prefix(b"SSHSIG\0\0\0\x01").unwrap();
        let [key, namespace, reserved, hash, signature] = std::array::from_fn(|_| take(&mut rest));
        let mut inner = signature.as_slice();
        let [algorithm, value] = std::array::from_fn(|_| take(&mut inner));
        Self { key, namespace, reserved, hash, algorithm, value, trailer: inner.to_vec() }
    }

    /// The signature alone, as an ssh-agent answers it.
    pub(super) fn inner(&self) -> Vec<u8> {
        [string(&self.algorithm), string(&self.value), self.trailer.clone()].concat()
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let parts = [&self.key, &self.namespace, &self.reserved, &self.hash, &self.inner()].map(|part| string(part));
        [b"SSHSIG\0\0\0\x01".as_slice(), &parts.concat()].concat()
    }
}

fn refused(text: &str, signature: &[u8]) -> VerifyError {
    verify::<LoginStatement>(text.as_bytes(), signature).unwrap_err()
}

#[test]
fn a_signature_cannot_be_cut_or_extended() {
    let text = example("login");
    for kind in ["ed25519", "ecdsa", "ed25519-sk"] {
        let signature = Key::make(&["-t", kind]).sign("hallpass-login", &text, &[]);
        for cut in 0..signature.len() {
            let error = refused(&text, &signature[..cut]);
            assert!(matches!(error, VerifyError::SshSig(_)), "{kind}, {cut}: {error:?}");
        }
        let after = |signature: &[u8]| match refused(&text, signature) {
            VerifyError::SshSig(SshSigError::Trailing { after, bytes: 1 }) => after,
            other => panic!("{kind}: {other:?}"),
        };
        assert_eq!(after(&[signature.as_slice(), &[0]].concat()), "signature");
        let mut inside = Blob::read(&signature);
        inside.trailer.push(0);
        assert_eq!(after(&inside.write()), "signature value");
        let mut value = Blob::read(&signature);
        value.value.push(0);
        assert!(matches!(refused(&text, &value.write()), VerifyError::Mismatch), "{kind}");
        let mut key = Blob::read(&signature);
        key.key.push(0);
        assert!(matches!(refused(&text, &key.write()), VerifyError::SshSig(SshSigError::Key(_))), "{kind}");
    }
}

#[test]
fn no_byte_of_a_signature_or_text_can_change() {
    let text = example("login");
    for kind in ["ed25519", "ecdsa-sk"] {
        let signature = Key::make(&["-t", kind]).sign("hallpass-login", &text, &[]);
        assert!(verify::<LoginStatement>(text.as_bytes(), &signature).is_ok());
        for place in 0..signature.len() {
            let mut changed = signature.clone();
            changed[place] ^= 1;
            refused(&text, &changed);
        }
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] ^= 1;
            assert!(verify::<LoginStatement>(&changed, &signature).is_err(), "{place}");
        }
    }
}

#[test]
fn another_key_or_its_algorithm_does_not_fit() {
    let text = example("login");
    let keys = ["ed25519", "ecdsa", "rsa", "ed25519-sk", "ecdsa-sk"].map(|kind| Key::make(&["-t", kind]));
    let blobs = keys.each_ref().map(|key| Blob::read(&key.sign("hallpass-login", &text, &[])));
    let another = Key::make(&["-t", "ed25519"]);
    let mut swapped = Blob::read(&blobs[0].write());
    swapped.key = another.public().to_wire();
    assert!(matches!(refused(&text, &swapped.write()), VerifyError::Mismatch));
    for (one, blob) in blobs.iter().enumerate() {
        for (other, key) in keys.iter().enumerate().filter(|(other, _)| *other != one) {
            let mut mixed = Blob::read(&blob.write());
            mixed.key = key.public().to_wire();
            mixed.trailer = blobs[other].trailer.clone();
            let error = refused(&text, &mixed.write());
            assert!(matches!(error, VerifyError::Algorithm { .. }), "{one}, {other}: {error:?}");
        }
    }
}

#[test]
fn rsa_with_sha1_and_webauthn_signatures_are_refused_by_name() {
    let text = example("login");
    for (kind, named, says) in [
        ("rsa", "ssh-rsa", "a signature by `ssh-rsa` is not accepted from a key of kind rsa; use rsa-sha2-512"),
        (
            "ecdsa-sk",
            "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
            "a signature by `webauthn-sk-ecdsa-sha2-nistp256@openssh.com` is not accepted from a key of kind ecdsa-sk",
        ),
        ("ed25519", "", "a signature by `` is not accepted from a key of kind ed25519"),
    ] {
        let mut blob = Blob::read(&Key::make(&["-t", kind]).sign("hallpass-login", &text, &[]));
        blob.algorithm = named.into();
        assert_eq!(refused(&text, &blob.write()).to_string(), says);
    }
}

#[test]
fn rsa_signs_with_either_sha2_and_is_checked_with_the_one_that_it_names() {
    let (key, text) = (Key::make(&["-t", "rsa"]), example("login"));
    let mut blob = Blob::read(&key.sign("hallpass-login", &text, &[]));
    assert_eq!(blob.algorithm, b"rsa-sha2-512");
    blob.algorithm = b"rsa-sha2-256".to_vec();
    assert!(matches!(refused(&text, &blob.write()), VerifyError::Mismatch));
    let private = key.private();
    let pair = private.key_data().rsa().unwrap();
    let [n, e, d, p, q] = [&pair.public.n, &pair.public.e, &pair.private.d, &pair.private.p, &pair.private.q]
        .map(|number| rsa::BigUint::try_from(number).unwrap());
    let sha256 = SigningKey::<Sha256>::new(rsa::RsaPrivateKey::from_components(n, e, d, vec![p, q]).unwrap());
    blob.value = sha256.sign(&to_be_signed(Kind::Login, &text)).to_vec();
    assert!(verify::<LoginStatement>(text.as_bytes(), &blob.write()).is_ok());
    assert!(key.accepts("hallpass-login", &text, &blob.write()));
}

#[test]
fn versions_reserved_fields_armor_and_length_are_checked() {
    let (key, text) = (Key::make(&["-t", "ed25519"]), example("login"));
    let signature = key.sign("hallpass-login", &text, &[]);
    let name = |signature: &[u8]| match refused(&text, signature) {
        VerifyError::SshSig(error) => error,
        other => panic!("{other:?}"),
    };
    let mut later = signature.clone();
    later[9] = 2;
    assert_eq!(name(&later), SshSigError::Version(2));
    let mut reserved = Blob::read(&signature);
    reserved.reserved = b"x".to_vec();
    // OpenSSH ignores the field and takes this; to us a signature has one spelling.
    assert!(key.accepts("hallpass-login", &text, &reserved.write()));
    assert_eq!(name(&reserved.write()), SshSigError::Reserved);
    assert_eq!(name(crate::armored(&signature).as_bytes()), SshSigError::Magic);
    assert_eq!(name(&[0; 4097]), SshSigError::TooLong(4097));
    assert_eq!(name(b""), SshSigError::Magic);
}

#[test]
fn a_key_of_small_order_cannot_sign_everything() {
    let text = example("login");
    let mut blob = Blob::read(&Key::make(&["-t", "ed25519"]).sign("hallpass-login", &text, &[]));
    // The neutral point as key and as R, and 0 as s: the equation holds for every text.
    let neutral = [vec![1], vec![0; 31]].concat();
    blob.key.truncate(blob.key.len() - 32);
    blob.key.extend_from_slice(&neutral);
    blob.value = [neutral, vec![0; 32]].concat();
    assert!(matches!(refused(&text, &blob.write()), VerifyError::WeakKey));
}
