//! What the ledger keeps, and what it shows the world.

use domain::Digest;
use ed25519_dalek::SigningKey;
use ledger::{
    BundleFile, CheckpointSigner, Entry, EntryKind, Envelope, FetchProof, Frontier, LedgerKey, Payload,
    SignedCheckpoint, SignedText, TlsKeys,
};

use crate::Target;
use crate::texts::example;

pub(crate) const TARGETS: [Target; 5] = [
    Target { name: "envelope", run: envelope, seeds: envelopes },
    Target { name: "payload", run: payload, seeds: numbered_payloads },
    Target { name: "frontier", run: frontier, seeds: frontiers },
    Target { name: "checkpoint", run: checkpoint, seeds: checkpoints },
    Target { name: "tls-keys", run: tls_keys, seeds: key_lists },
];

fn envelope(data: &[u8]) -> bool {
    let Ok(envelope) = Envelope::decode(data) else { return false };
    assert_eq!(envelope.encode(), data);
    true
}

/// The first byte is the kind, as the envelope would have it.
fn payload(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    let Ok(kind) = EntryKind::from_number(*kind) else { return false };
    let Ok(payload) = Payload::decode(kind, bytes) else { return false };
    assert_eq!((payload.kind(), payload.encode().as_slice()), (kind, bytes));
    true
}

fn frontier(data: &[u8]) -> bool {
    let Ok(mut frontier) = Frontier::decode(data) else { return false };
    assert_eq!(frontier.encode(), data);
    if frontier.size() < u64::MAX {
        frontier.append(Digest::of(data));
        assert_eq!(Frontier::decode(&frontier.encode()).as_ref(), Ok(&frontier));
    }
    true
}

fn checkpoint(data: &[u8]) -> bool {
    let signer = signer();
    let Some((signer, note)) = signer.zip(str::from_utf8(data).ok()) else { return false };
    let Ok(signed) = SignedCheckpoint::from_note(note, &signer.public_key()) else { return false };
    assert!(signed.verify(&signer.public_key()).is_ok());
    true
}

/// The first 64 bytes are the signature.
fn tls_keys(data: &[u8]) -> bool {
    let Some((signer, (signature, text))) = signer().zip(data.split_first_chunk()) else { return false };
    let Ok(list) = TlsKeys::verify(text, signature, &signer.public_key()) else { return false };
    assert_eq!(list.encode().as_bytes(), text);
    true
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn signer() -> Option<CheckpointSigner> {
    Some(CheckpointSigner::new("ca.example.com/prod".parse().ok()?, key()))
}

fn checkpoints() -> Vec<Vec<u8>> {
    let note =
        |signer: CheckpointSigner| signer.sign(4711, Digest::of(b"root")).note(&signer.public_key()).into_bytes();
    signer().map(note).into_iter().collect()
}

fn key_lists() -> Vec<Vec<u8>> {
    let signed = |signer: CheckpointSigner| {
        let keys = [Digest::of(b"in force"), Digest::of(b"next")].into();
        let list = TlsKeys::new(signer.origin().clone(), &signer.public_key(), keys);
        [list.sign(&key()).as_slice(), list.encode().as_bytes()].concat()
    };
    signer().map(signed).into_iter().collect()
}

fn frontiers() -> Vec<Vec<u8>> {
    let mut frontier = Frontier::new();
    let mut all = vec![frontier.encode()];
    for leaf in 0..7u8 {
        frontier.append(Digest::of(&[leaf]));
        all.push(frontier.encode());
    }
    all
}

fn envelopes() -> Vec<Vec<u8>> {
    let entry =
        |payload| Some(Entry { index: 4711, time: "2026-03-01T14:05:00Z".parse().ok()?, salt: [7; 32], payload });
    let entries = payloads().unwrap_or_default().into_iter().filter_map(entry);
    entries.map(|entry| entry.envelope().encode()).collect()
}

fn numbered_payloads() -> Vec<Vec<u8>> {
    let numbered = |payload: Payload| [&[payload.kind().number()], payload.encode().as_slice()].concat();
    payloads().unwrap_or_default().into_iter().map(numbered).collect()
}

/// One of each kind.
fn payloads() -> Option<Vec<Payload>> {
    let request = "7K3F9-QXMWT".parse().ok()?;
    let signed = |kind| SignedText { text: example(kind), signature: b"SSHSIG and so on".to_vec() };
    let file = BundleFile { name: "access.toml".to_owned(), digest: Digest::of(b"") };
    let to_be_signed = b"to be signed".to_vec();
    Some(vec![
        Payload::Genesis {
            origin: "ca.example.com/prod".parse().ok()?,
            ledger_key: LedgerKey::new(key().verifying_key().to_bytes()).ok()?,
        },
        Payload::Bundle { digest: Digest::of(b"bundle"), files: vec![file] },
        Payload::Login { statement: signed("login") },
        Payload::Request { request, statement: signed("request"), ruling: example("ruling") },
        Payload::Decision { request, statement: signed("decision") },
        Payload::Certificate {
            request,
            fetch: FetchProof::Statement(signed("fetch")),
            to_be_signed: to_be_signed.clone(),
        },
        Payload::Certificate { request, fetch: FetchProof::Entry(4711), to_be_signed },
        Payload::Act { statement: signed("act") },
        Payload::Expired { request },
        Payload::Halt { reason: "the clock jumped".to_owned() },
    ])
}
