//! Finding the grant that opens a login on a host, and who holds its connecting key.

use std::path::PathBuf;

use agent::{HelperClient, HelperError};
use cert::Principal;
use domain::{AskedLogin, HostName, Pair, PublicKey, RequestId, Span, UnixTime};
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
    /// Nobody can fetch under it any more.
    #[error(
        "the connecting key that request {id} names is gone: the client helper was restarted, or the session that \
         made it is over. Nobody can fetch certificates under that grant any more; ask anew: {again}"
    )]
    KeyGone {
        /// The request.
        id: RequestId,
        /// What to run.
        again: String,
    },
    /// Labels, where one host is needed.
    #[error("name one host, not labels: {0}")]
    NotOneHost(String),
}

/// Whoever holds a connecting key.
#[derive(Debug, Clone)]
pub(crate) enum Holder {
    /// The client helper: it is the key of this session.
    Helper(HelperClient),
    /// A file of the user's own.
    Own(PathBuf),
}

/// A grant that opens a login on a host now, and whose connecting key is at hand.
pub(crate) struct Usable<'r> {
    pub(crate) request: &'r Checked,
    pub(crate) pair: Pair,
    pub(crate) endpoint: Option<&'r Endpoint>,
    pub(crate) holder: Holder,
}

impl Usable<'_> {
    /// What its certificates must carry: scoped to the host, or on a plain host the bare login.
    pub(crate) fn principal(&self) -> Principal {
        principal(self.request, &self.pair)
    }

    pub(crate) fn connecting_key(&self) -> &PublicKey {
        &self.request.request.statement().connecting_key
    }

    /// What signs fetches under it.
    pub(crate) async fn signing(&self, app: &App<'_>) -> Result<Signing, Failure> {
        match &self.holder {
            Holder::Helper(helper) => Ok(Signing::Helper(helper.clone(), self.connecting_key().clone())),
            Holder::Own(file) => Ok(signing::for_key_file(app.context, file).await?),
        }
    }
}

pub(crate) fn principal(request: &Checked, pair: &Pair) -> Principal {
    match request.ruling.obligations().realm {
        Some(_) => Principal::Plain(pair.login.clone()),
        None => Principal::Scoped(pair.clone()),
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
    let now = app.context.now()?;
    let mut covering: Vec<_> = live.iter().filter_map(|request| cover(request, joined, login, host)).collect();
    // The one that lasts longest first.
    covering.sort_by_key(|(request, ..)| std::cmp::Reverse(request.told.window.map(|(_, end)| end)));
    let open = |request: &Checked| request.told.window.is_some_and(|(start, end)| has_begun(start, now) && now < end);
    let held = held_key(app, joined).await;
    for (request, pair, endpoint) in &covering {
        if request.told.state == State::Approved
            && open(request)
            && let Some(holder) = holder(request, joined, held.as_ref())?
        {
            return Ok(Usable { request, pair: pair.clone(), endpoint: *endpoint, holder });
        }
    }
    let first = covering.first().map(|(request, ..)| *request);
    let why = first.and_then(|request| why_not(request, now, &held));
    Err(why.unwrap_or_else(|| nothing(joined, live, login, host)).into())
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
            let asked = request.request.statement();
            let again = format!("{login}hallpass request {} --for {} -m REASON", asked.access, asked.window);
            Some(GrantError::KeyGone { id, again })
        }
        _ => None,
    }
}

fn nothing(joined: &Joined, live: &[Checked], login: Option<&AskedLogin>, host: &HostName) -> GrantError {
    let wanted = login.map_or_else(|| host.to_string(), |login| format!("{login}@{host}"));
    let approved = live.iter().filter(|request| request.told.state == State::Approved);
    match approved.filter_map(|request| cover(request, joined, None, host)).next() {
        Some((_, there, _)) => GrantError::OtherLogin { wanted, there },
        None => GrantError::None(wanted),
    }
}

type Covering<'r> = (&'r Checked, Pair, Option<&'r Endpoint>);

fn cover<'r>(
    request: &'r Checked,
    joined: &Joined,
    login: Option<&AskedLogin>,
    host: &HostName,
) -> Option<Covering<'r>> {
    let allowed = request.ruling.obligations();
    let right_login = match login {
        None => true,
        Some(AskedLogin::Named(login)) => *login == allowed.login,
        Some(AskedLogin::Own) => {
            request.request.statement().access.login == AskedLogin::Own
                || joined.session.login.as_ref() == Some(&allowed.login)
        }
    };
    let is_meant = |endpoint: &&Endpoint| endpoint.host == *host || endpoint.aliases.contains(host);
    let endpoint = request.told.endpoints.iter().find(is_meant);
    let canonical = endpoint.map_or(host, |endpoint| &endpoint.host);
    let covered = right_login && allowed.hosts.contains(canonical);
    covered.then(|| (request, Pair { login: allowed.login.clone(), host: canonical.clone() }, endpoint))
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
    let key = &request.request.statement().connecting_key;
    if let Some((helper, held)) = held
        && held == key
    {
        return Ok(Some(Holder::Helper(helper.clone())));
    }
    Ok(joined.state.own_key(key)?.map(Holder::Own))
}

/// The helper's connecting key for this session, for a new request.
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
