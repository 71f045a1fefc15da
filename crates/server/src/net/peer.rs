//! What one peer may have: connections, and calls a second.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Clock;

/// Most peers that are remembered at once. Whoever comes beyond shares one allowance with all others who do.
const REMEMBERED: usize = 65_536;

/// A peer: an IPv4 address, or the 64 bits of an IPv6 network, which one subscriber has whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// Stands for every peer that is not remembered by itself.
    const STRANGERS: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
            v4 => Self(v4),
        }
    }
}

/// Bounds for each peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerLimits {
    /// Calls a second in the long run; ten seconds' worth may come at once.
    pub(crate) calls_per_second: u32,
    /// Connections at once.
    pub(crate) connections: u32,
}

/// What every peer has used.
pub(crate) struct Peers {
    clock: Arc<dyn Clock>,
    limits: PeerLimits,
    state: Mutex<State>,
    /// Lines on refused calls, and on refused connections.
    lines: (Sparing, Sparing),
}

#[derive(Default)]
struct State {
    used: HashMap<Peer, Used>,
    swept_ms: u64,
}

/// One peer's use. Calls are counted in thousandths, so that a rate of one a second is exact in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// What is left of the allowance, as of `at_ms`.
    left: u64,
    at_ms: u64,
    connections: u32,
}

impl Peers {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: PeerLimits) -> Arc<Self> {
        Arc::new(Self { clock, limits, state: Mutex::default(), lines: Default::default() })
    }

    /// Counts one call.
    ///
    /// # Errors
    /// How long until the next one is allowed.
    pub(crate) fn call(&self, peer: Peer) -> Result<(), Duration> {
        let counted = self.with(peer, |used, _| {
            if used.left >= 1000 {
                used.left -= 1000;
                return Ok(());
            }
            let missing = 1000 - used.left;
            Err(Duration::from_millis(missing.div_ceil(self.rate())))
        });
        if counted.is_err()
            && let Some(left_out) = self.lines.0.line(self.clock.since_boot_ms())
        {
            tracing::warn!(peer = %peer.0, left_out, "refused: too many calls");
        }
        counted
    }

    /// Counts one connection for as long as the result lives; `None` when the peer has as many as it may.
    pub(crate) fn connect(self: &Arc<Self>, peer: Peer) -> Option<Counted> {
        let counted = self.with(peer, |used, counted_as| {
            let free = used.connections < self.limits.connections;
            used.connections += u32::from(free);
            free.then(|| Counted { peers: Arc::clone(self), peer: counted_as })
        });
        if counted.is_none()
            && let Some(left_out) = self.lines.1.line(self.clock.since_boot_ms())
        {
            tracing::warn!(peer = %peer.0, left_out, "refused: too many connections of one peer");
        }
        counted
    }

    /// Acts on what a peer has used, and says as whom it is counted.
    fn with<T>(&self, peer: Peer, act: impl FnOnce(&mut Used, Peer) -> T) -> T {
        let now = self.clock.since_boot_ms();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = self.room_for(peer, &mut state, now);
        let used = state.used.entry(peer).or_insert(Used { left: self.most(), at_ms: now, connections: 0 });
        *used = self.refilled(*used, now);
        act(used, peer)
    }

    /// Who has rested is forgotten when there is no room, but that is looked for once a second at most.
    fn room_for(&self, peer: Peer, state: &mut State, now: u64) -> Peer {
        if state.used.len() < REMEMBERED || state.used.contains_key(&peer) {
            return peer;
        }
        if now.saturating_sub(state.swept_ms) >= 1000 {
            state.swept_ms = now;
            state.used.retain(|_, used| used.connections > 0 || self.refilled(*used, now).left < self.most());
        }
        if state.used.len() < REMEMBERED { peer } else { Peer::STRANGERS }
    }

    fn refilled(&self, used: Used, now: u64) -> Used {
        let gained = now.saturating_sub(used.at_ms).saturating_mul(self.rate());
        Used { left: used.left.saturating_add(gained).min(self.most()), at_ms: now, ..used }
    }

    /// Thousandths of calls a millisecond, which is calls a second.
    fn rate(&self) -> u64 {
        u64::from(self.limits.calls_per_second.max(1))
    }

    fn most(&self) -> u64 {
        self.rate() * 10_000
    }
}

/// One line a second, so that a flood of refusals is no flood of lines.
#[derive(Default)]
struct Sparing(Mutex<Spared>);

#[derive(Default)]
struct Spared {
    next_ms: u64,
    left_out: u64,
}

impl Sparing {
    /// How many lines were left out since the one before, when it is time for another.
    fn line(&self, now_ms: u64) -> Option<u64> {
        let mut spared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now_ms < spared.next_ms {
            spared.left_out += 1;
            return None;
        }
        spared.next_ms = now_ms.saturating_add(1000);
        Some(std::mem::take(&mut spared.left_out))
    }
}

/// A counted connection.
pub(crate) struct Counted {
    peers: Arc<Peers>,
    peer: Peer,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.peers.with(self.peer, |used, _| used.connections = used.connections.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    use domain::{TimeError, UnixTime};

    #[derive(Default)]
    struct Boot(AtomicU64);

    impl Clock for Boot {
        fn wall(&self) -> Result<UnixTime, TimeError> {
            UnixTime::new(0)
        }

        fn since_boot_ms(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn peers(calls_per_second: u32, connections: u32) -> (Arc<Boot>, Arc<Peers>) {
        let clock = Arc::new(Boot::default());
        (clock.clone(), Peers::new(clock, PeerLimits { calls_per_second, connections }))
    }

    fn peer(address: &str) -> Peer {
        Peer::of(address.parse().unwrap())
    }

    #[test]
    fn a_peer_that_calls_too_often_is_told_when_to_come_back() {
        let (clock, peers) = peers(2, 1);
        let loud = peer("192.0.2.1");
        assert!((0..20).all(|_| peers.call(loud).is_ok()), "ten seconds' worth at once");
        assert_eq!(peers.call(loud), Err(Duration::from_millis(500)));
        assert!(peers.call(peer("192.0.2.2")).is_ok(), "others are not touched");
        clock.0.store(499, Ordering::SeqCst);
        assert_eq!(peers.call(loud), Err(Duration::from_millis(1)));
        clock.0.store(500, Ordering::SeqCst);
        assert_eq!(peers.call(loud), Ok(()));
        clock.0.store(u64::MAX, Ordering::SeqCst);
        assert_eq!((0..100).filter(|_| peers.call(loud).is_ok()).count(), 20, "no more than the allowance gathers");
    }

    #[test]
    fn connections_are_counted_while_they_last() {
        let (_, peers) = peers(1, 2);
        let one = peers.connect(peer("192.0.2.1"));
        let two = peers.connect(peer("::ffff:192.0.2.1"));
        assert!(one.is_some() && two.is_some());
        assert!(peers.connect(peer("192.0.2.1")).is_none());
        assert!(peers.connect(peer("192.0.2.9")).is_some());
        drop(one);
        assert!(peers.connect(peer("192.0.2.1")).is_some());
    }

    #[test]
    fn a_line_says_how_many_were_left_out_before_it() {
        let lines = Sparing::default();
        let said = [5, 6, 1004, 1005, 1006].map(|now| lines.line(now));
        assert_eq!(said, [Some(0), None, None, Some(2), None]);
    }

    #[test]
    fn an_ipv6_network_is_one_peer() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
    }

    #[test]
    fn memory_is_bounded_and_strangers_share_one_allowance() {
        let (clock, peers) = peers(1, 1);
        let many = |third: u32| Peer::of(IpAddr::V4(third.into()));
        for number in 0..70_000 {
            let _allowed = peers.call(many(number));
        }
        assert!(peers.state.lock().unwrap().used.len() <= REMEMBERED + 1);
        assert!((0..20).any(|number| peers.call(many(100_000 + number)).is_err()));
        clock.0.store(3_600_000, Ordering::SeqCst);
        assert!(peers.call(many(200_000)).is_ok());
        assert!(peers.state.lock().unwrap().used.len() < 10, "those who rested are forgotten");
    }
}
