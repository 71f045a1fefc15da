//! Ballots: a decision that was checked against the request it is about and the directory as it is now.

use std::collections::BTreeSet;

use directory::Directory;
use domain::{
    Approval, Digest, GroupName, HostName, KeyStrength, Obligations, PublicKey, Quorum, RequestId, SlotClosed, StandIn,
    UnixTime, UserName, Vote, Voter,
};
use statement::{Canonical as _, DecisionStatement, Verified};

use crate::grant::Case;

/// Why a decision does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BallotRefused {
    /// It names another request.
    #[error("the decision is about request {decided}, not {id}; look at {id} and decide anew")]
    OtherRequest {
        /// The request at hand.
        id: RequestId,
        /// The request that the decision names.
        decided: RequestId,
    },
    /// It was made over another request text.
    #[error("the decision was made over a request text with digest {0}, which is not this request's; decide anew")]
    OtherRequestText(Digest),
    /// It was made over another ruling.
    #[error("the decision was made over a ruling with digest {0}, which is not this request's; decide anew")]
    OtherRuling(Digest),
    /// The signing key is not bound to the approver that the text names.
    #[error("the key that signed is not bound to {0}; sign with a key that the directory lists for {0}")]
    KeyNotBound(UserName),
    /// The approver, or the person behind, is disabled.
    #[error("{0} is disabled or stopped; an administrator decides who may act again")]
    Disabled(UserName),
    /// Programs do not decide, unless they are marked.
    #[error(
        "{0} is a service that approves nothing; let a person decide, or mark it in directory.toml: approves = true"
    )]
    Service(UserName),
    /// The approver and the requester are the same person.
    #[error("{approver} and the requester are the same person ({owner}); somebody else must decide")]
    OwnRequest {
        /// The account that signed.
        approver: UserName,
        /// The person behind both.
        owner: UserName,
    },
    /// An approval by a key that is not strong enough. A deny counts by whatever key.
    #[error("approvals of this request must be signed with {}; {}", .0.in_words(), .0.how())]
    WeakKey(KeyStrength),
    /// The conditions on approvers leave no slot that they could fill. A deny counts at any time.
    #[error(transparent)]
    Closed(#[from] SlotClosed),
    /// Their group only stands in for another, and not yet.
    #[error("members of `{group}` stand in for others from {opens} on; until then those who are asked decide")]
    StandsInLater {
        /// The group.
        group: GroupName,
        /// The first second in which they may.
        opens: UnixTime,
    },
    /// The stage that they could fill a slot of is not asked yet.
    #[error("{approver} is asked once {first} has approved; approve again then")]
    Early {
        /// The account that signed.
        approver: UserName,
        /// Who is asked first.
        first: Quorum,
    },
    /// It is dated before approvals that it comes after.
    #[error(
        "the approval is dated {signed}, and comes after one that is dated {before}: over 60 seconds apart. Set the clock \
         right and approve anew"
    )]
    SignedBefore {
        /// The time in the statement.
        signed: UnixTime,
        /// The latest time of those before.
        before: UnixTime,
    },
    /// The words that were signed are not those of the ruling.
    #[error("the decision says it allows something else than the ruling does; look at the request and decide anew")]
    OtherWords,
    /// The approver is in none of the groups that the ruling asks.
    #[error("{approver} is in none of the groups that this request asks ({asked})")]
    NotAsked {
        /// The account that signed.
        approver: UserName,
        /// The quorum.
        asked: String,
    },
}

/// The conditions on approvers that are in force. The questions are put here, with what was signed and noted, so that
/// whoever answers cannot be handed another request, group or time by mistake.
pub trait Slots {
    /// Whether members of a group may approve what this requester asked for on these hosts, as of a time.
    ///
    /// # Errors
    /// When or why not; what cannot be told is closed.
    fn slot(
        &self,
        group: &GroupName,
        requester: &UserName,
        hosts: &BTreeSet<HostName>,
        at: UnixTime,
    ) -> Result<(), SlotClosed>;
}

/// The bundle in force, as far as decisions are judged by it.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// Who is who.
    pub directory: &'a Directory,
    /// The conditions on approvers.
    pub slots: &'a dyn Slots,
}

/// A decision that counts: only [`judge`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    approver: UserName,
    verdict: Approval,
    vote: Vote,
    time: UnixTime,
}

impl Ballot {
    /// The account that signed.
    pub const fn approver(&self) -> &UserName {
        &self.approver
    }

    /// Approve or deny.
    pub const fn verdict(&self) -> Approval {
        self.verdict
    }

    /// The person, and the groups they speak for.
    pub const fn voter(&self) -> &Voter {
        &self.vote.voter
    }

    /// The same, with the time that was signed.
    pub const fn vote(&self) -> &Vote {
        &self.vote
    }

    /// When the server took the decision.
    pub const fn time(&self) -> UnixTime {
        self.time
    }
}

/// Judges a decision: it must be about exactly this request and ruling, by a person (or a program that is marked) whose key
/// is bound, who is not disabled, not the requester under any account, and in a group that the ruling asks. An approval must also be by a key
/// that `obligations` take, be they those of the ruling or what is left of them today, and for a slot that may be filled
/// at the time that was signed, which lay within a minute of `taken`, when the server took it.
///
/// # Errors
/// The first check that fails, by name.
pub fn judge(
    case: &Case<'_>,
    obligations: &Obligations,
    decision: &Verified<DecisionStatement>,
    taken: UnixTime,
    judging: Judging<'_>,
) -> Result<Ballot, BallotRefused> {
    let said = decision.statement();
    if said.id != case.id {
        return Err(BallotRefused::OtherRequest { id: case.id, decided: said.id });
    }
    if said.request != *case.request.digest() {
        return Err(BallotRefused::OtherRequestText(said.request));
    }
    if said.ruling != case.ruling.digest() {
        return Err(BallotRefused::OtherRuling(said.ruling));
    }
    let owner = entitled(case, &said.approver, decision.key(), judging.directory)?;
    let groups = match said.verdict {
        // Whoever is asked may say no, whenever and with whatever key of theirs.
        Approval::Deny => BTreeSet::new(),
        Approval::Approve => {
            strong_enough(obligations, decision)?;
            // By the time that was signed: what the store noted, whoever writes there could move into the hours.
            fillable(case, obligations, &said.approver, said.header.time, judging)?
        }
    };
    let vote = Vote { voter: Voter { owner, groups }, signed: said.header.time };
    Ok(Ballot { approver: said.approver.clone(), verdict: said.verdict, vote, time: taken })
}

fn strong_enough(obligations: &Obligations, decision: &Verified<DecisionStatement>) -> Result<(), BallotRefused> {
    match obligations.approver_key.filter(|needed| decision.strength() < Some(*needed)) {
        Some(needed) => Err(BallotRefused::WeakKey(needed)),
        None => Ok(()),
    }
}

/// The groups that the approver can speak for, be it in the stead of another, whichever stage asks them.
fn fillable(
    case: &Case<'_>,
    obligations: &Obligations,
    approver: &UserName,
    decided: UnixTime,
    Judging { directory, slots }: Judging<'_>,
) -> Result<BTreeSet<GroupName>, BallotRefused> {
    let requester = &case.request.statement().requester;
    let (mut open, mut closed) = (BTreeSet::new(), None);
    for group in obligations.quorum.groups().into_iter().filter(|g| directory.member(approver, g)) {
        match slots.slot(group, requester, &obligations.hosts, decided) {
            Ok(()) => drop(open.insert(group.clone())),
            Err(why) => drop(closed.get_or_insert(why)),
        }
    }
    match closed.filter(|_| open.is_empty()) {
        Some(why) => Err(why.into()),
        None => not_only_later(case, obligations, decided, open),
    }
}

/// Who does nothing but stand in for others must wait. By the times that both sides signed: neither is the store's to move.
fn not_only_later(
    case: &Case<'_>,
    obligations: &Obligations,
    decided: UnixTime,
    open: BTreeSet<GroupName>,
) -> Result<BTreeSet<GroupName>, BallotRefused> {
    let asked = case.request.statement().header.time;
    let by_now = obligations.quorum.groups_after(decided.since(asked));
    if open.iter().any(|group| by_now.contains(group)) {
        return Ok(open);
    }
    let stand_ins = obligations.quorum.shares().filter_map(|share| share.stand_in);
    let theirs = stand_ins.filter(|stand_in| open.contains(stand_in.group()));
    let opens = theirs
        .min_by_key(|stand_in| stand_in.after())
        .and_then(|first: &StandIn| Some((first.group().clone(), asked.after(first.after())?)));
    opens.map_or(Ok(open), |(group, opens)| Err(BallotRefused::StandsInLater { group, opens }))
}

/// The person behind an approver who may speak on this request at all.
fn entitled(
    case: &Case<'_>,
    approver: &UserName,
    key: &PublicKey,
    directory: &Directory,
) -> Result<UserName, BallotRefused> {
    let user = directory
        .binding(key)
        .map(|binding| binding.user)
        .filter(|user| user.name == *approver)
        .ok_or_else(|| BallotRefused::KeyNotBound(approver.clone()))?;
    if directory.is_disabled(approver) {
        return Err(BallotRefused::Disabled(approver.clone()));
    }
    if !user.kind.decides() {
        return Err(BallotRefused::Service(approver.clone()));
    }
    // Owners count, not names. An unknown requester has no owner to compare with: nobody can decide on it.
    let owner = directory.owner_of(approver).cloned().unwrap_or_else(|| approver.clone());
    let requester = &case.request.statement().requester;
    if directory.owner_of(requester).is_none_or(|behind| owner == *behind) {
        return Err(BallotRefused::OwnRequest { approver: approver.clone(), owner });
    }
    let quorum = &case.ruling.obligations().quorum;
    if !quorum.groups().into_iter().any(|group| directory.member(approver, group)) {
        return Err(BallotRefused::NotAsked { approver: approver.clone(), asked: quorum.to_string() });
    }
    Ok(owner)
}
