//! The use cases of Hallpass: how access is asked, approved, signed and stopped, each on about one page.
//!
//! ```text
//! submit ──► decide ──► fetch ──► certificate          login ─ session ─► get, list, watched
//!    │          │         │
//!    └── end ───┴─────────┴── stop / resume            reload, expire, remind, escalate: the background's part
//! ```
//!
//! | to read how | open |
//! |---|---|
//! | a statement is taken from the wire | `arrive.rs` |
//! | access is asked | `submit.rs` |
//! | a grant is extended | `extend.rs`, and `request::stands_on` |
//! | its connecting key is replaced | `rebind.rs`, and `request::may_rebind` |
//! | it is approved | `decide.rs`, and `request::judge` |
//! | a certificate is signed | `issue.rs`, and `request::grant` |
//! | one for many hosts is refused for some | `some_hosts.rs` |
//! | it is cancelled or given back | `end.rs` |
//! | break-glass is reviewed | `review.rs` |
//! | policy, users and hosts change | `load.rs`, `amend.rs` |
//! | receivers outside are told | `notice.rs`, `escalate.rs` |
//! | past requests are read and explained | `history.rs` |
//! | somebody stops it, and lifts that | `stop.rs`, `gate.rs` |
//! | the server stops by itself | `halt.rs`, `timekeeper.rs` |

mod amend;
mod arrive;
mod bundle;
mod decide;
mod end;
mod error;
mod escalate;
mod expire;
mod extend;
mod gate;
mod halt;
mod history;
mod issue;
mod load;
mod notice;
mod read;
mod rebind;
mod record;
mod review;
mod revocations;
mod session;
mod signers;
mod some_hosts;
mod stop;
mod submit;
#[cfg(test)]
mod tests;
mod timekeeper;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use domain::{Clock, Digest, Random, Span};
use history::Earlier;
use statement::{Memory, ServerId};
use store::Store;
use tokio::sync::{Mutex, watch};

pub use amend::Amending;
pub use bundle::{Bundle, InForce};
pub use error::{Class, Error};
pub use extend::ExtendRefused;
pub use gate::{Epoch, Gate, Leaving, Opens, Pass, Stopped};
pub use history::Explained;
pub use issue::Issued;
pub use load::{FromFiles, Push};
pub use notice::{About, AboutRequest, AboutStop, Decided, Reviewed, Stands, Subscription, Told};
pub use read::{Liveness, View, Which};
pub use revocations::RevocationList;
pub use session::{LoggedIn, Session, Token};
pub use signers::Signers;
pub use some_hosts::SomeHosts;
pub use stop::{Lifted, StopRefused, Stopping};
pub use store::{Bounds, Notice, Reach, Settled, Standing, Stretch, Subject, UnderWay, Used, Waiting};
pub use timekeeper::{ClockFault, Timekeeper};

/// Who this server is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name and the ledger key's digest that every statement must carry.
    pub server: ServerId,
    /// SHA-256 of the public TLS keys in force.
    pub tls_keys: Vec<Digest>,
}

/// Bounds that an operator may set.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a request waits for its quorum.
    pub patience: Span,
    /// How many requests of one user may wait at once.
    pub pending_per_user: u32,
    /// How long a session lives.
    pub session: Span,
}

/// Everything that the use cases need.
pub struct Ca {
    store: Arc<Store>,
    bundle: ArcSwap<InForce>,
    /// Held by whoever changes what is in force: one after the other.
    changing: Mutex<()>,
    earlier: Earlier,
    signers: Signers,
    identity: Identity,
    limits: Limits,
    gate: Arc<Gate>,
    /// The list of what is revoked, as it was made last.
    revocations: ArcSwapOption<RevocationList>,
    /// Its number.
    revoked: watch::Sender<u64>,
    time: Arc<Timekeeper>,
    random: Arc<dyn Random>,
    memory: Memory,
    subscriptions: Vec<Subscription>,
}

/// What a [`Ca`] is made of.
pub struct Parts {
    /// The opened store.
    pub store: Store,
    /// The server's own files.
    pub files: FromFiles,
    /// The user CAs.
    pub signers: Signers,
    /// Who this server is.
    pub identity: Identity,
    /// Bounds.
    pub limits: Limits,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Who outside is told of what.
    pub subscriptions: Vec<Subscription>,
}

/// How many verified signatures are remembered: those of the requests and decisions under live grants.
const REMEMBERED: usize = 16_384;
/// By how many seconds the clock may be behind the ledger's last entry at start.
const SET_BACK: u64 = 5;

impl Ca {
    /// Starts: another bundle becomes an entry, and a stop that the store remembers is in force again.
    ///
    /// # Errors
    /// When the store cannot be used, the clock shows no valid time, or the bundle lacks signatures.
    pub async fn start(parts: Parts) -> Result<Self, Error> {
        let Parts { store, files, signers, identity, limits, clock, random, subscriptions } = parts;
        let time = Arc::new(Timekeeper::start(clock)?);
        let stopped = store.halted().map(|halt| halt.reason);
        let gate = Arc::new(Gate::new(Epoch::new(store.epoch()), stopped));
        let behind = store.latest_time().since(time.wall()?);
        let bundle = ArcSwap::from_pointee(load::at_start(&store, &identity, files, time.wall()?).await?);
        let (memory, changing, earlier) = (Memory::new(REMEMBERED), Mutex::new(()), Earlier::default());
        let revoked = watch::Sender::new(store.revocations_number());
        let store = Arc::new(store);
        let ca = Self {
            store,
            bundle,
            changing,
            earlier,
            signers,
            identity,
            limits,
            gate,
            revocations: ArcSwapOption::empty(),
            revoked,
            time,
            random,
            memory,
            subscriptions,
        };
        if behind.seconds() > SET_BACK {
            ca.halt(&format!("the clock is {behind} behind the ledger's last entry: it was set back")).await;
        }
        Ok(ca)
    }

    /// What is in force.
    pub fn bundle(&self) -> Arc<InForce> {
        self.bundle.load_full()
    }

    /// Where fetches announce themselves as they arrive, so that their commits are shared.
    pub fn under_way(&self) -> UnderWay {
        self.store.under_way()
    }

    /// The gate that certificates leave through.
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// Who this server is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The user CAs.
    pub const fn signers(&self) -> &Signers {
        &self.signers
    }

    /// The latest signed size and root of the ledger.
    pub fn checkpoint(&self) -> ledger::SignedCheckpoint {
        self.store.checkpoint()
    }
}
