//! Stopping issuing when time or history cannot be trusted, and resuming it by an administrator's act.

use std::sync::Arc;

use directory::Right;
use domain::UnixTime;
use statement::{Act, ActStatement};
use store::{ActTx, Change, HaltTx, StoreError};
use tokio::runtime::Handle;

use crate::arrive::{kept, signer_is};
use crate::gate::Epoch;
use crate::timekeeper::ClockFault;
use crate::{Ca, Error};

impl Ca {
    /// The time to issue by; a clock that jumped stops issuing before anything is written.
    pub(crate) async fn trusted_time(&self) -> Result<UnixTime, Error> {
        match self.time.trusted() {
            Ok(now) => Ok(now),
            Err(fault) => {
                if let ClockFault::Diverged(_) = fault {
                    self.halt(&fault.to_string()).await;
                }
                Err(fault.into())
            }
        }
    }

    /// Looks at the clock, as the background job does every second, and tries again to record a stop that is not
    /// recorded yet: a restart must find it.
    pub async fn watch_clock(&self) {
        // The stop itself is the effect; who fetches next is told why.
        let _stopped = self.trusted_time().await;
        if let Some(stopped) = self.gate.stopped() {
            self.halt(&stopped.reason).await;
        }
    }

    /// Stops issuing: nothing leaves once this returns. A second stop while one lasts and is recorded changes nothing.
    pub(crate) async fn halt(&self, reason: &str) {
        if self.gate.stopped().is_some() && self.store.halted().is_some() {
            return;
        }
        let (store, gate, why) = (Arc::clone(&self.store), Arc::clone(&self.gate), reason.to_owned());
        let now = self.time.steady().unwrap_or_else(|| self.store.latest_time());
        let runtime = Handle::current();
        // The gate is taken, and the commit waited for, on a thread that may block.
        let stopping = move || {
            let halt = HaltTx { now, reason: why.clone() };
            gate.halt(&why, || runtime.block_on(store.halt(halt)).map(|_| Epoch::new(store.epoch())))
        };
        let stopped = tokio::task::spawn_blocking(stopping).await;
        match stopped {
            Ok(Ok(())) => tracing::error!(reason, "issuing is stopped until an administrator resumes it"),
            Ok(Err(error)) => tracing::error!(reason, %error, "issuing is stopped, though this could not be recorded"),
            Err(error) => tracing::error!(reason, %error, "issuing may not be stopped: its thread ended early"),
        }
    }

    /// Ends a stop: an administrator says that clock and ledger are right.
    ///
    /// # Errors
    /// What a statement can be refused for, [`Error::NoRight`], and a clock that shows no valid time.
    pub async fn resume(&self, text: &[u8], signature: &[u8]) -> Result<(), Error> {
        let (act, now) = self.taken::<ActStatement>(text, signature)?;
        // An administrator who has seen the lost history must be able to end the stop that it caused.
        if self.gate.stopped().is_none() {
            self.same_history(act.statement()).await?;
        }
        let bundle = self.bundle.load_full();
        let said = act.statement();
        signer_is(bundle.directory(), act.key(), &said.user)?;
        if said.act != Act::Resume {
            return Err(Error::Unsupported("this call takes the act `resume` alone"));
        }
        if !bundle.directory().has_right(&said.user, Right::Admin) {
            return Err(Error::NoRight { user: said.user.clone(), right: "admin" });
        }
        let user = said.user.clone();
        let base = self.time.base()?;
        let (store, gate, time) = (Arc::clone(&self.store), Arc::clone(&self.gate), Arc::clone(&self.time));
        let (statement, runtime) = (kept(&act), Handle::current());
        // Under the gate, and to its end even when the caller goes away: gate, store and clock never part. The clock is
        // believed once the act counts: one that is refused, as a repeated one is, changes nothing.
        let resuming = move || {
            gate.resume(|epoch| {
                let change = Change::Resume { epoch: epoch.get() };
                runtime.block_on(store.act(ActTx { now, statement, change })).map(|_| {
                    time.rebase(&base);
                    Epoch::new(store.epoch())
                })
            })
        };
        tokio::task::spawn_blocking(resuming).await.map_err(|_| StoreError::Closed)??;
        tracing::warn!(%user, "issuing was resumed");
        Ok(())
    }
}
