//! Reviews: who may say what a break-glass was for.

use directory::Directory;
use domain::{GroupName, RequestId, UserName};
use statement::{Act, ActStatement, Verified};

use crate::grant::Case;

/// Why a review does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefused {
    /// It names another request.
    #[error("the act is no review of request {0}; look at {0} and review it")]
    OtherRequest(RequestId),
    /// It is an ordinary request.
    #[error("request {0} is no break-glass, so there is nothing to review")]
    NotBreakGlass(RequestId),
    /// Nothing was found, or it is not said.
    #[error("a review says what was found: -m TEXT")]
    NothingFound,
    /// The signing key is not bound to the user that the text names.
    #[error("the key that signed is not bound to {0}; sign with a key that the directory lists for {0}")]
    KeyNotBound(UserName),
    /// The reviewer, or the person behind, is disabled.
    #[error("{0} is disabled or stopped; an administrator decides who may act again")]
    Disabled(UserName),
    /// Programs do not review, unless they are marked.
    #[error("{0} is a service that decides nothing; let a person review it")]
    Service(UserName),
    /// The reviewer and the requester are the same person.
    #[error("{reviewer} and the requester are the same person ({owner}); somebody else must review it")]
    Own {
        /// The account that signed.
        reviewer: UserName,
        /// The person behind both.
        owner: UserName,
    },
    /// The reviewer is not in the group that was told.
    #[error("{reviewer} is not in the group `{group}`, which reviews request {id}")]
    NotAsked {
        /// The account that signed.
        reviewer: UserName,
        /// The group.
        group: GroupName,
        /// The request.
        id: RequestId,
    },
}

/// Judges a review: it must be of this request, say what was found, and be signed by a key of somebody who may review it.
///
/// # Errors
/// The first check that fails, by name.
pub fn review(case: &Case<'_>, act: &Verified<ActStatement>, directory: &Directory) -> Result<(), ReviewRefused> {
    let said = act.statement();
    if said.act != Act::Review(case.id) {
        return Err(ReviewRefused::OtherRequest(case.id));
    }
    if directory.binding(act.key()).is_none_or(|binding| binding.user.name != said.user) {
        return Err(ReviewRefused::KeyNotBound(said.user.clone()));
    }
    may_review(case, &said.user, directory)?;
    if said.reason.is_some() { Ok(()) } else { Err(ReviewRefused::NothingFound) }
}

/// Whether somebody may review this as of now: an enabled member of the group that was told, who is not the requester under any
/// account.
///
/// # Errors
/// Why not.
pub fn may_review(case: &Case<'_>, reviewer: &UserName, directory: &Directory) -> Result<(), ReviewRefused> {
    let group = case.ruling.obligations().break_glass.as_ref().ok_or(ReviewRefused::NotBreakGlass(case.id))?;
    if directory.is_disabled(reviewer) {
        return Err(ReviewRefused::Disabled(reviewer.clone()));
    }
    if !directory.decides(reviewer) {
        return Err(ReviewRefused::Service(reviewer.clone()));
    }
    // Owners count, not names. An unknown requester has no owner to compare with: nobody can review it.
    let owner = directory.owner_of(reviewer).cloned().unwrap_or_else(|| reviewer.clone());
    if directory.owner_of(&case.request.statement().requester).is_none_or(|behind| owner == *behind) {
        return Err(ReviewRefused::Own { reviewer: reviewer.clone(), owner });
    }
    if !directory.member(reviewer, group) {
        return Err(ReviewRefused::NotAsked { reviewer: reviewer.clone(), group: group.clone(), id: case.id });
    }
    Ok(())
}
