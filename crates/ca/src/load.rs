//! Putting a bundle in force: from the server's files, by an administrator's push, or back to one that was before.
//!
//! ```text
//! files ──────────────────► signed by enough of the bundle before? ──► store: acts + bundle + entry ──► in force
//! push:      act ─► right ─┤
//! roll-back: act ─► right ─┘
//! ```
//!
//! Once a bundle was pushed, the server's own files are out of use until they are what is in force again: a restart or a
//! reload must not bring back by accident what a push took away.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::Right;
use domain::{Digest, UnixTime, UserName};
use ledger::SignedText;
use policy::Files;
use statement::{Act, ActStatement, BundleChange, Verified};
use store::{BundleTx, Load, Origin, Store};

use crate::arrive::{kept, signer_is};
use crate::bundle::{Bundle, InForce};
use crate::{Ca, Error, Identity};

/// How many loads `admin policy log` goes back.
const REMEMBERED: u32 = 1000;

/// A bundle from the server's own files, and the signatures that are beside them.
pub struct FromFiles {
    /// The bundle.
    pub bundle: Bundle,
    /// What its signers signed.
    pub signatures: Vec<SignedText>,
}

/// An administrator's act that puts a bundle in force, checked before the bundle itself is taken in.
pub struct Push {
    act: Verified<ActStatement>,
    change: BundleChange,
    now: UnixTime,
}

impl Push {
    /// The bundle that the act names.
    pub const fn digest(&self) -> Digest {
        self.change.bundle
    }
}

/// What is in force when a server starts with these files.
pub(crate) async fn at_start(
    store: &Store,
    identity: &Identity,
    files: FromFiles,
    now: UnixTime,
) -> Result<InForce, Error> {
    let Some(digest) = store.bundle_in_force() else {
        return first(store, files.bundle, now).await;
    };
    let (amendments, stops) = (store.amendments()?, store.stops()?);
    let (entry, version) = (store.bundle_entry(), store.in_force());
    if digest == files.bundle.digest() {
        return Ok(InForce::new(Arc::new(files.bundle), amendments, stops, entry, version));
    }
    let before = InForce::new(Arc::new(stored(store, digest)?), amendments, stops, entry, version);
    if from_files(store)? {
        return load(store, identity, &before, files, now).await;
    }
    tracing::warn!(
        bundle = %before.digest(),
        "the bundle in force was pushed; the server's own files say something else and are out of use"
    );
    Ok(before)
}

/// The first bundle of a ledger, where `hallpassd init` did not put one in force.
async fn first(store: &Store, bundle: Bundle, now: UnixTime) -> Result<InForce, Error> {
    let entry = store.append_bundle(BundleTx::first(now, bundle.kept().clone())).await?;
    Ok(InForce::new(Arc::new(bundle), Vec::new(), Vec::new(), entry, entry))
}

/// Whether the server's own files are in use.
fn from_files(store: &Store) -> Result<bool, Error> {
    Ok(store.loads(1)?.first().is_none_or(|load| load.origin == Origin::Files))
}

/// A bundle as the store kept it.
fn stored(store: &Store, digest: Digest) -> Result<Bundle, Error> {
    let kept = store.bundle(digest)?.ok_or(Error::NoBundle(digest))?;
    let files = Files::of(kept.files).map_err(|what| Error::BundleUnusable { digest, what })?;
    Bundle::load(&files).map_err(|mistakes| Error::BundleUnusable { digest, what: mistakes.to_string() })
}

/// Loads the server's own files.
async fn load(
    store: &Store,
    identity: &Identity,
    before: &InForce,
    files: FromFiles,
    now: UnixTime,
) -> Result<InForce, Error> {
    let change = BundleChange { bundle: files.bundle.digest(), after: before.entry() };
    let signatures = signed(identity, before, change, None, files.signatures)?;
    put(store, before, files.bundle, Loading { now, origin: Origin::Files, act: None, signatures }).await
}

struct Loading {
    now: UnixTime,
    origin: Origin,
    act: Option<store::Statement>,
    signatures: Vec<SignedText>,
}

/// The one place where a bundle comes into force after another.
async fn put(store: &Store, before: &InForce, bundle: Bundle, loading: Loading) -> Result<InForce, Error> {
    let Loading { now, origin, act, signatures } = loading;
    let (stand, caught_up) = bundle.sort(before.amended());
    let (in_force, bundle, stops) = (before.version(), Arc::new(bundle), before.all_stops().to_vec());
    let after = InForce::new(Arc::clone(&bundle), stand.clone(), stops.clone(), before.entry(), in_force);
    locks_nobody_out(before, &after, &origin)?;
    let files = bundle.kept().clone();
    let entry =
        store.append_bundle(BundleTx { now, bundle: files, origin, in_force, act, signatures, caught_up }).await?;
    Ok(InForce::new(bundle, stand, stops, entry, entry))
}

/// A bundle is read without what acts took away; with that, too few may be left to put another one in force. Who edits the
/// server's own files needs nobody with the right `admin` for that.
fn locks_nobody_out(before: &InForce, after: &InForce, origin: &Origin) -> Result<(), Error> {
    let left_out = |bundle: &InForce| match origin {
        Origin::Files => bundle.open_quorums(),
        Origin::Push(_) | Origin::RollBack(_) => bundle.locked_out(),
    };
    let groups = left_out(after);
    if groups.is_empty() || groups == left_out(before) {
        return Ok(());
    }
    Err(Error::LocksOut { bundle: after.digest(), groups })
}

/// Whether the signers of the bundle before, as it is amended now, signed this change; `pusher` signed it by pushing.
/// Returns the signatures that count, for the ledger.
fn signed(
    identity: &Identity,
    before: &InForce,
    change: BundleChange,
    pusher: Option<&UserName>,
    signatures: Vec<SignedText>,
) -> Result<Vec<SignedText>, Error> {
    let Some(signers) = before.policy().signers() else { return Ok(Vec::new()) };
    let mut by: BTreeSet<UserName> = pusher.cloned().into_iter().collect();
    let (mut count, mut dropped) = (Vec::new(), Vec::new());
    for signature in signatures {
        match signer(identity, before, change, &signature) {
            Ok(user) => {
                by.insert(user);
                count.push(signature);
            }
            Err(why) => dropped.push(why),
        }
    }
    let missing = policy::unsigned(before.directory(), signers, &by);
    if missing.is_empty() { Ok(count) } else { Err(Error::Unsigned { change, missing, dropped }) }
}

/// Who signed this change, or why it does not count.
fn signer(
    identity: &Identity,
    before: &InForce,
    change: BundleChange,
    signature: &SignedText,
) -> Result<UserName, String> {
    let verified = statement::verify::<ActStatement>(signature.text.as_bytes(), &signature.signature)
        .map_err(|error| error.to_string())?;
    let said = verified.statement();
    let user = &said.user;
    if let Err(other) = said.header.meant_for(&identity.server) {
        return Err(format!("{user} signed for another server, {} with the key {}", other.0.name, other.0.ledger_key));
    }
    match said.act {
        Act::SignBundle(signed) if signed == change => {}
        Act::SignBundle(signed) if signed.bundle == change.bundle => {
            return Err(format!("{user} signed it to come after entry {}, not {}", signed.after, change.after));
        }
        Act::SignBundle(signed) => return Err(format!("{user} signed another bundle, {}", signed.bundle)),
        _ => return Err(format!("{user} signed something else")),
    }
    signer_is(before.directory(), verified.key(), user).map_err(|error| error.to_string())?;
    Ok(user.clone())
}

impl Ca {
    /// Puts the server's own files in force, unless they are already.
    ///
    /// # Errors
    /// [`Error::FilesOutOfUse`] after a push, [`Error::Unsigned`], and when it cannot be recorded; then what is in force
    /// stays so.
    pub async fn reload(&self, files: FromFiles) -> Result<Digest, Error> {
        let _changing = self.changing.lock().await;
        let before = self.bundle.load_full();
        let digest = files.bundle.digest();
        if digest == before.digest() {
            return Ok(digest);
        }
        if !from_files(&self.store)? {
            return Err(Error::FilesOutOfUse(before.digest()));
        }
        // A wall clock that jumped ahead must not date an entry: every start until then would take it for set back.
        let now = self.time.steady().unwrap_or_else(|| self.store.latest_time());
        let loaded = load(&self.store, &self.identity, &before, files, now).await?;
        self.bundle.store(Arc::new(loaded));
        Ok(digest)
    }

    /// Whether somebody may put a bundle in force: asked before any of it is taken in.
    ///
    /// # Errors
    /// What a statement can be refused for, [`Error::NoRight`], [`Error::BundleMoved`] when another one came between,
    /// [`Error::BundleBefore`] for one that was in force before.
    pub async fn begin_push(&self, text: &[u8], signature: &[u8]) -> Result<Push, Error> {
        let (act, now) = self.administers(text, signature).await?;
        let Act::LoadBundle(change) = act.statement().act else {
            return Err(Error::Unsupported("this call takes the act `load-bundle` alone"));
        };
        self.comes_next(change)?;
        if self.store.bundle(change.bundle)?.is_some() {
            return Err(Error::BundleBefore(change.bundle));
        }
        Ok(Push { act, change, now })
    }

    /// Puts a pushed bundle in force.
    ///
    /// # Errors
    /// When it is not the bundle that was named, lacks signatures or a realm's CA, or cannot be recorded.
    pub async fn push(&self, push: Push, bundle: Bundle, signatures: Vec<SignedText>) -> Result<Digest, Error> {
        let origin = Origin::Push(push.act.statement().user.clone());
        if bundle.digest() != push.change.bundle {
            return Err(Error::OtherBundle { named: push.change.bundle, sent: bundle.digest() });
        }
        self.put_by_act(push, bundle, signatures, origin).await
    }

    /// Puts a bundle in force that was before.
    ///
    /// # Errors
    /// As [`Ca::begin_push`] and [`Ca::push`]; [`Error::NoBundle`] for one that never was.
    pub async fn roll_back(&self, text: &[u8], signature: &[u8], signatures: Vec<SignedText>) -> Result<Digest, Error> {
        let (act, now) = self.administers(text, signature).await?;
        let Act::RollBack(change) = act.statement().act else {
            return Err(Error::Unsupported("this call takes the act `roll-back` alone"));
        };
        self.comes_next(change)?;
        let bundle = stored(&self.store, change.bundle)?;
        let origin = Origin::RollBack(act.statement().user.clone());
        self.put_by_act(Push { act, change, now }, bundle, signatures, origin).await
    }

    async fn put_by_act(
        &self,
        push: Push,
        bundle: Bundle,
        signatures: Vec<SignedText>,
        origin: Origin,
    ) -> Result<Digest, Error> {
        let Push { act, change, now } = push;
        if let Some(realm) = bundle.directory().realms().find(|realm| self.signers.of(Some(*realm)).is_err()) {
            return Err(Error::NoRealm(realm.clone()));
        }
        let _changing = self.changing.lock().await;
        let before = self.bundle.load_full();
        let user = &act.statement().user;
        // It may have taken a while to come in.
        self.comes_next(change)?;
        signer_is(before.directory(), act.key(), user)?;
        let signatures = signed(&self.identity, &before, change, Some(user), signatures)?;
        let act = Some(kept(&act));
        let loaded = put(&self.store, &before, bundle, Loading { now, origin, act, signatures }).await?;
        self.bundle.store(Arc::new(loaded));
        Ok(change.bundle)
    }

    /// An act by somebody with the right `admin`.
    pub(crate) async fn administers(
        &self,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(Verified<ActStatement>, UnixTime), Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let in_force = self.bundle.load_full();
        let user = &act.statement().user;
        signer_is(in_force.directory(), act.key(), user)?;
        if !in_force.directory().has_right(user, Right::Admin) {
            return Err(Error::NoRight { user: user.clone(), right: "admin" });
        }
        Ok((act, now))
    }

    fn comes_next(&self, change: BundleChange) -> Result<(), Error> {
        let now = self.bundle.load();
        if now.digest() == change.bundle {
            return Err(Error::BundleInForce(change.bundle));
        }
        if now.entry() == change.after {
            Ok(())
        } else {
            Err(Error::BundleMoved { meant: change.after, now: now.entry() })
        }
    }

    /// The bundles that were put in force, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn loads(&self) -> Result<Vec<Load>, Error> {
        Ok(self.store.loads(REMEMBERED)?)
    }

    /// The files of a bundle that is or was in force.
    ///
    /// # Errors
    /// [`Error::NoBundle`], and when the store fails.
    pub fn kept_bundle(&self, digest: Digest) -> Result<store::Bundle, Error> {
        self.store.bundle(digest)?.ok_or(Error::NoBundle(digest))
    }
}
