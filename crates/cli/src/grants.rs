//! Finding the grant that opens a login on a host, and who holds its connecting key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use agent::{HelperClient, HelperError};
use cert::Principal;
use domain::{Access, AskedLogin, HostName, Pair, PublicKey, RequestId, Selector, Span, Target, UnixTime};
use wire::{Endpoint, State, View};

use crate::app::{App, Joined};
use crate::checked::Checked;
use crate::failure::Failure;
use crate::link::Which;
use crate::signing::{self, Signing};
use crate::view::access;

/// How far the server's clock and this machine's may be apart: statements that differ by more are refused.
pub(crate) const SKEW: Span = match Span::from_seconds(60) {
    Ok(span) => span,
    Err(_) => Span::ZERO,
};

/// Why nothing opens a login on a host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrantError {
    /// Nothing was asked, or it is over.
    #[error("no live grant for {0}; ask for one: hallpass request {0} --for 30m -m REASON")]
    None(String),
    /// Another login is granted.
    #[error("no live grant for {wanted}, but there is one for {there}")]
    OtherLogin {
        /// What was wanted.
        wanted: String,
        /// What there is.
        there: Pair,
    },
    /// Asked, and not decided.
    #[error("request {id} for {access} waits for approval; see who may approve: hallpass show {id}")]
    Pending {
        /// The request.
        id: RequestId,
        /// What it is for.
        access: String,
    },
    /// Its window comes later.
    #[error("the grant of request {id} for {access} begins at {start}")]
    NotYet {
        /// The request.
        id: RequestId,
        /// What it is for.
        access: String,
        /// When.
        start: UnixTime,
    },
    /// Nobody here can fetch under it.
    #[error(
        "the connecting key of request {id} is not here: the client helper was restarted, the session that made it is over, \
         or it is on another machine. To put that of this session in its place: {next}"
    )]
    KeyGone {
        /// The request.
        id: RequestId,
        /// What to run.
        next: String,
    },
    /// Labels, where one host is needed.
    #[error("name one host, not labels: {0}")]
    NotOneHost(String),
    /// A login that only forwards, and nothing to forward to.
    #[error("no live grant for a host behind {0}, which only forwards; ask for a host behind it")]
    NothingBehind(Pair),
    /// Labels that mean nothing.
    #[error("no host that you may ask for has the labels {0}; `hallpass ls` shows those that you may")]
    NoHosts(Selector),
}

/// Whoever holds a connecting key.
#[derive(Debug, Clone)]
pub(crate) enum Holder {
    /// The client helper: it is the key of this session.
    Helper(HelperClient),
    /// A file of the user's own.
    Own(PathBuf),
}

/// A grant that is open now, and whose connecting key is at hand.
#[derive(Clone)]
pub(crate) struct Held<'r> {
    pub(crate) request: &'r Checked,
    pub(crate) holder: Holder,
}

impl Held<'_> {
    pub(crate) fn connecting_key(&self) -> &PublicKey {
        self.request.connecting_key()
    }

    /// What signs fetches under it.
    pub(crate) async fn signing(&self, app: &App<'_>) -> Result<Signing, Failure> {
        match &self.holder {
            Holder::Helper(helper) => Ok(Signing::Helper(helper.clone(), self.connecting_key().clone())),
            Holder::Own(file) => Ok(signing::for_key_file(app.context, file).await?),
        }
    }
}

/// A login on a host that a grant opens, and where the host is reached.
pub(crate) struct Reached<'r> {
    pub(crate) pair: Pair,
    pub(crate) endpoint: Option<&'r Endpoint>,
}

/// A grant that opens a login on a host now.
pub(crate) struct Usable<'r> {
    pub(crate) held: Held<'r>,
    pub(crate) pair: Pair,
    pub(crate) endpoint: Option<&'r Endpoint>,
}

/// A grant that opens a login on all hosts that are meant now.
pub(crate) struct Fleet<'r> {
    pub(crate) held: Held<'r>,
    /// By host; never empty.
    pub(crate) reached: Vec<Reached<'r>>,
}

/// What a certificate must carry: scoped to the host, or on a plain host the bare login.
pub(crate) fn principal(request: &Checked, pair: &Pair) -> Principal {
    let allowed = request.ruling.obligations();
    match allowed.realm {
        Some(_) if !allowed.is_jump(pair) => Principal::Plain(pair.login.clone()),
        _ => Principal::Scoped(pair.clone()),
    }
}

/// My requests that are pending or approved.
pub(crate) async fn live(app: &App<'_>, joined: &Joined) -> Result<Vec<Checked>, Failure> {
    app.requests(&joined.link, View::Mine, Which::Live).await
}

/// The grant to use for a login on a host, which may be named by an alias; without a login, whatever login there is.
///
/// # Errors
/// [`GrantError`] says why there is none.
pub(crate) async fn find<'r>(
    app: &App<'_>,
    joined: &Joined,
    live: &'r [Checked],
    login: Option<&AskedLogin>,
    host: &HostName,
) -> Result<Usable<'r>, Failure> {
    one(open(app, joined, live, &Wanted { login, hosts: Hosts::One(host) }).await?, host)
}

/// The grant to use for a login on a jump host, which only forwards: that for a host behind it.
///
/// # Errors
/// [`GrantError`] says why there is none.
pub(crate) async fn find_behind<'r>(
    app: &App<'_>,
    joined: &Joined,
    live: &'r [Checked],
    jump: &Pair,
) -> Result<Usable<'r>, Failure> {
    one(open(app, joined, live, &Wanted { login: None, hosts: Hosts::Behind(jump) }).await?, &jump.host)
}

fn one<'r>((held, mut reached): (Held<'r>, Vec<Reached<'r>>), host: &HostName) -> Result<Usable<'r>, Failure> {
    let Some(Reached { pair, endpoint }) = reached.pop() else {
        return Err(GrantError::None(host.to_string()).into());
    };
    Ok(Usable { held, pair, endpoint })
}

/// The grant to use for a login on a host or on all hosts with these labels: one grant that opens them all.
///
/// # Errors
/// [`GrantError`] says why there is none.
pub(crate) async fn find_all<'r>(
    app: &App<'_>,
    joined: &Joined,
    live: &'r [Checked],
    access: &Access,
) -> Result<Fleet<'r>, Failure> {
    let meant: BTreeSet<HostName>;
    let hosts = match &access.target {
        Target::Host(host) => Hosts::One(host),
        Target::Labels(labels) => {
            meant = joined.link.hosts(Some(labels)).await?.into_iter().map(|host| host.name).collect();
            if meant.is_empty() {
                return Err(GrantError::NoHosts(labels.clone()).into());
            }
            Hosts::All { labels, names: &meant }
        }
    };
    let (held, reached) = open(app, joined, live, &Wanted { login: Some(&access.login), hosts }).await?;
    Ok(Fleet { held, reached })
}

/// What a grant is looked for.
struct Wanted<'a> {
    /// Whatever login there is, if none.
    login: Option<&'a AskedLogin>,
    hosts: Hosts<'a>,
}

#[derive(Clone, Copy)]
enum Hosts<'a> {
    /// One, perhaps by an alias.
    One(&'a HostName),
    /// Any that is reached through this login.
    Behind(&'a Pair),
    /// Those that have these labels now, by the server's word; what a grant opens is what was signed.
    All { labels: &'a Selector, names: &'a BTreeSet<HostName> },
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(login) = self.login {
            write!(f, "{login}@")?;
        }
        match &self.hosts {
            Hosts::One(host) => host.fmt(f),
            Hosts::Behind(jump) => write!(f, "a host behind {jump}"),
            Hosts::All { labels, .. } => labels.fmt(f),
        }
    }
}

async fn open<'r>(
    app: &App<'_>,
    joined: &Joined,
    live: &'r [Checked],
    wanted: &Wanted<'_>,
) -> Result<(Held<'r>, Vec<Reached<'r>>), Failure> {
    let now = app.context.now()?;
    let mut covering: Vec<_> =
        live.iter().filter_map(|request| Some((request, cover(request, joined, wanted)?))).collect();
    // The one that lasts longest first.
    covering.sort_by_key(|(request, _)| std::cmp::Reverse(request.told.window.map(|(_, end)| end)));
    let held = held_key(app, joined).await;
    // What is open already, before what goes on from there.
    let open = covering.iter().find(|(request, _)| is_open(request, now));
    let first = open.or(covering.first()).map(|(request, _)| *request);
    for (request, reached) in covering {
        if is_open(request, now)
            && let Some(holder) = holder(request, joined, held.as_ref())?
        {
            return Ok((Held { request, holder }, reached));
        }
    }
    let why = first.and_then(|request| why_not(request, now, &held));
    Err(why.unwrap_or_else(|| nothing(joined, live, wanted)).into())
}

fn is_open(request: &Checked, now: UnixTime) -> bool {
    let inside = |(start, end)| has_begun(start, now) && now < end;
    request.told.state == State::Approved && request.told.window.is_some_and(inside)
}

/// Whether a window that begins then may have begun by the server's clock, which refuses what is early.
pub(crate) fn has_begun(start: UnixTime, now: UnixTime) -> bool {
    start.before(SKEW) <= now
}

/// Why a request that covers the wanted login and host does not open it now.
fn why_not(request: &Checked, now: UnixTime, held: &Option<(HelperClient, PublicKey)>) -> Option<GrantError> {
    let (id, access) = (request.told.id, access(request));
    match (request.told.state, request.told.window) {
        (State::Pending, _) => Some(GrantError::Pending { id, access }),
        (State::Approved, Some((start, _))) if !has_begun(start, now) => Some(GrantError::NotYet { id, access, start }),
        (State::Approved, Some((_, end))) if end > now => {
            let login = if held.is_some() { "" } else { "hallpass login && " };
            Some(GrantError::KeyGone { id, next: format!("{login}hallpass rebind {id}") })
        }
        _ => None,
    }
}

fn nothing(joined: &Joined, live: &[Checked], wanted: &Wanted<'_>) -> GrantError {
    let other_login = Wanted { login: None, hosts: wanted.hosts };
    let approved = live.iter().filter(|request| request.told.state == State::Approved);
    let there = approved.filter_map(|request| cover(request, joined, &other_login)?.into_iter().next()).next();
    if let Hosts::Behind(jump) = wanted.hosts {
        return GrantError::NothingBehind(jump.clone());
    }
    match (there, wanted.login) {
        (Some(there), Some(_)) => GrantError::OtherLogin { wanted: wanted.to_string(), there: there.pair },
        _ => GrantError::None(wanted.to_string()),
    }
}

/// What of the wanted a request opens once it is approved: everything, or it is of no use.
fn cover<'r>(request: &'r Checked, joined: &Joined, wanted: &Wanted<'_>) -> Option<Vec<Reached<'r>>> {
    let allowed = request.ruling.obligations();
    let right_login = match wanted.login {
        None => true,
        Some(AskedLogin::Named(login)) => *login == allowed.login,
        Some(AskedLogin::Own) => {
            request.request.statement().access.login == AskedLogin::Own
                || joined.session.login.as_ref() == Some(&allowed.login)
        }
    };
    if !right_login {
        return None;
    }
    let endpoints = &request.told.endpoints;
    let reached = |host: &HostName, endpoint: Option<&'r Endpoint>| {
        let pair = || Pair { login: allowed.login.clone(), host: host.clone() };
        // Which hosts got the labels later is the server's word: what was signed is that they count.
        let later = || allowed.live.is_some() && endpoint.is_some();
        (allowed.hosts.contains(host) || later()).then(|| Reached { pair: pair(), endpoint })
    };
    match wanted.hosts {
        Hosts::One(given) => {
            let endpoint = endpoints.iter().find(|of| of.host == *given || of.aliases.contains(given));
            Some(vec![reached(endpoint.map_or(given, |endpoint| &endpoint.host), endpoint)?])
        }
        Hosts::Behind(jump) => {
            let behind = |host: &&HostName| allowed.jumps.before(host).any(|before| before.through == *jump);
            let host = allowed.hosts.iter().find(behind)?;
            Some(vec![reached(host, endpoints.iter().find(|endpoint| endpoint.host == *host))?])
        }
        Hosts::All { names, .. } => {
            let places: BTreeMap<_, _> = endpoints.iter().map(|endpoint| (&endpoint.host, endpoint)).collect();
            names.iter().map(|host| reached(host, places.get(host).copied())).collect()
        }
    }
}

/// The connecting key that the helper holds for this session.
async fn held_key(app: &App<'_>, joined: &Joined) -> Option<(HelperClient, PublicKey)> {
    let helper = app.helper().await.ok()?;
    let key = helper.key(&joined.server.name).await.ok()?;
    Some((helper, key))
}

/// Who holds the connecting key of a request; nobody when it is gone.
fn holder(
    request: &Checked,
    joined: &Joined,
    held: Option<&(HelperClient, PublicKey)>,
) -> Result<Option<Holder>, Failure> {
    let key = request.connecting_key();
    if let Some((helper, held)) = held
        && held == key
    {
        return Ok(Some(Holder::Helper(helper.clone())));
    }
    Ok(joined.state.own_key(key)?.map(Holder::Own))
}

/// The helper's connecting key for this session, for a new request or another one.
///
/// # Errors
/// When it is gone: says that the next step is a new session.
pub(crate) async fn session_key(app: &App<'_>, joined: &Joined) -> Result<PublicKey, HelperError> {
    app.helper().await?.key(&joined.server.name).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_have_begun_for_a_clock_that_is_a_minute_ahead() {
        let start = UnixTime::new(1_000).unwrap();
        let begun = |now| has_begun(start, UnixTime::new(now).unwrap());
        assert!(begun(1_000) && begun(940) && !begun(939));
    }
}
