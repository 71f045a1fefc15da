//! Extensions: what makes a request one of a grant, and what it rests on.
//!
//! ```text
//! extension ──► names a grant of the same user, for the same login, hosts, command and rule, open when it was asked
//!     └ a rule's `extend` asked for less than a new request takes ──► that grant's approvals count as well,
//!       and so on, up to the first request that stands by its own
//! ```
//!
//! An extension that took the approvals of a new request stands by itself: it says in its signed text since when it
//! counts, and its approvers were shown that. One that took fewer is worth what it rests on: everything there is judged
//! anew too, so that neither who has left nor a text that lies about its beginning lends it anything.

use domain::{Obligations, RequestId, UnixTime};
use statement::{RequestStatement, RulingText};

use crate::evidence::Judging;
use crate::grant::{Case, FRESH, Held, quorum_stands, requester_stands, signed_strongly, window_is_signed_for};
use crate::not_granted::NotGranted;
use crate::state::{State, Window};

/// How many grants an extension rests on at most: each fetch judges all of them.
pub const MOST_EXTENDED: usize = 16;

/// Why a request does not extend another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoExtension {
    /// It names nothing, or something else.
    #[error("it names another request")]
    OtherRequest,
    /// Somebody else asked.
    #[error("that is another user's")]
    OtherUser,
    /// It is for something else.
    #[error("that is for another login or other hosts")]
    OtherAccess,
    /// It would run something else.
    #[error("that is for another command, or for none")]
    OtherCommand,
    /// It would be under other terms.
    #[error("that was granted by another rule, so name that one (--rule), or ask anew")]
    OtherRule,
    /// The labels mean hosts that nobody has approved.
    #[error("the labels mean hosts by now that it was not granted for; ask anew")]
    MoreHosts,
    /// Other logins would forward to its hosts.
    #[error("its hosts were reached through other jump hosts then")]
    OtherWay,
    /// The number of certificates would begin anew.
    #[error("that is limited to some certificates, which an extension would count anew; ask anew")]
    Uses,
    /// Nobody approved what it would extend, or nobody would approve it.
    #[error("break-glass extends nothing, and is not extended; ask anew in the ordinary way")]
    BreakGlass,
    /// It counts from another time than that begins.
    #[error("it counts from {said}, and that from {begun}")]
    OtherBegin {
        /// In the extension.
        said: UnixTime,
        /// What it should say.
        begun: UnixTime,
    },
    /// It was not asked while that was open.
    #[error("that was not open when it was asked")]
    NotOpenThen,
    /// There would be too many.
    #[error("it was extended {MOST_EXTENDED} times without being approved as a new request is; ask anew")]
    TooOften,
}

/// Whether a request asks for what a grant with this window is for, and counts from where that does.
///
/// # Errors
/// What differs.
pub fn asks_the_same(
    asked: &RequestStatement,
    (id, before): (RequestId, &RequestStatement),
    window: Window,
) -> Result<(), NoExtension> {
    let extends = asked.extends.filter(|extends| extends.id == id).ok_or(NoExtension::OtherRequest)?;
    let begun = before.extends.map_or(window.not_before(), |extends| extends.since);
    let checks = [
        (asked.requester == before.requester, NoExtension::OtherUser),
        (asked.access == before.access, NoExtension::OtherAccess),
        (asked.command == before.command, NoExtension::OtherCommand),
        (before.uses.is_none(), NoExtension::Uses),
        (asked.break_glass.is_none() && before.break_glass.is_none(), NoExtension::BreakGlass),
        (extends.since == begun, NoExtension::OtherBegin { said: extends.since, begun }),
    ];
    first_wrong(checks)
}

/// Whether the ruling on an extension opens no more than that on the grant.
///
/// # Errors
/// What is more.
pub fn opens_no_more(ruling: &RulingText, before: &RulingText) -> Result<(), NoExtension> {
    let (ruled, before) = (ruling.obligations(), before.obligations());
    let checks = [
        (ruled.login == before.login && ruled.realm == before.realm, NoExtension::OtherAccess),
        (ruled.rule == before.rule, NoExtension::OtherRule),
        (no_more_hosts(ruled, before), NoExtension::MoreHosts),
        (before.reaches_alike(ruled), NoExtension::OtherWay),
    ];
    first_wrong(checks)
}

/// Whether the hosts are among those that were granted, later ones among them where those count.
fn no_more_hosts(ruled: &Obligations, before: &Obligations) -> bool {
    let later = ruled.live.is_none() || ruled.live == before.live;
    later && (before.live.is_some() || ruled.hosts.is_subset(&before.hosts))
}

fn first_wrong<const N: usize>(checks: [(bool, NoExtension); N]) -> Result<(), NoExtension> {
    checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, wrong)| Err(wrong))
}

/// Whether what an extension rests on stands, as of now: the grant that it names, and so on up to the first that stands
/// by itself.
///
/// # Errors
/// The first of them that does not, and why.
pub fn stands_on(case: &Case<'_>, rests_on: &[Held<'_>], judging: Judging<'_>) -> Result<(), NotGranted> {
    let mut extension = *case;
    for before in rests_on {
        let (id, extended) = (extension.id, before.case.id);
        let no_extension = |why| NotGranted::NoExtension { id, extended, why };
        let nothing = |why| NotGranted::RestsOnNothing { id: case.id, on: extended, why: Box::new(why) };
        let window = approved(before).map_err(nothing)?;
        follows(&extension, &before.case, window).map_err(no_extension)?;
        if !stands(before, judging).map_err(nothing)? {
            return Ok(());
        }
        extension = before.case;
    }
    let extended = extension.request.statement().extends.map_or(case.id, |extends| extends.id);
    Err(NotGranted::NoExtension { id: case.id, extended, why: NoExtension::TooOften })
}

fn approved(before: &Held<'_>) -> Result<Window, NotGranted> {
    match before.state {
        State::Approved(approved) => Ok(approved.window()),
        state => Err(NotGranted::NotApproved { id: before.case.id, state: state.name(), hint: "; ask again" }),
    }
}

/// Whether a request is an extension of another one, by what was signed and ruled.
fn follows(extension: &Case<'_>, before: &Case<'_>, window: Window) -> Result<(), NoExtension> {
    let asked = extension.request.statement();
    asks_the_same(asked, (before.id, before.request.statement()), window)?;
    opens_no_more(extension.ruling, before.ruling)?;
    // Clocks may be apart by as much as a statement is fresh.
    let time = asked.header.time;
    let open = window.not_before().before(FRESH) <= time && time < window.not_after().after(FRESH).unwrap_or(time);
    if open { Ok(()) } else { Err(NoExtension::NotOpenThen) }
}

/// Whether a request stands as of now, whatever the time: true when it rests on another one itself.
fn stands(held: &Held<'_>, judging: Judging<'_>) -> Result<bool, NotGranted> {
    let Held { case, state, decisions, today } = held;
    requester_stands(case, judging.directory)?;
    let obligations = case.ruling.obligations().intersect(today).ok_or(NotGranted::NothingLeft(case.id))?;
    signed_strongly(case, &obligations)?;
    let approved = quorum_stands(case, decisions, &obligations, judging)?;
    window_is_signed_for(case, state, approved)?;
    Ok(obligations.rests)
}
