//! Why a use case was refused: one variant a step, each with a stable reason for programs and words for people.

use domain::{Digest, Fingerprint, GroupName, Origin, RequestId, UnixTime, UserName};

use statement::BundleChange;
use store::StoreError;

use crate::extend::ExtendRefused;
use crate::gate::Stopped;
use crate::some_hosts::SomeHosts;
use crate::stop::StopRefused;
use crate::timekeeper::ClockFault;

/// The kind of a refusal, as gRPC groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The input is wrong whatever the state.
    Invalid,
    /// Nobody is known by that token or key.
    Unauthenticated,
    /// Known, and not allowed.
    Denied,
    /// No such thing, or none that this user may see.
    NotFound,
    /// The state does not allow it now.
    State,
    /// Somebody else was faster; look again.
    Conflict,
    /// It was done before.
    Exists,
    /// Too much at once.
    Exhausted,
    /// Not now: issuing is stopped, or the store cannot be written.
    Unavailable,
    /// The server's own fault.
    Internal,
}

/// Why a use case was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text or its signature is not a valid statement.
    #[error(transparent)]
    Statement(#[from] statement::VerifyError),
    /// The statement's time is not now.
    #[error(
        "the statement's time is {time}, the server's is {now}: over 60 seconds apart. Set the clock right and sign anew"
    )]
    Stale {
        /// The statement's time.
        time: UnixTime,
        /// The server's time.
        now: UnixTime,
    },
    /// It was signed for another server.
    #[error(
        "the statement is for server {named} with ledger key {key}, not for this one; check which server you meant"
    )]
    OtherServer {
        /// The name in the statement.
        named: Origin,
        /// The ledger key's digest in the statement.
        key: Digest,
    },
    /// The login was signed for another TLS key: somebody relays it.
    #[error(
        "the login names TLS key {0}, which this server does not use: somebody between you and the server relays it"
    )]
    RelayedLogin(Digest),
    /// Nobody has this key.
    #[error("no user has the key {0}; ask an administrator to add it to directory.toml, or sign with another (--key)")]
    UnknownKey(Fingerprint),
    /// The key is somebody else's.
    #[error("the key {key} is not bound to {named}, who the statement names; sign with a key of theirs (--key)")]
    OtherUsersKey {
        /// The key.
        key: Fingerprint,
        /// Who the statement names.
        named: UserName,
    },
    /// The user is disabled.
    #[error("{0} is disabled or stopped; an administrator decides who may act again")]
    Disabled(UserName),
    /// The very same statement came before.
    #[error("this very statement was taken before; sign a new one")]
    Replayed,
    /// The checkpoint in `seen:` is not of this server's history, and not signed by it.
    #[error(
        "the statement's `seen:` line names a checkpoint of size {0} that this server never signed; \
         remove the remembered checkpoint only if you are sure who signed it"
    )]
    SeenUnknown(u64),
    /// Issuing is stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Somebody stopped it, or it cannot be stopped or lifted so.
    #[error(transparent)]
    Stop(#[from] StopRefused),
    /// The clock cannot be trusted.
    #[error("no certificates: {0}. An administrator sets the clock right, then: hallpass admin resume -m REASON")]
    Clock(#[from] ClockFault),
    /// Policy says no.
    #[error("{0}")]
    Refused(policy::Refusal),
    /// The ruling cannot be written down.
    #[error(transparent)]
    Ruling(#[from] statement::RulingTextError),
    /// A host by another of its names.
    #[error("`{given}` is another name of the host `{canonical}`; sign the request for `{canonical}`")]
    Alias {
        /// The name in the request.
        given: domain::HostName,
        /// The name in the inventory.
        canonical: domain::HostName,
    },
    /// The asked window cannot be.
    #[error("the window is not possible: {0}")]
    Window(&'static str),
    /// It extends nothing.
    #[error(transparent)]
    Extend(#[from] ExtendRefused),
    /// Its connecting key stays.
    #[error("request {id} is not rebound: {why}")]
    Rebind {
        /// The request.
        id: RequestId,
        /// Why not.
        why: request::NotRebound,
    },
    /// What was asked for is not built yet, or not in this release.
    #[error("{0}")]
    Unsupported(&'static str),
    /// No such request, or none that this user may see.
    #[error("there is no request {0} that you may see; list yours with: hallpass status")]
    NoRequest(RequestId),
    /// A bundle of long ago, which this version refuses.
    #[error("the bundle {0} is kept, but this version of hallpassd cannot read it; an older one can")]
    OldBundle(Digest),
    /// The bundle by itself does not come to the ruling.
    #[error(
        "request {0} was ruled on while acts amended the bundle, so how its ruling came about cannot be told exactly; \
         the ruling itself stands: hallpass show {0}"
    )]
    Unexplained(RequestId),
    /// The decision does not count.
    #[error(transparent)]
    Ballot(#[from] request::BallotRefused),
    /// The review does not count.
    #[error(transparent)]
    Review(#[from] request::ReviewRefused),
    /// The same person decided before.
    #[error("{0} has decided on this request already; one person fills one place")]
    DecidedBefore(UserName),
    /// The request is not in a state for this.
    #[error("request {id} is {state}; {hint}")]
    WrongState {
        /// The request.
        id: RequestId,
        /// Its state.
        state: request::StateName,
        /// What to do.
        hint: &'static str,
    },
    /// Only its requester may do this.
    #[error("request {0} is not yours; only its requester can do this")]
    NotYours(RequestId),
    /// There is no approval to take back.
    #[error("{user} has not approved request {id}, so there is nothing to take back")]
    NoApproval {
        /// Who.
        user: UserName,
        /// The request.
        id: RequestId,
    },
    /// There is no grant.
    #[error(transparent)]
    NotGranted(#[from] request::NotGranted),
    /// A fetch for many hosts, of which some are refused.
    #[error("{0}")]
    SomeHosts(SomeHosts),
    /// A realm without a user CA.
    #[error("realm {0} has no user CA here; an administrator makes one with: hallpassd realm {0} --config FILE")]
    NoRealm(domain::RealmName),
    /// A right is missing.
    #[error("{user} lacks the right `{right}`; an administrator gives it in directory.toml")]
    NoRight {
        /// Who.
        user: UserName,
        /// Which.
        right: &'static str,
    },
    /// Somebody else put a bundle in force in between.
    #[error(
        "this was signed to come after the bundle of entry {meant}, and that of entry {now} is in force by now; look at \
         what it changed (hallpass admin policy log), then push and sign anew"
    )]
    BundleMoved {
        /// The entry that the act names.
        meant: u64,
        /// The entry of the bundle in force.
        now: u64,
    },
    /// It is in force.
    #[error("the bundle {0} is in force already; nothing was changed")]
    BundleInForce(Digest),
    /// An older one.
    #[error("the bundle {0} was in force before; to go back to it: hallpass admin policy rollback {0}")]
    BundleBefore(Digest),
    /// None of this digest.
    #[error("no bundle {0} was ever in force; `hallpass admin policy log` lists those that were")]
    NoBundle(Digest),
    /// A kept bundle that this version does not take.
    #[error("the bundle {digest} cannot be used by this version: {what}")]
    BundleUnusable {
        /// The bundle.
        digest: Digest,
        /// What is wrong with it.
        what: String,
    },
    /// Another bundle than the act names.
    #[error("the act names the bundle {named}, and the files that came are the bundle {sent}; push them again")]
    OtherBundle {
        /// In the act.
        named: Digest,
        /// What came.
        sent: Digest,
    },
    /// Too few of its signers signed it.
    #[error(
        "the bundle {} lacks {}{}. A signer signs it with `hallpass admin policy sign`, by the groups of the bundle in force",
        change.bundle, lacking(missing), because(dropped)
    )]
    Unsigned {
        /// The bundle, and what it was to come after.
        change: BundleChange,
        /// The groups whose signatures are missing.
        missing: Vec<GroupName>,
        /// Why signatures do not count.
        dropped: Vec<String>,
    },
    /// With what acts took away, too few people would be left.
    #[error(
        "with the bundle {bundle}, and without what acts have taken away, nobody would be left for {}: nothing could be put in \
         force after it, or no stop be lifted; name more people in its files, or ask for fewer", .groups.join(", ")
    )]
    LocksOut {
        /// The bundle.
        bundle: Digest,
        /// The groups whose places would stay open, or the right.
        groups: Vec<String>,
    },
    /// Files that a push has put out of use.
    #[error(
        "the bundle in force, {0}, was pushed, so the server's own files are out of use; push them too (hallpass admin \
         policy push), or make them equal to it"
    )]
    FilesOutOfUse(Digest),
    /// The amendment would change nothing, or is for a bundle to say.
    #[error("{0}; nothing was changed")]
    NotAmendable(directory::NotAmendable),
    /// An act took it away.
    #[error("`{0}` was removed by an act; a new bundle brings it back")]
    TakenAway(String),
    /// A notice names an entry that is none.
    #[error(
        "entry {0} is neither a stop nor its lifting, or does not verify; an administrator must look at the ledger"
    )]
    NoAct(u64),
    /// No session.
    #[error("this call needs a session; start one with: hallpass login")]
    NoSession,
    /// The store could not be read or written, or refused what was judged by an older state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store gave back does not hold.
    #[error("request {id} is stored with {what}, so nothing was done; an administrator must look at the ledger")]
    Tampered {
        /// The request.
        id: RequestId,
        /// What is wrong with it.
        what: String,
    },
    /// The list of revoked certificates could not be made.
    #[error("the list of revoked certificates could not be made: {0}")]
    Revocations(#[from] cert::KrlError),
    /// A certificate could not be made.
    #[error("the certificate could not be made, so none was: {0}")]
    Certificate(String),
}

impl Error {
    /// The stable reason that programs match on (`google.rpc.ErrorInfo.reason`).
    pub const fn reason(&self) -> &'static str {
        self.entry().0
    }

    /// The kind of refusal.
    pub const fn class(&self) -> Class {
        self.entry().1
    }

    const fn entry(&self) -> (&'static str, Class) {
        match self {
            Self::Statement(_) => ("STATEMENT_INVALID", Class::Invalid),
            Self::Stale { .. } => ("STATEMENT_STALE", Class::Invalid),
            Self::OtherServer { .. } => ("OTHER_SERVER", Class::Invalid),
            Self::RelayedLogin(_) => ("RELAYED_LOGIN", Class::Unauthenticated),
            Self::UnknownKey(_) => ("UNKNOWN_KEY", Class::Unauthenticated),
            Self::OtherUsersKey { .. } => ("OTHER_USERS_KEY", Class::Unauthenticated),
            Self::Disabled(_) => ("USER_DISABLED", Class::Denied),
            Self::Replayed => ("REPLAYED", Class::Exists),
            Self::SeenUnknown(_) => ("SEEN_UNKNOWN", Class::Invalid),
            Self::Stopped(_) => ("ISSUING_STOPPED", Class::Unavailable),
            Self::Stop(refused) => of_stop(refused),
            Self::Clock(_) => ("CLOCK_FAULT", Class::Unavailable),
            Self::Refused(_) => ("POLICY_REFUSED", Class::Denied),
            Self::Ruling(_) => ("RULING_TOO_LARGE", Class::Invalid),
            Self::Alias { .. } => ("HOST_ALIAS", Class::Invalid),
            Self::Window(_) => ("WINDOW_INVALID", Class::Invalid),
            Self::Extend(_) => ("NOT_EXTENDABLE", Class::State),
            Self::Rebind { .. } => ("NOT_REBOUND", Class::Denied),
            Self::Unsupported(_) => ("UNSUPPORTED", Class::Invalid),
            Self::NoRequest(_) => ("NO_SUCH_REQUEST", Class::NotFound),
            Self::OldBundle(_) => ("BUNDLE_UNREADABLE", Class::State),
            Self::Unexplained(_) => ("AMENDED", Class::State),
            Self::Ballot(_) => ("DECISION_REFUSED", Class::Denied),
            Self::Review(_) => ("REVIEW_REFUSED", Class::Denied),
            Self::DecidedBefore(_) => ("DECIDED_BEFORE", Class::Exists),
            Self::WrongState { .. } => ("WRONG_STATE", Class::State),
            Self::NotYours(_) => ("NOT_YOURS", Class::Denied),
            Self::NoApproval { .. } => ("NO_APPROVAL", Class::Denied),
            Self::NotGranted(_) => ("NOT_GRANTED", Class::Denied),
            Self::SomeHosts(_) => ("HOSTS_REFUSED", Class::Denied),
            Self::NoRealm(_) => ("NO_REALM_CA", Class::State),
            Self::NoRight { .. } => ("NO_RIGHT", Class::Denied),
            Self::BundleMoved { .. } => ("BUNDLE_MOVED", Class::Conflict),
            Self::BundleInForce(_) => ("BUNDLE_IN_FORCE", Class::Exists),
            Self::BundleBefore(_) => ("BUNDLE_BEFORE", Class::State),
            Self::NoBundle(_) => ("NO_SUCH_BUNDLE", Class::NotFound),
            Self::BundleUnusable { .. } => ("BUNDLE_UNUSABLE", Class::Invalid),
            Self::OtherBundle { .. } => ("OTHER_BUNDLE", Class::Invalid),
            Self::Unsigned { .. } => ("BUNDLE_UNSIGNED", Class::Denied),
            Self::LocksOut { .. } => ("BUNDLE_LOCKS_OUT", Class::State),
            Self::FilesOutOfUse(_) => ("FILES_OUT_OF_USE", Class::State),
            Self::NotAmendable(_) => ("NOT_AMENDABLE", Class::State),
            Self::TakenAway(_) => ("TAKEN_AWAY", Class::State),
            Self::NoAct(_) => ("NO_SUCH_ACT", Class::Internal),
            Self::NoSession => ("NO_SESSION", Class::Unauthenticated),
            Self::Store(error) => of_store(error),
            Self::Tampered { .. } => ("STORE_TAMPERED", Class::Internal),
            Self::Revocations(_) => ("REVOCATIONS_FAILED", Class::Internal),
            Self::Certificate(_) => ("CERTIFICATE_FAILED", Class::Internal),
        }
    }
}

fn lacking(missing: &[GroupName]) -> String {
    let each: Vec<String> = missing.iter().map(|group| format!("a signature from {group}")).collect();
    each.join(" and ")
}

fn because(dropped: &[String]) -> String {
    if dropped.is_empty() { String::new() } else { format!(" (not counted: {})", dropped.join("; ")) }
}

const fn of_stop(refused: &StopRefused) -> (&'static str, Class) {
    match refused {
        StopRefused::NoReason => ("NO_REASON", Class::Invalid),
        StopRefused::Stands { .. } => ("STOPPED_ALREADY", Class::Exists),
        StopRefused::NoCertificate(_) => ("NO_SUCH_CERTIFICATE", Class::NotFound),
        StopRefused::Administrator(_) | StopRefused::NotAsked { .. } => ("NO_RIGHT", Class::Denied),
        StopRefused::Over(_) => ("OVER", Class::State),
        StopRefused::Host(_) => ("HOST_STOPPED", Class::State),
        StopRefused::LocksOut(_) => ("LOCKS_OUT", Class::Denied),
        StopRefused::NoStop(_) => ("NO_SUCH_STOP", Class::NotFound),
        StopRefused::All { .. } => ("ALL_STOPPED", Class::Unavailable),
        StopRefused::Revoked => ("REVOKED", Class::Denied),
    }
}

const fn of_store(error: &StoreError) -> (&'static str, Class) {
    match error {
        StoreError::Busy => ("BUSY", Class::Exhausted),
        StoreError::Closed => ("STOPPING", Class::Unavailable),
        StoreError::Replayed => ("REPLAYED", Class::Exists),
        StoreError::Forgotten(_) => ("STATEMENT_STALE", Class::Invalid),
        StoreError::Conflict(_) | StoreError::BundleChanged | StoreError::OwesChanged | StoreError::IdTaken(_) => {
            ("CHANGED_MEANWHILE", Class::Conflict)
        }
        StoreError::UnknownRequest(_) => ("NO_SUCH_REQUEST", Class::NotFound),
        StoreError::TooManyPending(_) => ("TOO_MANY_PENDING", Class::Exhausted),
        StoreError::Used(_) => ("APPROVAL_USED", Class::State),
        StoreError::NothingOwed(_) => ("NOTHING_OWED", Class::State),
        StoreError::NotApproved(_) | StoreError::UsedUp { .. } | StoreError::NothingToIssue => {
            ("NOT_GRANTED", Class::Denied)
        }
        StoreError::EpochChanged | StoreError::Halted(_) => ("ISSUING_STOPPED", Class::Unavailable),
        StoreError::Certificate(_) => ("CERTIFICATE_FAILED", Class::Internal),
        StoreError::Full
        | StoreError::Disk(_)
        | StoreError::ReadOnly
        | StoreError::Damaged(_)
        | StoreError::Database(_) => ("STORE_FAILED", Class::Unavailable),
    }
}
