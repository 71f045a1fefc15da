//! The canonical texts that people sign, and the checking of their signatures.
//!
//! A **statement** is what somebody signs: login, request, decision, fetch or act. A **ruling** is what policy permits;
//! nobody signs it by itself, an approver signs its digest. All are texts of one grammar:
//!
//! - UTF-8, lines ended by LF. The first line is `hallpass-KIND v1`. Then come `field: value` lines, each exactly once
//!   and in the order of the examples. An absent value is `-`.
//! - Values are words, names and numbers in the one spelling of [`domain`]; free text is in NFC, visible, without edge
//!   spaces. A value has at most 1 KiB, a statement at most 64 KiB (a fetch 77), and a ruling at most 4,096 hosts.
//! - Lists (`pair:`, `host:`) are repeated lines in ascending order of bytes, pairs by login and then by host, without
//!   duplicates.
//! - A text is accepted only if re-encoding it gives the same bytes. Nothing is repaired.
//! - The digest of a text is SHA-256 of its bytes, without any signature.
//!
//! A statement is signed as OpenSSH signs files: SSHSIG (PROTOCOL.sshsig) with sha512, in the namespace
//! `hallpass-KIND`. A signature is sent and stored in SSHSIG's binary form, at most 4 KiB; [`armored`] makes the form
//! that `ssh-keygen -Y verify` reads. That command can check every stored statement offline, but does not check that a
//! FIDO token was touched; [`verify`] does.
//!
//! # Login
//!
//! By a key bound to the user. `server` names the server and the SHA-256 of its ledger key, from the client's pin;
//! `tls-key` is the SHA-256 of the TLS key that the client saw, so that a relayed login is recognised.
//!
//! ```text
//! hallpass-login v1
//! server: ca.example.com/prod 0add88a6c0f15a95062a188927d47df27c4370bfd2e7a0f0e6c003312536b249
//! nonce: 6b86b273ff34fce19d6b804eff5a3f57
//! time: 2026-03-01T08:00:00Z
//! seen: -
//! user: alice
//! tls-key: b7e651cbb43ba0ca3498759c8c3596c3a11a199004cd9e5a198d50d4585ec8c5
//! ```
//!
//! # Request
//!
//! By a key bound to the requester. `seen` is the latest checkpoint that the client knows: size, root hash and the
//! ledger key's signature over it. `window` counts from the completed approval, or from `start` if that is later.
//! `break-glass: yes` asks for emergency access without approval. `extends` names a grant and the first second of the first
//! window, such as `7K3F9-QXMWT since 2026-03-01T13:32:00Z`: the longest window counts from there.
//!
//! ```text
//! hallpass-request v1
//! server: ca.example.com/prod 0add88a6c0f15a95062a188927d47df27c4370bfd2e7a0f0e6c003312536b249
//! nonce: d4735e3a265e16eee03f59718b9b5d03
//! time: 2026-03-01T14:02:00Z
//! seen: 4710 4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2 pKvURIxJVi2CgRXROh/M6pJ/UrTVRZKX+LQ+QtqJI4vBNibkPcs43bCCSIkn7JBPtCBXRDmD6IWFF51QVRr+Yg==
//! requester: alice
//! access: root@web-1.example.com
//! start: -
//! window: 30m
//! uses: -
//! command: -
//! reason: INC-42 disk full
//! ticket: INC-42
//! connecting-key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ
//! rule: -
//! break-glass: -
//! extends: -
//! ```
//!
//! # Ruling
//!
//! Made once, when the request arrives. Hosts are a line each; `live` has the labels of the request where hosts that get
//! them later count too. `realm` and `realm-hosts` (how many hosts the realm has in all) are there for
//! plain hosts only. `break-glass` says who reviews it, as `reviewed by security`; then `quorum` is `auto`, or while a review is
//! owed one of that group. Networks are a line each, and none when certificates may be used from anywhere. `extends` is that of
//! the request; with `rests: yes` it counts only while what it extends has its approvals. Break-glass extends nothing.
//! Hosts behind jump hosts have a line each at the end, `jump: db-7 jump@bastion-eu`, with the networks that connections come from
//! where certificates are pinned. Its words are what `allows` says in the decision.
//!
//! ```text
//! hallpass-ruling v1
//! request: 58066bfb7d65f0a470fded264a17014f194f45c1ac3843c7b99c47e1f16a24fd
//! bundle: 1e6ed65d77d6364eeaed5a745ba5c4985ae2b700dd85d7cf7f027bdf294a33fc
//! rule: prod-oncall
//! quorum: 1 of sre
//! login: root
//! host: web-1.example.com
//! live: -
//! realm: -
//! realm-hosts: -
//! max: 1h
//! ttl: 5m
//! allow: pty
//! command: -
//! source: 10.0.0.0/8
//! verify-required: -
//! requester-key: -
//! approver-key: sk
//! extends: -
//! rests: -
//! break-glass: -
//! ```
//!
//! # Decision
//!
//! By a key bound to the approver. `request` and `ruling` are the digests of the two texts that the approver's own
//! client showed; here those above.
//!
//! ```text
//! hallpass-decision v1
//! server: ca.example.com/prod 0add88a6c0f15a95062a188927d47df27c4370bfd2e7a0f0e6c003312536b249
//! nonce: 4e07408562bedb8b60ce05c1decfe3ad
//! time: 2026-03-01T14:05:30Z
//! seen: -
//! approver: bob
//! id: 7K3F9-QXMWT
//! request: 58066bfb7d65f0a470fded264a17014f194f45c1ac3843c7b99c47e1f16a24fd
//! ruling: b2aa5999ce861b4452389df0ca9efb30aabcf1d990420b3c77a529fa11e0ccb4
//! allows: root on web-1.example.com, for at most 1h, certificates of 5m, with pty, only from 10.0.0.0/8, approved with a FIDO key
//! verdict: approve
//! comment: -
//! ```
//!
//! # Fetch
//!
//! By the connecting key. 1 to 256 pairs; each gets a certificate of its own.
//!
//! ```text
//! hallpass-fetch v1
//! server: ca.example.com/prod 0add88a6c0f15a95062a188927d47df27c4370bfd2e7a0f0e6c003312536b249
//! nonce: 4b227777d4dd1fc61c6f884f48641d02
//! time: 2026-03-01T14:06:00Z
//! seen: -
//! id: 7K3F9-QXMWT
//! pair: root@web-1.example.com
//! ```
//!
//! # Act
//!
//! By a key bound to the user. Each verb has a target of its own kind: that of `cancel`, `give-back`, `withdraw` and `review` is
//! a request, that of `rebind` a request and a connecting key as OpenSSH writes it (`7K3F9-QXMWT ssh-ed25519 AAAA...`), and
//! that of `resume` is `-`.
//!
//! ```text
//! hallpass-act v1
//! server: ca.example.com/prod 0add88a6c0f15a95062a188927d47df27c4370bfd2e7a0f0e6c003312536b249
//! nonce: ef2d127de37b942baad06145e54b0c61
//! time: 2026-03-01T14:20:00Z
//! seen: -
//! user: alice
//! verb: give-back
//! target: 7K3F9-QXMWT
//! reason: done
//! ```

mod act;
mod codec;
mod decision;
mod fetch;
mod file;
mod header;
mod kind;
mod login;
mod memory;
mod request;
mod rsa;
mod ruling;
mod sign;
mod sshsig;
#[cfg(test)]
mod tests;
mod verify;

pub use act::{Act, ActError, ActStatement, BundleChange, BundleChangeError, Rebind, RebindError};
pub use codec::{Canonical, StatementError};
pub use decision::DecisionStatement;
pub use fetch::{FetchStatement, Pairs, PairsError};
pub use file::{NotSigned, read_signed, write_signed};
pub use header::{Header, NotFresh, OtherServer, Seen, SeenError, ServerId, ServerIdError};
pub use kind::{Kind, Statement};
pub use login::LoginStatement;
pub use memory::Memory;
pub use request::{BreakGlass, NoBreakGlass, RequestStatement};
pub use ruling::{RulingText, RulingTextError};
pub use sign::{SignError, Signed, SshSig, agent_flags, armored, sign_bytes, sign_with};
pub use sshsig::{SshSigError, to_be_signed};
pub use verify::{Flags, Verified, VerifyError, verify};
