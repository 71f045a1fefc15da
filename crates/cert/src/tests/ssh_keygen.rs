//! OpenSSH's own `ssh-keygen` as the judge: it checks the CA's signature and shows every field.

use std::process::Command;

use super::{CONNECTING_KEYS, TestCa, connecting_key, draft, serial};
use crate::{Certificate, CertificateError, Draft, Field, sign};

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
        let connecting_key = connecting_key(name);
        let verify_required = connecting_key.is_fido();
        let certificate = signed(Draft { connecting_key, verify_required, ..draft() });
        all.push_str(&format!("{name}:\n{}\n", shown(&certificate).unwrap()));
    }
    insta::assert_snapshot!("every_kind", all);
}

#[test]
fn it_shows_that_the_least_certificate_allows_nothing_besides() {
    let least = Draft {
        principal: "root".parse().unwrap(),
        force_command: None,
        source: None,
        extensions: [].into(),
        ..draft()
    };
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

/// A certificate as `ssh-keygen -s` makes it with these options.
fn made_by_ssh_keygen(options: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let status = Command::new("ssh-keygen").args(arguments).current_dir(directory.path()).status();
        assert!(status.expect("ssh-keygen runs: install OpenSSH's client").success(), "{arguments:?}");
    };
    run(&["-q", "-t", "ed25519", "-N", "", "-f", "ca"]);
    std::fs::write(directory.path().join("id.pub"), connecting_key("ed25519").to_string()).unwrap();
    run(&[&["-q", "-s", "ca", "-I", "another CA's"], options, &["id.pub"]].concat());
    std::fs::read_to_string(directory.path().join("id-cert.pub")).unwrap()
}

#[test]
fn certificates_that_hallpass_cannot_have_made_are_refused_by_name() {
    let read = |options: &[&str]| Certificate::from_openssh(&made_by_ssh_keygen(options));
    let valid = ["-z", "1", "-n", "root", "-V", "20260301000000Z:20260301010000Z"];
    let certificate = read(&[&valid[..], &["-O", "source-address=192.0.2.0/24"]].concat()).unwrap();
    assert_eq!(certificate.key_id(), "another CA's");
    let critical: Vec<_> = certificate.critical_options().collect();
    assert_eq!(critical, [("source-address", "192.0.2.0/24")]);
    assert_eq!(read(&[&valid[..], &["-h"]].concat()), Err(CertificateError::Host));
    let (serial_zero, for_ever) = (["-z", "0", "-V", "20260301000000Z:20260301010000Z"], ["-z", "1"]);
    assert_eq!(read(&serial_zero), Err(CertificateError::Serial(0)));
    assert_eq!(read(&for_ever), Err(CertificateError::Malformed));
    let late = ["-z", "1", "-V", "20260301000000Z:0x3fffffffff"];
    assert_eq!(read(&late), Err(CertificateError::Time(Field::ValidBefore)));
}
