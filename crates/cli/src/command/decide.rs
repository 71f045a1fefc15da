//! `hallpass approve` and `hallpass deny`: show what will be signed, ask, sign.

use domain::Approval;
use statement::DecisionStatement;
use wire::State;

use crate::app::{App, Joined, Look, text};
use crate::arguments::Decide;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::terminal::Colours;
use crate::view::{self, Outcome};

pub(crate) async fn run(app: &App<'_>, asked: &Decide, verdict: Approval) -> Result<Exit, Failure> {
    let comment = asked.comment.as_deref().map(|given| text("--message", given)).transpose()?;
    let mut joined = app.joined().await?;
    let request = joined.link.request(asked.id).await?;
    let mut statement = decision(app, &joined, &request, verdict, comment)?;
    details(app, &request)?;
    app.show(&statement)?;
    if !asked.yes {
        app.agreed(&format!("Sign and {verdict}? [y/N] ")).await?;
    }
    let signing = app.signing(&joined).await?;
    // People read for longer than a statement is fresh.
    statement.header = joined.header(app)?;
    let signed = app.sign_shown(&signing, &statement).await?;
    let decided = joined.link.decide(signed, &request).await?;
    app.report(&Outcome::new(&decided))?;
    Ok(Exit::Done)
}

/// The decision binds to the texts as they were checked and hashed here.
fn decision(
    app: &App<'_>,
    joined: &Joined,
    request: &Checked,
    verdict: Approval,
    comment: Option<domain::Text>,
) -> Result<DecisionStatement, Failure> {
    if request.told.state != State::Pending {
        return Err(Failure::NotPending { id: request.told.id, state: request.told.state });
    }
    Ok(DecisionStatement {
        header: joined.header(app)?,
        approver: joined.session.user.clone(),
        id: request.told.id,
        request: *request.request.digest(),
        ruling: request.ruling_digest,
        allows: request.ruling.in_words().clone(),
        verdict,
        comment,
    })
}

fn details(app: &App<'_>, request: &Checked) -> Result<(), Failure> {
    let look = Look { colours: Colours::Off, zone: &app.context.time_zone, now: app.context.now()? };
    app.context.terminal.note(&view::details(request, &look));
    Ok(())
}
