//! Clocks: one that stands still until a test moves it, and the machine's.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::{Clock, Span, TimeError, UnixTime};

/// A clock that only tests move.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicI64,
    since_boot_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn at(wall: UnixTime) -> Self {
        let wall = i64::try_from(wall.seconds()).unwrap_or(i64::MAX);
        Self { wall: AtomicI64::new(wall), since_boot_ms: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, span: Span) {
        self.jump(i64::try_from(span.seconds()).unwrap_or(i64::MAX));
        self.since_boot_ms.fetch_add(span.seconds() * 1000, Ordering::SeqCst);
    }

    /// Sets the wall clock forward, or back, while no time passes.
    pub fn jump(&self, seconds: i64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        u64::try_from(self.wall.load(Ordering::SeqCst)).map_err(|_| TimeError).and_then(UnixTime::new)
    }

    fn since_boot_ms(&self) -> u64 {
        self.since_boot_ms.load(Ordering::SeqCst)
    }
}

/// The machine's clock, for tests in which sshd judges certificates.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// The machine's clock; its boot time counts from now.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| TimeError)?;
        UnixTime::new(now.as_secs())
    }

    fn since_boot_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(UnixTime::new(1000).unwrap());
        clock.advance(Span::from_seconds(60).unwrap());
        assert_eq!((clock.wall().unwrap().seconds(), clock.since_boot_ms()), (1060, 60_000));
        clock.jump(-1000);
        assert_eq!((clock.wall().unwrap().seconds(), clock.since_boot_ms()), (60, 60_000));
        clock.jump(-61);
        assert_eq!(clock.wall(), Err(TimeError));
    }
}
