//! What a helper holds: connecting keys, and the memory of what it loaded into ssh-agents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cert::Certificate;
use domain::{Clock, PublicKey, Random, UnixTime};

use crate::client::{AgentClient, AgentError, Lifetime};
use crate::connecting_key::ConnectingKey;
use crate::extension::{HeldKey, Load, LoadedCertificate, Refusal, Status};
use crate::server_name::ServerName;

/// Each takes a locked page; 64 KiB of those is the smallest limit in use.
const MOST_KEYS: usize = 16;
const MOST_LOADED: usize = 256;

/// The state of one helper.
pub(crate) struct Keyring {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keys: Mutex<BTreeMap<ServerName, Arc<ConnectingKey>>>,
    // Held across conversations with an ssh-agent: loading for one host twice at once must still leave one certificate.
    loaded: tokio::sync::Mutex<Vec<Loaded>>,
}

struct Loaded {
    load: Load,
    lifetime: Lifetime,
}

impl Loaded {
    fn replaced_by(&self, load: &Load) -> bool {
        (&self.load.server, &self.load.host, &self.load.agent) == (&load.server, &load.host, &load.agent)
    }

    const fn until(&self) -> UnixTime {
        self.load.certificate.valid_before()
    }
}

impl Keyring {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, keys: Mutex::default(), loaded: tokio::sync::Mutex::default() }
    }

    /// Makes a key for a new login session; the one of the session before is dropped.
    pub(crate) async fn create(&self, server: &ServerName) -> Result<PublicKey, Refusal> {
        let key = ConnectingKey::fresh(&*self.random).map_err(|error| Refusal::Key(in_full(&error)))?;
        self.drop_key(server).await;
        let mut keys = self.keys();
        if keys.len() >= MOST_KEYS {
            return Err(Refusal::Full);
        }
        let public_key = key.public_key().clone();
        keys.insert(server.clone(), Arc::new(key));
        Ok(public_key)
    }

    /// Wipes the key, and takes back from ssh-agents what was loaded with it.
    pub(crate) async fn drop_key(&self, server: &ServerName) {
        self.keys().remove(server);
        let mut loaded = self.loaded.lock().await;
        let (dropped, kept) = std::mem::take(&mut *loaded).into_iter().partition(|l| l.load.server == *server);
        *loaded = kept;
        take_back(dropped).await;
    }

    /// Loads a certificate and its key into an ssh-agent, and removes the one before for the same host.
    pub(crate) async fn load(&self, load: Load) -> Result<Lifetime, Refusal> {
        let key = self.keys().get(&load.server).cloned().ok_or(Refusal::NoKey)?;
        if load.certificate.public_key() != key.public_key() {
            return Err(Refusal::OtherKey);
        }
        let now = self.clock.wall().map_err(|_| Refusal::Clock)?;
        if load.certificate.valid_before() <= now {
            return Err(Refusal::Expired);
        }
        let mut loaded = self.loaded.lock().await;
        if loaded.iter().filter(|l| !l.replaced_by(&load)).count() >= MOST_LOADED {
            return Err(Refusal::Full);
        }
        let refused = |error: AgentError| Refusal::Agent(in_full(&error));
        // The new one first, so that a failure leaves the user the old one.
        let lifetime = add(&key, &load, now).await.map_err(refused)?;
        let before: Vec<_> = loaded.extract_if(.., |l| l.replaced_by(&load)).collect();
        loaded.push(Loaded { load: load.clone(), lifetime });
        remove_before(&load, &before).await.map_err(refused)?;
        Ok(lifetime)
    }

    /// Forgets what is over, and removes it from agents that keep no lifetimes.
    pub(crate) async fn sweep(&self) {
        let Ok(now) = self.clock.wall() else { return };
        let mut loaded = self.loaded.lock().await;
        let (over, kept): (Vec<_>, _) = std::mem::take(&mut *loaded).into_iter().partition(|l| l.until() <= now);
        *loaded = kept;
        take_back(over.into_iter().filter(|l| l.lifetime == Lifetime::Refused).collect()).await;
    }

    /// Wipes everything.
    pub(crate) async fn clear(&self) {
        self.keys().clear();
        take_back(std::mem::take(&mut *self.loaded.lock().await)).await;
    }

    /// The key with this public half.
    pub(crate) fn find(&self, public_key: &PublicKey) -> Option<Arc<ConnectingKey>> {
        self.keys().values().find(|key| key.public_key() == public_key).cloned()
    }

    pub(crate) fn held(&self) -> Vec<HeldKey> {
        let held = |(server, key): (&ServerName, &Arc<ConnectingKey>)| HeldKey {
            server: server.clone(),
            public_key: key.public_key().clone(),
        };
        self.keys().iter().map(held).collect()
    }

    pub(crate) async fn status(&self) -> Status {
        self.sweep().await;
        let shown = |loaded: &Loaded| LoadedCertificate {
            server: loaded.load.server.clone(),
            host: loaded.load.host.clone(),
            agent: loaded.load.agent.clone(),
            until: loaded.until(),
        };
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            keys: self.held(),
            loaded: self.loaded.lock().await.iter().map(shown).collect(),
        }
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<ServerName, Arc<ConnectingKey>>> {
        // No code panics while it holds the lock.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn comment(load: &Load) -> String {
    format!("hallpass {} {}", load.server, load.host)
}

async fn add(key: &ConnectingKey, load: &Load, now: UnixTime) -> Result<Lifetime, AgentError> {
    let left = load.certificate.valid_before().since(now);
    AgentClient::connect(&load.agent).await?.add_certificate(key, &load.certificate, left, &comment(load)).await
}

/// Removes the certificates for the same host that were loaded before: those that are remembered, for some agents drop
/// comments, and those with the same comment, which finds what a helper before this one had loaded.
async fn remove_before(load: &Load, before: &[Loaded]) -> Result<(), AgentError> {
    let agent = AgentClient::connect(&load.agent).await?;
    for identity in agent.identities().await? {
        let ours = identity.is_certificate() && identity.comment() == comment(load)
            || before.iter().any(|l| identity.is(&l.load.certificate));
        if ours && !identity.is(&load.certificate) {
            forgotten(agent.remove(&identity).await)?;
        }
    }
    Ok(())
}

/// Removes certificates from their agents as well as it goes: an agent that is gone holds nothing.
async fn take_back(loaded: Vec<Loaded>) {
    for Loaded { load, .. } in loaded {
        if let Err(error) = remove(&load.agent, &load.certificate).await {
            tracing::warn!(host = %load.host, error = %in_full(&error), "a certificate stays in the ssh-agent");
        }
    }
}

async fn remove(agent: &std::path::Path, certificate: &Certificate) -> Result<(), AgentError> {
    match AgentClient::connect(agent).await {
        Ok(agent) => forgotten(agent.remove_certificate(certificate).await),
        Err(AgentError::NotThere { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

/// An agent that refuses to forget does not hold it any more.
fn forgotten(removed: Result<(), AgentError>) -> Result<(), AgentError> {
    match removed {
        Err(AgentError::Refused(_)) => Ok(()),
        other => other,
    }
}

/// An error with its causes on one line: all that an extension's answer can carry.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
