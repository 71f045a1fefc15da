//! The grant: proof that a request was approved and still may be used, judged anew for every fetch.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::Directory;
use domain::{Approval, Fate, Obligations, Pair, PublicKey, RequestId, Span, Tally, UnixTime, UserName};
use statement::{ActStatement, DecisionStatement, FetchStatement, RequestStatement, RulingText, Verified};

use crate::evidence::{BallotRefused, Judging, judge};
use crate::extend::stands_on;
use crate::not_granted::NotGranted;
use crate::rebind::{connecting_key, rebinding_stands};
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
    /// What put other connecting keys in place of the asked one, in the order of their signed times.
    pub rebinds: &'a [Arc<Verified<ActStatement>>],
}

/// A request as the store kept it, and what policy says of it today.
#[derive(Clone, Copy)]
pub struct Held<'a> {
    /// What was signed and ruled.
    pub case: Case<'a>,
    /// Where it stands, by the store's word.
    pub state: &'a State,
    /// What approvers signed.
    pub decisions: &'a [Counted],
    /// What policy says now, for the hosts that are fetched.
    pub today: &'a Obligations,
}

/// A decision, and when the server took it.
pub struct Counted {
    /// What the approver signed.
    pub decision: Arc<Verified<DecisionStatement>>,
    /// When it arrived.
    pub taken: UnixTime,
}

/// How long a statement is fresh: what lies at most between its time and the server's taking it.
pub(crate) const FRESH: Span = match Span::from_seconds(60) {
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

/// Judges everything anew and makes the one proof that lets certificates out. `rests_on` is what an extension rests on,
/// the request that it names first. Membership, key bindings and disablement count as of now, and conditions on approvers
/// for the time of each decision.
///
/// # Errors
/// The first check that fails, by name.
pub fn grant(
    held: &Held<'_>,
    rests_on: &[Held<'_>],
    fetch: &Verified<FetchStatement>,
    judging: Judging<'_>,
    now: UnixTime,
) -> Result<Grant, NotGranted> {
    let case = &held.case;
    let (window, obligations) = standing(held, rests_on, judging, now)?;
    let connecting_key = the_connecting_key(case, fetch)?;
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
    held: &Held<'_>,
    rests_on: &[Held<'_>],
    judging: Judging<'_>,
    now: UnixTime,
) -> Result<(), NotGranted> {
    standing(held, rests_on, judging, now).map(drop)
}

fn standing(
    held: &Held<'_>,
    rests_on: &[Held<'_>],
    judging: Judging<'_>,
    now: UnixTime,
) -> Result<(Window, Obligations), NotGranted> {
    let Held { case, state, decisions, today } = held;
    let window = open_window(case, state, today, now)?;
    requester_stands(case, judging.directory)?;
    let obligations = case.ruling.obligations().intersect(today).ok_or(NotGranted::NothingLeft(case.id))?;
    keys_are_strong_enough(case, &obligations)?;
    rebinding_stands(case, &obligations, judging.directory)?;
    let approved = quorum_stands(case, decisions, &obligations, judging)?;
    window_is_signed_for(case, state, approved)?;
    if obligations.rests {
        stands_on(case, rests_on, judging)?;
    }
    Ok((window, obligations))
}

/// Whether the connecting key fetches what was approved: looked at before anything else, as anybody can send a fetch, and
/// what else it is refused for is none of a stranger's business. Where later hosts count, which ones do is today's ruling
/// to say, and not looked at here.
///
/// # Errors
/// When another key signed, or a pair was not approved.
pub fn fetchable(case: &Case<'_>, fetch: &Verified<FetchStatement>) -> Result<(), NotGranted> {
    the_connecting_key(case, fetch)?;
    let approved = case.ruling.obligations();
    let may_be = |pair: &Pair| approved.live.is_some() || approved.hosts.contains(&pair.host);
    let mut targets = approved.targets(fetch.statement().pairs.iter()).peekable();
    if targets.peek().is_none() {
        return Err(NotGranted::OnlyJumps(case.id));
    }
    let other = targets.find(|pair| pair.login != approved.login || !may_be(pair));
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
    // The longest window of an extension counts from the first second of all.
    let since = case.request.statement().extends.map_or(whole.not_before(), |extends| extends.since);
    let window = whole.at_most(today.max, since).ok_or(NotGranted::Over { id, at: whole.not_before() })?;
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
/// no earlier than the earliest, which gives nobody more than that one's window. What it extends was open before.
pub(crate) fn window_is_signed_for(case: &Case<'_>, state: &State, approved: Option<Signed>) -> Result<(), NotGranted> {
    let State::Approved(stored) = state else { return Ok(()) };
    let (asked, window) = (case.request.statement(), stored.window());
    let Signed { first, last } = approved.unwrap_or(Signed { first: asked.header.time, last: asked.header.time });
    let or_start = |time: UnixTime| asked.start.map_or(time, |start| start.max(time));
    let latest = last.after(FRESH).map(or_start);
    let begun = window.not_before();
    let fits = or_start(first.before(FRESH)) <= begun && latest.is_some_and(|latest| begun <= latest);
    let length = window.not_after().since(begun);
    let fits = fits && asked.extends.is_none_or(|extends| extends.since <= begun);
    if fits && length <= asked.window { Ok(()) } else { Err(NotGranted::WindowMismatch(case.id)) }
}

pub(crate) fn requester_stands(case: &Case<'_>, directory: &Directory) -> Result<(), NotGranted> {
    let (asked, ruled) = (case.request.statement(), case.ruling.obligations());
    if case.ruling.request() != case.request.digest() || asked.extends != ruled.extends {
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
    signed_strongly(case, obligations)?;
    if obligations.verify_required && !connecting_key(case).is_fido() {
        return Err(NotGranted::ConnectingKey(case.id));
    }
    Ok(())
}

pub(crate) fn signed_strongly(case: &Case<'_>, obligations: &Obligations) -> Result<(), NotGranted> {
    match obligations.requester_key.filter(|needed| case.request.strength() < Some(*needed)) {
        Some(needed) => Err(NotGranted::RequesterKey { id: case.id, needed }),
        None => Ok(()),
    }
}

/// When the approvals that count were signed.
pub(crate) struct Signed {
    first: UnixTime,
    last: UnixTime,
}

/// Whether the approvals that count fill every slot, each stage after those before it; when they were signed, `None` where
/// nobody is asked.
pub(crate) fn quorum_stands(
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

fn the_connecting_key(case: &Case<'_>, fetch: &Verified<FetchStatement>) -> Result<PublicKey, NotGranted> {
    let current = connecting_key(case);
    if fetch.statement().id != case.id {
        return Err(NotGranted::OtherRequest { id: case.id, fetched: fetch.statement().id });
    }
    if fetch.key() != current {
        let (want, got) = (current.fingerprint().to_string(), fetch.key().fingerprint().to_string());
        return Err(NotGranted::OtherConnectingKey { id: case.id, want, got });
    }
    Ok(current.clone())
}

fn covered(
    case: &Case<'_>,
    fetch: &Verified<FetchStatement>,
    obligations: &Obligations,
) -> Result<Vec<Pair>, NotGranted> {
    let (approved, pairs) = (case.ruling.obligations(), &fetch.statement().pairs);
    // Nobody forwards anywhere without a certificate for a host behind: that one is judged, and counted.
    let behind = |pair: &Pair| obligations.jumps.before(&pair.host).map(|jump| &jump.through).collect::<Vec<_>>();
    let on_the_way: BTreeSet<&Pair> = approved.targets(pairs.iter()).flat_map(behind).collect();
    let covers =
        |pair: &Pair| obligations.carried(pair).is_some() && (!approved.is_jump(pair) || on_the_way.contains(pair));
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
