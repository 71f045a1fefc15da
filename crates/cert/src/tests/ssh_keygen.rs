//! OpenSSH's own `ssh-keygen` as the judge: it checks the CA's signature and shows every field.

use std::process::Command;

use super::{CONNECTING_KEYS, TestCa, connecting_key, draft, serial};
use crate::{Draft, sign};

/// What `ssh-keygen -L` says of a certificate, without the file's name.
fn shown(line: &str) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("id-cert.pub");
    std::fs::write(&file, format!("{line}\n")).unwrap();
    let output = Command::new("ssh-keygen").arg("-L").arg("-f").arg(&file).env("TZ", "UTC").output();
    let output = output.expect("ssh-keygen runs: install OpenSSH's client");
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let (_file_name, fields) = text.split_once(":\n").unwrap();
    Ok(fields.lines().map(|line| format!("{}\n", line.trim_end())).collect())
}

fn signed(draft: Draft) -> String {
    let ca = TestCa::from_seed(1);
    sign(&draft.with_serial(serial(4711), &ca.public).unwrap(), &ca).unwrap().to_openssh().to_owned()
}

#[test]
fn it_shows_exactly_the_drafted_fields_for_every_kind_of_key() {
    let mut all = String::new();
    for (name, _) in CONNECTING_KEYS {
        let certificate = signed(Draft { connecting_key: connecting_key(name), ..draft() });
        all.push_str(&format!("{name}:\n{}\n", shown(&certificate).unwrap()));
    }
    insta::assert_snapshot!("every_kind", all);
}

#[test]
fn it_shows_that_the_least_certificate_allows_nothing_besides() {
    let least = Draft { principal: "root".parse().unwrap(), force_command: None, extensions: [].into(), ..draft() };
    insta::assert_snapshot!("least", shown(&signed(least)).unwrap());
}

#[test]
fn it_refuses_a_certificate_whose_signature_is_not_the_cas() {
    let certificate = signed(draft());
    let (front, last) = certificate.split_at(certificate.len() - 20);
    let tampered = format!("{front}{}", last.chars().rev().collect::<String>());
    assert_ne!(tampered, certificate);
    assert!(shown(&tampered).is_err());
}
