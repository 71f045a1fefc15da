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
    show(app, &request, &statement)?;
    if !asked.yes {
        ask(app, verdict).await?;
    }
    let signing = app.signing(&joined).await?;
    // People read for longer than a statement is fresh.
    statement.header = joined.header(app)?;
    let told = format!("{verdict} request {}", request.told.id);
    let signed = app.sign(&signing, &statement, &told).await?;
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

fn show(app: &App<'_>, request: &Checked, statement: &DecisionStatement) -> Result<(), Failure> {
    let look = Look { colours: Colours::Off, zone: &app.context.time_zone, now: app.context.now()? };
    let mut told = view::details(request, &look);
    told.push_str(&format!("You {} as {}: {}", statement.verdict, statement.approver, statement.allows));
    if let Some(comment) = &statement.comment {
        told.push_str(&format!("\n  comment: {comment}"));
    }
    app.context.terminal.note(&told);
    Ok(())
}

async fn ask(app: &App<'_>, verdict: Approval) -> Result<(), Failure> {
    let answer = app.context.ask(format!("Sign and {verdict}? [y/N] ")).await;
    match answer.as_deref().map(str::trim) {
        None => Err(Failure::NobodyToAsk),
        Some("y" | "Y" | "yes") => Ok(()),
        Some(_) => Err(Failure::Declined),
    }
}
