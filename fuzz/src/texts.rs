//! The texts that people sign, and their signatures.

use ed25519_dalek::SigningKey;
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;
use statement::{
    ActStatement, Canonical, DecisionStatement, FetchStatement, LoginStatement, RequestStatement, RulingText,
    sign_with, verify,
};

use crate::Target;

pub(crate) const TARGETS: [Target; 2] = [
    Target { name: "statement", run: statement, seeds: examples },
    Target { name: "sshsig", run: sshsig, seeds: signatures },
];

fn statement(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let read = [
        same::<LoginStatement>(text),
        same::<RequestStatement>(text),
        same::<RulingText>(text),
        same::<DecisionStatement>(text),
        same::<FetchStatement>(text),
        same::<ActStatement>(text),
    ];
    let accepted = read.iter().filter(|accepted| **accepted).count();
    assert!(accepted <= 1, "one text, two kinds");
    accepted == 1
}

fn same<T: Canonical>(text: &str) -> bool {
    let Ok(parsed) = T::parse(text) else { return false };
    assert_eq!(parsed.encode(), text);
    true
}

/// A signature over the documented login: only a key that signed this very text is accepted.
fn sshsig(data: &[u8]) -> bool {
    let login = example("login");
    match verify::<LoginStatement>(login.as_bytes(), data) {
        Ok(verified) => {
            assert_eq!((verified.text(), verified.signature_bytes()), (login.as_str(), data));
            true
        }
        Err(why) => {
            assert!(!why.to_string().is_empty());
            false
        }
    }
}

/// An example of the documentation of `statement`.
pub(crate) fn example(kind: &str) -> String {
    let first = format!("//! hallpass-{kind} v1");
    let docs = include_str!("../../crates/statement/src/lib.rs").lines();
    let lines = docs.skip_while(|line| *line != first).take_while(|line| *line != "//! ```");
    lines.filter_map(|line| line.strip_prefix("//! ")).fold(String::new(), |text, line| text + line + "\n")
}

fn examples() -> Vec<Vec<u8>> {
    ["login", "request", "ruling", "decision", "fetch", "act"].map(|kind| example(kind).into_bytes()).to_vec()
}

fn signatures() -> Vec<Vec<u8>> {
    let key = PrivateKey::from(Ed25519Keypair::from(SigningKey::from_bytes(&[7; 32])));
    let signed = LoginStatement::parse(&example("login")).ok().and_then(|login| sign_with(&login, &key).ok());
    signed.into_iter().map(|signed| signed.signature.into_bytes()).collect()
}
