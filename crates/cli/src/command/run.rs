//! `hallpass run`: a command with access to a fleet, for as long as it runs.
//!
//! ```text
//! a live grant, or a request that is approved ──► private directory: agent, certificates, configuration, ssh and family
//!   ──► the command ──► certificates made new before they end ──► it ends ──► the directory goes; its exit code
//! ```
//!
//! The command finds `ssh`, `scp` and `sftp` first in its PATH that read the private configuration, so git, rsync, Ansible
//! and scripts need no settings of their own.

mod config;
mod fresh;
mod granted;
mod private;

use std::ffi::OsString;

use agent::{HelperSocket, PrivateAgent};
use domain::{Pair, UnixTime};

use crate::app::{App, Joined};
use crate::arguments::Run;
use crate::checked::Checked;
use crate::context::Environment;
use crate::failure::{Exit, Failure};
use crate::fetch::{Fetched, Fetching};
use crate::grants::{self, Fleet};
use crate::platform::Endings;
use crate::processes::{Program, Started};
use crate::when;
use fresh::Fresh;
use private::Private;
pub(crate) use private::PrivateError;

pub(crate) async fn run(app: &App<'_>, asked: &Run) -> Result<Exit, Failure> {
    let mut joined = app.joined().await?;
    let live = [granted::granted(app, &mut joined, asked).await?];
    let mut endings = Endings::taken().map_err(Failure::Signals)?;
    let ready = tokio::select! {
        ready = Ready::new(app, &mut joined, &live, asked) => ready?,
        ending = endings.next() => return Ok(Exit::Program(ending.exit_code())),
    };
    let ended = ready.run(app, &mut joined, asked, &mut endings).await;
    if let Err(left) = ready.private.end() {
        app.warn(&left);
    }
    ended.map(Exit::Program)
}

/// Everything that a command needs.
struct Ready<'r> {
    fetching: Fetching<'r>,
    pairs: Vec<Pair>,
    private: Private,
    agent: PrivateAgent,
    socket: HelperSocket,
    fresh: Fresh,
}

impl<'r> Ready<'r> {
    async fn new(app: &App<'_>, joined: &mut Joined, live: &'r [Checked], asked: &Run) -> Result<Self, Failure> {
        let fleet = grants::find_all(app, joined, live, &asked.access).await?;
        let private = Private::make(app)?;
        let pairs: Vec<Pair> = fleet.reached.iter().map(|reached| reached.pair.clone()).collect();
        let fetching = Fetching::new(app, fleet.held.clone()).await?;
        let fetched = fetching.certificates(app, joined, &pairs).await?;
        let key = fleet.held.connecting_key();
        let agent = PrivateAgent::new(key.clone(), fetching.signing());
        let socket = HelperSocket::bind(&private.socket())?;
        private.write_key(key)?;
        private.write_config(&config::text(app, &private, &fleet)?)?;
        private.write_programs(app)?;
        let mut fresh = Fresh::new(deadline(&fleet));
        put(app, &private, &agent, &fetched, &mut fresh)?;
        Ok(Self { fetching, pairs, private, agent, socket, fresh })
    }

    /// Runs the command, and keeps its certificates fresh.
    async fn run(&self, app: &App<'_>, joined: &mut Joined, asked: &Run, endings: &mut Endings) -> Result<u8, Failure> {
        let program = program(asked);
        let started = app.context.processes.start(&program, &self.environment(app)?);
        let failed = |cause| Failure::Run { program: program.program.to_string_lossy().into_owned(), cause };
        let mut started: Box<dyn Started> = started.map_err(failed)?;
        let fresh = self.keep_fresh(app, joined);
        tokio::pin!(fresh);
        let (mut is_over, serve) = (false, self.agent.serve(&self.socket));
        tokio::pin!(serve);
        loop {
            tokio::select! {
                code = started.ended() => return code.map_err(failed),
                ending = endings.next() => started.hand_on(ending),
                () = &mut fresh, if !is_over => is_over = true,
                () = &mut serve => {}
            }
        }
    }

    /// Makes certificates new before they end, until the grant does.
    async fn keep_fresh(&self, app: &App<'_>, joined: &mut Joined) {
        let mut fresh = self.fresh.clone();
        while fresh.due(app).await {
            let fetched = self.fetching.certificates(app, joined, &self.pairs).await;
            let put = fetched.and_then(|fetched| put(app, &self.private, &self.agent, &fetched, &mut fresh));
            if let Err(why) = put {
                fresh.failed(app, &why);
            }
        }
        let zone = &app.context.time_zone;
        app.context.terminal.note(&format!(
            "hallpass: the grant ended at {}; the command goes on, and opens no new connections under it",
            when::exact(fresh.deadline(), zone)
        ));
    }

    fn environment(&self, app: &App<'_>) -> Result<Environment, Failure> {
        let environment = &app.context.environment;
        let before = environment.get("PATH").map(OsString::from).unwrap_or_default();
        let places = std::iter::once(self.private.programs()).chain(std::env::split_paths(&before));
        let path = std::env::join_paths(places).map_err(|_| PrivateError::Path(self.private.programs()))?;
        Ok(environment
            .with("PATH", path)
            .with("SSH_AUTH_SOCK", self.private.socket())
            .with("HALLPASS_SSH_CONFIG", self.private.config())
            .with(super::ssh::INSIDE, "1"))
    }
}

/// Puts certificates where the command finds them, and says once of each host that has none.
fn put(
    app: &App<'_>,
    private: &Private,
    agent: &PrivateAgent,
    fetched: &Fetched,
    fresh: &mut Fresh,
) -> Result<(), Failure> {
    let on_hosts = fetched.certificates.iter().map(|(pair, certificate)| (pair, certificate));
    let all: Vec<_> = on_hosts.chain(&fetched.jumps).collect();
    for (pair, certificate) in &all {
        private.write_certificate(pair, certificate)?;
    }
    agent.list(all.into_iter().map(|(_, certificate)| certificate.clone()));
    fresh.fetched(app, fetched)
}

fn deadline(fleet: &Fleet<'_>) -> UnixTime {
    // One that is open has a window.
    fleet.held.request.told.window.map_or(UnixTime::EPOCH, |(_, end)| end)
}

fn program(asked: &Run) -> Program {
    let mut words = asked.command.iter().cloned();
    Program { program: words.next().unwrap_or_default(), arguments: words.collect() }
}
