//! Agreement with OpenSSH's own `ssh-keygen -Y sign` and `-Y verify`, for every kind of key.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64ct::{Base64, Encoding as _};
use domain::{KeyError, PublicKey};
use tempfile::TempDir;

use super::examples::example;
use super::sshsig::Blob;
use crate::{
    ActStatement, DecisionStatement, FetchStatement, Flags, Kind, LoginStatement, RequestStatement, SshSig,
    SshSigError, Statement, Verified, VerifyError, agent_flags, armored, sign_with, verify,
};

/// A FIDO token in software, from Debian's openssh-tests.
const SK_DUMMY: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

/// A key pair that `ssh-keygen` made, in a directory of its own.
pub(super) struct Key {
    directory: TempDir,
}

impl Key {
    pub(super) fn make(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = Self { directory };
        key.keygen(&[&["-q", "-N", "", "-f", "key"], options].concat());
        key
    }

    /// A key whose private half ssh-key 0.6.7 can read: not one of ECDSA that starts with a zero byte, as every second
    /// does on P-521.
    fn readable(options: &[&str]) -> Self {
        let mut keys = (0..64).map(|_| Self::make(options));
        keys.find(|key| ssh_key::PrivateKey::read_openssh_file(&key.path("key")).is_ok()).unwrap()
    }

    pub(super) fn public(&self) -> PublicKey {
        std::fs::read_to_string(self.path("key.pub")).unwrap().parse().unwrap()
    }

    pub(super) fn private(&self) -> ssh_key::PrivateKey {
        ssh_key::PrivateKey::read_openssh_file(&self.path("key")).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What `ssh-keygen -Y sign` makes of a text, without its armor.
    pub(super) fn sign(&self, namespace: &str, text: &str, options: &[&str]) -> Vec<u8> {
        std::fs::write(self.path("text"), text).unwrap();
        self.keygen(&[&["-Y", "sign", "-f", "key", "-n", namespace], options, &["text"]].concat());
        let armor = std::fs::read_to_string(self.path("text.sig")).unwrap();
        std::fs::remove_file(self.path("text.sig")).unwrap();
        let body: String = armor.lines().filter(|line| !line.starts_with("-----")).collect();
        let bytes = Base64::decode_vec(&body).unwrap();
        assert_eq!(armored(&bytes), armor);
        bytes
    }

    /// Whether `ssh-keygen -Y verify` accepts the signature as this key's.
    pub(super) fn accepts(&self, namespace: &str, text: &str, signature: &[u8]) -> bool {
        std::fs::write(self.path("signers"), format!("alice {}\n", self.public())).unwrap();
        std::fs::write(self.path("signature"), armored(signature)).unwrap();
        let arguments = ["-Y", "verify", "-f", "signers", "-I", "alice", "-s", "signature", "-n", namespace];
        run(self.directory.path(), &arguments, text).status.success()
    }

    fn keygen(&self, arguments: &[&str]) {
        let output = run(self.directory.path(), arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn run(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(directory)
        .env("SSH_SK_PROVIDER", SK_DUMMY)
        // Whoever is asked for the token's PIN answers with an empty line, at a terminal too.
        .env("SSH_ASKPASS", "true")
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ssh-keygen, from openssh-client");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A signature by OpenSSH is accepted as this key's, and so is the same one when a client assembles it.
fn accepts_openssh<S: Statement>(key: &Key) -> Verified<S> {
    let namespace = S::KIND.namespace();
    let text = example(namespace.trim_start_matches("hallpass-"));
    let signature = key.sign(namespace, &text, &[]);
    let verified = verify::<S>(text.as_bytes(), &signature).unwrap();
    assert_eq!(*verified.key(), key.public());
    assert_eq!((verified.text(), verified.signature_bytes()), (text.as_str(), signature.as_slice()));
    assert_eq!(*verified.digest(), verified.statement().digest());
    let inner = ssh_key::Signature::try_from(Blob::read(&signature).inner().as_slice()).unwrap();
    assert_eq!(SshSig::assemble(S::KIND, &key.public(), &inner).unwrap().into_bytes(), signature);
    assert!(key.accepts(namespace, &text, &signature));
    verified
}

/// A signature by a private key at hand is accepted here and by OpenSSH.
fn openssh_accepts<S: Statement>(key: &Key) {
    let namespace = S::KIND.namespace();
    let statement = S::parse(&example(namespace.trim_start_matches("hallpass-"))).unwrap();
    let signed = sign_with(&statement, &key.private()).unwrap();
    assert!(verify::<S>(signed.text.as_bytes(), signed.signature.as_bytes()).is_ok());
    assert!(key.accepts(namespace, &signed.text, signed.signature.as_bytes()));
    assert!(!key.accepts("hallpass-other", &signed.text, signed.signature.as_bytes()));
}

#[test]
fn every_kind_of_plain_key_agrees_with_openssh() {
    for options in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "3072"],
    ] {
        let key = Key::readable(options);
        assert_eq!(accepts_openssh::<RequestStatement>(&key).flags(), None, "{options:?}");
        openssh_accepts::<RequestStatement>(&key);
        assert_eq!(agent_flags(&key.public()), if options[1] == "rsa" { 4 } else { 0 });
    }
}

#[test]
fn every_kind_of_statement_agrees_with_openssh() {
    let key = Key::make(&["-t", "ed25519"]);
    openssh_accepts::<LoginStatement>(&key);
    openssh_accepts::<RequestStatement>(&key);
    openssh_accepts::<DecisionStatement>(&key);
    openssh_accepts::<FetchStatement>(&key);
    openssh_accepts::<ActStatement>(&key);
    assert_eq!(accepts_openssh::<FetchStatement>(&key).statement().pairs.iter().len(), 1);
}

#[test]
fn a_fido_signature_counts_when_somebody_touched_the_token() {
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let touched = accepts_openssh::<DecisionStatement>(&Key::make(&["-t", kind]));
        assert_eq!(touched.key().kind(), kind);
        assert_eq!(touched.flags(), Some(Flags { presence: true, verification: false }));
        let verified = accepts_openssh::<DecisionStatement>(&Key::make(&["-t", kind, "-O", "verify-required"]));
        assert_eq!(verified.flags(), Some(Flags { presence: true, verification: true }), "{kind}");
    }
}

#[test]
fn a_fido_signature_without_a_touch_is_refused_though_openssh_takes_it() {
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let key = Key::make(&["-t", kind, "-O", "no-touch-required"]);
        let text = example("decision");
        let signature = key.sign("hallpass-decision", &text, &[]);
        assert!(key.accepts("hallpass-decision", &text, &signature), "{kind}");
        let error = verify::<DecisionStatement>(text.as_bytes(), &signature).unwrap_err();
        assert!(matches!(error, VerifyError::NoPresence), "{kind}: {error:?}");
        // Claiming the touch afterwards does not help: the token signed its flags.
        let mut claimed = Blob::read(&signature);
        claimed.trailer[0] |= 1;
        let error = verify::<DecisionStatement>(text.as_bytes(), &claimed.write()).unwrap_err();
        assert!(matches!(error, VerifyError::Mismatch), "{kind}: {error:?}");
    }
}

#[test]
fn another_namespace_or_hash_is_refused() {
    let (key, text) = (Key::make(&["-t", "ed25519"]), example("login"));
    for namespace in ["hallpass-act", "file", "HALLPASS-LOGIN"] {
        let error = verify::<LoginStatement>(text.as_bytes(), &key.sign(namespace, &text, &[])).unwrap_err();
        let VerifyError::SshSig(SshSigError::Namespace { expected: "hallpass-login", found }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(found, namespace);
    }
    let sha256 = key.sign("hallpass-login", &text, &["-O", "hashalg=sha256"]);
    let error = verify::<LoginStatement>(text.as_bytes(), &sha256).unwrap_err();
    assert!(matches!(&error, VerifyError::SshSig(SshSigError::Hash(found)) if found == "sha256"), "{error:?}");
}

#[test]
fn weak_and_huge_rsa_keys_are_refused_by_name() {
    let text = example("login");
    let key = Key::make(&["-t", "rsa", "-b", "2048"]);
    let mut blob = Blob::read(&key.sign("hallpass-login", &text, &[]));
    let error = verify::<LoginStatement>(text.as_bytes(), &blob.write()).unwrap_err();
    assert!(matches!(error, VerifyError::SshSig(SshSigError::Key(KeyError::WeakRsa(2048)))), "{error:?}");
    let mut refused_key = |exponent: &[u8], modulus_bytes: usize| {
        let modulus = [&[0, 0xff][..], &vec![0x55; modulus_bytes - 1]].concat();
        blob.key = [b"ssh-rsa", exponent, &modulus].map(super::sshsig::string).concat();
        verify::<LoginStatement>(text.as_bytes(), &blob.write()).unwrap_err()
    };
    assert!(matches!(refused_key(&[1, 0, 1], 1025), VerifyError::LargeRsa));
    assert!(matches!(refused_key(&[1, 0, 1], 1024), VerifyError::Mismatch));
    for exponent in [&[1][..], &[2], &[1, 0, 0], &[0x7f; 9]] {
        assert!(matches!(refused_key(exponent, 384), VerifyError::WeakKey), "{exponent:?}");
    }
}

#[test]
fn a_certificate_does_not_sign() {
    let (key, text) = (Key::make(&["-t", "ed25519"]), example("login"));
    key.keygen(&["-q", "-s", "key", "-I", "id", "-n", "root", "key.pub"]);
    let certificate = std::fs::read_to_string(key.path("key-cert.pub")).unwrap();
    let mut blob = Blob::read(&key.sign("hallpass-login", &text, &[]));
    blob.key = Base64::decode_vec(certificate.split(' ').nth(1).unwrap()).unwrap();
    let error = verify::<LoginStatement>(text.as_bytes(), &blob.write()).unwrap_err();
    let VerifyError::SshSig(SshSigError::Key(KeyError::Certificate(kind))) = error else { panic!("{error:?}") };
    assert_eq!(kind, "ssh-ed25519-cert-v01@openssh.com");
}

#[test]
fn a_private_key_that_cannot_sign_says_what_to_do() {
    let statement = crate::Canonical::parse(&example("login")).unwrap();
    let refused = |key: &Key| sign_with::<LoginStatement>(&statement, &key.private()).unwrap_err();
    let fido = refused(&Key::make(&["-t", "ed25519-sk"]));
    assert!(matches!(fido, crate::SignError::Fido), "{fido:?}");
    let locked = Key::make(&["-t", "ed25519"]);
    locked.keygen(&["-q", "-p", "-f", "key", "-P", "", "-N", "secret"]);
    let locked = refused(&locked);
    assert!(matches!(locked, crate::SignError::Encrypted), "{locked:?}");
    let weak = refused(&Key::make(&["-t", "rsa", "-b", "2048"]));
    assert!(matches!(weak, crate::SignError::Key(KeyError::WeakRsa(2048))), "{weak:?}");
}

#[test]
fn kinds_have_namespaces_of_their_own() {
    let names: std::collections::BTreeSet<_> = Kind::ALL.into_iter().map(Kind::namespace).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    assert!(Kind::ALL.into_iter().all(|kind| kind.namespace() == format!("hallpass-{kind}")));
}
