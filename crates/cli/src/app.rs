//! What commands share: the context, the files, the chosen server, and how results are shown.

use agent::{HelperClient, HelperError};
use domain::{Text, UnixTime};
use jiff::tz::TimeZone;
use serde::Serialize;
use statement::{Header, Signed};

use crate::arguments::Global;
use crate::checked::Checked;
use crate::config::{Config, Server};
use crate::context::Context;
use crate::failure::Failure;
use crate::link::{Link, LinkError, Which};
use crate::places::Places;
use crate::signing::{self, Signing, SigningError};
use crate::ssh_files;
use crate::state::{ServerState, Session};
use crate::terminal::Colours;
use crate::words::InWords;

/// One run of `hallpass`.
pub(crate) struct App<'c> {
    pub(crate) context: &'c Context,
    pub(crate) places: Places,
    pub(crate) global: Global,
}

/// A server with what is remembered of it.
pub(crate) struct Known {
    pub(crate) server: Server,
    pub(crate) state: ServerState,
}

/// A server with a session and an open connection.
pub(crate) struct Joined {
    pub(crate) server: Server,
    pub(crate) state: ServerState,
    pub(crate) session: Session,
    pub(crate) link: Link,
}

impl Joined {
    /// What the next statement starts with.
    pub(crate) fn header(&self, app: &App<'_>) -> Result<Header, Failure> {
        Ok(self.link.header(app.context)?)
    }
}

/// How results look.
pub(crate) struct Look<'a> {
    pub(crate) colours: Colours,
    pub(crate) zone: &'a TimeZone,
    pub(crate) now: UnixTime,
}

/// A result: JSON for programs, text for people.
pub(crate) trait Report: Serialize {
    /// The text, ended by a newline.
    fn text(&self, look: &Look<'_>) -> String;
}

impl<'c> App<'c> {
    pub(crate) fn new(context: &'c Context, global: Global) -> Result<Self, Failure> {
        Ok(Self { context, places: Places::of(&context.environment)?, global })
    }

    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::read(self.places.config())?)
    }

    /// An option, or the variable that stands for it.
    pub(crate) fn option<'a>(&'a self, given: Option<&'a str>, variable: &str) -> Option<&'a str> {
        given.or_else(|| self.context.environment.text(variable))
    }

    /// The chosen server.
    pub(crate) fn known(&self) -> Result<Known, Failure> {
        let config = self.config()?;
        let asked = self.option(self.global.server.as_deref(), "HALLPASS_SERVER");
        Ok(self.known_as(config.choose(asked)?.clone()))
    }

    pub(crate) fn known_as(&self, server: Server) -> Known {
        let state = ServerState::at(self.places.server(&server.name));
        Known { server, state }
    }

    /// The chosen server, with its session and a connection.
    pub(crate) async fn joined(&self) -> Result<Joined, Failure> {
        self.join(self.known()?).await
    }

    pub(crate) async fn join(&self, known: Known) -> Result<Joined, Failure> {
        let Known { server, state } = known;
        let now = self.context.now()?;
        let session = state.session()?.filter(|session| session.expires > now);
        let session = session.ok_or_else(|| LinkError::NoSession(server.name.clone()))?;
        let link = Link::open(&server, &state, Some(&session)).await?;
        Ok(Joined { server, state, session, link })
    }

    /// The key that signs: the one asked for, else the one that the session began with.
    pub(crate) async fn signing(&self, joined: &Joined) -> Result<Signing, Failure> {
        let asked = self.option(self.global.key.as_deref(), "HALLPASS_KEY").unwrap_or(&joined.session.key);
        Ok(signing::choose(self.context, &self.places, Some(asked)).await?)
    }

    /// Goes on only when somebody is there and says yes.
    pub(crate) async fn agreed(&self, question: &str) -> Result<(), Failure> {
        let answer = self.context.ask(question.to_owned()).await;
        match answer.as_deref().map(str::trim) {
            None => Err(Failure::NobodyToAsk),
            Some("y" | "Y" | "yes") => Ok(()),
            Some(_) => Err(Failure::Declined),
        }
    }

    /// Shows what is signed, for whom and by which key, and signs it.
    pub(crate) async fn sign<S: InWords>(&self, signing: &Signing, what: &S) -> Result<Signed, Failure> {
        let what = self.show(what)?;
        self.sign_shown(signing, &what).await
    }

    /// Shows what is to be signed, as it reads back from its text.
    pub(crate) fn show<S: InWords>(&self, what: &S) -> Result<S, Failure> {
        let what = S::parse(&what.encode()).map_err(SigningError::Unreadable)?;
        self.context.terminal.note(&format!("Signing for {}:", what.header().server.name));
        for line in what.in_words() {
            self.context.terminal.note(&format!("  {line}"));
        }
        Ok(what)
    }

    /// Signs what was shown, and says by which key.
    pub(crate) async fn sign_shown<S: InWords>(&self, signing: &Signing, what: &S) -> Result<Signed, Failure> {
        self.context.terminal.note(&format!("  with {}", signing.describe()));
        Ok(signing.sign(what).await?)
    }

    /// The running client helper.
    pub(crate) async fn helper(&self) -> Result<HelperClient, HelperError> {
        HelperClient::connect(self.places.socket()).await
    }

    /// Requests of a view that stand up to checking; of others it says so.
    pub(crate) async fn requests(&self, link: &Link, view: wire::View, which: Which) -> Result<Vec<Checked>, Failure> {
        let mut sound = Vec::new();
        for request in link.requests(view, which).await? {
            match request {
                Ok(request) => sound.push(request),
                Err(refused) => self.warn(&refused),
            }
        }
        Ok(sound)
    }

    /// Writes where plain ssh finds a server's hosts, and says which it does not find there.
    pub(crate) fn keep_hosts(&self, server: &agent::ServerName, hosts: &[wire::Host]) -> Result<(), Failure> {
        for name in ssh_files::keep_hosts(&self.places, server, hosts)? {
            self.context.terminal.note(&format!(
                "warning: another server has a host {name} too, and plain ssh takes that one; to log in to that of \
                 {server}: hallpass --server {server} ssh {name}"
            ));
        }
        Ok(())
    }

    /// Says what is wrong, where the command goes on without it.
    pub(crate) fn warn(&self, wrong: &dyn std::error::Error) {
        self.context.terminal.note(&crate::failure::in_full("warning", wrong));
    }

    /// Shows a result on standard output.
    pub(crate) fn report<R: Report>(&self, report: &R) -> Result<(), Failure> {
        let text = if self.global.json {
            crate::json::line(report)?
        } else {
            let (zone, now) = (&self.context.time_zone, self.context.now()?);
            report.text(&Look { colours: self.context.terminal.colours(), zone, now })
        };
        self.print(&text)
    }

    /// Writes a result as it is to standard output.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let wrote = self.context.terminal.out(text);
        wrote.map_err(|cause| Failure::Write { what: "the result".to_owned(), cause })
    }
}

/// A text that will be signed, from an option.
pub(crate) fn text(option: &'static str, given: &str) -> Result<Text, Failure> {
    given.parse().map_err(|cause| Failure::Text { option, cause })
}
