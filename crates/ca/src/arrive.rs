//! What every statement goes through first: signature, server, freshness, the checkpoint it has seen, and whose key it is.
//!
//! ```text
//! text + signature ──► verified ──► for this server ──► fresh ──► its `seen:` is ours ──► the key's user
//! ```

use directory::{Directory, User};
use domain::{PublicKey, UnixTime, UserName};
use ledger::{Checkpoint, SignedCheckpoint};
use statement::{Header, Statement, Verified};

use crate::{Ca, Error};

impl Ca {
    /// Takes a user's statement from the wire: it is verified, meant for this server, fresh, and knows no other history.
    pub(crate) async fn arrive<S: Statement>(
        &self,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(Verified<S>, UnixTime), Error> {
        let taken = self.taken::<S>(text, signature)?;
        let bundle = self.bundle.load_full();
        let user = bundle.directory().binding(taken.0.key()).map(|binding| &binding.user.name);
        // A stranger stops nothing, by whatever checkpoint: it is refused for its key by whoever takes the statement.
        if user.is_some_and(|user| !bundle.directory().is_disabled(user)) {
            self.same_history(taken.0.statement()).await?;
        }
        Ok(taken)
    }

    /// The same, but for what the statement has seen of the ledger.
    pub(crate) fn taken<S: Statement>(&self, text: &[u8], signature: &[u8]) -> Result<(Verified<S>, UnixTime), Error> {
        let verified = statement::verify::<S>(text, signature)?;
        let now = self.time.wall()?;
        let header = verified.statement().header();
        self.addressed(header)?;
        header.fresh(now).map_err(|_| Error::Stale { time: header.time, now })?;
        Ok((verified, now))
    }

    fn addressed(&self, header: &Header) -> Result<(), Error> {
        header.meant_for(&self.identity.server).map_err(|_| {
            let (named, key) = (header.server.name.clone(), header.server.ledger_key);
            Error::OtherServer { named, key }
        })
    }

    /// A checkpoint that a client has seen is in our history; else it is somebody's invention, or our own signature
    /// proves that this ledger was forked or rolled back: then issuing stops.
    pub(crate) async fn same_history<S: Statement>(&self, statement: &S) -> Result<(), Error> {
        let Some(seen) = &statement.header().seen else { return Ok(()) };
        if self.store.has_checkpoint(seen.size, &seen.root)? {
            return Ok(());
        }
        let checkpoint = Checkpoint { origin: self.identity.server.name.clone(), size: seen.size, root: seen.root };
        let claimed = SignedCheckpoint { checkpoint, signature: seen.signature };
        if claimed.verify(self.store.ledger_key()).is_err() {
            return Err(Error::SeenUnknown(seen.size));
        }
        let reason = format!(
            "a client has seen a checkpoint of size {} with root {}, signed by this server and not in its ledger: \
             the ledger was rolled back or forked",
            seen.size, seen.root
        );
        self.halt(&reason).await;
        Err(Error::Stopped(crate::Stopped { reason }))
    }
}

/// A verified statement as the store keeps it.
pub(crate) fn kept<S: Statement>(verified: &Verified<S>) -> store::Statement {
    let (text, signature) = (verified.text().to_owned(), verified.signature_bytes().to_vec());
    store::Statement::new(text, signature, verified.statement().header().time)
}

/// The enabled user whom a key is bound to, who must be the one that the statement names.
pub(crate) fn signer_is<'d>(directory: &'d Directory, key: &PublicKey, named: &UserName) -> Result<&'d User, Error> {
    let binding = directory.binding(key).ok_or_else(|| Error::UnknownKey(key.fingerprint()))?;
    if binding.user.name != *named {
        return Err(Error::OtherUsersKey { key: key.fingerprint(), named: named.clone() });
    }
    if directory.is_disabled(named) {
        return Err(Error::Disabled(named.clone()));
    }
    Ok(binding.user)
}
