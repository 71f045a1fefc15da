//! `hallpass ssh`: logs in under a grant, with nothing in the user's ssh-agent.
//!
//! ssh gets a configuration of its own: the helper's socket and the certificate for this host, the same for a jump host
//! that there is a grant for, and then what the user's and the system's files say.

use std::ffi::OsString;

use domain::{AskedLogin, HostName, Target};

use crate::app::{App, Joined};
use crate::arguments::Ssh;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::fetch;
use crate::grants::{self, GrantError, Holder, Usable};
use crate::processes::Program;
use crate::ssh_files::{self, quoted};

/// Set for the ssh that `hallpass ssh` runs: the `Match` block of the user's file has nothing to add there.
pub(crate) const INSIDE: &str = "HALLPASS_SSH";
/// Most jump hosts in a row; the inventory has no loops, so this only bounds what a server can send.
const MOST_HOPS: usize = 8;

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
    let mut text = String::from("# Written by hallpass for one connection.\n");
    text.push_str(&block(app, joined, &first, host).await?);
    let mut via = first.endpoint.and_then(|endpoint| endpoint.via.clone());
    for _ in 0..MOST_HOPS {
        let Some(hop) = via.take() else { break };
        // A jump host without a grant is left to the user's own keys.
        let Ok(usable) = grants::find(app, joined, live, None, &hop).await else { break };
        text.push_str(&block(app, joined, &usable, &hop).await?);
        via = usable.endpoint.and_then(|endpoint| endpoint.via.clone());
    }
    let own = app.places.home().join(".ssh/config");
    text.push_str(&format!("Match all\n    Include {}\n    Include /etc/ssh/ssh_config\n", quoted(&own)?));
    Ok(text)
}

/// One host, under the name that was given.
async fn block(app: &App<'_>, joined: &mut Joined, usable: &Usable<'_>, given: &HostName) -> Result<String, Failure> {
    let files = ssh_files::files(&app.places, &usable.pair.login, &usable.pair.host);
    let there = files.usable(&usable.principal(), app.context.now()?);
    if there.is_none_or(|certificate| certificate.public_key() != usable.held.connecting_key()) {
        drop(fetch::certificate(app, joined, usable).await?);
    }
    let mut text = format!("Host {given}\n    User {}\n", usable.pair.login);
    if let Some(endpoint) = usable.endpoint {
        text.push_str(&ssh_files::reached(given, &endpoint.address, endpoint.port, endpoint.via.as_ref()));
    }
    let identity = match &usable.held.holder {
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
