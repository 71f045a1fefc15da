//! Large files.

use std::fmt::Write as _;
use std::time::Instant;

use super::parse;

#[test]
fn ten_thousand_hosts_and_a_thousand_users_load() {
    let (mut users, mut hosts) = (String::new(), String::new());
    for user in 0..1_000 {
        let key = ssh_key_line(user);
        writeln!(users, "[[user]]\nname = \"user-{user}\"\nkeys = [\"{key} user@laptop\"]\nlogin = \"u{user}\"")
            .unwrap();
    }
    let members = (0..1_000).map(|user| format!("\"user-{user}\"")).collect::<Vec<_>>().join(", ");
    writeln!(users, "[[group]]\nname = \"everybody\"\nmembers = [{members}]").unwrap();
    for host in 0..10_000 {
        let (rack, role) = (host % 100, host % 7);
        writeln!(
            hosts,
            "[[host]]\nname = \"host-{host}.example.com\"\naliases = [\"host-{host}\"]\n\
             labels = {{ env = \"prod\", rack = \"r{rack}\", role = \"role-{role}\" }}\nvia = \"host-0\"\n"
        )
        .unwrap();
    }
    let hosts = hosts.replacen("via = \"host-0\"\n", "jump_login = \"jump\"\n", 1);
    let start = Instant::now();
    let directory = parse(&users, &hosts).unwrap();
    println!("10,000 hosts and 1,000 users in {:?}", start.elapsed());
    assert_eq!(directory.users().count(), 1_000);
    assert_eq!(directory.select(&"rack=r7".parse().unwrap()).count(), 100);
}

#[test]
fn a_file_full_of_mistakes_is_told_in_full() {
    let hosts = "[[host]]\nname = \"A\"\n".repeat(5_000);
    assert_eq!(parse("", &hosts).unwrap_err().0.len(), 5_000);
}

/// A well-formed ed25519 public key of our own making.
fn ssh_key_line(number: u32) -> String {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    let key = domain_key(bytes);
    key.to_string()
}

fn domain_key(bytes: [u8; 32]) -> domain::PublicKey {
    // The wire form of PROTOCOL: string "ssh-ed25519", string key; written as base64 by hand to need no other crate.
    let mut wire = Vec::from(*b"\0\0\0\x0bssh-ed25519\0\0\0\x20");
    wire.extend(bytes);
    format!("ssh-ed25519 {}", base64(&wire)).parse().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text + ["", "==", "="][bytes.len() % 3]
}
