//! Watching requests: each as it is, and then whenever it changes.

use std::sync::Arc;
use std::time::Duration;

use ca::{Error, Liveness};
use domain::RequestId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::WatchRequests;
use wire::v1::WatchRequestsResponse;
use zeroize::Zeroizing;

use crate::service::call::Call;
use crate::service::requests::which;
use crate::service::{Api, convert};
use crate::stop::stopped;

/// What a watcher is sent.
pub(crate) type Watching = ReceiverStream<Result<WatchRequestsResponse, Status>>;

/// How many changes wait for a slow watcher; beyond that it is shown all anew.
const WAITING: usize = 16;
/// How often the session of a quiet watcher is looked at.
const SESSION: Duration = Duration::from_secs(30);
/// Most requests that a watcher is shown at first.
const FIRST: usize = 500;

impl Api {
    /// Begins to watch.
    pub(crate) async fn watch(&self, call: Call, token: String, asked: WatchRequests) -> Result<Watching, Status> {
        // Changes are gathered before the first look, so that none falls in between.
        let changes = self.0.ca.changes();
        let call = if let WatchRequests::One(id) = asked { call.about(id) } else { call };
        let watcher = Watcher { api: self.clone(), call, token: Arc::new(Zeroizing::new(token)), asked };
        let first = watcher.all().await?;
        let (sender, stream) = mpsc::channel(WAITING);
        tokio::spawn(watcher.follow(first, changes, sender));
        Ok(ReceiverStream::new(stream))
    }
}

struct Watcher {
    api: Api,
    call: Call,
    token: Arc<Zeroizing<String>>,
    asked: WatchRequests,
}

type Sender = mpsc::Sender<Result<WatchRequestsResponse, Status>>;

impl Watcher {
    /// Sends what changes until the watcher leaves, its session ends or the server stops.
    async fn follow(
        self,
        first: Vec<WatchRequestsResponse>,
        mut changes: broadcast::Receiver<store::RequestChanged>,
        sender: Sender,
    ) {
        let (mut stop, mut loads) = (self.api.0.stop.clone(), self.api.0.loads.subscribe());
        let mut next = Ok(first);
        loop {
            let over = next.is_err();
            let items = next.map_or_else(|status| vec![Err(status)], |shown| shown.into_iter().map(Ok).collect());
            for item in items {
                if sender.send(item).await.is_err() {
                    return;
                }
            }
            if over {
                return;
            }
            next = tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                () = sender.closed() => return,
                changed = changes.recv() => match changed {
                    Ok(change) => self.one(change.id).await,
                    Err(RecvError::Lagged(_)) => self.all().await,
                    Err(RecvError::Closed) => return,
                },
                () = loaded(&mut loads) => self.all().await,
                () = tokio::time::sleep(SESSION) => self.still_there().await,
            };
        }
    }

    /// Everything that is watched, as it is.
    async fn all(&self) -> Result<Vec<WatchRequestsResponse>, Status> {
        let asked = self.asked.clone();
        self.look(move |api, session| match asked {
            WatchRequests::One(id) => api.0.ca.get(session, id).map(|view| vec![view]),
            WatchRequests::View(view) => api.0.ca.list(session, which(view), Liveness::Live, FIRST),
        })
        .await
    }

    /// A request that changed, if it is watched.
    async fn one(&self, id: RequestId) -> Result<Vec<WatchRequestsResponse>, Status> {
        if matches!(self.asked, WatchRequests::One(asked) if asked != id) {
            return Ok(Vec::new());
        }
        let asked = self.asked.clone();
        self.look(move |api, session| match asked {
            WatchRequests::One(_) => api.0.ca.get(session, id).map(|view| vec![view]),
            WatchRequests::View(view) => Ok(api.0.ca.watched(session, which(view), id)?.into_iter().collect()),
        })
        .await
    }

    async fn still_there(&self) -> Result<Vec<WatchRequestsResponse>, Status> {
        self.look(|_, _| Ok(Vec::new())).await
    }

    /// Looks with the session as it is now: it may have ended, and its user be disabled.
    async fn look(
        &self,
        at: impl FnOnce(&Api, &ca::Session) -> Result<Vec<ca::View>, Error> + Send + 'static,
    ) -> Result<Vec<WatchRequestsResponse>, Status> {
        let token = Arc::clone(&self.token);
        let looked = self.api.look(move |api| api.0.ca.session(&token).and_then(|session| at(api, &session)));
        let seen = looked.await?;
        let views = seen.map_err(|error| self.api.refuse(&self.call, &error))?;
        let shown = |view| WatchRequestsResponse { request: Some(convert::request(view)) };
        Ok(views.into_iter().map(shown).collect())
    }
}

/// Waits for another load of the bundle, which may change who decides; for ever when the server is gone.
async fn loaded(loads: &mut watch::Receiver<u64>) {
    if loads.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
