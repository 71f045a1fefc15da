//! Looking back: past requests, and how the bundles of then came to rule on them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use directory::{Directory, Right};
use domain::{Digest, RequestId, UnixTime};
use policy::{Explanation, Files, Policy, Ruling};
use store::Stretch;

use crate::record::state_of;
use crate::session::Session;
use crate::submit::ask;
use crate::{Bundle, Ca, Error, View};

/// Most requests of one page.
const PAGE: u32 = 64;

/// How a ruling came about.
pub struct Explained {
    /// The bundle that ruled.
    pub bundle: Digest,
    /// When.
    pub time: UnixTime,
    /// What it looked at, and what it took.
    pub explanation: Explanation,
}

impl Ca {
    /// Where the requests since a time begin, and how many there are.
    ///
    /// # Errors
    /// Without the right `audit`, and when the store cannot be read.
    pub fn history(&self, session: &Session, since: UnixTime) -> Result<Stretch, Error> {
        self.audits(session)?;
        Ok(self.store.requests_since(since)?)
    }

    /// The next requests from this entry on, the oldest first, and where those after them begin; none at the end. They
    /// are as stored: the right `audit` reads what the database says, and whoever reads checks the signatures.
    ///
    /// # Errors
    /// Without the right `audit`, and when the store cannot be read.
    pub fn past(&self, session: &Session, from: u64) -> Result<Option<(Vec<View>, u64)>, Error> {
        self.audits(session)?;
        let page = self.store.requests_from(from, PAGE)?;
        let Some(last) = page.last() else { return Ok(None) };
        let (next, now) = (last.entry + 1, self.time.wall()?);
        let view = |stored: store::StoredRequest| {
            let id = stored.id;
            let tampered = || Error::Tampered { id, what: "a window without length".to_owned() };
            let state = state_of(&stored).ok_or_else(tampered)?.name_at(now);
            let stored = Arc::new(stored);
            Ok(View {
                stored,
                state,
                approvers: BTreeSet::new(),
                missing: String::new(),
                hosts: Vec::new(),
                jump_hosts: Vec::new(),
                used: Vec::new(),
            })
        };
        Ok(Some((page.into_iter().map(view).collect::<Result<_, Error>>()?, next)))
    }

    /// Why a request needed what it needed, by the bundle that ruled on it: for whoever may read the request. To parse
    /// a bundle of long ago takes up to a second: callers see to it that few do at once.
    ///
    /// # Errors
    /// [`Error::NoRequest`] also when the session may not see it; when the bundle cannot be read, or not by this version;
    /// [`Error::Unexplained`] when the bundle was amended by acts then, and does not come to that ruling by itself.
    pub fn explain(&self, session: &Session, id: RequestId) -> Result<Explained, Error> {
        let record = self.readable(session, id)?;
        let (bundle, time) = (*record.ruling.bundle(), record.stored.submitted);
        let asked = ask(&record.request, record.ruling.obligations().owed());
        let as_ruled = Ruling::Permitted(record.ruling.obligations().clone());
        let fitting = |policy: &Policy, directory: &Directory| {
            let explanation = policy::explain(policy, directory, &asked, time);
            (explanation.ruling == as_ruled).then_some(Explained { bundle, time, explanation })
        };
        let in_force = self.bundle.load_full();
        let of_now = if in_force.digest() == bundle { fitting(in_force.policy(), in_force.directory()) } else { None };
        if let Some(explained) = of_now {
            return Ok(explained);
        }
        let earlier = self.bundle_of(bundle)?;
        fitting(earlier.policy(), earlier.directory()).ok_or(Error::Unexplained(id))
    }

    /// A bundle that is or was in force, by itself.
    fn bundle_of(&self, digest: Digest) -> Result<Arc<Bundle>, Error> {
        let in_force = self.bundle.load_full();
        if in_force.digest() == digest {
            return Ok(Arc::clone(in_force.bundle()));
        }
        self.earlier.get(digest, || {
            let kept = self.store.bundle(digest)?.ok_or(Error::NoBundle(digest))?;
            let files = Files::of(kept.files).map_err(|_| Error::OldBundle(digest))?;
            Bundle::load(&files).map_err(|_| Error::OldBundle(digest))
        })
    }

    fn audits(&self, session: &Session) -> Result<(), Error> {
        if self.has_right(session, Right::Audit) {
            return Ok(());
        }
        Err(Error::NoRight { user: session.user().clone(), right: "audit" })
    }
}

/// The bundle of long ago that was asked for last: questions about requests of one time come together.
#[derive(Default)]
pub(crate) struct Earlier(Mutex<Option<Arc<Bundle>>>);

impl Earlier {
    /// The bundle with this digest. One is loaded at a time.
    fn get(&self, digest: Digest, load: impl FnOnce() -> Result<Bundle, Error>) -> Result<Arc<Bundle>, Error> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bundle) = last.as_ref().filter(|bundle| bundle.digest() == digest) {
            return Ok(Arc::clone(bundle));
        }
        let bundle = Arc::new(load()?);
        *last = Some(Arc::clone(&bundle));
        Ok(bundle)
    }
}
