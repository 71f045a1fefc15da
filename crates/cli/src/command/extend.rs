//! `hallpass extend`: asks for more time under a grant, before it is over.

use domain::Extends;
use statement::RequestStatement;
use wire::{State, View};

use super::request::until_ready;
use crate::app::{App, Joined, text};
use crate::arguments::Extend;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::grants::GrantError;
use crate::link::Which;
use crate::view::{OneRequest, access, lines};

pub(crate) async fn run(app: &App<'_>, asked: &Extend) -> Result<Exit, Failure> {
    let reason = text("--message", &asked.reason)?;
    let ticket = asked.ticket.as_deref().map(|given| text("--ticket", given)).transpose()?;
    let mut joined = app.joined().await?;
    let grant = match asked.id {
        Some(id) => joined.link.request(id).await?,
        None => only_grant(app, &joined).await?,
    };
    let before = grant.request.statement();
    let (begun, end) = window(&grant)?;
    let since = before.extends.map_or(begun, |extends| extends.since);
    let signing = app.signing(&joined).await?;
    let statement = RequestStatement {
        header: joined.header(app)?,
        requester: joined.session.user.clone(),
        access: before.access.clone(),
        // So that the windows join.
        start: Some(end),
        window: asked.window,
        uses: None,
        command: before.command.clone(),
        reason,
        ticket: ticket.or_else(|| before.ticket.clone()),
        connecting_key: grant.connecting_key().clone(),
        rule: Some(grant.ruling.obligations().rule.clone()),
        break_glass: None,
        extends: Some(Extends { id: grant.told.id, since }),
    };
    let signed = app.sign(&signing, &statement).await?;
    let submitted = joined.link.submit(signed).await?;
    app.context.terminal.note(&format!("Request {}: {}", submitted.told.id, submitted.ruling.in_words()));
    if submitted.told.state == State::Pending && asked.no_wait {
        app.report(&OneRequest::new(&submitted))?;
        return Ok(Exit::Done);
    }
    until_ready(app, joined, submitted).await
}

/// The window of a grant, by the server's word: the server refuses what is not as it knows it.
fn window(grant: &Checked) -> Result<(domain::UnixTime, domain::UnixTime), Failure> {
    let (id, state) = (grant.told.id, grant.told.state);
    match (state, grant.told.window) {
        (State::Approved, Some(window)) => Ok(window),
        (State::Pending, _) => Err(GrantError::Pending { id, access: access(grant) }.into()),
        _ => Err(Failure::NothingToExtend { id, state, access: access(grant) }),
    }
}

/// The one grant that is open now.
async fn only_grant(app: &App<'_>, joined: &Joined) -> Result<Checked, Failure> {
    let now = app.context.now()?;
    let mut open = app.requests(&joined.link, View::Mine, Which::Live).await?;
    open.retain(|request| {
        let begun = request.told.window.is_some_and(|(start, end)| start <= now && now < end);
        begun && request.told.state == State::Approved
    });
    match (open.pop(), open.as_slice()) {
        (None, _) => Err(Failure::NothingOpen),
        (Some(only), []) => Ok(only),
        (Some(last), others) => Err(Failure::SeveralLive(lines(others.iter().chain([&last])))),
    }
}
