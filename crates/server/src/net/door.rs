//! What every call passes on its way in and out: the peer's rate, the gate, the counters.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use ca::Gate;
use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::metrics::Metrics;
use crate::net::gated::{GatedBody, Sealed};
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
            let refusal = status::rate_limited(wait).into_http();
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let (method, began) = (method(&request), Instant::now());
        let answered = self.inner.call(request);
        Box::pin(async move {
            let answer = with_its_reason(method, answered.await?, &metrics);
            metrics.call(method, code(&answer), began.elapsed());
            Ok(through_the_gate(method, answer, gate))
        })
    }
}

/// What a library refused is told and counted as what we refuse.
fn with_its_reason(method: &str, answer: Response<Body>, metrics: &Metrics) -> Response<Body> {
    match answer.extensions().get::<Status>().and_then(status::completed) {
        Some((refusal, reason)) => {
            metrics.refused(reason);
            tracing::info!(method, reason, "refused: {}", refusal.message());
            refusal.into_http()
        }
        None => answer,
    }
}

/// The one method that answers with certificates.
const FETCH: &str = "/hallpass.v1.Requests/Fetch";

/// Certificates are sealed with the epoch that they were issued under; nothing else is. Without a seal they stay here.
fn through_the_gate(method: &str, answer: Response<Body>, gate: Arc<Gate>) -> Response<Body> {
    match answer.extensions().get::<Sealed>().cloned() {
        Some(sealed) => answer.map(|body| Body::new(GatedBody::new(body, gate, sealed))),
        None if method == FETCH && code(&answer) == Code::Ok => {
            tracing::error!("certificates without an epoch were not let out; report this");
            Status::internal("the certificates could not be let out; an administrator must look at the log").into_http()
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use ca::Epoch;

    #[test]
    fn certificates_without_an_epoch_stay_here() {
        let gate = || Arc::new(Gate::new(Epoch::new(0), None));
        let after = |method, answer| code(&through_the_gate(method, answer, gate()));
        assert!(METHODS.iter().any(|known| known == FETCH));
        assert_eq!(after(FETCH, Response::new(Body::empty())), Code::Internal);
        assert_eq!(after("/hallpass.v1.Requests/Submit", Response::new(Body::empty())), Code::Ok);
        assert_eq!(after(FETCH, Status::not_found("no").into_http()), Code::NotFound);
    }
}
