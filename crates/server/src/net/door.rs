//! What every call passes on its way in and out: the peer's rate, the gate, the counters.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use ca::{Epoch, Gate};
use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::metrics::Metrics;
use crate::net::gated::GatedBody;
use crate::net::listen::PeerAddress;
use crate::net::peer::{Peer, Peers};
use crate::status;

/// Puts a [`Door`] before every service.
#[derive(Clone)]
pub(crate) struct DoorLayer {
    pub(crate) peers: Arc<Peers>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) metrics: Arc<Metrics>,
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { inner, shared: self.clone() }
    }
}

/// The door before a service.
#[derive(Clone)]
pub(crate) struct Door<S> {
    inner: S,
    shared: DoorLayer,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Door<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let DoorLayer { peers, gate, metrics } = self.shared.clone();
        let peer = request.extensions().get::<PeerAddress>().copied();
        if let Some(PeerAddress(address)) = peer
            && let Err(wait) = peers.call(Peer::of(address.ip()))
        {
            metrics.refused(status::RATE_LIMITED);
            tracing::debug!(peer = %address.ip(), "refused: too many calls");
            let refusal = status::rate_limited(wait).into_http();
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let (method, began) = (method(&request), Instant::now());
        let answered = self.inner.call(request);
        Box::pin(async move {
            let answer = answered.await?;
            metrics.call(method, code(&answer), began.elapsed());
            Ok(through_the_gate(answer, gate))
        })
    }
}

/// Certificates carry the epoch that they were issued under; nothing else does.
fn through_the_gate(answer: Response<Body>, gate: Arc<Gate>) -> Response<Body> {
    match answer.extensions().get::<Epoch>().copied() {
        Some(epoch) => answer.map(|body| Body::new(GatedBody::new(body, gate, epoch))),
        None => answer,
    }
}

/// The method, by a name that no caller can invent: each becomes a label of the counters.
fn method(request: &Request<Body>) -> &'static str {
    let path = request.uri().path();
    METHODS.iter().find(|known| *known == path).map_or("other", String::as_str)
}

/// Refusals say their code at once; what begins well is counted as such.
fn code(answer: &Response<Body>) -> Code {
    answer.extensions().get::<Status>().map_or(Code::Ok, Status::code)
}

static METHODS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(wire::rpc_paths);
