//! `hallpass ensure`: called by ssh before it connects. Never asks and never waits.
//!
//! | what | how long | how it ends |
//! |---|---|---|
//! | not our host | under 10 ms, no network | exit 1, silent |
//! | a live grant | at most 2 s | exit 0, certificate in place |
//! | anything else | at most 2 s | exit 1 and one line on standard error; other keys still work |

use std::ffi::OsStr;
use std::time::Duration;

use domain::{AskedLogin, HostName, Login, Pair};

use crate::app::{App, Known};
use crate::arguments::Ensure;
use crate::command::ssh::INSIDE;
use crate::failure::{Exit, Failure};
use crate::fetch;
use crate::grants::{self, Holder};
use crate::ssh_files::{self, Files};

/// ssh's user waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn run(app: &App<'_>, asked: &Ensure) -> Result<Exit, Failure> {
    if app.context.environment.get(INSIDE).is_some() {
        return Ok(Exit::Failed);
    }
    // What is no name of the grammar is no host and no login of ours.
    let (Some(typed), Some(login)) = (parsed::<HostName>(&asked.host), parsed::<Login>(&asked.login)) else {
        return Ok(Exit::Failed);
    };
    let why = match ours(app, &typed) {
        Ok(None) => return Ok(Exit::Failed),
        Ok(Some((known, host))) => {
            let ready = ready(app, known, Pair { login, host }, &typed);
            match tokio::time::timeout(PATIENCE, ready).await {
                Ok(Ok(())) => return Ok(Exit::Done),
                Ok(Err(failure)) => failure.to_string(),
                Err(_) => format!("the server did not answer within {} seconds", PATIENCE.as_secs()),
            }
        }
        Err(failure) => failure.to_string(),
    };
    app.context.terminal.note(&format!("hallpass: {}", why.replace('\n', " ")));
    Ok(Exit::Failed)
}

fn parsed<T: std::str::FromStr>(given: &OsStr) -> Option<T> {
    given.to_str().and_then(|text| text.parse().ok())
}

/// The server that has the host, by what is remembered here, and the host's canonical name.
fn ours(app: &App<'_>, typed: &HostName) -> Result<Option<(Known, HostName)>, Failure> {
    for server in app.config()?.servers() {
        let known = app.known_as(server.clone());
        if let Some(host) = known.state.host(typed)? {
            return Ok(Some((known, host)));
        }
    }
    Ok(None)
}

/// Puts a certificate where ssh looks for it, by the name that was typed.
async fn ready(app: &App<'_>, known: Known, pair: Pair, typed: &HostName) -> Result<(), Failure> {
    let files = ssh_files::files(&app.places, &pair.login, typed);
    if is_ready(app, &known, &files, &pair).await? {
        return Ok(());
    }
    let is_jump = known.state.is_jump(&pair)?;
    let mut joined = app.join(known).await?;
    let live = grants::live(app, &joined).await?;
    let login = AskedLogin::Named(pair.login.clone());
    let by_itself = grants::find(app, &joined, &live, Some(&login), &pair.host).await;
    let usable = match by_itself {
        Err(_) if is_jump => grants::find_behind(app, &joined, &live, &pair).await?,
        found => found?,
    };
    if let Holder::Own(_) = usable.held.holder {
        return Err(Failure::OnlyBySsh(usable.pair));
    }
    let taken = fetch::certificate(app, &mut joined, &usable).await?;
    files.write(usable.held.connecting_key(), taken.jumps.get(&pair).unwrap_or(&taken.certificate))?;
    Ok(())
}

/// Whether the certificate of the last time still does, and its key is still held.
async fn is_ready(app: &App<'_>, known: &Known, files: &Files, pair: &Pair) -> Result<bool, Failure> {
    let now = app.context.now()?;
    let there = [cert::Principal::Scoped(pair.clone()), cert::Principal::Plain(pair.login.clone())];
    let Some(certificate) = there.iter().find_map(|principal| files.usable(principal, now)) else {
        return Ok(false);
    };
    let held = app.helper().await?.key(&known.server.name).await?;
    Ok(held == *certificate.public_key())
}
