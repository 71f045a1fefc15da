//! What signs statements: a key in an ssh-agent, a key file, or the client helper's connecting key.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use agent::{AgentClient, AgentError, HelperClient, HelperError, Identity, SignsLogins};
use domain::{Fingerprint, KeyError, PublicKey};
use ssh_key::PrivateKey;
use statement::{
    SignError, Signed, SshSig, Statement, StatementError, agent_flags, sign_bytes, sign_with, to_be_signed,
};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::places::Places;

/// A key together with whatever makes signatures by it.
#[derive(Clone)]
pub(crate) enum Signing {
    /// A key in the running ssh-agent; FIDO keys are used this way.
    Agent(AgentClient, PublicKey),
    /// A private key file, decrypted.
    File(Box<PrivateKey>, PublicKey, PathBuf),
    /// The connecting key of the login session.
    Helper(HelperClient, PublicKey),
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    /// No agent, no usual key file.
    #[error("no key to sign with: the ssh-agent holds none, and there is none in ~/.ssh. Name one with --key FILE")]
    NoKey,
    /// Several, and nothing that chooses.
    #[error("the ssh-agent holds several keys; choose one with --key:\n{0}")]
    Several(String),
    /// The agent does not hold what was asked for.
    #[error("no file and no key in the ssh-agent is called `{0}`; `ssh-add -l` lists fingerprints and comments")]
    NotFound(String),
    /// Only an agent can sign with this key.
    #[error("{} cannot sign by itself: {why}. Load the key into an ssh-agent: ssh-add", path.display())]
    AgentOnly {
        /// The file.
        path: PathBuf,
        /// What kind it is.
        why: &'static str,
    },
    /// A key file cannot be read.
    #[error("the key file {} cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A key file is none.
    #[error(
        "{} cannot be read as an OpenSSH private key; convert it with ssh-keygen -p -f. If it is one already, as an ECDSA key \
         whose secret begins with a zero byte, add it to the ssh-agent (ssh-add), and name its .pub file or fingerprint (--key)",
        .0.display()
    )]
    NotAKey(PathBuf, #[source] ssh_key::Error),
    /// A key is of a kind that is not accepted.
    #[error("the key {} is refused", .0.display())]
    Refused(PathBuf, #[source] KeyError),
    /// The passphrase is wrong.
    #[error("the passphrase does not open {}; try again, or load the key into an ssh-agent with ssh-add", .0.display())]
    Passphrase(PathBuf),
    /// Nobody is there to type the passphrase.
    #[error("{} is encrypted and nobody can be asked for its passphrase; load it into an ssh-agent with ssh-add", .0.display())]
    NobodyToAsk(PathBuf),
    /// The agent failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The helper failed.
    #[error(transparent)]
    Helper(#[from] HelperError),
    /// A text that says something else than was meant is not signed.
    #[error("the statement does not read back as it was made, so it was not signed; report this")]
    Unreadable(#[source] StatementError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Signing {
    pub(crate) const fn public_key(&self) -> &PublicKey {
        match self {
            Self::Agent(_, key) | Self::File(_, key, _) | Self::Helper(_, key) => key,
        }
    }

    /// What finds this key again, as `--key` takes it.
    pub(crate) fn choice(&self) -> String {
        match self {
            Self::File(_, _, path) => path.display().to_string(),
            Self::Agent(_, key) | Self::Helper(_, key) => key.fingerprint().to_string(),
        }
    }

    /// The key as people recognise it.
    pub(crate) fn describe(&self) -> String {
        let key = self.public_key();
        let place = match self {
            Self::Agent(..) => "in the ssh-agent".to_owned(),
            Self::File(_, _, path) => format!("in {}", path.display()),
            Self::Helper(..) => "of this session".to_owned(),
        };
        format!("{} {} {place}", key.kind(), key.fingerprint())
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// When the key cannot be used, or its user declines.
    pub(crate) async fn sign<S: Statement>(&self, statement: &S) -> Result<Signed, SigningError> {
        let (key, signature) = match self {
            Self::File(private, ..) => return Ok(sign_with(statement, private)?),
            Self::Agent(agent, key) => (key, agent.sign(key, &to_be_signed(S::KIND, &statement.encode())).await?),
            Self::Helper(helper, key) => (key, helper.sign(key, &to_be_signed(S::KIND, &statement.encode())).await?),
        };
        Ok(Signed { text: statement.encode(), signature: SshSig::assemble(S::KIND, key, &signature)? })
    }
}

/// A private agent's signatures, by the key of the grant.
impl SignsLogins for Signing {
    fn sign<'a>(&'a self, data: &'a [u8], flags: u32) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send + 'a>> {
        Box::pin(async move {
            match self {
                Self::Agent(agent, key) => agent.sign_as(key, data, flags).await.ok(),
                Self::Helper(helper, key) => helper.sign_as(key, data, flags).await.ok(),
                // With SHA-512, if it is RSA: what asks for another hash is refused.
                Self::File(_, key, _) if flags & agent_flags(key) != agent_flags(key) => None,
                Self::File(private, ..) => sign_bytes(private, data).ok()?.try_into().ok(),
            }
        })
    }
}

/// The key that `asked` means: a file, or a fingerprint or comment in the ssh-agent. Without it the only key of the
/// agent, else the usual file.
///
/// # Errors
/// When there is none, or several and nothing that chooses.
pub(crate) async fn choose(context: &Context, places: &Places, asked: Option<&str>) -> Result<Signing, SigningError> {
    match asked {
        Some(asked) => named(context, places, asked).await,
        None => usual(context, places).await,
    }
}

/// What signs for this public key: the agent when it holds it, else the private file beside.
///
/// # Errors
/// When neither is there.
pub(crate) async fn for_key_file(context: &Context, path: &Path) -> Result<Signing, SigningError> {
    file(context, running_agent(context).await, path.to_owned()).await
}

async fn named(context: &Context, places: &Places, asked: &str) -> Result<Signing, SigningError> {
    let agent = running_agent(context).await;
    let path = places.expand(asked);
    // A fingerprint may hold slashes.
    let fingerprint = asked.parse::<Fingerprint>().ok();
    if fingerprint.is_none() && (asked.contains('/') || path.is_file()) {
        return file(context, agent, path).await;
    }
    let not_found = || SigningError::NotFound(asked.chars().take(200).flat_map(char::escape_default).collect());
    let agent = agent.ok_or_else(not_found)?;
    let matches = |identity: &Identity, key: &PublicKey| match &fingerprint {
        Some(wanted) => key.fingerprint() == *wanted,
        None => identity.comment() == asked,
    };
    let keys: Vec<_> = plain_keys(&agent).await?.into_iter().filter(|(id, key)| matches(id, key)).collect();
    one_of(agent, keys)?.ok_or_else(not_found)
}

async fn usual(context: &Context, places: &Places) -> Result<Signing, SigningError> {
    let agent = running_agent(context).await;
    if let Some(agent) = agent.clone() {
        let keys = plain_keys(&agent).await?;
        if let Some(only) = one_of(agent, keys)? {
            return Ok(only);
        }
    }
    let usual = ["id_ed25519", "id_ecdsa", "id_rsa"].map(|name| places.home().join(".ssh").join(name));
    let path = usual.into_iter().find(|path| path.is_file()).ok_or(SigningError::NoKey)?;
    file(context, agent, path).await
}

fn one_of(agent: AgentClient, keys: Vec<(Identity, PublicKey)>) -> Result<Option<Signing>, SigningError> {
    match keys.as_slice() {
        [] => Ok(None),
        [(_, key)] => Ok(Some(Signing::Agent(agent, key.clone()))),
        several => {
            let line = |(identity, key): &(Identity, PublicKey)| {
                let comment: String = identity.comment().chars().filter(|c| !c.is_control()).collect();
                format!("  {} {} {comment}", key.kind(), key.fingerprint())
            };
            Err(SigningError::Several(several.iter().map(line).collect::<Vec<_>>().join("\n")))
        }
    }
}

async fn plain_keys(agent: &AgentClient) -> Result<Vec<(Identity, PublicKey)>, SigningError> {
    let identities = agent.identities().await?;
    Ok(identities.into_iter().filter_map(|identity| identity.public_key().map(|key| (identity, key))).collect())
}

/// The agent of SSH_AUTH_SOCK; one that is not there is as good as none.
async fn running_agent(context: &Context) -> Option<AgentClient> {
    AgentClient::connect(context.environment.path("SSH_AUTH_SOCK")?).await.ok()
}

/// A key by a file: its private or its public one. An agent that holds it is asked first, as it asks for no passphrase.
async fn file(context: &Context, agent: Option<AgentClient>, path: PathBuf) -> Result<Signing, SigningError> {
    let path = std::path::absolute(&path).map_err(|error| SigningError::Read(path, error))?;
    let (public, private) = read(&path)?;
    if let Some(agent) = agent
        && plain_keys(&agent).await?.iter().any(|(_, key)| *key == public)
    {
        return Ok(Signing::Agent(agent, public));
    }
    let (private, path) = match private {
        Some(private) => (private, path),
        None => beside(&public, path)?,
    };
    if public.is_fido() {
        return Err(SigningError::AgentOnly { path, why: "it is in a FIDO token" });
    }
    Ok(Signing::File(Box::new(decrypted(context, private, &path).await?), public, path))
}

/// The key in a file, with its private half when the file has it.
fn read(path: &Path) -> Result<(PublicKey, Option<PrivateKey>), SigningError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| SigningError::Read(path.to_owned(), error))?;
    let refused = |error| SigningError::Refused(path.to_owned(), error);
    if !text.contains("PRIVATE KEY") {
        return Ok((text.parse().map_err(refused)?, None));
    }
    let private = PrivateKey::from_openssh(&*text).map_err(|error| SigningError::NotAKey(path.to_owned(), error))?;
    let public = PublicKey::from_key_data(private.public_key().key_data().clone()).map_err(refused)?;
    Ok((public, Some(private)))
}

/// The private half beside a `.pub` file.
fn beside(public: &PublicKey, path: PathBuf) -> Result<(PrivateKey, PathBuf), SigningError> {
    let private = path.with_extension("");
    if path.extension().is_some_and(|extension| extension == "pub") && private.is_file() {
        let (found, key) = read(&private)?;
        if let Some(key) = key.filter(|_| found == *public) {
            return Ok((key, private));
        }
    }
    Err(SigningError::AgentOnly { path, why: "its private half is not beside it" })
}

async fn decrypted(context: &Context, private: PrivateKey, path: &Path) -> Result<PrivateKey, SigningError> {
    if !private.is_encrypted() {
        return Ok(private);
    }
    let question = format!("Passphrase for {}: ", path.display());
    let passphrase = context.ask_secret(question).await.ok_or_else(|| SigningError::NobodyToAsk(path.to_owned()))?;
    private.decrypt(passphrase.as_bytes()).map_err(|_| SigningError::Passphrase(path.to_owned()))
}

#[cfg(test)]
mod tests;
