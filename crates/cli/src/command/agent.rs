//! `hallpass agent`: the client helper.

use std::sync::Arc;

use ::agent::{Helper, HelperSocket};

use crate::app::App;
use crate::arguments::Agent;
use crate::failure::{Exit, Failure};
use crate::platform;

pub(crate) async fn run(app: &App<'_>, asked: &Agent) -> Result<Exit, Failure> {
    if asked.stop {
        app.helper().await?.shut_down().await?;
        return Ok(Exit::Done);
    }
    let kept_private = if asked.detach { platform::leave_session() } else { Ok(()) };
    kept_private.and_then(|()| platform::forbid_dumps()).map_err(Failure::Process)?;
    let socket = HelperSocket::bind(&app.places.socket())?;
    if !asked.detach {
        app.context.terminal.note(&format!("The client helper serves {}; Ctrl-C ends it.", socket.path().display()));
    }
    let helper = Helper::new(Arc::clone(&app.context.clock), Arc::clone(&app.context.random));
    let stop = platform::asked_to_end().map_err(Failure::Process)?;
    helper.serve(socket, stop).await;
    Ok(Exit::Done)
}
