//! `hallpass logout`: ends the session here and there.

use agent::{HelperError, Refusal};
use serde::Serialize;

use crate::app::{App, Known, Look, Report};
use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::ssh_files;

pub(crate) async fn run(app: &App<'_>) -> Result<Exit, Failure> {
    let Known { server, state } = app.known()?;
    // A session that cannot be read is over all the same; only the server keeps it, until it ends by itself.
    let session = state.session().unwrap_or_else(|damaged| {
        app.warn(&damaged);
        None
    });
    // What is here ends first: it must not depend on a server that cannot be reached.
    drop_key(app, &server.name).await?;
    state.drop_session()?;
    let now = app.context.now()?;
    if let Some(session) = session.filter(|session| session.expires > now) {
        Link::open(&server, &state, Some(&session)).await?.logout().await?;
    }
    app.report(&LoggedOut { server: server.name.to_string() })?;
    Ok(Exit::Done)
}

/// Wipes the connecting key, and takes back what was loaded and written with it; a helper that is gone holds nothing.
async fn drop_key(app: &App<'_>, server: &agent::ServerName) -> Result<(), Failure> {
    let helper = match app.helper().await {
        Err(HelperError::NotRunning(_)) => return Ok(()),
        helper => helper?,
    };
    match helper.key(server).await {
        Err(HelperError::Refused(Refusal::NoKey)) => return Ok(()),
        key => ssh_files::remove_all_of(&app.places, &key?)?,
    }
    Ok(helper.drop_key(server).await?)
}

#[derive(Serialize)]
struct LoggedOut {
    server: String,
}

impl Report for LoggedOut {
    fn text(&self, _: &Look<'_>) -> String {
        format!("Logged out of {}.\n", self.server)
    }
}
