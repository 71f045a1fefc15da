//! Connections to an agent of ours: by whom, how many at once, for how long, and whether a host is behind one.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::frame::FrameError;
use crate::message::{self, Message, Reader};
use crate::socket::HelperSocket;

/// Connections at once; more wait in the socket's queue.
const MOST_CONNECTIONS: usize = 64;
/// The longest message that is read: a certificate of RSA keys has about 5 kB.
pub(crate) const LONGEST: usize = 64 * 1024;
/// ssh keeps its connection while its user reads a prompt.
const IDLE: Duration = Duration::from_secs(600);

/// Serves each connection of this user as a task; never ends by itself.
pub(crate) async fn accept<F: Future<Output = ()> + Send + 'static>(
    socket: &HelperSocket,
    tasks: &mut JoinSet<()>,
    serve: impl Fn(UnixStream) -> F,
) {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        match socket.listener.accept().await {
            Ok((stream, _)) if is_ours(&stream) => {
                let served = serve(stream);
                tasks.spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
            Ok(_) => tracing::warn!("another user tried to reach an agent of this one"),
            Err(error) => {
                // Out of file descriptors, most likely: a pause lets connections end.
                tracing::warn!(%error, "a connection to the agent failed");
                sleep(Duration::from_millis(100)).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
}

/// The same user or root, as in OpenSSH (ssh-agent.c): the socket's mode says the same, and is not trusted alone.
fn is_ours(stream: &UnixStream) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// What comes of this, unless the other side says nothing for too long.
pub(crate) async fn before_idle<T>(next: impl Future<Output = Result<T, FrameError>>) -> Result<T, FrameError> {
    let idle = |elapsed| FrameError::Io(io::Error::new(io::ErrorKind::TimedOut, elapsed));
    timeout(IDLE, next).await.map_err(idle)?
}

/// Whose requests a connection carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// This machine's.
    Local,
    /// Those of a host that the agent is forwarded to.
    Forwarded,
}

impl Bound {
    /// Answers `session-bind@openssh.com` (OpenSSH's PROTOCOL.agent): host key, session id, signature, and whether the
    /// connection is forwarded. Once forwarded stays so.
    pub(crate) fn bind(&mut self, mut reader: Reader<'_>) -> Option<Message> {
        for _ in 0..3 {
            reader.string()?;
        }
        if reader.u8()? != 0 {
            *self = Self::Forwarded;
        }
        Some(Message::new(message::SUCCESS, 0))
    }
}
