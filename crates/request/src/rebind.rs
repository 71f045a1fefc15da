//! Another connecting key in place of the one that was asked: signed by a key of the requester's own.
//!
//! The latest by its signed time counts, and none is signed at the time of another: so whoever keeps these acts can leave
//! some out, and put them in no other order.

use std::sync::Arc;

use directory::Directory;
use domain::{KeyStrength, PublicKey, RequestId, UnixTime, UserName};
use statement::{Act, ActStatement, Rebind, Verified};

use crate::grant::Case;
use crate::not_granted::NotGranted;

/// How many connecting keys one request has at most, beside the asked one.
pub const MOST_REBOUND: usize = 16;

/// Why an act puts no other connecting key in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRebound {
    /// It is about something else.
    #[error("it is about something else than request {0}")]
    OtherRequest(RequestId),
    /// Only the requester moves a request.
    #[error("{0} did not ask for it")]
    OtherUser(UserName),
    /// The signing key is not bound to the requester.
    #[error("the key that signed it is not bound to {0}; rebind again with a key that is")]
    KeyNotBound(UserName),
    /// The signing key is not of the kind that the request took.
    #[error("it was not signed with {}, which this request takes; {}", .0.in_words(), .0.how())]
    WeakKey(KeyStrength),
    /// sshd could not ask for a PIN or finger at the new key.
    #[error(
        "logins must be verified by a FIDO key, and the new connecting key is none; make one with ssh-keygen -t ed25519-sk \
         -O verify-required, and name it with --connecting-key FILE.pub"
    )]
    NotFido,
    /// The new key is somebody else's, who could then fetch.
    #[error("the new connecting key is bound to {0}; name another")]
    OthersKey(UserName),
    /// It is that key already.
    #[error("that is its connecting key already")]
    Same,
    /// It was signed before the one that it would follow.
    #[error(
        "it was signed at {signed}, and the connecting key was put in its place at {last}: one of the clocks is wrong; try again after {last}"
    )]
    TooEarly {
        /// The time of the act.
        signed: UnixTime,
        /// That of the last one, or of the request.
        last: UnixTime,
    },
    /// There were many.
    #[error("its connecting key was replaced {MOST_REBOUND} times; ask anew")]
    TooOften,
}

/// The connecting key of a request: the asked one, or the one that was put in its place last.
pub fn connecting_key<'a>(case: &Case<'a>) -> &'a PublicKey {
    case.rebinds.iter().rev().find_map(|act| named(act)).unwrap_or(&case.request.statement().connecting_key)
}

/// Whether an act puts another connecting key in place of that of the request, as things are now. What the request is
/// approved for is in `obligations`.
///
/// # Errors
/// The first check that fails.
pub fn may_rebind(
    case: &Case<'_>,
    act: &Verified<ActStatement>,
    obligations: &domain::Obligations,
    directory: &Directory,
) -> Result<(), NotRebound> {
    let key = counts(case, act, obligations, directory)?;
    if key == connecting_key(case) {
        return Err(NotRebound::Same);
    }
    follows(case, act)?;
    if case.rebinds.len() >= MOST_REBOUND { Err(NotRebound::TooOften) } else { Ok(()) }
}

/// Whether these acts are in the order of their signed times, the request before them, and each about it: else the store
/// was tampered with.
pub fn in_order(id: RequestId, asked: UnixTime, rebinds: &[Arc<Verified<ActStatement>>]) -> bool {
    let time = |act: &Arc<Verified<ActStatement>>| act.statement().header.time;
    let about_it = |act: &Arc<Verified<ActStatement>>| matches!(&act.statement().act, Act::Rebind(of) if of.id == id);
    rebinds.iter().all(about_it)
        && rebinds.first().is_none_or(|first| asked <= time(first))
        && rebinds.is_sorted_by(|one, next| time(one) < time(next))
}

/// Whether the act that put the connecting key in its place still counts.
pub(crate) fn rebinding_stands(
    case: &Case<'_>,
    obligations: &domain::Obligations,
    directory: &Directory,
) -> Result<(), NotGranted> {
    let Some(last) = case.rebinds.last() else { return Ok(()) };
    let counts = counts(case, last, obligations, directory);
    counts.map(drop).map_err(|why| NotGranted::Rebinding { id: case.id, why })
}

/// The new key, if the act is one of the requester's and the key may be theirs.
fn counts<'a>(
    case: &Case<'_>,
    act: &'a Verified<ActStatement>,
    obligations: &domain::Obligations,
    directory: &Directory,
) -> Result<&'a PublicKey, NotRebound> {
    let (said, requester) = (act.statement(), &case.request.statement().requester);
    let Act::Rebind(Rebind { id, key }) = &said.act else { return Err(NotRebound::OtherRequest(case.id)) };
    if *id != case.id {
        return Err(NotRebound::OtherRequest(case.id));
    }
    if said.user != *requester {
        return Err(NotRebound::OtherUser(said.user.clone()));
    }
    let bound_to = |key: &PublicKey| directory.binding(key).map(|binding| &binding.user.name);
    if bound_to(act.key()) != Some(requester) {
        return Err(NotRebound::KeyNotBound(requester.clone()));
    }
    if let Some(needed) = obligations.requester_key.filter(|needed| act.strength() < Some(*needed)) {
        return Err(NotRebound::WeakKey(needed));
    }
    if obligations.verify_required && !key.is_fido() {
        return Err(NotRebound::NotFido);
    }
    match bound_to(key).filter(|owner| *owner != requester) {
        Some(owner) => Err(NotRebound::OthersKey(owner.clone())),
        None => Ok(key),
    }
}

/// Whether an act was signed after the last one: what counts is the latest by signed time.
fn follows(case: &Case<'_>, act: &Verified<ActStatement>) -> Result<(), NotRebound> {
    let (signed, asked) = (act.statement().header.time, case.request.statement().header.time);
    let last = case.rebinds.last().map(|last| last.statement().header.time);
    let follows = last.map_or(asked <= signed, |last| last < signed);
    if follows { Ok(()) } else { Err(NotRebound::TooEarly { signed, last: last.unwrap_or(asked) }) }
}

fn named(act: &Verified<ActStatement>) -> Option<&PublicKey> {
    match &act.statement().act {
        Act::Rebind(rebind) => Some(&rebind.key),
        _ => None,
    }
}
