//! Certificates, and the bytes that a CA signs.

use cert::{CaSigner, Certificate, Draft, KeyId, SignError, Signature, ToBeSigned, recheck, sign};
use domain::{Extension, PublicKey, Serial};
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::Algorithm;

use crate::Target;

pub(crate) const TARGETS: [Target; 2] = [
    Target { name: "certificate", run: certificate, seeds: certificates },
    Target { name: "to-be-signed", run: to_be_signed, seeds: drafts },
];

fn certificate(data: &[u8]) -> bool {
    let Ok(line) = str::from_utf8(data) else { return false };
    let Ok(certificate) = Certificate::from_openssh(line) else { return false };
    let again = Certificate::from_openssh(certificate.to_openssh());
    assert_eq!(again.map(|again| again.to_openssh().to_owned()).ok().as_deref(), Some(certificate.to_openssh()));
    true
}

/// Bytes that read back as a draft are the bytes that this draft makes.
fn to_be_signed(data: &[u8]) -> bool {
    let Ok(read) = ToBeSigned::from_bytes(data.to_vec()) else { return false };
    let (draft, serial, ca_key) = (read.draft(), read.serial(), read.ca_key());
    assert_eq!(recheck(data, draft, serial, ca_key), Ok(()));
    if !ca_key.is_fido() {
        assert_eq!(draft.clone().with_serial(serial, ca_key).map(|made| made.bytes().to_vec()).as_deref(), Ok(data));
    }
    true
}

fn drafts() -> Vec<Vec<u8>> {
    made().map(|made| made.bytes().to_vec()).into_iter().collect()
}

fn certificates() -> Vec<Vec<u8>> {
    let signed = made().zip(Ca::new()).and_then(|(made, ca)| sign(&made, &ca).ok());
    signed.map(|certificate| certificate.to_openssh().as_bytes().to_vec()).into_iter().collect()
}

/// One that uses every field.
fn made() -> Option<ToBeSigned> {
    let end = "2026-03-01T14:10:00Z".parse().ok()?;
    let draft = Draft {
        connecting_key: include_str!("../../crates/cert/src/tests/keys/ecdsa-sk.pub").parse().ok()?,
        principal: "root@web-1.example.com".parse().ok()?,
        key_id: KeyId { request: "7K3F9-QXMWT".parse().ok()?, user: "alice".parse().ok()?, deadline: end },
        valid_after: "2026-03-01T14:05:00Z".parse().ok()?,
        valid_before: end,
        force_command: Some("uptime".parse().ok()?),
        source: Some("192.0.2.0/24, 2001:db8::/32".parse().ok()?),
        verify_required: true,
        extensions: [Extension::Pty, Extension::PortForwarding].into(),
        nonce: [7; 32],
    };
    draft.with_serial(Serial::new(4711)?, &Ca::new()?.public).ok()
}

struct Ca {
    private: SigningKey,
    public: PublicKey,
}

impl Ca {
    fn new() -> Option<Self> {
        let private = SigningKey::from_bytes(&[7; 32]);
        let public = ssh_key::public::Ed25519PublicKey(private.verifying_key().to_bytes());
        Some(Self { private, public: PublicKey::from_key_data(public.into()).ok()? })
    }
}

impl CaSigner for Ca {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError> {
        let signature = self.private.sign(to_be_signed).to_vec();
        let failed = |cause| SignError::NoSignature { ca: self.public.fingerprint(), cause };
        Signature::new(Algorithm::Ed25519, signature).map_err(|cause| failed(Box::new(cause)))
    }
}
