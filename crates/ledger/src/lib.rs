//! The append-only Merkle log: entries and their payloads, the tree's right edge, signed checkpoints.
//!
//! ```text
//! payload --salt--> envelope {kind, index, time, SHA-256(salt, payload)} --RFC 6962 leaf--> frontier --> checkpoint
//! ```
//!
//! The tree holds only hashes of envelopes, so a payload and its salt can be deleted later and every proof stays valid.
//! Pure: no I/O, no clock; what is written where is `store`'s business.

mod checkpoint;
mod codec;
mod entry;
mod payload;
mod tls_keys;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointSigner, LedgerKey, LedgerKeyError, SignedCheckpoint};
pub use codec::DecodeError;
pub use entry::{Entry, EntryKind, Envelope};
pub use payload::{BundleFile, FetchProof, Payload, SignedText, bundle_digest};
pub use tls_keys::{TlsKeys, TlsKeysError};
pub use tree::Frontier;
