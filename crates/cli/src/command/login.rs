//! `hallpass login`: pins the server, signs the login statement, and starts the client helper with a fresh key.

use std::time::Duration;

use agent::{HelperClient, HelperError, ServerName};
use dial::{Address, Pin};
use domain::{Digest, UserName};
use serde::Serialize;
use statement::LoginStatement;

use crate::app::{App, Known, Look, Report};
use crate::arguments::LoginTo;
use crate::config::{self, Server};
use crate::failure::{Exit, Failure};
use crate::link::{Link, LinkError};
use crate::signing;
use crate::state::Session;
use crate::when;

/// Why there is no new session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The fingerprint is none.
    #[error(
        "`#` is followed by the SHA-256 of the server's ledger key: 64 hexadecimal digits, as its operator gives it"
    )]
    Fingerprint,
    /// A new server, and nobody who could say whether it is the right one.
    #[error(
        "{0} is new here, and nobody can be asked whether it is the right one; run: hallpass login {0}#FINGERPRINT"
    )]
    NotPinned(Address),
    /// Another server than the one meant.
    #[error("{address} is another server than you meant: its ledger key is {found}, not {meant}. Nothing was sent")]
    OtherServer {
        /// Where.
        address: Address,
        /// Its ledger key.
        found: Digest,
        /// The one that was given.
        meant: Digest,
    },
    /// It is pinned already, to another key.
    #[error(
        "the server `{name}` is pinned to the ledger key {pinned}. If it was made anew, remove its [[server]] from \
         {file} and log in again"
    )]
    PinnedOtherwise {
        /// What it is called.
        name: ServerName,
        /// The pin.
        pinned: Digest,
        /// The configuration file.
        file: String,
    },
    /// The name is taken.
    #[error("another server is already called `{0}`; give this one a name of its own: --as NAME")]
    NameTaken(ServerName),
    /// The name is none.
    #[error("`--as` is refused")]
    Name(#[from] agent::ServerNameError),
    /// The user's name is none.
    #[error("HALLPASS_USER is refused")]
    User(#[source] domain::NameError),
    /// Nothing says who logs in.
    #[error("who are you? Name the user: --user NAME")]
    NoUser,
    /// The helper did not start.
    #[error("the client helper was started and does not answer; run `hallpass agent` to see why")]
    HelperSilent(#[source] HelperError),
    /// The helper cannot be started.
    #[error("the client helper cannot be started")]
    Helper(#[source] std::io::Error),
}

pub(crate) async fn run(app: &App<'_>, asked: &LoginTo) -> Result<Exit, Failure> {
    let target = target(app, asked).await?;
    let Known { server, state } = app.known_as(target.server().clone());
    if let Target::New(_) = target {
        state.forget()?;
    }
    let mut link = Link::open(&server, &state, None).await?;
    let user = user(app, asked, &server)?;
    let key = app.option(app.global.key.as_deref(), "HALLPASS_KEY").or(server.key.as_deref());
    let signing = signing::choose(app.context, &app.places, key).await?;
    let helper = running_helper(app).await?;
    let statement = LoginStatement { header: link.header(app.context)?, user, tls_key: link.tls_key() };
    let signed = app.sign(&signing, &statement).await?;
    let begun = link.login(signed).await?;
    let identity = link.who_am_i().await?;
    helper.create_key(&server.name).await?;
    let session = Session {
        token: begun.token,
        user: identity.user,
        login: identity.login,
        expires: begun.expires,
        key: signing.choice(),
    };
    state.keep_session(&session)?;
    if let Target::New(server) = target {
        // A key that was named once is meant for the next time too.
        let key = app.global.key.as_ref().map(|_| session.key.clone());
        config::add(app.places.config(), &Server { key, ..server })?;
    }
    let hosts = link.hosts(None).await?;
    app.keep_hosts(&server.name, &hosts)?;
    app.report(&LoggedIn {
        server: server.name.to_string(),
        user: session.user.to_string(),
        hosts: hosts.iter().filter(|host| !host.logins.is_empty()).count(),
        expires: session.expires.to_string(),
        until: session.expires,
    })?;
    Ok(Exit::Done)
}

/// Where to log in.
enum Target {
    /// A server of the configuration file.
    Known(Server),
    /// One that the user has just pinned.
    New(Server),
}

impl Target {
    const fn server(&self) -> &Server {
        match self {
            Self::Known(server) | Self::New(server) => server,
        }
    }
}

async fn target(app: &App<'_>, asked: &LoginTo) -> Result<Target, Failure> {
    let config = app.config()?;
    let Some(place) = asked.place.as_deref() else {
        let chosen = config.choose(app.option(app.global.server.as_deref(), "HALLPASS_SERVER"))?;
        return Ok(Target::Known(chosen.clone()));
    };
    if let Some(known) = config.find(place) {
        return Ok(Target::Known(known.clone()));
    }
    let (address, meant) = match place.split_once('#') {
        Some((address, fingerprint)) => (address, Some(fingerprint.parse().map_err(|_| LoginError::Fingerprint)?)),
        None => (place, None),
    };
    let address: Address = address.parse().map_err(LinkError::from)?;
    let same_place = |server: &&Server| server.address.parse() == Ok(address.clone());
    if let Some(known) = config.servers().iter().find(same_place) {
        return match meant {
            Some(meant) if meant != known.ledger_key => Err(LoginError::PinnedOtherwise {
                name: known.name.clone(),
                pinned: known.ledger_key,
                file: app.places.config().display().to_string(),
            }
            .into()),
            _ => Ok(Target::Known(known.clone())),
        };
    }
    let name: ServerName = match asked.name.as_deref() {
        Some(name) => name.parse().map_err(LoginError::from)?,
        None => address.host().replace(':', "_").parse().map_err(LoginError::from)?,
    };
    if config.find(name.as_str()).is_some() {
        return Err(LoginError::NameTaken(name).into());
    }
    let pin = pin(app, &address, meant).await?;
    Ok(Target::New(Server {
        name,
        address: address.to_string(),
        origin: pin.name,
        ledger_key: pin.ledger_key,
        user: asked.user.clone(),
        key: None,
    }))
}

/// The pin of a new server: by the fingerprint that the user gave, or types now. It is not shown beforehand: to read it
/// off the screen and type it back would compare the server with itself.
async fn pin(app: &App<'_>, address: &Address, meant: Option<Digest>) -> Result<Pin, Failure> {
    let found = dial::probe(address).await.map_err(LinkError::from)?;
    let meant = match meant {
        Some(meant) => meant,
        None => {
            let question = format!(
                "{address} calls itself {} and is new here.\nThe fingerprint of its ledger key, as its operator gave \
                 it to you (64 hexadecimal digits): ",
                found.name
            );
            let typed = app.context.ask(question).await.ok_or_else(|| LoginError::NotPinned(address.clone()))?;
            typed.parse().map_err(|_| LoginError::Fingerprint)?
        }
    };
    if found.ledger_key == meant {
        Ok(found)
    } else {
        Err(LoginError::OtherServer { address: address.clone(), found: found.ledger_key, meant }.into())
    }
}

fn user(app: &App<'_>, asked: &LoginTo, server: &Server) -> Result<UserName, Failure> {
    if let Some(user) = asked.user.clone() {
        return Ok(user);
    }
    if let Some(user) = app.context.environment.text("HALLPASS_USER") {
        return Ok(user.parse().map_err(LoginError::User)?);
    }
    let unix = || app.context.environment.text("USER").and_then(|user| user.parse().ok());
    Ok(server.user.clone().or_else(unix).ok_or(LoginError::NoUser)?)
}

/// The client helper; starts it when none runs.
async fn running_helper(app: &App<'_>) -> Result<HelperClient, Failure> {
    match app.helper().await {
        Ok(helper) => return Ok(helper),
        Err(HelperError::NotRunning(_)) => {}
        Err(other) => return Err(other.into()),
    }
    let (context, socket) = (app.context, app.places.socket());
    context.processes.start_helper(&socket, &context.environment).map_err(LoginError::Helper)?;
    // It answers within milliseconds; a slow machine gets five seconds.
    let mut last = HelperError::NotRunning(socket);
    for _ in 0..250 {
        match app.helper().await {
            Ok(helper) => return Ok(helper),
            Err(error) => last = error,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(LoginError::HelperSilent(last).into())
}

#[derive(Serialize)]
struct LoggedIn {
    server: String,
    user: String,
    expires: String,
    hosts: usize,
    #[serde(skip)]
    until: domain::UnixTime,
}

impl Report for LoggedIn {
    fn text(&self, look: &Look<'_>) -> String {
        let Self { server, user, hosts, until, .. } = self;
        let until = when::short(*until, look.now, look.zone);
        let noun = if *hosts == 1 { "host" } else { "hosts" };
        format!("Logged in to {server} as {user} until {until}; {hosts} {noun} to ask for (hallpass ls).\n")
    }
}
