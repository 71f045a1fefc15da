//! Past requests, read from the server and each checked here: as they come, by every core, with a progress bar.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::UnixTime;
use statement::ServerId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::app::App;
use crate::checked::Checked;
use crate::failure::{Failure, in_full};
use crate::link::{Link, LinkError, Unchecked};
use crate::progress::Bar;

/// How many pages wait for those who check them.
const WAITING: usize = 8;
/// Most cores that check.
const MOST: usize = 16;
/// How many requests that do not stand up to checking are told; of more only that they are there.
const TOLD: usize = 5;

/// What is gathered from requests, in parts that are joined at the end.
pub(crate) trait Tally: Send + 'static {
    /// Takes one request in.
    fn take(&mut self, request: Checked);

    /// Takes in what another part gathered.
    fn join(&mut self, other: Self);
}

/// What became of all requests.
pub(crate) struct Gathered<T> {
    /// What was gathered of those that stand up to checking.
    pub(crate) tally: T,
    /// How many do not.
    pub(crate) unsound: u64,
}

/// One worker's part.
struct Part<T> {
    tally: T,
    unsound: Vec<LinkError>,
}

/// Gathers from every request since a time. Each core that works has a tally of its own.
///
/// # Errors
/// When the server refuses, or the stream breaks off.
pub(crate) async fn gather<T: Tally>(
    app: &App<'_>,
    link: &Link,
    since: UnixTime,
    begin: impl Fn() -> T,
) -> Result<Gathered<T>, Failure> {
    let mut past = link.past(since).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let (pages, done) = (Arc::new(Mutex::new(receiver)), Arc::new(AtomicU64::new(0)));
    let mut workers = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST) {
        let (tally, pages, done, server) = (begin(), Arc::clone(&pages), Arc::clone(&done), link.server_id());
        workers.spawn_blocking(move || work(tally, &pages, &done, &server));
    }
    let bar = Bar::new(app, past.total, "requests");
    let mut read = async || {
        while let Some(page) = past.next().await? {
            bar.show(done.load(Ordering::Relaxed));
            if sender.send(page).await.is_err() {
                break;
            }
        }
        Ok::<_, LinkError>(())
    };
    let outcome = read().await;
    drop(sender);
    let mut gathered = Gathered { tally: begin(), unsound: 0 };
    if outcome.is_ok() {
        finish(app, &mut workers, &mut gathered, || bar.show(done.load(Ordering::Relaxed))).await?;
    }
    drop(bar);
    outcome?;
    Ok(gathered)
}

/// Waits for the workers, and joins what they have.
async fn finish<T: Tally>(
    app: &App<'_>,
    workers: &mut JoinSet<Part<T>>,
    gathered: &mut Gathered<T>,
    show: impl Fn(),
) -> Result<(), Failure> {
    let mut told = 0;
    loop {
        let joined = tokio::time::timeout(Duration::from_millis(200), workers.join_next()).await;
        show();
        let Ok(joined) = joined else { continue };
        let Some(part) = joined else { return Ok(()) };
        let Part { tally, unsound } = part.map_err(|_| Failure::BrokeOff)?;
        gathered.tally.join(tally);
        gathered.unsound += u64::try_from(unsound.len()).unwrap_or(u64::MAX);
        for refused in unsound.iter().take(TOLD.saturating_sub(told)) {
            told += 1;
            app.context.terminal.note(&in_full("warning", refused));
        }
    }
}

type Pages = Mutex<mpsc::Receiver<Vec<Unchecked>>>;

fn work<T: Tally>(mut tally: T, pages: &Pages, done: &AtomicU64, server: &ServerId) -> Part<T> {
    let mut unsound = Vec::new();
    loop {
        // Whoever waits holds the lock; the others wait for it.
        let page = pages.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(page) = page else { return Part { tally, unsound } };
        for request in page {
            match request.check(server) {
                Ok(request) => tally.take(request),
                Err(refused) => unsound.push(refused),
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::tests::{allowed, asked, told};

    struct Seen(Vec<domain::RequestId>);

    impl Tally for Seen {
        fn take(&mut self, request: Checked) {
            self.0.push(request.told.id);
        }

        fn join(&mut self, other: Self) {
            self.0.extend(other.0);
        }
    }

    #[test]
    fn what_does_not_stand_up_to_checking_is_counted_and_not_gathered() {
        let sound = told(&asked(), allowed());
        let forged = wire::Request { ruling: b"hallpass-ruling v1\n".to_vec(), ..sound.clone() };
        let (sender, receiver) = mpsc::channel(2);
        sender.blocking_send(vec![Unchecked::of(sound.clone()), Unchecked::of(forged)]).unwrap();
        sender.blocking_send(vec![Unchecked::of(sound.clone())]).unwrap();
        drop(sender);
        let (done, server) = (AtomicU64::new(0), asked().header.server);
        let Part { tally, unsound } = work(Seen(Vec::new()), &Mutex::new(receiver), &done, &server);
        assert_eq!((tally.0, unsound.len(), done.into_inner()), (vec![sound.id; 2], 1, 3));
        let server = ServerId { ledger_key: domain::Digest::of(b"other"), ..asked().header.server };
        let (sender, receiver) = mpsc::channel(2);
        sender.blocking_send(vec![Unchecked::of(sound)]).unwrap();
        drop(sender);
        let Part { tally, unsound } = work(Seen(Vec::new()), &Mutex::new(receiver), &AtomicU64::new(0), &server);
        assert_eq!((tally.0.len(), unsound.len()), (0, 1), "it was asked of another server");
    }
}
