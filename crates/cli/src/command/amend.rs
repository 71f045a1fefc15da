//! `hallpass admin user` and `hallpass admin host`: what changes at once, beside the bundle; edits of files are next door.

use domain::{Amendment, Text};
use serde::Serialize;
use statement::{Act, ActStatement};

use crate::app::{App, Look, Report, text};
use crate::arguments::bundles::{HostCommand, UserCommand};
use crate::command::edit;
use crate::command::stop::{Revoked, locked_out_in_words, revoked_in_words};
use crate::failure::{Exit, Failure};

pub(crate) async fn user(app: &App<'_>, command: &UserCommand) -> Result<Exit, Failure> {
    match command {
        UserCommand::Edit(command) => edit::user::run(app, command),
        UserCommand::Disable { name, reason } => {
            amend(app, Amendment::DisableUser(name.clone()), Some(text("--message", reason)?)).await
        }
        UserCommand::RemoveKey { name, fingerprint, reason } => {
            let amendment = Amendment::RemoveKey { user: name.clone(), key: *fingerprint };
            amend(app, amendment, Some(text("--message", reason)?)).await
        }
    }
}

pub(crate) async fn host(app: &App<'_>, command: &HostCommand) -> Result<Exit, Failure> {
    match command {
        HostCommand::Edit(command) => edit::host::run(app, command),
        HostCommand::Join { name, address, port, reason } => {
            let address = address.clone().unwrap_or_else(|| name.into());
            let amendment = Amendment::AddHost { name: name.clone(), address, port: *port };
            amend(app, amendment, reason.as_deref().map(|given| text("--message", given)).transpose()?).await
        }
        HostCommand::Remove { name, reason } => {
            amend(app, Amendment::RemoveHost(name.clone()), Some(text("--message", reason)?)).await
        }
    }
}

async fn amend(app: &App<'_>, amendment: Amendment, reason: Option<Text>) -> Result<Exit, Failure> {
    let mut joined = app.joined().await?;
    let signing = app.signing(&joined).await?;
    let (header, user) = (joined.header(app)?, joined.session.user.clone());
    let statement = ActStatement { header, user, act: Act::Amend(amendment.clone()), reason };
    let signed = app.sign(&signing, &statement).await?;
    let done = joined.link.amend(signed).await?;
    app.report(&Amended {
        verb: amendment.verb(),
        target: amendment.target(),
        sessions: done.sessions,
        requests: done.requests.iter().map(ToString::to_string).collect(),
        live: done.live.iter().map(Revoked::from).collect(),
        locked_out: done.locked_out.iter().map(ToString::to_string).collect(),
    })?;
    Ok(Exit::Done)
}

/// What an amendment did.
#[derive(Serialize)]
struct Amended {
    verb: &'static str,
    target: String,
    sessions: u32,
    requests: Vec<String>,
    live: Vec<Revoked>,
    locked_out: Vec<String>,
}

impl Report for Amended {
    fn text(&self, look: &Look<'_>) -> String {
        let mut told = format!("Done, and in force at once: {} {}.\n", self.verb, self.target);
        if self.verb == "disable-user" {
            let requests = if self.requests.is_empty() { "none".to_owned() } else { self.requests.join(", ") };
            told.push_str(&format!("Ended: sessions {}; requests and grants {requests}.\n", self.sessions));
            told.push_str(&revoked_in_words(&self.live, look));
        }
        match self.verb {
            "add-host" => told.push_str("It stays until it is removed, or its pool is.\n"),
            _ => told.push_str("It stays so until a bundle says the same: change the files too.\n"),
        }
        told.push_str(&locked_out_in_words(&self.locked_out));
        told
    }
}
