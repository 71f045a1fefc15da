//! Whether the clock can be trusted: wall time must run along with the time since boot (invariant 10).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Clock, TimeError, UnixTime};

/// How far wall time may part from boot time, in milliseconds.
const TOLERANCE_MS: u64 = 5_000;

/// The clock cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockFault {
    /// It shows no time that can be.
    #[error("the clock shows no valid time: {0}")]
    Unreadable(#[from] TimeError),
    /// It jumped.
    #[error("the clock is {0} ms away from where the time since boot puts it (5000 are allowed)")]
    Diverged(i64),
}

/// The injected clock, and where its wall time should be.
pub struct Timekeeper {
    clock: Arc<dyn Clock>,
    /// Wall time less boot time, in milliseconds, as it was when time was last known to be right.
    base_ms: AtomicI64,
}

impl Timekeeper {
    /// Takes the wall time of this moment as right.
    ///
    /// # Errors
    /// When the clock shows no valid time.
    pub fn start(clock: Arc<dyn Clock>) -> Result<Self, ClockFault> {
        let base_ms = AtomicI64::new(offset_ms(&*clock)?);
        Ok(Self { clock, base_ms })
    }

    /// Wall time, whether or not it can be trusted: for the freshness of statements and for records.
    ///
    /// # Errors
    /// When the clock shows no valid time.
    pub fn wall(&self) -> Result<UnixTime, ClockFault> {
        Ok(self.clock.wall()?)
    }

    /// Wall time to issue by.
    ///
    /// # Errors
    /// When it parted from boot time by more than five seconds.
    pub fn trusted(&self) -> Result<UnixTime, ClockFault> {
        let drift = offset_ms(&*self.clock)?.saturating_sub(self.base_ms.load(Ordering::SeqCst));
        if drift.unsigned_abs() > TOLERANCE_MS {
            return Err(ClockFault::Diverged(drift));
        }
        self.wall()
    }

    /// Where the time since boot puts wall time: what a stop is recorded with, as the wall clock is what failed.
    pub fn steady(&self) -> Option<UnixTime> {
        let boot = i64::try_from(self.clock.since_boot_ms()).ok()?;
        let ms = self.base_ms.load(Ordering::SeqCst).checked_add(boot)?;
        u64::try_from(ms / 1000).ok().and_then(|seconds| UnixTime::new(seconds).ok())
    }

    /// Wall time as it is now, for an administrator who says that it is right: [`Timekeeper::rebase`] believes it.
    ///
    /// # Errors
    /// When the clock shows no valid time.
    pub(crate) fn base(&self) -> Result<Base, ClockFault> {
        offset_ms(&*self.clock).map(Base)
    }

    /// Takes wall time as it was then for right.
    pub(crate) fn rebase(&self, base: &Base) {
        self.base_ms.store(base.0, Ordering::SeqCst);
    }
}

/// Where wall time was, beside the time since boot.
#[derive(Debug)]
pub(crate) struct Base(i64);

fn offset_ms(clock: &dyn Clock) -> Result<i64, ClockFault> {
    let wall = i64::try_from(clock.wall()?.seconds()).unwrap_or(i64::MAX).saturating_mul(1000);
    let boot = i64::try_from(clock.since_boot_ms()).unwrap_or(i64::MAX);
    Ok(wall.saturating_sub(boot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[derive(Default)]
    struct TwoHands {
        wall: AtomicU64,
        boot_ms: AtomicU64,
    }

    impl Clock for TwoHands {
        fn wall(&self) -> Result<UnixTime, TimeError> {
            UnixTime::new(self.wall.load(Ordering::SeqCst))
        }

        fn since_boot_ms(&self) -> u64 {
            self.boot_ms.load(Ordering::SeqCst)
        }
    }

    fn moved(wall: u64, boot_ms: u64) -> Result<UnixTime, ClockFault> {
        let clock = Arc::new(TwoHands::default());
        clock.wall.store(1_000_000, Ordering::SeqCst);
        let keeper = Timekeeper::start(clock.clone()).unwrap();
        clock.wall.store(wall, Ordering::SeqCst);
        clock.boot_ms.store(boot_ms, Ordering::SeqCst);
        keeper.trusted()
    }

    #[test]
    fn time_that_runs_along_is_trusted() {
        assert!(moved(1_000_600, 600_000).is_ok());
        assert!(moved(1_000_605, 600_000).is_ok());
        assert!(moved(1_000_595, 600_000).is_ok());
    }

    #[test]
    fn a_jump_either_way_is_refused() {
        assert_eq!(moved(1_000_606, 600_000), Err(ClockFault::Diverged(6000)));
        assert_eq!(moved(1_000_594, 600_000), Err(ClockFault::Diverged(-6000)));
        assert!(matches!(moved(u64::MAX, 0), Err(ClockFault::Unreadable(_))));
    }

    #[test]
    fn an_administrator_can_say_that_time_is_right() {
        let clock = Arc::new(TwoHands::default());
        let keeper = Timekeeper::start(clock.clone()).unwrap();
        clock.wall.store(3600, Ordering::SeqCst);
        assert!(keeper.trusted().is_err());
        keeper.rebase(&keeper.base().unwrap());
        assert_eq!(keeper.trusted(), UnixTime::new(3600).map_err(Into::into));
    }
}
