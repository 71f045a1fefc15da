//! The floor: the product's TLS, its verification and its signing behind a bare handler; and the echo, which has not
//! even those. What the product does besides is what its distance from the floor measures.
//!
//! ```text
//! TLS ─► gRPC ─► statement::verify ─► Draft ─► cert::sign ─► gRPC ─► TLS      floor
//! TLS ─► gRPC ───────────── an answer of the same size ────► gRPC ─► TLS      echo
//! ```

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use cert::{CaSigner as _, Certificate, Draft, KeyId, Principal};
use clap::ValueEnum;
use domain::{Extension, Origin, Serial, Span, UserName};
use ed25519_dalek::SigningKey;
use ledger::{CheckpointSigner, TlsKeys};
use server::{TlsKey, server_config};
use signer::SoftSigner;
use statement::{FetchStatement, Verified};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};
use wire::v1::info_server::{Info, InfoServer};
use wire::v1::requests_server::{Requests, RequestsServer};
use wire::v1::{self, FetchRequest, FetchResponse, GetServerInfoRequest, GetServerInfoResponse};

use crate::failure::Failure;
use crate::taker::{now, signing_key};

type Bad = Box<dyn std::error::Error + Send + Sync>;

/// What is done for each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Nothing: every answer is the first one again.
    Echo,
    /// One SSHSIG is checked and one certificate is signed.
    Floor,
}

/// Serves until the process is told to end.
pub(crate) async fn serve(work: Work, name: &Origin, listener: TcpListener) -> Result<(), Failure> {
    let ledger_key = signing_key();
    let tls_key = TlsKey::generate().map_err(Failure::broken("no TLS key"))?;
    let tls = server_config(&tls_key, name).map_err(Failure::broken("no TLS"))?;
    let bare = Arc::new(Bare::new(work, name, ledger_key, tls_key.digest())?);

    let (ready, connections) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(handshake(tcp, TlsAcceptor::from(Arc::clone(&tls)), ready.clone()));
        }
    });
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).map_err(Failure::broken("nobody waits for this server"))?;
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(Failure::broken("no signals"))?;
    tonic::transport::Server::builder()
        .add_service(InfoServer::from_arc(Arc::clone(&bare)))
        .add_service(RequestsServer::from_arc(bare))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), async move {
            ended.recv().await;
        })
        .await
        .map_err(Failure::broken("the bare server failed"))
}

/// The handler.
struct Bare {
    work: Work,
    ca: SoftSigner,
    user: UserName,
    next: AtomicU64,
    checkpoint: v1::Checkpoint,
    info: GetServerInfoResponse,
    first: OnceLock<FetchResponse>,
}

impl Bare {
    fn new(work: Work, name: &Origin, ledger_key: SigningKey, tls_key: domain::Digest) -> Result<Self, Failure> {
        let ca = SoftSigner::new(signing_key()).map_err(Failure::broken("no CA key"))?;
        let checkpoints = CheckpointSigner::new(name.clone(), ledger_key.clone());
        let (size, root) = (4711, domain::Digest::of(b"an empty ledger"));
        let checkpoint = wire::Head { size, root, signature: checkpoints.sign(size, root).signature };
        let tls_keys = TlsKeys::new(name.clone(), &checkpoints.public_key(), BTreeSet::from([tls_key]));
        let info = GetServerInfoResponse {
            name: name.to_string(),
            ledger_key: checkpoints.public_key().as_bytes().to_vec(),
            tls_keys: tls_keys.encode().into_bytes(),
            tls_keys_signature: tls_keys.sign(&ledger_key).to_vec(),
            api_version: wire::API_VERSION,
            oldest_client: "0.1.0".to_owned(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            time: now()?.seconds(),
            user_ca: ca.public_key().to_string(),
        };
        let user = "user-0001".parse().map_err(Failure::broken("no user"))?;
        let (next, first) = (AtomicU64::new(size), OnceLock::new());
        Ok(Self { work, ca, user, next, checkpoint: checkpoint.into(), info, first })
    }

    fn answer(&self, fetch: &FetchRequest) -> Result<FetchResponse, Bad> {
        let verified = check(fetch)?;
        let serial = Serial::new(self.next.fetch_add(1, Ordering::Relaxed)).ok_or("no serial is left")?;
        let (pair, certificate) = certify(&verified, &self.user, serial, &self.ca)?;
        let issued = v1::Issued {
            pair,
            serial: serial.get(),
            certificate: certificate.to_openssh().to_owned(),
            valid_before: certificate.valid_before().seconds(),
        };
        Ok(FetchResponse { certificates: vec![issued], checkpoint: Some(self.checkpoint.clone()) })
    }
}

/// One SSHSIG is checked.
pub(crate) fn check(fetch: &FetchRequest) -> Result<Verified<FetchStatement>, Bad> {
    let signed = fetch.statement.as_ref().ok_or("there is no statement")?;
    Ok(statement::verify(&signed.text, &signed.signature)?)
}

/// One certificate is signed.
pub(crate) fn certify(
    verified: &Verified<FetchStatement>,
    user: &UserName,
    serial: Serial,
    ca: &SoftSigner,
) -> Result<(String, Certificate), Bad> {
    let fetch = verified.statement();
    let pair = fetch.pairs.iter().next().ok_or("there is no pair")?;
    let span = |seconds| Span::from_seconds(seconds).unwrap_or(Span::ZERO);
    let now = now()?;
    let draft = Draft {
        connecting_key: verified.key().clone(),
        principal: Principal::Scoped(pair.clone()),
        key_id: KeyId { request: fetch.id, user: user.clone(), deadline: now.after(span(3600)).ok_or("too late")? },
        valid_after: now.before(span(30)),
        valid_before: now.after(span(300)).ok_or("too late")?,
        force_command: None,
        source: None,
        verify_required: false,
        extensions: BTreeSet::from([Extension::Pty]),
        nonce: rand::random(),
    };
    let to_be_signed = draft.with_serial(serial, ca.public_key())?;
    Ok((pair.to_string(), cert::sign(&to_be_signed, ca)?))
}

#[tonic::async_trait]
impl Info for Bare {
    async fn get_server_info(
        &self,
        _: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        Ok(Response::new(self.info.clone()))
    }
}

#[tonic::async_trait]
impl Requests for Bare {
    async fn fetch(&self, request: Request<FetchRequest>) -> Result<Response<FetchResponse>, Status> {
        if let (Work::Echo, Some(first)) = (self.work, self.first.get()) {
            return Ok(Response::new(first.clone()));
        }
        let answer = self.answer(request.get_ref()).map_err(|why| Status::invalid_argument(why.to_string()))?;
        if self.work == Work::Echo {
            // Who comes second at this does no harm.
            let _second = self.first.set(answer.clone());
        }
        Ok(Response::new(answer))
    }

    type WatchRequestsStream = tokio_stream::Empty<Result<v1::WatchRequestsResponse, Status>>;

    async fn submit(&self, _: Request<v1::SubmitRequest>) -> Result<Response<v1::SubmitResponse>, Status> {
        Err(only_fetch())
    }

    async fn get_request(&self, _: Request<v1::GetRequestRequest>) -> Result<Response<v1::GetRequestResponse>, Status> {
        Err(only_fetch())
    }

    async fn list_requests(
        &self,
        _: Request<v1::ListRequestsRequest>,
    ) -> Result<Response<v1::ListRequestsResponse>, Status> {
        Err(only_fetch())
    }

    async fn watch_requests(
        &self,
        _: Request<v1::WatchRequestsRequest>,
    ) -> Result<Response<Self::WatchRequestsStream>, Status> {
        Err(only_fetch())
    }

    async fn decide(&self, _: Request<v1::DecideRequest>) -> Result<Response<v1::DecideResponse>, Status> {
        Err(only_fetch())
    }

    async fn end(&self, _: Request<v1::EndRequest>) -> Result<Response<v1::EndResponse>, Status> {
        Err(only_fetch())
    }

    async fn rebind(&self, _: Request<v1::RebindRequest>) -> Result<Response<v1::RebindResponse>, Status> {
        Err(only_fetch())
    }

    async fn review(&self, _: Request<v1::ReviewRequest>) -> Result<Response<v1::ReviewResponse>, Status> {
        Err(only_fetch())
    }
}

fn only_fetch() -> Status {
    Status::unimplemented("this server only answers fetches")
}

type Ready = tokio::sync::mpsc::Sender<std::io::Result<Tls>>;

async fn handshake(tcp: TcpStream, acceptor: TlsAcceptor, ready: Ready) {
    let _slower = tcp.set_nodelay(true);
    if let Ok(stream) = acceptor.accept(tcp).await {
        let _stopped = ready.send(Ok(Tls(stream))).await;
    }
}

/// A connection whose TLS stands.
struct Tls(TlsStream<TcpStream>);

impl Connected for Tls {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Tls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
