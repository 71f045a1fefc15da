//! Key files against `ssh-keygen`, and everything that is refused.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cert::{CaSigner as _, Certificate, Draft, SignError};
use domain::{PublicKey, Random, Serial};
use ed25519_dalek::SigningKey;
use rand::RngCore as _;
use tempfile::TempDir;

use crate::{
    KeyFileError, Passphrase, PassphraseError, PassphraseSource, Protection, SecretFileError, SoftSigner, create,
    generate, load_ed25519, public_half,
};

struct System;

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rngs::OsRng.fill_bytes(bytes);
    }
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).unwrap()
}

/// A directory with a file of this content and mode.
fn file_of(content: &[u8], mode: u32) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    (directory, path)
}

fn key_file(protection: Protection<'_>) -> (TempDir, PathBuf, SigningKey) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("user-ca");
    let key = generate(&System);
    create(&path, &key, protection, "user CA", &System).unwrap();
    (directory, path, key)
}

fn ssh_keygen(arguments: &[&str], path: &Path) -> Output {
    let output = Command::new("ssh-keygen").args(arguments).arg("-f").arg(path).output();
    output.expect("ssh-keygen runs: install OpenSSH's client")
}

fn refused(path: &Path, passphrase: Option<&Passphrase>) -> KeyFileError {
    load_ed25519(path, passphrase).err().unwrap()
}

#[test]
fn an_encrypted_key_file_reads_back_with_its_passphrase_only() {
    let (_directory, path, key) = key_file(Protection::Passphrase(&passphrase("correct horse")));
    assert!(load_ed25519(&path, Some(&passphrase("correct horse"))).unwrap() == key);
    let wrong = refused(&path, Some(&passphrase("correct mouse")));
    assert!(matches!(wrong, KeyFileError::WrongPassphrase(_)), "{wrong}");
    assert!(matches!(refused(&path, None), KeyFileError::PassphraseNeeded(_)));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n") && text.ends_with("-----\n"), "{text}");
    assert!(!text.contains("user CA"));
}

#[test]
fn ssh_keygen_reads_what_we_write() {
    let (_directory, path, key) = key_file(Protection::Passphrase(&passphrase("correct horse")));
    let output = ssh_keygen(&["-y", "-P", "correct horse"], &path);
    let shown: PublicKey = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    assert_eq!(shown, public_half(&key));
    assert!(!ssh_keygen(&["-y", "-P", "correct mouse"], &path).status.success());
    let (_directory, path, key) = key_file(Protection::Unencrypted);
    let output = ssh_keygen(&["-y", "-P", ""], &path);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{} user CA\n", public_half(&key)));
}

#[test]
fn we_read_what_ssh_keygen_writes() {
    let directory = tempfile::tempdir().unwrap();
    for (cipher, rounds) in [("aes256-ctr", "16"), ("aes256-gcm@openssh.com", "2"), ("aes128-cbc", "1")] {
        let path = directory.path().join(cipher);
        let made = ssh_keygen(&["-q", "-t", "ed25519", "-N", "correct horse", "-Z", cipher, "-a", rounds], &path);
        assert!(made.status.success(), "{made:?}");
        let key = load_ed25519(&path, Some(&passphrase("correct horse"))).unwrap();
        let public: PublicKey = fs::read_to_string(path.with_added_extension("pub")).unwrap().parse().unwrap();
        assert_eq!(public_half(&key), public);
    }
}

#[test]
fn a_new_key_file_is_its_owners_alone_and_never_replaces_another() {
    let (_directory, path, key) = key_file(Protection::Unencrypted);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let again = create(&path, &generate(&System), Protection::Unencrypted, "", &System).unwrap_err();
    assert!(matches!(again, KeyFileError::File(SecretFileError::Exists(_))), "{again}");
    assert!(load_ed25519(&path, None).unwrap() == key);
    let nowhere = path.with_file_name("missing").join("key");
    let error = create(&nowhere, &key, Protection::Unencrypted, "", &System).unwrap_err();
    assert!(matches!(error, KeyFileError::File(SecretFileError::Write { .. })), "{error}");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_command_that_helps() {
    let (_directory, path, key) = key_file(Protection::Unencrypted);
    for mode in [0o640, 0o604, 0o620, 0o602, 0o601, 0o644, 0o660, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let KeyFileError::File(error) = refused(&path, None) else { panic!("{mode:o}") };
        let message = error.to_string();
        assert!(message.contains(&format!("(mode {mode:04o})")), "{message}");
        assert!(message.contains(&format!("run: chmod 600 {}", path.display())), "{message}");
    }
    let link = path.with_file_name("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(refused(&link, None), KeyFileError::File(SecretFileError::Exposed { .. })));
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(load_ed25519(&link, None).unwrap() == key, "{mode:o}");
    }
}

#[test]
fn what_is_no_key_file_is_refused_by_name() {
    let error = |path: &Path| match refused(path, None) {
        KeyFileError::File(error) => error,
        other => panic!("{other}"),
    };
    let (directory, path) = file_of(&[b'x'; 70_000], 0o600);
    assert!(matches!(error(&path), SecretFileError::TooLong(_)));
    assert!(matches!(error(directory.path()), SecretFileError::NotAFile(_)));
    assert!(matches!(error(&directory.path().join("missing")), SecretFileError::Read { .. }));
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&pipe).status().unwrap().success());
    assert!(matches!(error(&pipe), SecretFileError::NotAFile(_)));
    for content in [&b""[..], b"ssh-ed25519 AAAA", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", &[0xff; 40]] {
        let (_directory, path) = file_of(content, 0o600);
        assert!(matches!(refused(&path, None), KeyFileError::Malformed { .. }), "{content:?}");
    }
}

#[test]
fn a_key_of_another_kind_is_refused_before_its_passphrase_matters() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    assert!(ssh_keygen(&["-q", "-t", "ecdsa", "-N", "correct horse"], &path).status.success());
    for passphrase in [None, Some(&passphrase("correct mouse"))] {
        let error = refused(&path, passphrase);
        assert!(matches!(&error, KeyFileError::Kind { kind, .. } if kind == "ecdsa-sha2-nistp256"), "{error}");
    }
}

#[test]
fn a_passphrase_for_an_unencrypted_key_is_a_mistake() {
    let (_directory, path, _) = key_file(Protection::Unencrypted);
    let error = refused(&path, Some(&passphrase("correct horse")));
    assert!(error.to_string().contains("ssh-keygen -p -f"), "{error}");
}

#[test]
fn a_passphrase_is_one_line() {
    for good in ["x", "x\n", "x\r\n", " two words ", "größer"] {
        let expected = good.trim_end_matches(['\r', '\n']);
        assert_eq!(passphrase(good).as_bytes(), expected.as_bytes());
    }
    for empty in ["", "\n", "\r\n"] {
        assert!(matches!(Passphrase::new(empty), Err(PassphraseError::Empty)), "{empty:?}");
    }
    for lines in ["x\ny", "x\n\n", "x\0y", "x\ry"] {
        assert!(matches!(Passphrase::new(lines), Err(PassphraseError::NotALine)), "{lines:?}");
    }
}

fn nothing_set(_: &str) -> Option<OsString> {
    None
}

#[test]
fn a_passphrase_comes_from_a_private_file() {
    let (_directory, path) = file_of(b"correct horse\n", 0o600);
    let source = PassphraseSource::File(path.clone());
    assert_eq!(source.read(nothing_set).unwrap().as_bytes(), b"correct horse");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = source.read(nothing_set).err().unwrap();
    assert!(matches!(error, PassphraseError::File(SecretFileError::Exposed { mode: 0o640, .. })), "{error}");
}

#[test]
fn a_passphrase_comes_from_a_variable() {
    let source = PassphraseSource::Variable("HALLPASS_PASSPHRASE".into());
    let set = |name: &str| (name == "HALLPASS_PASSPHRASE").then(|| OsString::from("correct horse"));
    assert_eq!(source.read(set).unwrap().as_bytes(), b"correct horse");
    let error = source.read(nothing_set).err().unwrap();
    assert!(error.to_string().contains("HALLPASS_PASSPHRASE"), "{error}");
}

#[test]
fn a_passphrase_comes_from_a_systemd_credential_whatever_its_mode() {
    // systemd shows its access list in the group's bits.
    let (directory, _) = file_of(b"correct horse", 0o440);
    let set = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| directory.path().into());
    let source = |name: &str| PassphraseSource::Credential(name.into());
    assert_eq!(source("secret").read(set).unwrap().as_bytes(), b"correct horse");
    assert!(matches!(source("secret").read(nothing_set), Err(PassphraseError::NoCredentials(_))));
    assert!(matches!(source("missing").read(set), Err(PassphraseError::File(SecretFileError::Read { .. }))));
    for bad in ["", ".", "..", "../secret", "/etc/passwd", "a/b"] {
        assert!(matches!(source(bad).read(set), Err(PassphraseError::CredentialName(_))), "{bad}");
    }
}

#[test]
fn a_loaded_key_signs_certificates_that_verify() -> Result<(), SignError> {
    let (_directory, path, _) = key_file(Protection::Unencrypted);
    let signer = SoftSigner::new(load_ed25519(&path, None).unwrap())?;
    let draft = Draft {
        connecting_key: public_half(&generate(&System)),
        principal: "root@web-1".parse().unwrap(),
        key_id: "hallpass:7K3F9-QXMWT:alice:1772377320".parse().unwrap(),
        valid_after: "2026-03-01T14:01:30Z".parse().unwrap(),
        valid_before: "2026-03-01T14:07:00Z".parse().unwrap(),
        force_command: None,
        source: None,
        verify_required: false,
        extensions: [].into(),
        nonce: [7; 32],
    };
    let to_be_signed = draft.with_serial(Serial::new(1).unwrap(), signer.public_key()).unwrap();
    let certificate = cert::sign(&to_be_signed, &signer)?;
    let read = Certificate::from_openssh(certificate.to_openssh()).unwrap();
    assert_eq!(read.ca_key(), signer.public_key());
    cert::verify(signer.public_key(), to_be_signed.bytes(), read.as_ssh_key().signature())
}
