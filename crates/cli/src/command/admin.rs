//! `hallpass admin`: what administrators do.

use serde::Serialize;
use statement::{Act, ActStatement};

use crate::app::{App, Look, Report, text};
use crate::failure::{Exit, Failure};

/// Ends a stop of issuing that the server set off by itself.
pub(crate) async fn resume(app: &App<'_>, reason: &str) -> Result<Exit, Failure> {
    let reason = text("--message", reason)?;
    let mut joined = app.joined().await?;
    let signing = app.signing(&joined).await?;
    let statement = ActStatement {
        header: joined.header(app)?,
        user: joined.session.user.clone(),
        act: Act::Resume,
        reason: Some(reason),
    };
    let signed = app.sign(&signing, &statement).await?;
    joined.link.resume(signed).await?;
    app.report(&Resumed { server: joined.server.name.to_string() })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Resumed {
    server: String,
}

impl Report for Resumed {
    fn text(&self, _: &Look<'_>) -> String {
        format!("{} issues certificates again.\n", self.server)
    }
}
