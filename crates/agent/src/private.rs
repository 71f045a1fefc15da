//! A private agent: lends one key to one program and those that it starts, for logins alone, for as long as it runs.
//!
//! It is an agent of its own on a socket of its own. It holds no key: whatever does makes the signatures. What it hands on
//! is a login over SSH by the one key, and nothing else: no statement of Hallpass, which would be more than was lent, and
//! none of the helper's orders. When its socket is gone, so is what was lent.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use cert::Certificate;
use domain::PublicKey;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::connection::{Bound, LONGEST, accept, before_idle};
use crate::frame::{self, FrameError};
use crate::login;
use crate::message::{self, Message, Reader};
use crate::socket::HelperSocket;

/// Most certificates that are listed: sshd takes six keys at a login (MaxAuthTries in sshd_config(5)), the plain one is
/// among them. With more, each host needs a `CertificateFile` of its own.
const MOST_LISTED: usize = 4;

/// What makes the signatures of a private agent.
pub trait SignsLogins: Send + Sync + 'static {
    /// A signature over a login as the agent protocol has it (the algorithm's name and the value), with the flags of
    /// the request; `None` refuses.
    fn sign<'a>(&'a self, data: &'a [u8], flags: u32) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send + 'a>>;
}

/// A private agent.
pub struct PrivateAgent {
    shared: Arc<Shared>,
}

struct Shared {
    key: PublicKey,
    signer: Box<dyn SignsLogins>,
    certificates: Mutex<Vec<Certificate>>,
}

impl PrivateAgent {
    /// One that lends this key, by whatever signs with it.
    pub fn new(key: PublicKey, signer: impl SignsLogins) -> Self {
        Self { shared: Arc::new(Shared { key, signer: Box::new(signer), certificates: Mutex::default() }) }
    }

    /// Lists these certificates, in place of those before, to programs that know only agents; none of them when they are
    /// more than four.
    pub fn list(&self, certificates: impl ExactSizeIterator<Item = Certificate>) {
        let few = certificates.len() <= MOST_LISTED;
        let listed = if few { certificates.collect() } else { Vec::new() };
        *self.shared.certificates.lock().unwrap_or_else(PoisonError::into_inner) = listed;
    }

    /// Serves until it is dropped.
    pub async fn serve(&self, socket: &HelperSocket) {
        let serve = |stream| Connection { shared: Arc::clone(&self.shared), stream, bound: Bound::Local }.serve();
        accept(socket, &mut JoinSet::new(), serve).await;
    }
}

struct Connection {
    shared: Arc<Shared>,
    stream: UnixStream,
    bound: Bound,
}

impl Connection {
    async fn serve(mut self) {
        loop {
            match before_idle(self.next()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return tracing::debug!(%error, "a connection to a private agent ended"),
            }
        }
    }

    /// Answers one request; `false` when there are no more.
    async fn next(&mut self) -> Result<bool, FrameError> {
        let Some(request) = frame::read(&mut self.stream, LONGEST).await? else { return Ok(false) };
        let answer = self.answer(&request).await.unwrap_or_else(|| Message::new(message::FAILURE, 0));
        frame::write(&mut self.stream, answer.bytes()).await?;
        Ok(true)
    }

    /// The answer to a request; `None` refuses it.
    async fn answer(&mut self, request: &[u8]) -> Option<Message> {
        let mut reader = Reader::new(request);
        match (reader.u8()?, self.bound) {
            (message::REQUEST_IDENTITIES, Bound::Local) => reader.end().and_then(|()| self.identities()),
            (message::SIGN_REQUEST, Bound::Local) => self.sign(reader).await,
            (message::EXTENSION, _) => self.extension(reader),
            _ => None,
        }
    }

    fn extension(&mut self, mut reader: Reader<'_>) -> Option<Message> {
        if reader.text()? == "session-bind@openssh.com" { self.bound.bind(reader) } else { None }
    }

    /// Certificates first: programs try what is listed in its order.
    fn identities(&self) -> Option<Message> {
        let certificates = self.shared.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        let mut message = Message::new(message::IDENTITIES_ANSWER, 4096).count(certificates.len() + 1);
        for certificate in certificates.iter() {
            message =
                message.string(certificate.as_ssh_key().to_bytes().ok()?).string(certificate.principals().join(","));
        }
        Some(message.string(self.shared.key.to_wire()).string("hallpass"))
    }

    async fn sign(&self, mut reader: Reader<'_>) -> Option<Message> {
        let (blob, data, flags) = (reader.string()?, reader.string()?, reader.u32()?);
        reader.end()?;
        let key = &self.shared.key;
        if !login::is_of(blob, key) || !login::is_login(data, key) {
            return None;
        }
        let signature = self.shared.signer.sign(data, flags).await?;
        Some(Message::new(message::SIGN_RESPONSE, signature.len() + 4).string(signature))
    }
}
