//! `hallpass rebind`: puts this session's connecting key in place of that of a request.

use std::time::Duration;

use domain::PublicKey;
use statement::{Act, ActStatement, Header, Rebind};
use wire::{State, View};

use super::request::connecting_key;
use crate::app::{App, Joined, text};
use crate::arguments::Rebind as Asked;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::link::Which;
use crate::view::{Outcome, lines};

pub(crate) async fn run(app: &App<'_>, asked: &Asked) -> Result<Exit, Failure> {
    let reason = asked.reason.as_deref().map(|given| text("--message", given)).transpose()?;
    let mut joined = app.joined().await?;
    let key = connecting_key(app, &joined, asked.connecting_key.as_deref()).await?;
    let request = match asked.id {
        Some(id) => joined.link.request(id).await?,
        None => only_other(app, &joined, &key).await?,
    };
    let (id, state) = (request.told.id, request.told.state);
    if !matches!(state, State::Pending | State::Approved) {
        return Err(Failure::AlreadyOver { id, state });
    }
    let signing = app.signing(&joined).await?;
    let (header, user) = (later(app, &joined, &request).await?, joined.session.user.clone());
    let act = Act::Rebind(Rebind { id, key });
    let statement = ActStatement { header, user, act, reason };
    app.context.terminal.note(&format!("Request {id}: {}", request.ruling.in_words()));
    let signed = app.sign(&signing, &statement).await?;
    let rebound = joined.link.rebind(signed, &request).await?;
    app.report(&Outcome::new(&rebound))?;
    Ok(Exit::Done)
}

/// What comes after the last key that was put there: none is signed in the same second.
async fn later(app: &App<'_>, joined: &Joined, request: &Checked) -> Result<Header, Failure> {
    let header = joined.header(app)?;
    let last = request.rebinds.last().map(|(_, act)| act.statement().header.time);
    if last != Some(header.time) {
        return Ok(header);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    joined.header(app)
}

/// The one live request that is for another connecting key.
async fn only_other(app: &App<'_>, joined: &Joined, key: &PublicKey) -> Result<Checked, Failure> {
    let mut others = app.requests(&joined.link, View::Mine, Which::Live).await?;
    others.retain(|request| request.connecting_key() != key);
    match (others.pop(), others.as_slice()) {
        (None, _) => Err(Failure::NothingToRebind),
        (Some(only), []) => Ok(only),
        (Some(last), others) => Err(Failure::SeveralLive(lines(others.iter().chain([&last])))),
    }
}
