//! Why there is no grant.

use domain::{KeyStrength, Pair, Quorum, RequestId, UnixTime, UserName};

use crate::evidence::BallotRefused;
use crate::extend::NoExtension;
use crate::rebind::NotRebound;
use crate::state::StateName;

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
        "logins under request {0} must be verified by a FIDO key by now, and its connecting key is none; put one in its \
         place: hallpass rebind {0} --connecting-key FILE.pub"
    )]
    ConnectingKey(RequestId),
    /// The fetch is signed by another key than the one that the request is for.
    #[error(
        "the fetch is signed by {got}, but request {id} is for the connecting key {want}; to put another in its place: \
         hallpass rebind {id}"
    )]
    OtherConnectingKey {
        /// The request.
        id: RequestId,
        /// Fingerprint of its connecting key.
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
    /// Nothing but logins that forward.
    #[error("a certificate for a jump host comes with one for a host behind it; fetch both under request {0}")]
    OnlyJumps(RequestId),
    /// Today's policy leaves nothing of what was approved.
    #[error(
        "today's policy shares no host, login, command or network with what was approved for request {0}, or reaches its hosts \
         through others; ask again"
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
    /// The act that put the connecting key in its place does not count any more.
    #[error("the connecting key of request {id} was put in its place by an act that does not count now: {why}")]
    Rebinding {
        /// The request.
        id: RequestId,
        /// Why not.
        why: NotRebound,
    },
    /// It is no extension of what it says.
    #[error("request {id} does not extend {extended} as it says: {why}")]
    NoExtension {
        /// The request.
        id: RequestId,
        /// What it names.
        extended: RequestId,
        /// Why not.
        why: NoExtension,
    },
    /// What it rests on does not stand any more.
    #[error("request {id} rests on the approvals of {on}, and {why}")]
    RestsOnNothing {
        /// The request.
        id: RequestId,
        /// What it extends, or what that extends, and so on.
        on: RequestId,
        /// Why that does not stand.
        why: Box<NotGranted>,
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
