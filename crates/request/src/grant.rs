//! The grant: proof that a request was approved and still may be used, judged anew for every fetch.

use std::sync::Arc;

use directory::Directory;
use domain::{
    Approval, Fate, KeyStrength, Obligations, Pair, PublicKey, Quorum, RequestId, Span, Tally, UnixTime, UserName,
};
use statement::{DecisionStatement, FetchStatement, RequestStatement, RulingText, Verified};

use crate::evidence::{BallotRefused, Judging, judge};
use crate::state::{State, StateName, Window};

/// A request as it was signed and ruled on.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Its id.
    pub id: RequestId,
    /// What the requester signed.
    pub request: &'a Verified<RequestStatement>,
    /// What policy said then.
    pub ruling: &'a RulingText,
}

/// A decision, and when the server took it.
pub struct Counted {
    /// What the approver signed.
    pub decision: Arc<Verified<DecisionStatement>>,
    /// When it arrived.
    pub taken: UnixTime,
}

/// Why there is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// The request is in another state.
    #[error("request {id} is {state}, not approved{hint}")]
    NotApproved {
        /// The request.
        id: RequestId,
        /// Its state.
        state: StateName,
        /// What to do.
        hint: &'static str,
    },
    /// The window has not begun.
    #[error("the window of request {id} opens at {at}; fetch again then")]
    NotYet {
        /// The request.
        id: RequestId,
        /// The first second inside.
        at: UnixTime,
    },
    /// The window is over.
    #[error("the window of request {id} ended at {at}; ask again")]
    Over {
        /// The request.
        id: RequestId,
        /// The first second after.
        at: UnixTime,
    },
    /// The stored ruling is about another request: the store was tampered with.
    #[error("the stored ruling of request {0} is not about it; an administrator must look at the ledger")]
    RulingMismatch(RequestId),
    /// The stored window is not the one that the signatures lead to: the store was tampered with.
    #[error("the stored window of request {0} is not what was signed for; an administrator must look at the ledger")]
    WindowMismatch(RequestId),
    /// The requester's signing key is no longer bound to them.
    #[error("the key that signed the request is no longer bound to {0}; ask again with a key that is")]
    RequesterUnbound(UserName),
    /// The requester was disabled.
    #[error("{0} is disabled or stopped; an administrator decides who may act again")]
    RequesterDisabled(UserName),
    /// The key that signed the request is not one that today's policy takes.
    #[error("request {id} was not signed with {}, which this takes by now; ask again, and {}", .needed.in_words(), .needed.how())]
    RequesterKey {
        /// The request.
        id: RequestId,
        /// What is needed.
        needed: KeyStrength,
    },
    /// The connecting key cannot do what today's policy takes.
    #[error(
        "logins under request {0} must be verified by a FIDO key by now, and its connecting key is none; ask again with \
         one (--connecting-key)"
    )]
    ConnectingKey(RequestId),
    /// The fetch is signed by another key than the one approved.
    #[error("the fetch is signed by {got}, but request {id} was approved for the connecting key {want}; ask again")]
    OtherConnectingKey {
        /// The request.
        id: RequestId,
        /// Fingerprint of the approved key.
        want: String,
        /// Fingerprint of the key that signed.
        got: String,
    },
    /// The fetch names another request.
    #[error("the fetch is about request {fetched}, not {id}")]
    OtherRequest {
        /// The request at hand.
        id: RequestId,
        /// The request that the fetch names.
        fetched: RequestId,
    },
    /// A pair that was not granted.
    #[error("request {id} does not grant {pair}; it grants {granted}")]
    NotCovered {
        /// The request.
        id: RequestId,
        /// What was asked for.
        pair: Pair,
        /// What there is.
        granted: String,
    },
    /// Today's policy leaves nothing of what was approved.
    #[error(
        "today's policy shares no host, login, command or network with what was approved for request {0}; ask again"
    )]
    NothingLeft(RequestId),
    /// Not enough of the approvals count any more.
    #[error("request {id} lacks {}{}", list(missing), because(dropped.as_ref()))]
    Quorum {
        /// The request.
        id: RequestId,
        /// The slots that nobody fills.
        missing: Quorum,
        /// Why an approval no longer counts, if one was dropped.
        dropped: Option<BallotRefused>,
    },
    /// Somebody denied it; a denied request that is marked approved means tampering.
    #[error("request {0} was denied, though it is stored as approved; an administrator must look at the ledger")]
    Denied(RequestId),
}

fn list(missing: &Quorum) -> String {
    missing.shares().map(|share| format!("an approval from {}", share.group)).collect::<Vec<_>>().join(" and ")
}

fn because(dropped: Option<&BallotRefused>) -> String {
    dropped.map_or_else(|| "; ask again".to_owned(), |why| format!(": an approval no longer counts, as {why}"))
}

/// How long a statement is fresh: what lies at most between its time and the server's taking it.
const FRESH: Span = match Span::from_seconds(60) {
    Ok(span) => span,
    Err(_) => Span::ZERO,
};

/// Proof that certificates may leave: an approved request, every signature and membership judged as of now, inside its
/// window, cut to what the approved ruling and today's have in common. Made by [`grant`] alone; never stored, never
/// deserialized.
#[derive(Debug)]
pub struct Grant {
    id: RequestId,
    requester: UserName,
    connecting_key: PublicKey,
    pairs: Vec<Pair>,
    obligations: Obligations,
    window: Window,
}

impl Grant {
    /// The request.
    pub const fn id(&self) -> RequestId {
        self.id
    }

    /// Who asked.
    pub const fn requester(&self) -> &UserName {
        &self.requester
    }

    /// The key that certificates certify.
    pub const fn connecting_key(&self) -> &PublicKey {
        &self.connecting_key
    }

    /// What this fetch takes: each pair is covered.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The stricter of what was approved and what today's policy says.
    pub const fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// The window, cut to the longest that today's policy gives; its end is the deadline.
    pub const fn window(&self) -> Window {
        self.window
    }
}

/// Judges everything anew and makes the one proof that lets certificates out. `today` is what policy says now;
/// membership, key bindings and disablement count as of now, and conditions on approvers for the time of each decision.
///
/// # Errors
/// The first check that fails, by name.
pub fn grant(
    case: &Case<'_>,
    state: &State,
    decisions: &[Counted],
    fetch: &Verified<FetchStatement>,
    today: &Obligations,
    judging: Judging<'_>,
    now: UnixTime,
) -> Result<Grant, NotGranted> {
    let (window, obligations) = standing(case, state, decisions, today, judging, now)?;
    let connecting_key = the_approved_key(case, fetch)?;
    let pairs = covered(case, fetch, &obligations)?;
    let requester = case.request.statement().requester.clone();
    Ok(Grant { id: case.id, requester, connecting_key, pairs, obligations, window })
}

/// Whether anything could be fetched under `today`'s ruling, whoever fetches it: what [`grant`] asks but for the fetch
/// itself. It proves nothing, and says of a refused fetch for many hosts which of them it is refused for.
///
/// # Errors
/// The first check that fails, by name.
pub fn grantable(
    case: &Case<'_>,
    state: &State,
    decisions: &[Counted],
    today: &Obligations,
    judging: Judging<'_>,
    now: UnixTime,
) -> Result<(), NotGranted> {
    standing(case, state, decisions, today, judging, now).map(drop)
}

fn standing(
    case: &Case<'_>,
    state: &State,
    decisions: &[Counted],
    today: &Obligations,
    judging: Judging<'_>,
    now: UnixTime,
) -> Result<(Window, Obligations), NotGranted> {
    let window = open_window(case, state, today, now)?;
    requester_stands(case, judging.directory)?;
    let obligations = case.ruling.obligations().intersect(today).ok_or(NotGranted::NothingLeft(case.id))?;
    keys_are_strong_enough(case, &obligations)?;
    let approved = quorum_stands(case, decisions, &obligations, judging)?;
    window_is_signed_for(case, state, approved)?;
    Ok((window, obligations))
}

/// Whether the approved key fetches what was approved: looked at before anything else, as anybody can send a fetch, and
/// what else it is refused for is none of a stranger's business. Where later hosts count, which ones do is today's ruling
/// to say, and not looked at here.
///
/// # Errors
/// When another key signed, or a pair was not approved.
pub fn fetchable(case: &Case<'_>, fetch: &Verified<FetchStatement>) -> Result<(), NotGranted> {
    the_approved_key(case, fetch)?;
    let approved = case.ruling.obligations();
    let may_be = |pair: &Pair| approved.live.is_some() || approved.hosts.contains(&pair.host);
    let other = fetch.statement().pairs.iter().find(|pair| pair.login != approved.login || !may_be(pair));
    other.map_or(Ok(()), |pair| Err(not_covered(case, pair, approved)))
}

fn open_window(case: &Case<'_>, state: &State, today: &Obligations, now: UnixTime) -> Result<Window, NotGranted> {
    let id = case.id;
    let State::Approved(approved) = state else {
        let state = state.name_at(now);
        let hint = if state == StateName::Pending { "; wait for its approvers" } else { "; ask again" };
        return Err(NotGranted::NotApproved { id, state, hint });
    };
    let whole = approved.window();
    let window = whole.at_most(today.max).ok_or(NotGranted::Over { id, at: whole.not_before() })?;
    if now < window.not_before() {
        return Err(NotGranted::NotYet { id, at: window.not_before() });
    }
    if !window.contains(now) {
        return Err(NotGranted::Over { id, at: window.not_after() });
    }
    Ok(window)
}

/// Nobody but the store noted when the server took the last approval, so the window is held to the times that were
/// signed: no longer than asked, and begun with the last approval, by as much as a statement is fresh, or at the asked
/// start if that is later. A clock that was set back between two approvals makes the last one look earlier: so it began
/// no earlier than the earliest, which gives nobody more than that one's window.
fn window_is_signed_for(case: &Case<'_>, state: &State, approved: Option<Signed>) -> Result<(), NotGranted> {
    let State::Approved(stored) = state else { return Ok(()) };
    let (asked, window) = (case.request.statement(), stored.window());
    let Signed { first, last } = approved.unwrap_or(Signed { first: asked.header.time, last: asked.header.time });
    let or_start = |time: UnixTime| asked.start.map_or(time, |start| start.max(time));
    let latest = last.after(FRESH).map(or_start);
    let begun = window.not_before();
    let fits = or_start(first.before(FRESH)) <= begun && latest.is_some_and(|latest| begun <= latest);
    let length = window.not_after().since(begun);
    if fits && length <= asked.window { Ok(()) } else { Err(NotGranted::WindowMismatch(case.id)) }
}

fn requester_stands(case: &Case<'_>, directory: &Directory) -> Result<(), NotGranted> {
    if case.ruling.request() != case.request.digest() {
        return Err(NotGranted::RulingMismatch(case.id));
    }
    let requester = &case.request.statement().requester;
    let bound = directory.binding(case.request.key()).is_some_and(|binding| binding.user.name == *requester);
    if !bound {
        return Err(NotGranted::RequesterUnbound(requester.clone()));
    }
    if directory.is_disabled(requester) {
        return Err(NotGranted::RequesterDisabled(requester.clone()));
    }
    Ok(())
}

/// As submitting judged them, again: by the stored signature, and by what the obligations are today.
fn keys_are_strong_enough(case: &Case<'_>, obligations: &Obligations) -> Result<(), NotGranted> {
    let (id, request) = (case.id, case.request);
    if let Some(needed) = obligations.requester_key.filter(|needed| request.strength() < Some(*needed)) {
        return Err(NotGranted::RequesterKey { id, needed });
    }
    if obligations.verify_required && !request.statement().connecting_key.is_fido() {
        return Err(NotGranted::ConnectingKey(id));
    }
    Ok(())
}

/// When the approvals that count were signed.
struct Signed {
    first: UnixTime,
    last: UnixTime,
}

/// Whether the approvals that count fill every slot, each stage after those before it; when they were signed, `None` where
/// nobody is asked.
fn quorum_stands(
    case: &Case<'_>,
    decisions: &[Counted],
    obligations: &Obligations,
    judging: Judging<'_>,
) -> Result<Option<Signed>, NotGranted> {
    let mut tally = Tally::new(&obligations.quorum, case.request.statement().header.time);
    let (mut dropped, mut times) = (None, Vec::new());
    for counted in decisions {
        // A deny ends a request even when its author has left since.
        if counted.decision.statement().verdict == Approval::Deny {
            return Err(NotGranted::Denied(case.id));
        }
        match judge(case, obligations, &counted.decision, counted.taken, judging) {
            Ok(ballot) => {
                let vote = ballot.vote();
                times.push(vote.signed);
                if let Fate::Before(before) = tally.count(vote) {
                    dropped = Some(BallotRefused::SignedBefore { signed: vote.signed, before });
                }
            }
            Err(why) => dropped = Some(why),
        }
    }
    if !tally.is_complete() {
        return Err(NotGranted::Quorum { id: case.id, missing: tally.missing(), dropped });
    }
    let signed = || Some(Signed { first: *times.iter().min()?, last: *times.iter().max()? });
    Ok(signed())
}

fn the_approved_key(case: &Case<'_>, fetch: &Verified<FetchStatement>) -> Result<PublicKey, NotGranted> {
    let approved = &case.request.statement().connecting_key;
    if fetch.statement().id != case.id {
        return Err(NotGranted::OtherRequest { id: case.id, fetched: fetch.statement().id });
    }
    if fetch.key() != approved {
        let (want, got) = (approved.fingerprint().to_string(), fetch.key().fingerprint().to_string());
        return Err(NotGranted::OtherConnectingKey { id: case.id, want, got });
    }
    Ok(approved.clone())
}

fn covered(
    case: &Case<'_>,
    fetch: &Verified<FetchStatement>,
    obligations: &Obligations,
) -> Result<Vec<Pair>, NotGranted> {
    let covers = |pair: &Pair| pair.login == obligations.login && obligations.hosts.contains(&pair.host);
    let pairs = &fetch.statement().pairs;
    match pairs.iter().find(|pair| !covers(pair)) {
        None => Ok(pairs.iter().cloned().collect()),
        Some(pair) => Err(not_covered(case, pair, obligations)),
    }
}

fn not_covered(case: &Case<'_>, pair: &Pair, obligations: &Obligations) -> NotGranted {
    let hosts: Vec<&str> = obligations.hosts.iter().take(8).map(domain::HostName::as_str).collect();
    let granted = format!("{} on {}", obligations.login, hosts.join(", "));
    NotGranted::NotCovered { id: case.id, pair: pair.clone(), granted }
}
