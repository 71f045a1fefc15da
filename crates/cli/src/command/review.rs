//! `hallpass review`: shows a break-glass and what came of it, and says what it was for.

use statement::{Act, ActStatement};

use crate::app::{App, Look, text};
use crate::arguments::Review;
use crate::failure::{Exit, Failure};
use crate::terminal::Colours;
use crate::view::{self, Outcome};

pub(crate) async fn run(app: &App<'_>, asked: &Review) -> Result<Exit, Failure> {
    let reason = Some(text("--message", &asked.found)?);
    let mut joined = app.joined().await?;
    let request = joined.link.request(asked.id).await?;
    let (id, user) = (request.told.id, joined.session.user.clone());
    if request.ruling.obligations().break_glass.is_none() {
        return Err(Failure::NotBreakGlass(id));
    }
    let mut statement = ActStatement { header: joined.header(app)?, user, act: Act::Review(id), reason };
    let look = Look { colours: Colours::Off, zone: &app.context.time_zone, now: app.context.now()? };
    app.context.terminal.note(&view::details(&request, &look));
    app.show(&statement)?;
    if !asked.yes {
        app.agreed("Sign this review? [y/N] ").await?;
    }
    let signing = app.signing(&joined).await?;
    // People read for longer than a statement is fresh.
    statement.header = joined.header(app)?;
    let signed = app.sign_shown(&signing, &statement).await?;
    let reviewed = joined.link.review(signed, &request).await?;
    app.report(&Outcome::new(&reviewed))?;
    Ok(Exit::Done)
}
