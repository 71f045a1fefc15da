//! The single writer: whatever waits goes into one transaction, and one fsync answers it all.
//!
//! ```text
//! callers --bounded queue--> writer: BEGIN, { SAVEPOINT, command, RELEASE or undo }*, head + checkpoint, COMMIT
//!            full: Busy                 then the new head is published, then every caller is answered
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::Random;
use ledger::{CheckpointSigner, SignedCheckpoint};
use rusqlite::Connection;
use tokio::sync::{broadcast, oneshot, watch};

use crate::StoreError;
use crate::batch::{Batch, Head, RequestChanged};
use crate::checkpoints;
use crate::known::Known;
use crate::recent::Recent;

/// How many commands may wait; more are refused as [`StoreError::Busy`].
pub(crate) const QUEUE: usize = 1024;
/// How many commands share a transaction.
const BATCH: usize = 256;
/// How long the writer lets more commands gather at a time: on a busy server a commit costs more than its commands.
const GATHER: Duration = Duration::from_micros(100);
/// How often it does so before it commits what there is: some 4 ms with what the system adds to each.
const GATHERINGS: u32 = 25;
/// How many changes a slow watcher may be behind.
const CHANGES: usize = 1024;

/// A named change of the store.
pub(crate) trait Transaction: Send + 'static {
    /// What the caller learns after the commit.
    type Output: Send + 'static;

    /// Checks and writes, inside a savepoint: after an error nothing of it stays.
    fn run(self, batch: &mut Batch<'_>) -> Result<Self::Output, StoreError>;
}

/// The calls that will come to the writer, as far as they are announced: what tells it whether to wait for more. One
/// that never comes costs each commit some milliseconds, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    /// A call begins that will write; it ends when this is dropped.
    #[must_use = "the call ends when this is dropped"]
    pub fn announce(&self) -> Announced {
        self.0.fetch_add(1, Ordering::Relaxed);
        Announced(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A call that was announced to the writer.
#[derive(Debug)]
pub struct Announced(UnderWay);

impl Drop for Announced {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What was committed last.
#[derive(Clone)]
pub(crate) struct Committed {
    pub(crate) head: Head,
    pub(crate) checkpoint: SignedCheckpoint,
    /// Transactions since the store was opened.
    pub(crate) commits: u64,
}

/// The writer's own state.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) signer: CheckpointSigner,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) committed: Committed,
    pub(crate) heart: Heart,
    pub(crate) under_way: UnderWay,
}

/// What readers know by heart: told of every commit before anybody is answered.
pub(crate) struct Heart {
    pub(crate) recent: Arc<Recent>,
    pub(crate) known: Arc<Known>,
}

/// The callers' end of the writer. Dropping it lets the writer finish what waits, and joins it.
pub(crate) struct WriterHandle {
    queue: Option<SyncSender<Box<dyn Job>>>,
    committed: watch::Receiver<Arc<Committed>>,
    changes: broadcast::Sender<RequestChanged>,
    thread: Option<JoinHandle<()>>,
}

impl WriterHandle {
    /// Starts the writer's thread.
    pub(crate) fn start(writer: Writer) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let (publish, committed) = watch::channel(Arc::new(writer.committed.clone()));
        let (changes, _) = broadcast::channel(CHANGES);
        let events = changes.clone();
        let run = move || writer.run(&waiting, &publish, &events);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(run)?;
        Ok(Self { queue: Some(queue), committed, changes, thread: Some(thread) })
    }

    /// Hands a command to the writer and waits until it is committed or refused.
    pub(crate) async fn write<T: Transaction>(&self, command: T) -> Result<T::Output, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Waiting { reply, step: Step::Command(command) });
        match self.queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => answer.await.unwrap_or(Err(StoreError::Closed)),
            Some(Err(TrySendError::Full(_))) => Err(StoreError::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(StoreError::Closed),
        }
    }

    /// What was committed last.
    pub(crate) fn committed(&self) -> Arc<Committed> {
        Arc::clone(&self.committed.borrow())
    }

    /// Changes of requests from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<RequestChanged> {
        self.changes.subscribe()
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended in a panic; nothing is written any more");
        }
    }
}

impl Writer {
    fn run(
        mut self,
        waiting: &Receiver<Box<dyn Job>>,
        publish: &watch::Sender<Arc<Committed>>,
        changes: &broadcast::Sender<RequestChanged>,
    ) {
        let under_way = self.under_way.clone();
        while let Ok(first) = waiting.recv() {
            let mut jobs = vec![first];
            jobs.extend(waiting.try_iter().take(BATCH - 1));
            for _ in 0..GATHERINGS {
                if enough(jobs.len(), under_way.count()) {
                    break;
                }
                std::thread::sleep(GATHER);
                jobs.extend(waiting.try_iter().take(BATCH - jobs.len()));
            }
            let outcome = self.transact(&mut jobs);
            match &outcome {
                Ok(changed) => {
                    self.heart.recent.keep(&self.committed.checkpoint.checkpoint);
                    self.heart.known.forget(changed);
                    publish.send_replace(Arc::new(self.committed.clone()));
                    for change in changed {
                        // Without watchers there is nobody to tell.
                        changes.send(*change).ok();
                    }
                }
                Err(error) => {
                    let commands = jobs.len();
                    tracing::error!(commands, %error, "the store wrote nothing");
                }
            }
            let outcome = outcome.map(|_| ());
            jobs.into_iter().for_each(|job| job.answer(&outcome));
        }
    }

    /// Runs all jobs in one transaction. After an error nothing of it was written, and the store is as it was before.
    pub(crate) fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Vec<RequestChanged>, StoreError> {
        let written = self.try_transact(jobs);
        if written.is_err() && !self.connection.is_autocommit() {
            // Should even this fail, the next BEGIN does too, and says so to its callers.
            self.connection.execute_batch("ROLLBACK").ok();
        }
        written
    }

    fn try_transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Vec<RequestChanged>, StoreError> {
        let connection = &self.connection;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut batch = Batch::new(connection, &*self.random, self.committed.head.clone());
        for job in jobs {
            in_savepoint(&mut batch, &mut **job)?;
        }
        batch.forget()?;
        let mut next = Committed { commits: self.committed.commits + 1, ..self.committed.clone() };
        let Batch { head, changed, .. } = batch;
        if head != self.committed.head {
            head.save(connection)?;
        }
        if head.frontier != self.committed.head.frontier {
            next.checkpoint = self.signer.sign(head.frontier.size(), head.frontier.root());
            checkpoints::insert(connection, &next.checkpoint)?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        next.head = head;
        self.committed = next;
        Ok(changed)
    }
}

/// Whether to commit now: half of the calls under way are here, so that the others are worked on while these are made
/// durable. Who comes alone waits for nobody.
pub(crate) const fn enough(here: usize, under_way: usize) -> bool {
    here >= BATCH || here.saturating_mul(2) >= under_way
}

/// Runs one command so that its refusal leaves no trace and spoils nothing for the others. A failure of the store itself
/// ends the whole transaction.
fn in_savepoint(batch: &mut Batch<'_>, job: &mut dyn Job) -> Result<(), StoreError> {
    batch.connection.prepare_cached("SAVEPOINT command")?.execute([])?;
    let (head, changed) = (batch.head.clone(), batch.changed.len());
    if let Err(refusal) = job.run(batch) {
        if refusal.is_failure() {
            return Err(refusal);
        }
        batch.connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
        batch.head = head;
        batch.changed.truncate(changed);
    }
    batch.connection.prepare_cached("RELEASE command")?.execute([])?;
    Ok(())
}

/// A command in the queue, whatever it returns.
pub(crate) trait Job: Send {
    /// Runs the command and keeps its answer; says whether it was refused.
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError>;

    /// Answers the caller, now that the transaction is committed, or is not.
    fn answer(self: Box<Self>, outcome: &Result<(), StoreError>);
}

struct Waiting<T: Transaction> {
    reply: oneshot::Sender<Result<T::Output, StoreError>>,
    step: Step<T>,
}

enum Step<T: Transaction> {
    Command(T),
    Done(Result<T::Output, StoreError>),
    Running,
}

impl<T: Transaction> Job for Waiting<T> {
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let Step::Command(command) = std::mem::replace(&mut self.step, Step::Running) else { return Ok(()) };
        let answer = command.run(batch);
        let outcome = answer.as_ref().map(|_| ()).map_err(Clone::clone);
        self.step = Step::Done(answer);
        outcome
    }

    fn answer(self: Box<Self>, outcome: &Result<(), StoreError>) {
        let answer = match (outcome, self.step) {
            (Ok(()), Step::Done(answer)) => answer,
            (Err(error), _) => Err(error.clone()),
            // Every job of a committed transaction was run.
            (Ok(()), Step::Command(_) | Step::Running) => Err(StoreError::Closed),
        };
        // A caller that went away needs no answer; what it asked for is done all the same.
        self.reply.send(answer).ok();
    }
}
