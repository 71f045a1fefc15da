//! Accepting connections: bounded in number, and in the time until they speak HTTP/2 over TLS.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::metrics::Metrics;
use crate::net::peer::{Counted, Peer, Peers};
use crate::stop::stopped;

/// How long a connection may take until HTTP/2 begins on it; from there on, pings show whether the peer is there.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// What a client of HTTP/2 says first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long to wait when the system has no file left for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}; check that no other program does, and that the address is one of this machine")]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

/// Listens on every address.
pub(crate) async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, BindError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &address in addresses {
        listeners.push(TcpListener::bind(address).await.map_err(|cause| BindError { address, cause })?);
    }
    Ok(listeners)
}

/// What every connection passes before a service sees it.
#[derive(Clone)]
pub(crate) struct Doorstep {
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Accepts on every listener until the server stops; yields connections on which HTTP/2 has begun.
pub(crate) fn accept(listeners: Vec<TcpListener>, doorstep: &Doorstep) -> ReceiverStream<Result<Tls, Infallible>> {
    let (ready, stream) = mpsc::channel(64);
    for listener in listeners {
        tokio::spawn(accept_from(listener, doorstep.clone(), ready.clone()));
    }
    ReceiverStream::new(stream)
}

type Ready = mpsc::Sender<Result<Tls, Infallible>>;

async fn accept_from(listener: TcpListener, mut doorstep: Doorstep, ready: Ready) {
    let mut stop = doorstep.stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            next = next_connection(&listener, &mut doorstep) => {
                if let Some((tcp, address, held)) = next {
                    tokio::spawn(handshake(tcp, address, held, doorstep.clone(), ready.clone()));
                }
            }
        }
    }
}

/// What a connection holds while it lasts.
struct Held {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
}

/// Takes a connection once there is room for it; the kernel's backlog waits with the others.
async fn next_connection(listener: &TcpListener, doorstep: &mut Doorstep) -> Option<(TcpStream, SocketAddr, Held)> {
    let permit = Arc::clone(&doorstep.connections).acquire_owned().await.ok()?;
    let (tcp, address) = match listener.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(EXHAUSTED).await;
            return None;
        }
    };
    let Some(counted) = doorstep.peers.connect(Peer::of(address.ip())) else {
        doorstep.metrics.connection_refused();
        return None;
    };
    Some((tcp, address, Held { _permit: permit, _counted: counted }))
}

async fn handshake(tcp: TcpStream, address: SocketAddr, held: Held, doorstep: Doorstep, ready: Ready) {
    // Answers are small and somebody waits for each. Where the option is missing they are only slower.
    let _slower = tcp.set_nodelay(true);
    match tokio::time::timeout(HANDSHAKE, begin(tcp, doorstep.tls)).await {
        Ok(Ok(stream)) => {
            // Nobody takes it when the server has stopped in between.
            let _stopped = ready.send(Ok(Tls { unread: PREFACE, stream, address, _held: held })).await;
        }
        Ok(Err(error)) => {
            doorstep.metrics.handshake_failed();
            tracing::debug!(peer = %address, %error, "the TLS handshake failed");
        }
        Err(_) => {
            doorstep.metrics.handshake_failed();
            tracing::debug!(peer = %address, "the TLS handshake took too long");
        }
    }
}

/// TLS, and the first words of HTTP/2.
async fn begin<S: AsyncRead + AsyncWrite + Unpin>(tcp: S, tls: Arc<ServerConfig>) -> io::Result<TlsStream<S>> {
    let mut stream = TlsAcceptor::from(tls).accept(tcp).await?;
    let mut said = [0; PREFACE.len()];
    stream.read_exact(&mut said).await?;
    if said != PREFACE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the peer does not speak HTTP/2"));
    }
    Ok(stream)
}

/// A connection whose TLS stands.
pub(crate) struct Tls {
    /// What is left of the preface, for the server that reads it again.
    unread: &'static [u8],
    stream: TlsStream<TcpStream>,
    address: SocketAddr,
    _held: Held,
}

/// Where a call comes from; in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

impl Connected for Tls {
    type ConnectInfo = PeerAddress;

    fn connect_info(&self) -> PeerAddress {
        PeerAddress(self.address)
    }
}

impl AsyncRead for Tls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        Pin::new(&mut self.unread).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
