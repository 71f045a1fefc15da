//! `hallpass withdraw`: takes an approval back, before certificates came of it.

use statement::{Act, ActStatement};

use crate::app::{App, text};
use crate::arguments::Withdraw;
use crate::failure::{Exit, Failure};
use crate::view::Outcome;

pub(crate) async fn run(app: &App<'_>, asked: &Withdraw) -> Result<Exit, Failure> {
    let reason = asked.reason.as_deref().map(|given| text("--message", given)).transpose()?;
    let mut joined = app.joined().await?;
    let request = joined.link.request(asked.id).await?;
    let id = request.told.id;
    let signing = app.signing(&joined).await?;
    let (header, user) = (joined.header(app)?, joined.session.user.clone());
    let statement = ActStatement { header, user, act: Act::Withdraw(id), reason };
    app.context.terminal.note(&format!("Request {id}: {}", request.ruling.in_words()));
    let signed = app.sign(&signing, &statement).await?;
    let waits = joined.link.end(signed, &request).await?;
    app.report(&Outcome::new(&waits))?;
    Ok(Exit::Done)
}
