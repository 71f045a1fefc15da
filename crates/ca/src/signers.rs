//! Which CA signs: the user CA for scoped hosts, a realm's own for its plain hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cert::CaSigner;
use domain::{PublicKey, RealmName};

use crate::Error;

/// The user CAs.
#[derive(Clone)]
pub struct Signers {
    scoped: Arc<dyn CaSigner>,
    realms: BTreeMap<RealmName, Arc<dyn CaSigner>>,
}

impl Signers {
    /// The user CA for scoped hosts, and those of the configured realms.
    pub fn new(scoped: Arc<dyn CaSigner>, realms: BTreeMap<RealmName, Arc<dyn CaSigner>>) -> Self {
        Self { scoped, realms }
    }

    /// The CA for scoped hosts, or for the plain hosts of a realm.
    ///
    /// # Errors
    /// [`Error::NoRealm`]: plain hosts are off unless their realm is configured.
    pub fn of(&self, realm: Option<&RealmName>) -> Result<&dyn CaSigner, Error> {
        match realm {
            None => Ok(&*self.scoped),
            Some(realm) => self.realms.get(realm).map(|ca| &**ca).ok_or_else(|| Error::NoRealm(realm.clone())),
        }
    }

    /// The realms that have a user CA here.
    pub fn realms(&self) -> BTreeSet<RealmName> {
        self.realms.keys().cloned().collect()
    }

    /// The public key of the CA for scoped hosts.
    pub fn scoped_key(&self) -> &PublicKey {
        self.scoped.public_key()
    }
}
