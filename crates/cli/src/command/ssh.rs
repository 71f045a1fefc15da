//! `hallpass ssh`: logs in under a grant, with nothing in the user's ssh-agent.
//!
//! ssh gets a configuration of its own: the helper's socket and the certificate for this host, the same for the jump hosts
//! in front of it, and then what the user's and the system's files say.

use std::ffi::OsString;

use domain::{AskedLogin, HostName, Pair, Target};

use crate::app::{App, Joined};
use crate::arguments::Ssh;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::fetch;
use crate::grants::{self, GrantError, Held, Holder, Reached, Usable};
use crate::jumps;
use crate::processes::Program;
use crate::ssh_files::{self, quoted};

/// Set for the ssh that `hallpass ssh` runs: the `Match` block of the user's file has nothing to add there.
pub(crate) const INSIDE: &str = "HALLPASS_SSH";

pub(crate) async fn run(app: &App<'_>, asked: &Ssh) -> Result<Exit, Failure> {
    let Target::Host(host) = &asked.access.target else {
        return Err(GrantError::NotOneHost(asked.access.to_string()).into());
    };
    let mut joined = app.joined().await?;
    let live = grants::live(app, &joined).await?;
    let config = configuration(app, &mut joined, &live, &asked.access.login, host).await?;
    let path = app.places.ssh().join(format!("config.{}", asked.access));
    ssh_files::write(&path, &config)?;
    let arguments = [OsString::from("-F"), path.into(), host.as_str().into()];
    let program =
        Program { program: "ssh".into(), arguments: arguments.into_iter().chain(asked.rest.clone()).collect() };
    let environment = app.context.environment.with(INSIDE, "1");
    let code = app.context.processes.replace_by(&program, &environment);
    code.map(Exit::Program).map_err(|cause| Failure::Start { program: "ssh", cause })
}

async fn configuration(
    app: &App<'_>,
    joined: &mut Joined,
    live: &[Checked],
    login: &AskedLogin,
    host: &HostName,
) -> Result<String, Failure> {
    let first = grants::find(app, joined, live, Some(login), host).await?;
    let on_the_way = jumps::before(first.held.request, &first.pair.host);
    if !all_usable(app, &first, &on_the_way)? {
        drop(fetch::certificate(app, joined, &first).await?);
    }
    let mut text = String::from("# Written by hallpass for one connection.\n");
    let target = Reached { pair: first.pair.clone(), endpoint: first.endpoint };
    text.push_str(&block(app, &first.held, host, target)?);
    for jump in on_the_way {
        let endpoint = jumps::endpoint(first.held.request, &jump.host);
        text.push_str(&block(app, &first.held, &jump.host, Reached { pair: jump.clone(), endpoint })?);
    }
    let own = app.places.home().join(".ssh/config");
    text.push_str(&format!("Match all\n    Include {}\n    Include /etc/ssh/ssh_config\n", quoted(&own)?));
    Ok(text)
}

/// Whether the certificates of the last time still do, for a host and for the jump hosts in front of it.
fn all_usable(app: &App<'_>, usable: &Usable<'_>, on_the_way: &[&Pair]) -> Result<bool, Failure> {
    let (now, held) = (app.context.now()?, &usable.held);
    let is_usable = |pair: &Pair| {
        let files = ssh_files::files(&app.places, &pair.login, &pair.host);
        let there = files.usable(&grants::principal(held.request, pair), now);
        there.is_some_and(|certificate| certificate.public_key() == held.connecting_key())
    };
    Ok(on_the_way.iter().copied().chain([&usable.pair]).all(is_usable))
}

/// One host, under the name that was given.
fn block(app: &App<'_>, held: &Held<'_>, given: &HostName, of: Reached<'_>) -> Result<String, Failure> {
    let Reached { pair, endpoint } = of;
    let files = ssh_files::files(&app.places, &pair.login, &pair.host);
    let mut text = format!("Host {given}\n    User {}\n", pair.login);
    if let Some(endpoint) = endpoint {
        let jump = jumps::proxy_jump(held.request, &pair.host, endpoint);
        text.push_str(&ssh_files::reached(given, &endpoint.address, endpoint.port, jump));
    }
    let identity = match &held.holder {
        Holder::Helper(_) => {
            text.push_str(&format!("    IdentityAgent {}\n", quoted(&app.places.socket())?));
            files.key
        }
        Holder::Own(file) => private_half(file),
    };
    let (identity, certificate) = (quoted(&identity)?, quoted(&files.certificate)?);
    text.push_str(&format!("    IdentitiesOnly yes\n    IdentityFile {identity}\n    CertificateFile {certificate}\n"));
    Ok(text)
}

/// ssh wants the private file where it is; where only an agent has it, the public one.
fn private_half(public: &std::path::Path) -> std::path::PathBuf {
    let private = public.with_extension("");
    if public.extension().is_some_and(|extension| extension == "pub") && private.is_file() {
        private
    } else {
        public.to_owned()
    }
}
