//! The words of `domain`.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use domain::{
    Access, Approval, Command, Digest, Extension, Fingerprint, GroupName, HostName, Label, Login, Nonce, Origin, Pair,
    PublicKey, Quorum, RealmName, RequestId, RuleName, Selector, Span, Text, UnixTime, UserName,
};

use crate::Target;

pub(crate) const TARGETS: [Target; 2] = [
    Target { name: "names", run: names, seeds: name_seeds },
    Target { name: "public-key", run: public_key, seeds: key_seeds },
];

const KEYS: [&str; 3] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
    include_str!("../../crates/cert/src/tests/keys/ecdsa-sk.pub"),
    include_str!("../../crates/cert/src/tests/keys/rsa-3072.pub"),
];

fn names(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let exact = [
        same::<UserName>(text),
        same::<Login>(text),
        same::<HostName>(text),
        same::<GroupName>(text),
        same::<RuleName>(text),
        same::<RealmName>(text),
        same::<Origin>(text),
        same::<Pair>(text),
        same::<Label>(text),
        same::<Text>(text),
        same::<Command>(text),
        same::<Digest>(text),
        same::<Nonce>(text),
        same::<UnixTime>(text),
        same::<Approval>(text),
        same::<Extension>(text),
    ];
    // These have shorter or freer spellings that people type; they are shown in one.
    let canonical = [
        settles::<Access>(text),
        settles::<Selector>(text),
        settles::<Quorum>(text),
        settles::<RequestId>(text),
        settles::<Span>(text),
        settles::<Fingerprint>(text),
    ];
    exact.contains(&true) || canonical.contains(&true)
}

/// What was accepted is written as it was given.
fn same<T: FromStr + Display>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    assert_eq!(value.to_string(), text);
    true
}

/// What was accepted is written in a form that reads back as the same.
fn settles<T: FromStr + Display + PartialEq + Debug>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    let shown = value.to_string();
    assert_eq!(shown.parse::<T>().ok(), Some(value));
    same::<T>(&shown)
}

fn public_key(data: &[u8]) -> bool {
    if let Ok(key) = PublicKey::from_wire(data) {
        assert_eq!(key.to_wire(), data);
        return settles::<PublicKey>(&key.to_string());
    }
    str::from_utf8(data).is_ok_and(settles::<PublicKey>)
}

fn name_seeds() -> Vec<Vec<u8>> {
    let words = [
        "alice@example.com",
        "root@web-1.example.com",
        "env=prod",
        "env=prod,role=web",
        "ca.example.com/prod",
        "INC-42 disk full, \u{e9}t\u{e9}",
        "/usr/bin/systemctl restart nginx.service",
        "0add88a6c0f15a95062a188927d47df27c4370bfd2e7a0f0e6c003312536b249",
        "6b86b273ff34fce19d6b804eff5a3f57",
        "2026-03-01T08:00:00Z",
        "approve",
        "port-forwarding",
        "2 of sre, 1 of security",
        "7K3F9-QXMWT",
        "1h30m",
        "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
    ];
    words.map(|word| word.as_bytes().to_vec()).to_vec()
}

fn key_seeds() -> Vec<Vec<u8>> {
    let lines = KEYS.map(|key| key.as_bytes().to_vec());
    lines.into_iter().chain(keys().iter().map(PublicKey::to_wire)).collect()
}

/// Keys of several kinds.
pub(crate) fn keys() -> Vec<PublicKey> {
    KEYS.iter().filter_map(|key| key.parse().ok()).collect()
}
