//! Issuing, one way: the only page from which a certificate leaves.
//!
//! ```text
//! time trusted, gate open ──► fetch statement ──► read the request ──► policy rules again
//!   ──► request::grant: every signature, binding and membership as of now ──► Grant
//!   ──► drafts ──► store: serial = ledger index, compared, committed ──► signed ──► the gate ──► out
//! ```

use std::collections::BTreeSet;

use cert::{CaSigner, Certificate, Draft, KeyId, Principal, ToBeSigned};
use domain::{HostName, Obligations, Pair, RequestId, Serial, Span, UnixTime};
use request::{Grant, Held};
use statement::{FetchStatement, Verified};
use store::{IssueTx, StoreError};

use crate::arrive::kept;
use crate::extend::Before;
use crate::gate::{Epoch, Leaving, Opens};
use crate::record::Record;
use crate::stop::StopRefused;
use crate::{Ca, Error};

/// How far certificates are backdated, for hosts whose clocks run late: sshd allows no skew.
const BACKDATED: Span = match Span::from_seconds(30) {
    Ok(span) => span,
    Err(_) => Span::ZERO,
};

/// How often a fetch is judged anew when something that is in force changed while it was worked on.
const AGAIN: usize = 3;

/// Certificates that were signed and may leave through the gate, unless a stop came since that covers them.
#[must_use = "certificates leave only through the gate"]
pub struct Issued {
    /// Each pair's certificate.
    pub certificates: Vec<(Pair, Certificate)>,
    /// What the gate is asked as they leave.
    pub leaving: Leaving,
}

impl Ca {
    /// Issues certificates under a grant. A repeated fetch passes every check again and gets the same certificates.
    ///
    /// # Errors
    /// When the clock cannot be trusted, issuing is stopped, the statement is refused, there is no grant, or nothing
    /// could be logged. In each case no certificate exists.
    pub async fn fetch(&self, text: &[u8], signature: &[u8]) -> Result<Issued, Error> {
        let now = self.trusted_time().await?;
        self.gate.epoch()?;
        let (fetch, _) = self.taken::<FetchStatement>(text, signature)?;
        let id = fetch.statement().id;
        let mut record = self.recalled(id)?.ok_or(Error::NoRequest(id))?;
        request::fetchable(&record.case(), &fetch)?;
        self.same_history(fetch.statement()).await?;
        let issued = self.issue_anew(&fetch, &mut record, now).await;
        issued.map_err(|refused| self.of_some_hosts(refused, fetch.statement(), &record, now))
    }

    /// Issues, and judges everything anew as long as what is in force changes meanwhile.
    async fn issue_anew(
        &self,
        fetch: &Verified<FetchStatement>,
        record: &mut Record,
        now: UnixTime,
    ) -> Result<Issued, Error> {
        let id = record.id;
        for _ in 0..AGAIN {
            match self.issue(fetch, record, now).await {
                // What changed in between may be about others: everything is judged anew, once what was committed is in force.
                Err(Error::Store(StoreError::EpochChanged | StoreError::BundleChanged)) => {
                    drop(self.changing.lock().await);
                }
                // So may what changed of the request, such as one decision more.
                Err(Error::Store(StoreError::Conflict(_))) => {}
                other => return other,
            }
            *record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        }
        self.issue(fetch, record, now).await
    }

    /// Judges a fetch by what is in force now, and issues.
    async fn issue(&self, fetch: &Verified<FetchStatement>, record: &Record, now: UnixTime) -> Result<Issued, Error> {
        let epoch = self.gate.epoch()?;
        let bundle = self.bundle.load_full();
        let id = record.id;
        bundle.not_all_stopped(now)?;
        let approved = record.ruling.obligations();
        let hosts = hosts(fetch.statement(), approved);
        let today = record.rule_again(&bundle, &hosts, now)?;
        let before = self.rests_on(&record.case(), &today, &bundle, &hosts, now)?;
        let rests_on: Vec<Held<'_>> = before.iter().map(Before::held).collect();
        let grant = request::grant(&record.held(&today), &rests_on, fetch, bundle.judging(), now)?;
        let line = self.line(record)?;

        let realm = grant.obligations().realm.as_ref();
        let cas = Cas { scoped: self.signers.of(None)?, realm: realm.map(|_| self.signers.of(realm)).transpose()? };
        let (ca_key, realm_ca_key) = (cas.scoped.public_key().clone(), cas.realm.map(|ca| ca.public_key().clone()));
        let end = end(&grant, now)?;
        let drafts = self.drafts(&grant, now, end)?;
        let free = drafts.len().saturating_sub(approved.targets(grant.pairs().iter()).count());
        let (statement, version, in_force) = (kept(fetch), record.version, bundle.version());
        let entries = self
            .log_first(IssueTx {
                now,
                statement,
                request: id,
                version,
                in_force,
                epoch: epoch.get(),
                uses: record.request.statement().uses,
                drafts,
                free,
                ca_key,
                realm_ca_key,
            })
            .await?;
        let certificates = certify_all(&grant, end, &entries, &cas)?;
        let leaving = leaving(&grant, line, &entries, epoch);
        Ok(Issued { certificates, leaving })
    }

    /// The request and all that it goes back to: a stop of any of them holds its certificates.
    fn line(&self, record: &Record) -> Result<BTreeSet<RequestId>, Error> {
        match record.request.statement().extends {
            None => Ok(BTreeSet::from([record.id])),
            Some(_) => Ok(self.store.goes_back_to(record.id)?),
        }
    }

    /// Commits the entries, or finds those of the identical fetch that came before.
    async fn log_first(&self, issue: IssueTx) -> Result<Vec<ToBeSigned>, Error> {
        let statement = issue.statement.clone();
        match self.store.issue(issue).await {
            Ok(entries) => Ok(entries),
            Err(StoreError::Replayed) => {
                let entries = self.store.find_fetch(&statement)?.ok_or(Error::Replayed)?;
                let serials: Vec<Serial> = entries.iter().map(ToBeSigned::serial).collect();
                if self.store.any_revoked(&serials)? { Err(StopRefused::Revoked.into()) } else { Ok(entries) }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// One draft for each pair of the fetch, within the grant's obligations and window.
    fn drafts(&self, grant: &Grant, now: UnixTime, end: UnixTime) -> Result<Vec<Draft>, Error> {
        let obligations = grant.obligations();
        let deadline = grant.window().not_after();
        let draft = |pair: &Pair| {
            let carried = obligations.carried(pair).ok_or_else(|| not_carried(grant, pair))?;
            Ok(Draft {
                connecting_key: grant.connecting_key().clone(),
                principal: principal(grant, pair),
                key_id: KeyId { request: grant.id(), user: grant.requester().clone(), deadline },
                valid_after: now.before(BACKDATED),
                valid_before: end,
                force_command: carried.command,
                source: carried.source,
                verify_required: obligations.verify_required,
                extensions: carried.allow,
                nonce: self.fresh_nonce(),
            })
        };
        grant.pairs().iter().map(draft).collect()
    }

    fn fresh_nonce(&self) -> [u8; 32] {
        let mut nonce = [0; 32];
        self.random.fill(&mut nonce);
        nonce
    }
}

/// The hosts of a fetch, without the jump hosts in front of them: policy looks at those by itself.
pub(crate) fn hosts(fetch: &FetchStatement, approved: &Obligations) -> BTreeSet<HostName> {
    approved.targets(fetch.pairs.iter()).map(|pair| pair.host.clone()).collect()
}

/// A grant covers its pairs: one that carries nothing is refused all the same.
fn not_carried(grant: &Grant, pair: &Pair) -> Error {
    Error::Certificate(format!("request {} does not say what a certificate for {pair} carries", grant.id()))
}

/// What the gate holds against a stop that comes before they have left.
fn leaving(grant: &Grant, goes_back_to: BTreeSet<RequestId>, entries: &[ToBeSigned], epoch: Epoch) -> Leaving {
    let opens = match grant.obligations().realm {
        None => Opens::Hosts(grant.pairs().iter().map(|pair| pair.host.clone()).collect()),
        Some(_) => Opens::Realm,
    };
    let serials = entries.iter().map(ToBeSigned::serial).collect();
    Leaving { epoch, request: grant.id(), goes_back_to, user: grant.requester().clone(), opens, serials }
}

/// When a certificate that is issued now ends: after its TTL, and never after the deadline.
fn end(grant: &Grant, now: UnixTime) -> Result<UnixTime, Error> {
    let end = now.after(grant.obligations().ttl).ok_or(Error::Window("it would end after the year 9999"))?;
    Ok(end.min(grant.window().not_after()))
}

/// A scoped host takes `login@host`; a plain host takes the login, on every host of its realm. Jump hosts are scoped.
fn principal(grant: &Grant, pair: &Pair) -> Principal {
    match grant.obligations().realm {
        Some(_) if !grant.obligations().is_jump(pair) => Principal::Plain(pair.login.clone()),
        _ => Principal::Scoped(pair.clone()),
    }
}

/// The CAs of a fetch.
struct Cas<'a> {
    scoped: &'a dyn CaSigner,
    /// That of the realm, for plain hosts.
    realm: Option<&'a dyn CaSigner>,
}

impl Cas<'_> {
    fn of(&self, principal: &Principal) -> &dyn CaSigner {
        match (principal, self.realm) {
            (Principal::Plain(_), Some(realm)) => realm,
            _ => self.scoped,
        }
    }
}

/// A certificate for each pair, in the order of the pairs, which is that of the entries too.
fn certify_all(
    grant: &Grant,
    end: UnixTime,
    entries: &[ToBeSigned],
    cas: &Cas<'_>,
) -> Result<Vec<(Pair, Certificate)>, Error> {
    if entries.len() != grant.pairs().len() {
        return Err(Error::Certificate("the ledger holds other entries for this fetch; sign a new one".into()));
    }
    let signed = |(pair, entry): (&Pair, &ToBeSigned)| Ok((pair.clone(), certify(grant, pair, end, entry, cas)?));
    grant.pairs().iter().zip(entries).map(signed).collect()
}

/// The one function that signs user certificates: what was logged, for a grant that covers it.
fn certify(grant: &Grant, pair: &Pair, end: UnixTime, entry: &ToBeSigned, cas: &Cas<'_>) -> Result<Certificate, Error> {
    let draft = entry.draft();
    let obligations = grant.obligations();
    let carried = obligations.carried(pair).ok_or_else(|| not_carried(grant, pair))?;
    let covered = draft.principal == principal(grant, pair)
        && draft.key_id.request == grant.id()
        && draft.connecting_key == *grant.connecting_key()
        && draft.key_id.user == *grant.requester()
        && draft.valid_before <= end
        && draft.force_command == carried.command
        && draft.source == carried.source
        && draft.verify_required == obligations.verify_required
        && draft.extensions.is_subset(&carried.allow);
    if !covered {
        let (serial, id) = (entry.serial(), grant.id());
        return Err(Error::Certificate(format!("entry {serial} says more than request {id} grants now; fetch again")));
    }
    cert::sign(entry, cas.of(&draft.principal)).map_err(|e| Error::Certificate(e.to_string()))
}
