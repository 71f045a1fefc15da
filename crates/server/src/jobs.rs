//! What happens by itself: the clock is watched, what waited too long ends, and what ends soon is told.

use std::sync::Arc;
use std::time::Duration;

use ca::Ca;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::chain;
use crate::metrics::Metrics;
use crate::revoked::RevokedFile;
use crate::stop::stopped;

/// How often the clock is looked at.
const CLOCK: Duration = Duration::from_secs(1);
/// How often requests are looked through for those whose time is over.
const EXPIRY: Duration = Duration::from_secs(5);

/// How often the list of revoked certificates is looked through for those that ended long ago.
const FORGETTING: Duration = Duration::from_secs(60);

/// Runs until the server stops.
pub(crate) async fn run(ca: Arc<Ca>, metrics: Arc<Metrics>, mut revoked: RevokedFile, mut stop: watch::Receiver<bool>) {
    let mut changed = ca.revocations_changed();
    let (mut clock, mut expiry, mut forgetting) = (interval(CLOCK), interval(EXPIRY), interval(FORGETTING));
    for every in [&mut clock, &mut expiry, &mut forgetting] {
        every.set_missed_tick_behavior(MissedTickBehavior::Skip);
    }
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            _ = clock.tick() => {
                ca.watch_clock().await;
                revoked.try_to_keep_up(&ca);
                metrics.ledger(ca.checkpoint().checkpoint.size, ca.gate().stopped().is_some());
            }
            Ok(()) = changed.changed() => revoked.try_to_keep_up(&ca),
            _ = expiry.tick() => {
                expire(&ca).await;
                count_owed(&ca, &metrics);
            }
            _ = forgetting.tick() => forget(&ca).await,
        }
    }
}

async fn forget(ca: &Ca) {
    if let Err(error) = ca.forget_revoked().await {
        tracing::warn!(error = chain(&error), "revoked certificates that ended long ago could not be dropped");
    }
}

fn count_owed(ca: &Ca, metrics: &Metrics) {
    match ca.reviews_owed() {
        Ok(reviews) => metrics.reviews_owed(reviews),
        Err(error) => tracing::warn!(error = chain(&error), "reviews that are owed could not be counted"),
    }
}

async fn expire(ca: &Ca) {
    if let Err(error) = ca.expire().await {
        tracing::warn!(error = chain(&error), "requests could not be looked through for expiry");
    }
    if let Err(error) = ca.escalate().await {
        tracing::warn!(
            error = chain(&error),
            "requests could not be looked through for those that others stand in for"
        );
    }
    if let Err(error) = ca.remind().await {
        tracing::warn!(error = chain(&error), "requests could not be looked through for those that end soon");
    }
}
