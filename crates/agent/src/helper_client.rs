//! The client of the client helper.

use std::path::PathBuf;

use domain::PublicKey;
use ssh_key::Signature;

use crate::client::{AgentClient, AgentError, Lifetime, Step};
use crate::extension::{self, Answer, Load, Refusal, Status};
use crate::message::Message;
use crate::server_name::ServerName;

/// Why the helper did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// No helper runs.
    #[error("the client helper is not running (no answer at {}); log in again (`hallpass login`) to start it", .0.display())]
    NotRunning(PathBuf),
    /// It answered with a reason.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The conversation failed.
    #[error("the client helper did not answer as it should; stop it (`hallpass agent --stop`) and log in again")]
    Agent(#[source] AgentError),
}

/// A running helper.
#[derive(Debug, Clone)]
pub struct HelperClient {
    agent: AgentClient,
}

impl HelperClient {
    /// The helper that serves this socket.
    ///
    /// # Errors
    /// [`HelperError::NotRunning`] when none does.
    pub async fn connect(socket: impl Into<PathBuf>) -> Result<Self, HelperError> {
        Ok(Self { agent: AgentClient::connect(socket).await.map_err(failed)? })
    }

    /// What it holds.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Status, HelperError> {
        match self.ask(extension::STATUS, |message| message).await? {
            Answer::Status(status) => Ok(status),
            _ => Err(unexpected()),
        }
    }

    /// The public half of the connecting key for a server.
    ///
    /// # Errors
    /// [`Refusal::NoKey`] when there is none: made by a helper that is gone, or the login session is over.
    pub async fn key(&self, server: &ServerName) -> Result<PublicKey, HelperError> {
        let held = self.status().await?.keys.into_iter().find(|held| held.server == *server);
        Ok(held.ok_or(Refusal::NoKey)?.public_key)
    }

    /// Has it make a connecting key for a new login session; the one before for this server is dropped.
    ///
    /// # Errors
    /// When it holds too many, or cannot keep one safely.
    pub async fn create_key(&self, server: &ServerName) -> Result<PublicKey, HelperError> {
        match self.ask(extension::CREATE_KEY, |message| message.string(server.as_str())).await? {
            Answer::Key(key) => Ok(key),
            _ => Err(unexpected()),
        }
    }

    /// Has it wipe the connecting key for a server, and take back what it loaded with it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn drop_key(&self, server: &ServerName) -> Result<(), HelperError> {
        self.order(extension::DROP_KEY, |message| message.string(server.as_str())).await
    }

    /// Has it load a certificate and its key into a running ssh-agent, in place of the one before for the same host.
    ///
    /// # Errors
    /// When the certificate is over or not for its key, or the ssh-agent does not take it.
    pub async fn load(&self, load: &Load) -> Result<Lifetime, HelperError> {
        match self.ask(extension::LOAD, |message| load.write(message)).await? {
            Answer::Loaded(lifetime) => Ok(lifetime),
            _ => Err(unexpected()),
        }
    }

    /// Has it wipe everything and end.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn shut_down(&self) -> Result<(), HelperError> {
        self.order(extension::SHUT_DOWN, |message| message).await
    }

    /// Has it sign with a connecting key.
    ///
    /// # Errors
    /// [`Refusal::NoKey`] when it does not hold the key.
    pub async fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Signature, HelperError> {
        match self.agent.sign(key, data).await {
            Err(AgentError::Refused(Step::Sign)) => Err(Refusal::NoKey.into()),
            other => other.map_err(failed),
        }
    }

    /// Has it sign a login with a connecting key, as [`AgentClient::sign_as`] does.
    ///
    /// # Errors
    /// [`Refusal::NoKey`] when it does not hold the key.
    pub async fn sign_as(&self, key: &PublicKey, data: &[u8], flags: u32) -> Result<Vec<u8>, HelperError> {
        match self.agent.sign_as(key, data, flags).await {
            Err(AgentError::Refused(Step::Sign)) => Err(Refusal::NoKey.into()),
            other => other.map_err(failed),
        }
    }

    async fn order(&self, name: &str, fields: impl FnOnce(Message) -> Message) -> Result<(), HelperError> {
        match self.ask(name, fields).await? {
            Answer::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    async fn ask(&self, name: &str, fields: impl FnOnce(Message) -> Message) -> Result<Answer, HelperError> {
        let answer = self.agent.extension(name, fields).await.map_err(failed)?;
        match Answer::read(name, &answer).ok_or_else(unexpected)? {
            Answer::Refused(refusal) => Err(refusal.into()),
            answer => Ok(answer),
        }
    }
}

fn failed(error: AgentError) -> HelperError {
    match error {
        AgentError::NotThere { path, .. } => HelperError::NotRunning(path),
        other => HelperError::Agent(other),
    }
}

const fn unexpected() -> HelperError {
    HelperError::Agent(AgentError::Malformed(Step::Extension))
}
