//! The system's own clocks and randomness, as the server is given them outside of tests.

use domain::{Clock, Random, TimeError, UnixTime};
use nix::time::{ClockId, clock_gettime};
use rand::RngCore as _;
use rand::rngs::OsRng;

/// Wall time from `CLOCK_REALTIME`, and `CLOCK_BOOTTIME` beside it: the one that nobody can set.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        let time = clock_gettime(ClockId::CLOCK_REALTIME).map_err(|_| TimeError)?;
        u64::try_from(time.tv_sec()).map_err(|_| TimeError).and_then(UnixTime::new)
    }

    fn since_boot_ms(&self) -> u64 {
        // Linux always has this clock. Were it to fail, 0 is far from wall time, and that stops issuing.
        let time = clock_gettime(ClockId::CLOCK_BOOTTIME).ok();
        let ms = time.and_then(|time| time.tv_sec().checked_mul(1000)?.checked_add(time.tv_nsec() / 1_000_000));
        ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
    }
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run() {
        let (wall, boot) = (SystemClock.wall().unwrap(), SystemClock.since_boot_ms());
        assert!(wall.seconds() > 1_700_000_000);
        assert!(boot > 0);
        assert!(SystemClock.since_boot_ms() >= boot);
    }

    #[test]
    fn randomness_fills_every_byte() {
        let mut bytes = [0; 64];
        SystemRandom.fill(&mut bytes);
        assert!(bytes.iter().any(|b| *b != 0));
    }
}
