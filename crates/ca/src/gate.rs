//! The gate that certificates leave through, and that a stop takes for itself (invariant 9).
//!
//! ```text
//! fetch:  epoch 7 ── rules, commits, signs ──► pass(7) ─ bytes to the transport ─ release
//! stop:            take the gate alone ─ commit ─ epoch 8 ─ release ─ acknowledge
//! ```
//!
//! What was issued under epoch 7 and finds the gate at 8 is refused when a stop since then covers it, so nothing of that
//! leaves after the acknowledgement. What was handed to the transport before is in the ledger, and revoked by the stop.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use domain::{HostName, RequestId, Serial, UserName};
use store::Reach;

/// How many stops there were. It only grows, across restarts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch as the store counts it.
    pub const fn new(stops: u64) -> Self {
        Self(stops)
    }

    /// The number of stops.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Issuing is stopped, or was stopped in between.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuing is stopped: {reason}. An administrator ends this with: hallpass admin resume -m REASON")]
pub struct Stopped {
    /// Why.
    pub reason: String,
}

/// What certificates on their way out are: what a stop that comes in between is held against.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// What they were issued under.
    pub epoch: Epoch,
    /// The request they come from.
    pub request: RequestId,
    /// The same, and all that it extends.
    pub goes_back_to: BTreeSet<RequestId>,
    /// Who asked.
    pub user: UserName,
    /// Where they open a login.
    pub opens: Opens,
    /// Which they are.
    pub serials: Vec<Serial>,
}

/// Where certificates open a login.
#[derive(Debug, Clone)]
pub enum Opens {
    /// On these hosts.
    Hosts(Vec<HostName>),
    /// On every host of a realm.
    Realm,
}

/// How many stops the gate remembers. What was issued before the oldest of them is refused, and fetches again.
const REMEMBERED: usize = 64;

struct Inner {
    epoch: Epoch,
    stopped: Option<String>,
    /// The last stops, each by the epoch that it began.
    since: VecDeque<(Epoch, Reach)>,
}

impl Inner {
    fn remember(&mut self, reach: Reach) {
        self.since.push_back((self.epoch, reach));
        if self.since.len() > REMEMBERED {
            self.since.pop_front();
        }
    }

    /// Whether a stop came since these were issued that covers them, or more stops than are remembered.
    fn covered(&self, leaving: &Leaving) -> bool {
        let between = || self.since.iter().filter(|(epoch, _)| *epoch > leaving.epoch);
        let all_known = leaving.epoch == self.epoch
            || between().next().is_some_and(|(first, _)| first.0 == leaving.epoch.0.saturating_add(1));
        !all_known || between().any(|(_, reach)| covers(reach, leaving))
    }
}

/// Without a directory at hand, each realm counts as that of the host that was stopped: who is refused fetches again.
fn covers(reach: &Reach, leaving: &Leaving) -> bool {
    match reach {
        Reach::All => true,
        Reach::Request(id) => leaving.goes_back_to.contains(id),
        Reach::Serial(serial) => leaving.serials.contains(serial),
        Reach::Users(users) => users.contains(&leaving.user),
        Reach::Host { name, .. } => match &leaving.opens {
            Opens::Hosts(hosts) => hosts.contains(name),
            Opens::Realm => true,
        },
    }
}

/// The shared gate.
pub struct Gate(RwLock<Inner>);

/// Leave to hand bytes to the transport: no stop is acknowledged while one is held.
#[must_use = "bytes may leave only while this is held"]
pub struct Pass<'a>(#[expect(dead_code, reason = "held for its lock")] RwLockReadGuard<'a, Inner>);

impl Gate {
    /// A gate at the epoch and in the state that the store remembers.
    pub const fn new(epoch: Epoch, stopped: Option<String>) -> Self {
        Self(RwLock::new(Inner { epoch, stopped, since: VecDeque::new() }))
    }

    /// The epoch to issue under.
    ///
    /// # Errors
    /// When issuing is stopped.
    pub fn epoch(&self) -> Result<Epoch, Stopped> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &inner.stopped {
            None => Ok(inner.epoch),
            Some(reason) => Err(Stopped { reason: reason.clone() }),
        }
    }

    /// Why issuing is stopped, if it is.
    pub fn stopped(&self) -> Option<Stopped> {
        self.epoch().err()
    }

    /// Leave to let these out.
    ///
    /// # Errors
    /// When issuing is stopped, or something that covers them was stopped since they were issued, even if that is over.
    pub fn pass(&self, leaving: &Leaving) -> Result<Pass<'_>, Stopped> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = &inner.stopped {
            return Err(Stopped { reason: reason.clone() });
        }
        if leaving.epoch != inner.epoch && inner.covered(leaving) {
            return Err(Stopped { reason: "it was stopped while this fetch was under way; fetch again".into() });
        }
        Ok(Pass(inner))
    }

    /// Stops what a stop takes hold of: takes the gate alone, lets `commit` record it, and raises the epoch. When that
    /// fails nothing is stopped.
    ///
    /// # Errors
    /// What `commit` said.
    pub fn stop<T, E>(&self, reach: &Reach, commit: impl FnOnce() -> Result<(Epoch, T), E>) -> Result<T, E> {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (epoch, done) = commit()?;
        inner.epoch = inner.epoch.max(epoch);
        inner.remember(reach.clone());
        Ok(done)
    }

    /// Stops issuing: takes the gate alone, lets `commit` record it, raises the epoch. The gate stays shut even when
    /// the commit fails: a stop that cannot be recorded is still a stop. A second stop keeps the first one's reason.
    ///
    /// # Errors
    /// What `commit` said.
    pub fn halt<E>(&self, reason: &str, commit: impl FnOnce() -> Result<Epoch, E>) -> Result<(), E> {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.stopped.get_or_insert_with(|| reason.to_owned());
        let committed = commit();
        inner.epoch = match &committed {
            Ok(epoch) => inner.epoch.max(*epoch),
            Err(_) => Epoch(inner.epoch.0.saturating_add(1)),
        };
        inner.remember(Reach::All);
        committed.map(|_| ())
    }

    /// Opens the gate again, once `commit` has recorded it with at least the epoch it is given, so that gate and store
    /// agree again even after a stop that could not be recorded. No stop comes in between.
    ///
    /// # Errors
    /// What `commit` said; then the gate stays shut.
    pub fn resume<E>(&self, commit: impl FnOnce(Epoch) -> Result<Epoch, E>) -> Result<(), E> {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = commit(inner.epoch)?;
        inner.epoch = inner.epoch.max(epoch);
        inner.stopped = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaving(epoch: Epoch) -> Leaving {
        Leaving {
            epoch,
            request: "7K3F9-QXMWT".parse().unwrap(),
            goes_back_to: ["7K3F9-QXMWT", "8K3F9-QXMWT"].map(|id| id.parse().unwrap()).into(),
            user: "alice".parse().unwrap(),
            opens: Opens::Hosts(vec!["web-1".parse().unwrap()]),
            serials: vec![Serial::new(7).unwrap()],
        }
    }

    fn stop(gate: &Gate, reach: &Reach) {
        let next = gate.epoch().unwrap().get() + 1;
        gate.stop::<(), ()>(reach, || Ok((Epoch::new(next), ()))).unwrap();
    }

    fn users(name: &str) -> Reach {
        Reach::Users([name.parse().unwrap()].into())
    }

    fn host(name: &str) -> Reach {
        Reach::Host { name: name.parse().unwrap(), realm: None, requests: Vec::new() }
    }

    #[test]
    fn what_was_issued_before_a_halt_never_passes_after_it() {
        let gate = Gate::new(Epoch::new(7), None);
        let before = gate.epoch().unwrap();
        assert!(gate.pass(&leaving(before)).is_ok());
        gate.halt::<()>("clock", || Ok(Epoch::new(8))).unwrap();
        assert_eq!(gate.pass(&leaving(before)).err().map(|s| s.reason), Some("clock".into()));
        assert!(gate.epoch().is_err());
        gate.resume::<()>(Ok).unwrap();
        assert!(gate.pass(&leaving(before)).is_err(), "resumed, yet issued under the epoch before");
        assert!(gate.pass(&leaving(gate.epoch().unwrap())).is_ok());
    }

    #[test]
    fn a_stop_holds_back_what_it_covers_and_nothing_else() {
        let request = |id: &str| Reach::Request(id.parse().unwrap());
        let serial = |serial| Reach::Serial(Serial::new(serial).unwrap());
        for (covering, other) in [
            (users("alice"), users("bob")),
            (host("web-1"), host("web-2")),
            (request("7K3F9-QXMWT"), request("7K3F9-QXMW0")),
            (request("8K3F9-QXMWT"), request("7K3F9-QXMW0")),
            (serial(7), serial(8)),
        ] {
            let gate = Gate::new(Epoch::new(7), None);
            let before = leaving(gate.epoch().unwrap());
            stop(&gate, &other);
            assert!(gate.pass(&before).is_ok(), "{other:?}");
            stop(&gate, &covering);
            assert!(gate.pass(&before).is_err(), "{covering:?}");
            stop(&gate, &other);
            assert!(gate.pass(&before).is_err(), "another stop makes none forgotten");
        }
        let gate = Gate::new(Epoch::new(7), None);
        let plain = Leaving { opens: Opens::Realm, ..leaving(gate.epoch().unwrap()) };
        stop(&gate, &host("web-2"));
        assert!(gate.pass(&plain).is_err(), "a plain certificate opens every host of its realm");
    }

    #[test]
    fn what_is_older_than_the_stops_that_are_remembered_does_not_pass() {
        let gate = Gate::new(Epoch::new(7), None);
        let before = leaving(gate.epoch().unwrap());
        for _ in 0..REMEMBERED {
            stop(&gate, &users("bob"));
        }
        assert!(gate.pass(&before).is_ok());
        stop(&gate, &users("bob"));
        assert!(gate.pass(&before).is_err());
    }

    #[test]
    fn a_stop_that_is_not_recorded_stops_nothing() {
        let gate = Gate::new(Epoch::new(7), None);
        let before = leaving(gate.epoch().unwrap());
        assert_eq!(gate.stop::<(), _>(&Reach::All, || Err("full")), Err("full"));
        assert!(gate.pass(&before).is_ok());
    }

    #[test]
    fn a_halt_that_cannot_be_recorded_still_halts() {
        let gate = Gate::new(Epoch::new(0), None);
        assert_eq!(gate.halt("disk", || Err("full")), Err("full"));
        assert!(gate.stopped().is_some());
        assert_eq!(gate.resume(|_| Err("still full")), Err("still full"));
        assert!(gate.stopped().is_some());
        gate.resume::<()>(Ok).unwrap();
        assert!(gate.pass(&leaving(Epoch::new(0))).is_err(), "the epoch was raised all the same");
        assert_eq!(gate.epoch(), Ok(Epoch::new(1)));
    }

    #[test]
    fn a_stop_waits_for_those_who_are_passing() {
        let gate = Gate::new(Epoch::new(0), None);
        let acknowledged = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let pass = gate.pass(&leaving(Epoch::new(0))).unwrap();
            let stop = scope.spawn(|| {
                stop(&gate, &users("alice"));
                acknowledged.store(true, std::sync::atomic::Ordering::SeqCst);
            });
            assert!(!acknowledged.load(std::sync::atomic::Ordering::SeqCst));
            drop(pass);
            stop.join().unwrap();
        });
        assert!(acknowledged.into_inner());
    }
}
