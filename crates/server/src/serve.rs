//! Starting, reloading and stopping a server: as a program, and inside another one for the demo and tests.
//!
//! ```text
//! check ──► keys ──► store ──► Ca ──► port, metrics, jobs ──► Running
//! ```

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ca::{Ca, FromFiles, Identity, Parts, Signers, Subscription};
use domain::{Clock, Digest, Random};
use ledger::CheckpointSigner;
use statement::ServerId;
use store::{OpenError, Store};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::check::{self, CheckError, Checked};
use crate::config::{Config, KeysAre, Limits};
use crate::error::chain;
use crate::keys::{Environment, Keys, KeysError};
use crate::layout::Layout;
use crate::metrics::{self, Metrics};
use crate::net::{self, BindError, Doorstep, PeerLimits, Peers, TlsKeyError};
use crate::notify::{Courier, Receiver};
use crate::revoked::RevokedFile;
use crate::service::{Api, Card, Shared};
use crate::{grpc, jobs};

/// How long calls that are under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(20);

/// What a server is started with.
pub struct ServeOptions {
    /// Its `hallpassd.toml`.
    pub config: PathBuf,
    /// Where the passphrase comes from, when not from where the file says.
    pub keys_are: Option<KeysAre>,
    /// How variables of the environment are read.
    pub environment: Environment,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Files with mistakes.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Keys that cannot be used.
    #[error("the keys cannot be used")]
    Keys(#[from] KeysError),
    /// A TLS key that cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsKeyError),
    /// No port.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// No store.
    #[error("the store cannot be used")]
    Store(#[from] OpenError),
    /// No use cases.
    #[error("the server cannot begin its work")]
    Ca(#[source] Box<ca::Error>),
    /// No reflection.
    #[error("the API's description cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Why another bundle was not loaded: the one before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Files with mistakes.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// They may not be put in force, or it could not be recorded.
    #[error("the new files were not put in force")]
    Refused(#[source] Box<ca::Error>),
}

/// A server.
pub struct Server;

impl Server {
    /// Starts a server; it runs until [`Running::stop`].
    ///
    /// # Errors
    /// [`StartError`]: then nothing runs.
    pub async fn start(options: ServeOptions) -> Result<Running, StartError> {
        net::gather_randomness();
        let layout = Layout::of_config(&options.config);
        let Checked { config, files, receivers } = check::all(&layout)?;
        let keys_are = options.keys_are.as_ref().unwrap_or(&config.passphrase);
        let keys = Keys::load(&layout, keys_are, options.environment)?;
        let listeners = net::bind(&config.listen).await?;
        let metrics_listener = net::bind(config.metrics.as_slice()).await?.pop();
        let (card, tls) = (card(&config, &keys), net::server_config(&keys.tls, &config.name)?);
        let parts = Parts {
            subscriptions: subscriptions(&receivers),
            ..parts(&options, &layout, &config, files, keys, card.id())?
        };
        // Boxed: what it holds while it starts is too much for the futures around it.
        let ca = Box::pin(Ca::start(parts)).await.map_err(|error| StartError::Ca(Box::new(error)))?;
        let ca = Arc::new(ca);
        let mut revoked = RevokedFile::at(layout.root().join(&config.revoked));
        // A list that cannot be written is no reason to leave everybody without certificates: it is told, and tried again.
        revoked.try_to_keep_up(&ca);

        let (stop, stopped) = watch::channel(false);
        let loads = Arc::new(watch::Sender::new(0));
        let (clock, metrics) = (options.clock, Metrics::new());
        let doorstep = Doorstep {
            tls,
            peers: Peers::new(Arc::clone(&clock), peer_limits(&config.limits)),
            connections: Arc::new(Semaphore::new(most_connections(&config.limits))),
            metrics: Arc::clone(&metrics),
            stop: stopped.clone(),
        };
        let (addresses, metrics_address) = (addresses(&listeners), metrics_listener.as_ref().and_then(address));
        let looks = Arc::new(Semaphore::new(most_looks()));
        let (loaded, explains) = (Arc::clone(&loads), Arc::new(Semaphore::new(1)));
        let shared = Shared { ca, card, clock, metrics, stop: stopped, loads: loaded, looks, explains };
        let (ca, metrics) = (Arc::clone(&shared.ca), Arc::clone(&shared.metrics));
        let couriers = couriers(receivers, &shared, &options.random).await?;
        let mut tasks = run(shared, listeners, metrics_listener, doorstep, revoked)?;
        couriers.into_iter().for_each(|courier| drop(tasks.spawn(courier.run(stop.subscribe()))));
        Ok(Running { addresses, metrics_address, ca, layout, metrics, stop, loads, tasks })
    }
}

/// What the use cases are made of; the ledger key goes to the store.
fn parts(
    options: &ServeOptions,
    layout: &Layout,
    config: &Config,
    files: FromFiles,
    keys: Keys,
    id: &ServerId,
) -> Result<Parts, OpenError> {
    let signer = CheckpointSigner::new(config.name.clone(), keys.ledger);
    Ok(Parts {
        store: Store::open(&layout.store(), signer, Arc::clone(&options.random))?,
        files,
        signers: Signers::new(keys.user_ca, keys.realms),
        identity: Identity { server: id.clone(), tls_keys: vec![keys.tls.digest()] },
        limits: ca_limits(&config.limits),
        clock: Arc::clone(&options.clock),
        random: Arc::clone(&options.random),
        subscriptions: Vec::new(),
    })
}

/// Which receivers want to be told of what.
fn subscriptions(receivers: &[Receiver]) -> Vec<Subscription> {
    let subscribed = |receiver: &Receiver| Subscription { receiver: receiver.name.clone(), on: receiver.on.clone() };
    receivers.iter().map(subscribed).collect()
}

/// Everything that runs: the port, the metrics, the jobs.
fn run(
    shared: Shared,
    listeners: Vec<TcpListener>,
    metrics_listener: Option<TcpListener>,
    doorstep: Doorstep,
    revoked: RevokedFile,
) -> Result<JoinSet<()>, StartError> {
    let mut tasks = JoinSet::new();
    tasks.spawn(jobs::run(Arc::clone(&shared.ca), Arc::clone(&shared.metrics), revoked, shared.stop.clone()));
    if let Some(listener) = metrics_listener {
        tasks.spawn(metrics::serve(listener, Arc::clone(&shared.metrics), shared.stop.clone()));
    }
    tasks.spawn(grpc::serve(Api::new(shared), listeners, doorstep)?);
    Ok(tasks)
}

/// One who carries notices for each receiver; what waits for others is dropped.
async fn couriers(
    receivers: Vec<Receiver>,
    shared: &Shared,
    random: &Arc<dyn Random>,
) -> Result<Vec<Courier>, StartError> {
    let dropped = shared.ca.forget_receivers().await.map_err(|error| StartError::Ca(Box::new(error)))?;
    if dropped > 0 {
        tracing::warn!(dropped, "notices were dropped: their receivers are in hallpassd.toml no more");
    }
    let courier = |receiver| Courier {
        receiver,
        ca: Arc::clone(&shared.ca),
        clock: Arc::clone(&shared.clock),
        random: Arc::clone(random),
        metrics: Arc::clone(&shared.metrics),
    };
    Ok(receivers.into_iter().map(courier).collect())
}

/// A server that runs. Dropped, it ends at once; [`Running::stop`] lets calls finish.
pub struct Running {
    addresses: Vec<SocketAddr>,
    metrics_address: Option<SocketAddr>,
    ca: Arc<Ca>,
    layout: Layout,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    loads: Arc<watch::Sender<u64>>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Where it listens; a port that was asked for as 0 is here what it became.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where its metrics are read.
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Its metrics, as they are read on the port.
    #[cfg(test)]
    pub(crate) fn metrics_text(&self) -> String {
        self.metrics.encode().unwrap_or_default()
    }

    /// Its name and its ledger key's fingerprint: what clients pin.
    pub fn id(&self) -> &ServerId {
        &self.ca.identity().server
    }

    /// Its use cases.
    pub const fn ca(&self) -> &Arc<Ca> {
        &self.ca
    }

    /// Loads policy, directory and hosts anew: all of them, or with a mistake none.
    ///
    /// # Errors
    /// [`ReloadError`]; the files before stay in force.
    pub async fn reload(&self) -> Result<Digest, ReloadError> {
        let loaded = self.load_bundle().await;
        match &loaded {
            Ok(bundle) => {
                self.metrics.reloaded();
                self.loads.send_modify(|loads| *loads += 1);
                tracing::info!(%bundle, "policy, directory and hosts were loaded");
            }
            Err(error) => {
                self.metrics.reload_failed();
                let bundle = self.ca.bundle().digest();
                tracing::error!(%bundle, "the files in force stay in force: {}", chain(error));
            }
        }
        loaded
    }

    async fn load_bundle(&self) -> Result<Digest, ReloadError> {
        let files = check::bundle(&self.layout, &self.ca.signers().realms())?;
        self.ca.reload(files).await.map_err(|error| ReloadError::Refused(Box::new(error)))
    }

    /// Stops: takes nothing new, and waits for what is under way, at most 20 seconds.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::warn!("calls that were still under way were cut off");
            self.tasks.shutdown().await;
        }
    }
}

/// Who the server is; signed before the ledger key goes to the store.
fn card(config: &Config, keys: &Keys) -> Card {
    let public = CheckpointSigner::new(config.name.clone(), keys.ledger.clone()).public_key();
    let id = ServerId { name: config.name.clone(), ledger_key: public.fingerprint() };
    Card::new(id, public, &keys.ledger, keys.tls.digest(), keys.user_ca.public_key().clone())
}

const fn ca_limits(limits: &Limits) -> ca::Limits {
    ca::Limits { patience: limits.pending, pending_per_user: limits.pending_per_user, session: limits.session }
}

const fn peer_limits(limits: &Limits) -> PeerLimits {
    PeerLimits { calls_per_second: limits.calls_per_second, connections: limits.connections_per_peer }
}

/// How many lists are made at once: a core is busy with one while another waits for the disk.
fn most_looks() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn most_connections(limits: &Limits) -> usize {
    usize::try_from(limits.connections).unwrap_or(Semaphore::MAX_PERMITS)
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(address).collect()
}

fn address(listener: &TcpListener) -> Option<SocketAddr> {
    listener.local_addr().ok()
}
