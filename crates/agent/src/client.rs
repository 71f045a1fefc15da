//! The client of an ssh-agent.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cert::Certificate;
use domain::{PublicKey, Span};
use ssh_key::{Algorithm, Signature};
use tokio::net::UnixStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::connecting_key::{ConnectingKey, LockError};
use crate::frame::{self, FrameError};
use crate::message::{self, Message, Reader};

/// An agent answers these at once, unless it asks its user.
const QUICK: Duration = Duration::from_secs(10);
/// Signing may wait for a touch, a PIN or a confirmation.
const TOUCH: Duration = Duration::from_secs(120);
/// Most identities that are read from one agent.
const MOST_IDENTITIES: u32 = 4096;

/// Why an agent did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody listens.
    #[error("no ssh-agent answers at {}; start one (`eval $(ssh-agent)`) or correct SSH_AUTH_SOCK", path.display())]
    NotThere {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It took too long.
    #[error("the ssh-agent did not {step} within {} seconds; a key may wait for a touch or a confirmation", after.as_secs())]
    Slow {
        /// What it was to do.
        step: Step,
        /// The limit.
        after: Duration,
    },
    /// The connection broke, or a message was too long.
    #[error("the ssh-agent was asked to {step}, and the connection failed")]
    Broken {
        /// What it was to do.
        step: Step,
        /// What happened.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It said no.
    #[error("the ssh-agent refused to {0}; {hint}", hint = .0.hint())]
    Refused(Step),
    /// Its answer is not one of the protocol.
    #[error("the ssh-agent was asked to {0}, and its answer cannot be read")]
    Malformed(Step),
    /// The private key could not be read from its locked memory.
    #[error(transparent)]
    Key(#[from] LockError),
}

/// What an agent is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// List what it holds.
    List,
    /// Sign.
    Sign,
    /// Take a certificate and its key.
    Add,
    /// Forget an identity.
    Remove,
    /// One of our extensions.
    Extension,
}

impl Step {
    const fn hint(self) -> &'static str {
        match self {
            Self::List => "it may be locked (`ssh-add -X` unlocks it)",
            Self::Sign => "it may not hold the key (`ssh-add -l` shows what it holds), or you declined",
            Self::Add => "it may be locked (`ssh-add -X` unlocks it), or take no keys at all",
            Self::Remove => "it may no longer hold it",
            Self::Extension => "it is not Hallpass' client helper, or one of another version; restart the helper",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::List => "list its keys",
            Self::Sign => "sign",
            Self::Add => "take a certificate",
            Self::Remove => "forget an identity",
            Self::Extension => "answer an extension",
        })
    }
}

/// Whether the agent itself forgets a certificate when its time is over.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It does.
    Kept,
    /// It takes no lifetimes (Windows' agent): whoever added the certificate must remove it.
    Refused,
}

/// Something that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    blob: Vec<u8>,
    comment: String,
}

impl Identity {
    /// The words beside it.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The plain public key; `None` for a certificate and for kinds that Hallpass does not take.
    pub fn public_key(&self) -> Option<PublicKey> {
        PublicKey::from_wire(&self.blob).ok()
    }

    /// Whether it is a certificate with its key.
    pub fn is_certificate(&self) -> bool {
        Reader::new(&self.blob).text().is_some_and(|kind| kind.ends_with("-cert-v01@openssh.com"))
    }

    pub(crate) fn is(&self, certificate: &Certificate) -> bool {
        blob(certificate).is_ok_and(|blob| blob == self.blob)
    }
}

/// An ssh-agent at a path. Each call makes a connection of its own, so that one that hangs spoils no other.
#[derive(Debug, Clone)]
pub struct AgentClient {
    path: PathBuf,
    patience: Duration,
}

impl AgentClient {
    /// The agent at this path, usually that of `SSH_AUTH_SOCK`; tries whether anybody listens there.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn connect(path: impl Into<PathBuf>) -> Result<Self, AgentError> {
        let client = Self { path: path.into(), patience: QUICK };
        drop(client.dial().await?);
        Ok(client)
    }

    #[cfg(test)]
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Where the agent is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that the agent holds.
    ///
    /// # Errors
    /// When it does not answer, or not in the protocol.
    pub async fn identities(&self) -> Result<Vec<Identity>, AgentError> {
        let answer = self.ask(Step::List, &Message::new(message::REQUEST_IDENTITIES, 0)).await?;
        read_identities(&answer).ok_or(AgentError::Malformed(Step::List))
    }

    /// Has the agent sign; an RSA key by `rsa-sha2-512`. Of a FIDO key the signature's flags and counter stand behind the
    /// signature in `as_bytes()`. The signature is not verified.
    ///
    /// # Errors
    /// When it does not hold the key, or its user declines.
    pub async fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Signature, AgentError> {
        let flags = match key.key_data().algorithm() {
            Algorithm::Rsa { .. } => message::RSA_SHA2_512,
            _ => 0,
        };
        let request =
            Message::new(message::SIGN_REQUEST, data.len() + 64).string(key.to_wire()).string(data).u32(flags);
        let answer = self.ask(Step::Sign, &request).await?;
        read_signature(&answer).ok_or(AgentError::Malformed(Step::Sign))
    }

    /// The same as [`AgentClient::sign`], with flags of one's own, and the answer as the agent gave it.
    ///
    /// # Errors
    /// When it does not hold the key, or its user declines.
    pub async fn sign_as(&self, key: &PublicKey, data: &[u8], flags: u32) -> Result<Vec<u8>, AgentError> {
        let request =
            Message::new(message::SIGN_REQUEST, data.len() + 64).string(key.to_wire()).string(data).u32(flags);
        let answer = self.ask(Step::Sign, &request).await?;
        let mut reader = Reader::new(&answer);
        let signed = (reader.u8() == Some(message::SIGN_RESPONSE)).then(|| reader.string()).flatten();
        signed.filter(|_| reader.end().is_some()).map(<[u8]>::to_vec).ok_or(AgentError::Malformed(Step::Sign))
    }

    /// Adds a certificate with its key as one identity. An agent that refuses to keep a lifetime is asked again without.
    ///
    /// # Errors
    /// When it takes no keys.
    pub async fn add_certificate(
        &self,
        key: &ConnectingKey,
        certificate: &Certificate,
        lifetime: Span,
        comment: &str,
    ) -> Result<Lifetime, AgentError> {
        // Zero would mean "for ever" to some agents.
        let seconds = u32::try_from(lifetime.seconds()).unwrap_or(u32::MAX).max(1);
        let identity = |kind| write_identity(kind, key, certificate, comment);
        let constrained = identity(message::ADD_ID_CONSTRAINED)?.u8(message::CONSTRAIN_LIFETIME).u32(seconds);
        match self.order(Step::Add, &constrained).await {
            Ok(()) => Ok(Lifetime::Kept),
            Err(AgentError::Refused(_)) => {
                self.order(Step::Add, &identity(message::ADD_IDENTITY)?).await?;
                Ok(Lifetime::Refused)
            }
            Err(other) => Err(other),
        }
    }

    /// Has the agent forget a certificate and the key that came with it.
    ///
    /// # Errors
    /// [`AgentError::Refused`] when it does not hold it.
    pub async fn remove_certificate(&self, certificate: &Certificate) -> Result<(), AgentError> {
        self.remove_blob(&blob(certificate)?).await
    }

    /// Has the agent forget a plain key.
    ///
    /// # Errors
    /// [`AgentError::Refused`] when it does not hold it.
    pub async fn remove_key(&self, key: &PublicKey) -> Result<(), AgentError> {
        self.remove_blob(&key.to_wire()).await
    }

    /// Has the agent forget something that it listed.
    ///
    /// # Errors
    /// [`AgentError::Refused`] when it no longer holds it.
    pub async fn remove(&self, identity: &Identity) -> Result<(), AgentError> {
        self.remove_blob(&identity.blob).await
    }

    async fn remove_blob(&self, blob: &[u8]) -> Result<(), AgentError> {
        self.order(Step::Remove, &Message::new(message::REMOVE_IDENTITY, blob.len() + 4).string(blob)).await
    }

    /// Sends an extension request and returns its answer.
    pub(crate) async fn extension(
        &self,
        name: &str,
        fields: impl FnOnce(Message) -> Message,
    ) -> Result<Zeroizing<Vec<u8>>, AgentError> {
        self.ask(Step::Extension, &fields(Message::new(message::EXTENSION, 256).string(name))).await
    }

    /// A request that is answered by success alone.
    async fn order(&self, step: Step, request: &Message) -> Result<(), AgentError> {
        let answer = self.ask(step, request).await?;
        if answer.as_slice() == [message::SUCCESS] { Ok(()) } else { Err(AgentError::Malformed(step)) }
    }

    async fn ask(&self, step: Step, request: &Message) -> Result<Zeroizing<Vec<u8>>, AgentError> {
        let after = match step {
            Step::Sign | Step::Extension => TOUCH,
            Step::List | Step::Add | Step::Remove => self.patience,
        };
        let exchange = async {
            let mut stream = self.dial().await?;
            let answer = match frame::write(&mut stream, request.bytes()).await {
                Ok(()) => frame::read(&mut stream, frame::LONGEST).await,
                Err(error) => Err(error),
            };
            answer.map_err(|error| AgentError::Broken { step, cause: Box::new(error) })
        };
        let answer = timeout(after, exchange).await.map_err(|_| AgentError::Slow { step, after })??;
        match answer {
            Some(answer) if matches!(answer.first(), Some(&(message::FAILURE | message::EXTENSION_FAILURE))) => {
                Err(AgentError::Refused(step))
            }
            Some(answer) => Ok(answer),
            None => Err(AgentError::Broken { step, cause: Box::new(FrameError::Closed) }),
        }
    }

    async fn dial(&self) -> Result<UnixStream, AgentError> {
        UnixStream::connect(&self.path).await.map_err(|cause| AgentError::NotThere { path: self.path.clone(), cause })
    }
}

fn read_identities(answer: &[u8]) -> Option<Vec<Identity>> {
    let mut reader = Reader::new(answer);
    if reader.u8()? != message::IDENTITIES_ANSWER {
        return None;
    }
    let count = reader.u32().filter(|count| *count <= MOST_IDENTITIES)?;
    let mut identities = Vec::new();
    for _ in 0..count {
        let blob = reader.string()?.to_vec();
        let comment = String::from_utf8_lossy(reader.string()?).into_owned();
        identities.push(Identity { blob, comment });
    }
    reader.end().map(|()| identities)
}

fn read_signature(answer: &[u8]) -> Option<Signature> {
    let mut reader = Reader::new(answer);
    if reader.u8()? != message::SIGN_RESPONSE {
        return None;
    }
    let blob = reader.string()?;
    reader.end()?;
    let signature = Signature::try_from(blob).ok()?;
    // ssh-key leaves bytes behind the signature unread.
    let read = 8 + Reader::new(blob).string()?.len() + signature.as_bytes().len();
    (read == blob.len()).then_some(signature)
}

/// Certificate, key and comment, as `ssh-add` writes them (sshkey_private_serialize_opt in sshkey.c).
fn write_identity(
    kind: u8,
    key: &ConnectingKey,
    certificate: &Certificate,
    comment: &str,
) -> Result<Message, AgentError> {
    let blob = blob(certificate)?;
    let secret = key.secret()?;
    let public = secret.last_chunk::<32>().ok_or(AgentError::Malformed(Step::Add))?;
    let room = blob.len() + comment.len() + 256;
    Ok(Message::new(kind, room)
        .string("ssh-ed25519-cert-v01@openssh.com")
        .string(blob)
        .string(public)
        .string(secret.as_slice())
        .string(comment))
}

fn blob(certificate: &Certificate) -> Result<Vec<u8>, AgentError> {
    certificate.as_ssh_key().to_bytes().map_err(|_| AgentError::Malformed(Step::Add))
}
