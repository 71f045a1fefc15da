//! The one who carries notices to a receiver: from the store's queue, again and again until they arrive or are too old.
//!
//! ```text
//! every second: drop what is out of bounds ──► what is due ──► told: over | failed: due again, later each time
//! ```

use std::sync::Arc;
use std::time::Duration;

use ca::{Bounds, Ca, ClockFault, Error, Notice, Settled};
use domain::{Clock, Random, Span, UnixTime};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::message::Message;
use super::program::Output;
use super::receiver::{Delivered, Failure, Receiver};
use crate::error::chain;
use crate::metrics::Metrics;
use crate::stop::stopped;

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait when the store fails: what was delivered and could not be noted would be delivered every second.
const STORE_FAILED: Duration = Duration::from_secs(60);
/// How many notices are read at once.
const AT_ONCE: u32 = 32;
/// How long a notice is tried.
const OLDEST: u64 = 3 * 86_400;
/// How far ahead a notice can be due; one that is later was written by a clock that was wrong.
const LATEST: u64 = 86_400;
/// How many notices of one receiver wait.
const MOST: u32 = 10_000;
/// The first pause after a failure, in seconds, and the longest.
const PAUSES: (u64, u64) = (5, 3600);

/// Carries notices to one receiver. Each has its own, so that one that is slow or gone holds up nobody.
pub(crate) struct Courier {
    pub(crate) receiver: Receiver,
    pub(crate) ca: Arc<Ca>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Courier {
    /// Runs until the server stops. What is under way then is delivered again by the next one.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let work = async {
            loop {
                looks.tick().await;
                if let Err(error) = self.round().await {
                    tracing::warn!(receiver = %self.receiver.name, error = chain(&error), "notices wait for the store");
                    sleep(STORE_FAILED).await;
                }
            }
        };
        tokio::select! {
            biased;
            () = stopped(&mut stop) => {}
            () = work => {}
        }
    }

    /// Delivers everything that is due.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn round(&self) -> Result<(), Error> {
        loop {
            // A clock that shows no valid time stops issuing, and is told there.
            let Ok(now) = self.clock.wall() else { return Ok(()) };
            self.keep_bounds(now).await?;
            let due = self.ca.notices(&self.receiver.name, now, AT_ONCE)?;
            if due.is_empty() {
                return Ok(());
            }
            for notice in due {
                self.carry(notice).await?;
            }
        }
    }

    async fn keep_bounds(&self, now: UnixTime) -> Result<(), Error> {
        let span = |seconds| Span::from_seconds(seconds).unwrap_or(Span::ZERO);
        let latest = now.after(span(LATEST)).unwrap_or(now);
        let receiver = self.receiver.name.clone();
        let bounds = Bounds { receiver, oldest: now.before(span(OLDEST)), latest, most: MOST };
        let waiting = self.ca.waiting(&bounds)?;
        let mut left = waiting.all;
        if waiting.stale > 0 || waiting.all > MOST {
            let dropped = self.ca.prune(bounds).await?;
            left = left.saturating_sub(u32::try_from(dropped).unwrap_or(u32::MAX));
            self.metrics.notices_dropped(&self.receiver.name, dropped);
            tracing::error!(
                receiver = %self.receiver.name, dropped, waiting = left,
                "notices were dropped: the receiver took none for three days, or more than 10000 waited"
            );
        }
        self.metrics.notices_waiting(&self.receiver.name, left);
        Ok(())
    }

    async fn carry(&self, notice: Notice) -> Result<(), Error> {
        // Asked anew: the one before may have taken minutes, and receivers refuse what was signed long ago.
        let now = self.clock.wall().map_err(ClockFault::from)?;
        let told = match self.ca.tell(notice.clone()) {
            Ok(told) => told,
            // It will not get better, and was told as loudly as anybody can be told of it.
            Err(error @ (Error::NoRequest(_) | Error::NoAct(_) | Error::Tampered { .. })) => {
                tracing::error!(
                    receiver = %self.receiver.name, about = %notice.subject, error = chain(&error),
                    "a notice was dropped: what it is about cannot be believed"
                );
                self.metrics.notices_dropped(&self.receiver.name, 1);
                return self.ca.settle(notice, Settled::Over).await;
            }
            Err(error) => return Err(error),
        };
        let (message, bundle) = (Message::of(told), self.ca.bundle());
        let outcome = self.receiver.tell(&message, bundle.directory(), now, Output::Nowhere).await;
        let settled = self.outcome(&notice, &outcome, now);
        self.ca.settle(notice, settled).await
    }

    /// What follows from an attempt, said in the log and counted.
    fn outcome(&self, notice: &Notice, outcome: &Result<Delivered, Failure>, now: UnixTime) -> Settled {
        let (receiver, about, event) = (&self.receiver.name, notice.subject, notice.event);
        match outcome {
            Ok(Delivered::NobodyHasAnAddress) => {
                tracing::debug!(%receiver, %about, %event, "nobody whom a notice concerns has an address");
                Settled::Over
            }
            Ok(_) => {
                tracing::info!(%receiver, %about, %event, "a notice was delivered");
                self.metrics.notice_delivered(receiver);
                Settled::Over
            }
            Err(failure) if failure.is_final() => {
                tracing::error!(
                    %receiver, %about, %event,
                    "the receiver answered 410 Gone: the notice was dropped; remove the receiver from hallpassd.toml"
                );
                self.metrics.notices_dropped(receiver, 1);
                Settled::Over
            }
            Err(failure) => {
                let again_in = pause(notice.attempts, failure.retry_after(), &*self.random);
                let (attempt, error) = (notice.attempts.saturating_add(1), failure.for_log());
                tracing::warn!(%receiver, %about, %event, attempt, error, %again_in, "a notice was not delivered");
                self.metrics.notice_failed(receiver);
                Settled::Again(now.after(again_in).unwrap_or(now))
            }
        }
    }
}

/// How long to wait after so many failures: doubled each time, up to an hour, the second half of it by chance, so that
/// what failed together is not tried together. A receiver may ask for longer, up to an hour.
fn pause(failures: u32, asked: Option<u64>, random: &dyn Random) -> Span {
    let (first, longest) = PAUSES;
    let whole = first.saturating_mul(2u64.saturating_pow(failures)).min(longest);
    let mut bits = [0; 8];
    random.fill(&mut bits);
    let by_chance = u64::from_le_bytes(bits) % (whole / 2 + 1);
    let waited = (whole - whole / 2 + by_chance).max(asked.unwrap_or(0).min(longest));
    Span::from_seconds(waited.min(longest)).unwrap_or(Span::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn paused(failures: u32, asked: Option<u64>) -> Vec<u64> {
        (0..=255).map(|byte| pause(failures, asked, &Always(byte)).seconds()).collect()
    }

    #[test]
    fn pauses_double_from_seconds_to_an_hour_and_differ() {
        for (failures, whole) in [(0, 5), (1, 10), (4, 80), (9, 2560), (10, 3600), (200, 3600), (u32::MAX, 3600)] {
            let all = paused(failures, None);
            assert!(all.iter().all(|pause| (whole - whole / 2..=whole).contains(pause)), "{failures}: {all:?}");
            assert!(all.iter().any(|pause| *pause != all[0]), "{failures}: by chance");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_longer_within_an_hour() {
        assert!(paused(0, Some(120)).iter().all(|pause| *pause == 120));
        assert!(paused(0, Some(u64::MAX)).iter().all(|pause| *pause == 3600));
        assert!(paused(9, Some(1)).iter().all(|pause| *pause >= 1280), "and not for shorter");
    }
}
