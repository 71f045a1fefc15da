//! The grant that a command runs under: one that is there, or one that is asked for now.

use domain::RequestId;

use crate::app::{App, Joined};
use crate::arguments::{Request, Run};
use crate::checked::Checked;
use crate::command::request::{self, Texts};
use crate::failure::Failure;
use crate::grants::{self, GrantError};
use crate::when;

/// A grant that opens everything that the command is to reach.
///
/// # Errors
/// When there is none and no reason to ask with; and whatever asking and waiting fails with.
pub(super) async fn granted(app: &App<'_>, joined: &mut Joined, asked: &Run) -> Result<Checked, Failure> {
    let mut live = grants::live(app, joined).await?;
    let found = grants::find_all(app, joined, &live, &asked.access).await;
    let why = match found.map(|fleet| fleet.held.request.told.id) {
        Ok(id) => {
            let request = take(&mut live, id).ok_or(Failure::NothingLive)?;
            tell(app, &request);
            return Ok(request);
        }
        Err(Failure::Grant(why)) => why,
        Err(other) => return Err(other),
    };
    match (why, &asked.reason) {
        // What was asked for is not asked for twice.
        (GrantError::Pending { id, .. }, _) => {
            let pending = take(&mut live, id).ok_or(Failure::NothingLive)?;
            request::decided(app, joined, pending).await
        }
        (why @ GrantError::NoHosts(_), _) | (why, None) => Err(why.into()),
        (_, Some(reason)) => {
            let asking = request_for(asked, reason);
            let submitted = request::submit(app, joined, &asking, Texts::of(app, &asking)?).await?;
            request::decided(app, joined, submitted).await
        }
    }
}

fn take(live: &mut Vec<Checked>, id: RequestId) -> Option<Checked> {
    let place = live.iter().position(|request| request.told.id == id)?;
    Some(live.swap_remove(place))
}

fn tell(app: &App<'_>, request: &Checked) {
    let until = request.told.window.map(|(_, end)| when::exact(end, &app.context.time_zone)).unwrap_or_default();
    app.context.terminal.note(&format!("Under the grant of request {}, until {until}.", request.told.id));
}

fn request_for(asked: &Run, reason: &str) -> Request {
    Request {
        access: asked.access.clone(),
        window: asked.window,
        reason: reason.to_owned(),
        at: None,
        no_wait: false,
        connecting_key: asked.connecting_key.clone(),
        rule: asked.rule.clone(),
        uses: None,
        ticket: asked.ticket.clone(),
        command: Vec::new(),
        break_glass: false,
    }
}
