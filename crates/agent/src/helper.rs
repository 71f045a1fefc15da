//! The client helper: an ssh-agent of its own that holds connecting keys and nothing else.
//!
//! It signs with the keys that it made, and takes no others: what ssh-add could add or remove is refused. It refuses
//! everything on a connection that ssh announces as forwarded (`session-bind@openssh.com` in OpenSSH's
//! PROTOCOL.agent): `IdentityAgent` makes ssh forward this agent when the user asks for agent forwarding, and a host must
//! not get to sign with connecting keys, nor give the helper orders.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, PublicKey, Random};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::connection::{Bound, LONGEST, accept, before_idle};
use crate::extension::{Answer, Ask};
use crate::frame::{self, FrameError};
use crate::keyring::Keyring;
use crate::message::{self, Message, Reader};
use crate::socket::HelperSocket;

/// How often the helper looks for certificates that are over.
const SWEEP: Duration = Duration::from_secs(5);

/// The client helper. Whoever starts it has made its process not dumpable, so that no core dump holds a key.
pub struct Helper {
    shared: Arc<Shared>,
}

struct Shared {
    keyring: Keyring,
    shut_down: Notify,
}

impl Helper {
    /// A helper without keys.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { shared: Arc::new(Shared { keyring: Keyring::new(clock, random), shut_down: Notify::new() }) }
    }

    /// Serves until `stop` is ready or a client has it shut down; then wipes its keys and takes back what it loaded.
    pub async fn serve(self, socket: HelperSocket, stop: impl Future<Output = ()> + Send) {
        let mut tasks = JoinSet::new();
        tasks.spawn(sweep(Arc::clone(&self.shared)));
        let serve = |stream| Connection::new(&self.shared, stream).serve();
        tokio::select! {
            () = accept(&socket, &mut tasks, serve) => {}
            () = self.shared.shut_down.notified() => {}
            () = stop => {}
        }
        drop(socket);
        self.shared.keyring.clear().await;
    }
}

async fn sweep(shared: Arc<Shared>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        shared.keyring.sweep().await;
    }
}

struct Connection {
    shared: Arc<Shared>,
    stream: UnixStream,
    bound: Bound,
    /// The helper ends when this request is answered.
    last: bool,
}

impl Connection {
    fn new(shared: &Arc<Shared>, stream: UnixStream) -> Self {
        Self { shared: Arc::clone(shared), stream, bound: Bound::Local, last: false }
    }

    async fn serve(mut self) {
        if let Err(error) = self.answer_all().await {
            tracing::debug!(%error, "a connection to the client helper ended");
        }
    }

    async fn answer_all(&mut self) -> Result<(), FrameError> {
        while before_idle(self.next()).await? {}
        Ok(())
    }

    /// Answers one request; `false` when there are no more.
    async fn next(&mut self) -> Result<bool, FrameError> {
        let Some(request) = frame::read(&mut self.stream, LONGEST).await? else { return Ok(false) };
        let answer = self.answer(&request).await.unwrap_or_else(|| Message::new(message::FAILURE, 0));
        frame::write(&mut self.stream, answer.bytes()).await?;
        if self.last {
            self.shared.shut_down.notify_one();
        }
        Ok(!self.last)
    }

    /// The answer to a request; `None` refuses it.
    async fn answer(&mut self, request: &[u8]) -> Option<Message> {
        let mut reader = Reader::new(request);
        match (reader.u8()?, self.bound) {
            (message::REQUEST_IDENTITIES, Bound::Local) => reader.end().map(|()| self.identities()),
            (message::SIGN_REQUEST, Bound::Local) => self.sign(reader),
            (message::EXTENSION, _) => self.extension(reader).await,
            _ => None,
        }
    }

    fn identities(&self) -> Message {
        let held = self.shared.keyring.held();
        let message = Message::new(message::IDENTITIES_ANSWER, 256).count(held.len());
        held.iter().fold(message, |message, key| {
            message.string(key.public_key.to_wire()).string(format!("hallpass {}", key.server))
        })
    }

    fn sign(&self, mut reader: Reader<'_>) -> Option<Message> {
        let key = PublicKey::from_wire(reader.string()?).ok()?;
        let data = reader.string()?;
        let _flags = reader.u32()?; // They choose among hashes for RSA keys only.
        reader.end()?;
        let signature: Vec<u8> = self.shared.keyring.find(&key)?.sign(data).ok()?.try_into().ok()?;
        Some(Message::new(message::SIGN_RESPONSE, signature.len() + 4).string(signature))
    }

    async fn extension(&mut self, mut reader: Reader<'_>) -> Option<Message> {
        let name = reader.text()?;
        if name == "session-bind@openssh.com" {
            return self.bound.bind(reader);
        }
        let ask = Ask::read(name, reader.rest()).filter(|_| self.bound == Bound::Local)?;
        let keyring = &self.shared.keyring;
        let answer = match ask {
            Ask::Status => Answer::Status(keyring.status().await),
            Ask::CreateKey(server) => keyring.create(&server).await.map_or_else(Answer::Refused, Answer::Key),
            Ask::DropKey(server) => {
                keyring.drop_key(&server).await;
                Answer::Done
            }
            Ask::Load(load) => keyring.load(*load).await.map_or_else(Answer::Refused, Answer::Loaded),
            Ask::ShutDown => {
                keyring.clear().await;
                self.last = true;
                Answer::Done
            }
        };
        Some(answer.write(name))
    }
}
