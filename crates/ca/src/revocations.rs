//! The list of what is revoked, as `sshd` reads it (`RevokedKeys`): made when it changed, and kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use cert::{Krl, Serials};
use domain::{PublicKey, Serial};
use store::ForgetRevokedTx;
use tokio::sync::watch;

use crate::{Ca, Error};

/// A list of revoked certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// Grows with every change.
    pub number: u64,
    /// The file.
    pub krl: Vec<u8>,
}

impl Ca {
    /// The certificates that are revoked.
    ///
    /// # Errors
    /// When the store or the clock fails, or there are more than a list can hold.
    pub fn revocations(&self) -> Result<Arc<RevocationList>, Error> {
        let made = self.revocations.load_full();
        if let Some(made) = made.filter(|made| made.number == self.store.revocations_number()) {
            return Ok(made);
        }
        let stored = self.store.revocations()?;
        let mut by_ca: BTreeMap<PublicKey, Vec<Serial>> = BTreeMap::new();
        for (ca, serial) in stored.serials {
            by_ca.entry(ca).or_default().push(serial);
        }
        let revoked = by_ca.into_iter().map(|(ca, serials)| (ca, serials.into_iter().collect::<Serials>())).collect();
        let krl = Krl { number: stored.number, generated: self.time.wall()?, comment: None, revoked }.encode()?;
        let made = Arc::new(RevocationList { number: stored.number, krl });
        self.revocations.store(Some(Arc::clone(&made)));
        Ok(made)
    }

    /// Drops from the list what ended over an hour ago. The background job calls this now and then.
    ///
    /// # Errors
    /// When the clock cannot be trusted or the store not be written.
    pub async fn forget_revoked(&self) -> Result<(), Error> {
        let now = self.trusted_time().await?;
        self.store.forget_revoked(ForgetRevokedTx { now }).await?;
        self.revoked_more();
        Ok(())
    }

    /// Says when the list changes, by its number.
    pub fn revocations_changed(&self) -> watch::Receiver<u64> {
        self.revoked.subscribe()
    }

    pub(crate) fn revoked_more(&self) {
        let number = self.store.revocations_number();
        self.revoked.send_if_modified(|known| std::mem::replace(known, number) != number);
    }
}
