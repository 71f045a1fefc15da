use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use domain::{Digest, Nonce, UnixTime};
use statement::{Header, LoginStatement, ServerId, verify};

use super::*;
use crate::testing::{NOW, Script, context};

const SK_DUMMY: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

/// A home with keys made by ssh-keygen, and perhaps an ssh-agent.
struct Home {
    dir: tempfile::TempDir,
    agent: Option<Child>,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".ssh")).unwrap();
        Self { dir, agent: None }
    }

    fn key(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let path = self.dir.path().join(".ssh").join(name);
        loop {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"])
                .arg(&path)
                .env("SSH_SK_PROVIDER", SK_DUMMY)
                .status();
            assert!(made.unwrap().success());
            // One ECDSA key of 256 has a secret that begins with a zero byte, which ssh-key cannot read: users are told.
            let readable = PrivateKey::from_openssh(std::fs::read(&path).unwrap()).is_ok();
            if kind != "ecdsa" || readable {
                return path;
            }
            std::fs::remove_file(&path).unwrap();
        }
    }

    fn with_agent(mut self) -> Self {
        let agent = Command::new("ssh-agent").arg("-D").arg("-a").arg(self.socket()).stdout(Stdio::null()).spawn();
        self.agent = Some(agent.unwrap());
        while !self.socket().exists() {
            std::thread::yield_now();
        }
        self
    }

    fn add(&self, key: &Path) {
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(key).env("SSH_AUTH_SOCK", self.socket()).env("SSH_SK_PROVIDER", SK_DUMMY);
        assert!(add.status().unwrap().success());
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("agent.sock")
    }

    async fn choose(&self, asked: Option<&str>, script: &Arc<Script>) -> Result<Signing, SigningError> {
        let (home, socket) = (self.dir.path().display().to_string(), self.socket().display().to_string());
        let mut variables = vec![("HOME", home.as_str())];
        if self.agent.is_some() {
            variables.push(("SSH_AUTH_SOCK", &socket));
        }
        let context = context(&variables, script);
        choose(&context, &Places::of(&context.environment).unwrap(), asked).await
    }

    async fn chosen(&self, asked: Option<&str>) -> Signing {
        self.choose(asked, &Script::answering(&[])).await.unwrap()
    }

    async fn refused(&self, asked: Option<&str>) -> SigningError {
        self.choose(asked, &Script::answering(&[])).await.err().unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }
}

fn statement() -> LoginStatement {
    let server = ServerId { name: "ca.example.com".parse().unwrap(), ledger_key: Digest::of(b"ledger") };
    let header = Header { server, nonce: Nonce::new([1; 16]), time: UnixTime::new(NOW).unwrap(), seen: None };
    LoginStatement { header, user: "alice".parse().unwrap(), tls_key: Digest::of(b"tls") }
}

async fn signs(signing: &Signing) {
    let signed = signing.sign(&statement()).await.unwrap();
    let verified = verify::<LoginStatement>(signed.text.as_bytes(), signed.signature.as_bytes()).unwrap();
    assert_eq!(verified.key(), signing.public_key());
}

#[tokio::test]
async fn key_files_of_every_kind_sign() {
    let home = Home::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let path = home.key(kind, kind, "");
        let by_private = home.chosen(Some(path.to_str().unwrap())).await;
        signs(&by_private).await;
        let public = home.chosen(Some(&format!("~/.ssh/{kind}.pub"))).await;
        assert_eq!(public.choice(), path.display().to_string(), "the private half beside");
    }
}

#[tokio::test]
async fn keys_in_the_agent_are_found_by_fingerprint_comment_and_file() {
    let home = Home::new().with_agent();
    let (one, two) = (home.key("one", "ed25519", ""), home.key("two", "rsa", ""));
    home.add(&one);
    home.add(&two);
    let by_comment = home.chosen(Some("two")).await;
    signs(&by_comment).await;
    let fingerprint = by_comment.choice();
    assert!(fingerprint.starts_with("SHA256:"));
    assert_eq!(home.chosen(Some(&fingerprint)).await.public_key(), by_comment.public_key());
    assert!(matches!(home.chosen(Some(two.to_str().unwrap())).await, Signing::Agent(..)));
    assert!(matches!(home.refused(Some("three")).await, SigningError::NotFound(_)));
    assert!(matches!(home.refused(None).await, SigningError::Several(list) if list.contains(" one\n")));
}

#[tokio::test]
async fn fido_keys_sign_through_the_agent_only() {
    let home = Home::new().with_agent();
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let path = home.key(kind, kind, "");
        let file = path.to_str().unwrap();
        assert!(matches!(home.refused(Some(file)).await, SigningError::AgentOnly { .. }));
        home.add(&path);
        signs(&home.chosen(Some(file)).await).await;
    }
}

#[tokio::test]
async fn an_encrypted_key_asks_for_its_passphrase() {
    let home = Home::new();
    home.key("id_ed25519", "ed25519", "secret");
    let asked = home.choose(None, &Script::answering(&["secret"])).await.unwrap();
    signs(&asked).await;
    let wrong = home.choose(None, &Script::answering(&["guess"])).await;
    assert!(matches!(wrong, Err(SigningError::Passphrase(_))));
    assert!(matches!(home.refused(None).await, SigningError::NobodyToAsk(_)));
}

#[tokio::test]
async fn without_a_choice_the_only_key_signs() {
    let home = Home::new();
    assert!(matches!(home.refused(None).await, SigningError::NoKey));
    let file = home.key("id_ecdsa", "ecdsa", "");
    assert_eq!(home.chosen(None).await.choice(), file.display().to_string());
    let home = home.with_agent();
    let other = home.key("other", "ed25519", "");
    home.add(&other);
    assert!(matches!(home.chosen(None).await, Signing::Agent(..)), "the agent's key comes first");
}

#[tokio::test]
async fn what_is_no_acceptable_key_is_refused_by_name() {
    let home = Home::new();
    let weak = home.key("weak", "rsa", "");
    let dir = home.dir.path().to_str().unwrap().to_owned();
    assert!(matches!(home.refused(Some(&dir)).await, SigningError::Read(..)));
    std::fs::write(&weak, "rubbish").unwrap();
    std::fs::set_permissions(&weak, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(home.refused(Some(weak.to_str().unwrap())).await, SigningError::Refused(..)));
    std::fs::write(&weak, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n").unwrap();
    assert!(matches!(home.refused(Some(weak.to_str().unwrap())).await, SigningError::NotAKey(..)));
}
