//! The gRPC services: each call is converted, given to `ca`, and converted back.

mod admin;
mod call;
mod convert;
mod history;
mod hosts;
mod info;
mod requests;
mod sessions;
mod stops;
mod watch;

use std::sync::Arc;

use ca::{Ca, Gate, Session};
use domain::Clock;
use tokio::sync::{Semaphore, watch as signal};
use tonic::Status;
use tonic::metadata::MetadataMap;

pub(crate) use info::Card;

use crate::metrics::Metrics;
use crate::service::call::Call;
use crate::status;

/// Every service of the API.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

/// What the services share.
pub(crate) struct Shared {
    pub(crate) ca: Arc<Ca>,
    pub(crate) card: Card,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// Whether the server stops: watchers end then.
    pub(crate) stop: signal::Receiver<bool>,
    /// Counts changes of what is in force: watchers look again then.
    pub(crate) loads: Arc<signal::Sender<u64>>,
    /// Room for long looks: [`Api::look`].
    pub(crate) looks: Arc<Semaphore>,
    /// Room for an explanation.
    pub(crate) explains: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The gate that certificates leave through.
    pub(crate) fn gate(&self) -> Arc<Gate> {
        self.0.ca.gate()
    }

    /// The session that a call carries, and the call as its user's.
    fn session(&self, call: Call, metadata: &MetadataMap) -> Result<(Call, Session), Status> {
        let token = bearer(metadata).ok_or(ca::Error::NoSession);
        match token.and_then(|token| self.0.ca.session(token)) {
            Ok(session) => Ok((call.by(&session), session)),
            Err(error) => {
                let known = if let ca::Error::Disabled(user) = &error { Some(user.clone()) } else { None };
                Err(self.refuse(&call.of_user(known), &error))
            }
        }
    }

    /// Looks through many hosts or requests beside the threads that answer calls, two looks a core at once. Others wait
    /// in line, until they have no time left or their caller is gone.
    async fn look<T: Send + 'static>(&self, look: impl FnOnce(&Self) -> T + Send + 'static) -> Result<T, Status> {
        let broke_off = || Status::internal("the listing broke off; an administrator must look at the log");
        let api = self.clone();
        let room = Arc::clone(&self.0.looks).acquire_owned().await.map_err(|_| broke_off())?;
        let looked = tokio::task::spawn_blocking(move || {
            // Held until the end of the look, even when nobody waits for it any more.
            let _room = room;
            look(&api)
        });
        looked.await.map_err(|_| broke_off())
    }

    /// Does something that must come to its end once it has begun, even when its caller goes away: what is committed comes
    /// into force.
    async fn to_its_end<T, F>(&self, work: impl FnOnce(Arc<Ca>) -> F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let broke_off = |_| Status::internal("this broke off; an administrator must look at the log");
        tokio::spawn(work(Arc::clone(&self.0.ca))).await.map_err(broke_off)
    }

    fn checkpoint(&self) -> Option<wire::v1::Checkpoint> {
        Some(convert::head(&self.0.ca.checkpoint()))
    }

    /// A refusal, told to the caller, the log and the counters; it is no entry of the ledger.
    fn refuse(&self, call: &Call, error: &ca::Error) -> Status {
        self.0.metrics.refused(error.reason());
        match call.of_nobody() {
            Some(request) => call.clone().of_user(self.0.ca.requester(request)).refused(error),
            None => call.refused(error),
        }
        status::of(error)
    }

    /// A message that cannot be read.
    fn misread(&self, call: &Call, error: &wire::WireError) -> Status {
        self.0.metrics.refused(status::MESSAGE_INVALID);
        call.misread(error);
        status::of_message(error)
    }
}

/// The token of `authorization: Bearer TOKEN` (RFC 6750 section 2.1).
fn bearer(metadata: &MetadataMap) -> Option<&str> {
    let (scheme, token) = metadata.get("authorization")?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_as_a_bearer_alone() {
        let found = |value: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("authorization", value.parse().unwrap());
            bearer(&metadata).map(str::to_owned)
        };
        assert_eq!(found("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(found("bearer abc"), Some("abc".to_owned()));
        assert_eq!(found("Basic abc"), None);
        assert_eq!(found("abc"), None);
        assert_eq!(bearer(&MetadataMap::new()), None);
    }
}
