//! `hallpass done`: cancels a request, or gives its grant back.

use statement::{Act, ActStatement};
use wire::{State, View};

use crate::app::{App, Joined, text};
use crate::arguments::Done;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::link::Which;
use crate::ssh_files;
use crate::view::{Outcome, lines};

pub(crate) async fn run(app: &App<'_>, asked: &Done) -> Result<Exit, Failure> {
    let reason = asked.reason.as_deref().map(|given| text("--message", given)).transpose()?;
    let mut joined = app.joined().await?;
    let request = match asked.id {
        Some(id) => joined.link.request(id).await?,
        None => only_live(app, &joined).await?,
    };
    let id = request.told.id;
    let act = match request.told.state {
        State::Pending => Act::Cancel(id),
        State::Approved => Act::GiveBack(id),
        state => return Err(Failure::AlreadyOver { id, state }),
    };
    let signing = app.signing(&joined).await?;
    let statement = ActStatement { header: joined.header(app)?, user: joined.session.user.clone(), act, reason };
    app.context.terminal.note(&format!("Request {id}: {}", request.ruling.in_words()));
    let signed = app.sign(&signing, &statement).await?;
    let ended = joined.link.end(signed, &request).await?;
    for pair in ended.pairs() {
        let aliases = ended.told.endpoints.iter().filter(|endpoint| endpoint.host == pair.host);
        for name in aliases.flat_map(|endpoint| &endpoint.aliases).chain([&pair.host]) {
            ssh_files::files(&app.places, &pair.login, name).remove()?;
        }
    }
    for pair in ended.ruling.obligations().jumps.logins() {
        ssh_files::files(&app.places, &pair.login, &pair.host).remove()?;
    }
    app.report(&Outcome::new(&ended))?;
    Ok(Exit::Done)
}

async fn only_live(app: &App<'_>, joined: &Joined) -> Result<Checked, Failure> {
    let mut live = app.requests(&joined.link, View::Mine, Which::Live).await?;
    match (live.pop(), live.as_slice()) {
        (None, _) => Err(Failure::NothingLive),
        (Some(only), []) => Ok(only),
        (Some(last), others) => Err(Failure::SeveralLive(lines(others.iter().chain([&last])))),
    }
}
