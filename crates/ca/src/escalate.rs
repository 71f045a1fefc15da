//! Escalation: when those who are asked have not approved for a while, others stand in, and are told.
//!
//! Who may stand in follows from the signed times alone, whether or not anybody was told.

use domain::{Event, UnixTime};
use request::StateName;
use store::{EscalateTx, StoreError};

use crate::record::Record;
use crate::{Ca, Error};

/// Most requests that one round looks at; the next round takes the rest.
const AT_ONCE: u32 = 500;

impl Ca {
    /// Writes down for every request for which others stand in by now that receivers are to be told, once; how many there
    /// were. The background job calls this every few seconds.
    ///
    /// # Errors
    /// When the clock cannot be trusted or the store not be used.
    pub async fn escalate(&self) -> Result<usize, Error> {
        let now = self.trusted_time().await?;
        let mut told = 0;
        for seen in self.store.escalating(now, AT_ONCE)? {
            let record = match self.record(seen.id) {
                Ok(record) => record,
                Err(error @ Error::Tampered { .. }) => {
                    tracing::error!(request = %seen.id, %error, "nobody is told who stands in for a stored request");
                    None
                }
                Err(other) => return Err(other),
            };
            let waits = record.as_ref().filter(|record| record.state.name_at(now) == StateName::Pending);
            let asked = waits.is_some_and(|record| self.others_are_asked(record, now));
            let to = if asked { self.wants(Event::Escalation) } else { Vec::new() };
            let next = waits.and_then(|record| record.escalates_after(now));
            match self.store.escalate(EscalateTx { now, seen, next, to }).await {
                Ok(()) => told += usize::from(asked),
                // Somebody decided or ended it in between: the next round looks again.
                Err(StoreError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(told)
    }

    /// Whether somebody stands in for those whom the stage that is asked waits for.
    fn others_are_asked(&self, record: &Record, now: UnixTime) -> bool {
        let missing = record.tally(&self.bundle.load()).asks();
        missing.waits().into_iter().any(|wait| wait <= record.waited(now))
    }
}

impl Record {
    /// When the next others come to stand in after this time.
    pub(crate) fn escalates_after(&self, time: UnixTime) -> Option<UnixTime> {
        self.ruling.obligations().quorum.escalates(self.request.statement().header.time, time)
    }
}
