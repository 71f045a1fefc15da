//! Expiry: a request that waited too long ends by itself, as an entry.
//!
//! A window that is over needs no entry: its end was signed and logged before it began.

use store::{Due, ExpireTx, StoreError};

use crate::{Ca, Error};

/// Most requests that one round ends; the next round takes the rest.
const AT_ONCE: u32 = 500;

impl Ca {
    /// Ends every pending request whose time is over, each with a line of the log; how many there were. The background
    /// job calls this every few seconds. Nothing depends on its being prompt: each use case looks at the time itself.
    ///
    /// # Errors
    /// When the clock cannot be trusted or the store not be used.
    pub async fn expire(&self) -> Result<usize, Error> {
        let now = self.trusted_time().await?;
        let mut ended = 0;
        for Due { id, version, requester } in self.store.due(now, AT_ONCE)? {
            match self.store.expire(ExpireTx { now, id, version }).await {
                Ok(_) => {
                    ended += 1;
                    tracing::info!(user = %requester, request = %id, "ended unanswered");
                }
                // Somebody decided or cancelled in between: there is nothing left to end.
                Err(StoreError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(ended)
    }
}
