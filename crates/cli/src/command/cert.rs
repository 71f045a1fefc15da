//! `hallpass cert`: certificates for everything that knows only agents or files.

mod fleet;

use std::path::Path;

use cert::Certificate;
use domain::{AskedLogin, HostName, Pair, PublicKey, Target};
use serde::Serialize;

use crate::app::{App, Joined, Look, Report};
use crate::arguments::Cert;
use crate::failure::{Exit, Failure};
use crate::fetch;
use crate::grants::{self, Usable};
use crate::ssh_files::Files;
use crate::when;

pub(crate) async fn run(app: &App<'_>, asked: &Cert) -> Result<Exit, Failure> {
    match &asked.access.target {
        Target::Host(host) => one(app, asked, &asked.access.login, host).await,
        Target::Labels(_) => fleet::run(app, asked).await,
    }
}

async fn one(app: &App<'_>, asked: &Cert, login: &AskedLogin, host: &HostName) -> Result<Exit, Failure> {
    let mut joined = app.joined().await?;
    let live = grants::live(app, &joined).await?;
    let usable = grants::find(app, &joined, &live, Some(login), host).await?;
    if asked.out.is_none() {
        // Before a use is spent.
        fetch::place_to_load(app, &usable)?;
    }
    let fetch::Taken { certificate, jumps } = fetch::certificate(app, &mut joined, &usable).await?;
    let mut on_the_way = Vec::with_capacity(jumps.len());
    for jump in jumps {
        on_the_way.push(put(app, &joined, &usable, asked, jump).await?);
    }
    let main = put(app, &joined, &usable, asked, (usable.pair.clone(), certificate)).await?;
    app.report(&One { main, jumps: on_the_way })?;
    Ok(Exit::Done)
}

/// Puts a certificate into the directory that was asked for, or into the running ssh-agent.
async fn put(
    app: &App<'_>,
    joined: &Joined,
    usable: &Usable<'_>,
    asked: &Cert,
    (pair, certificate): (Pair, Certificate),
) -> Result<Fetched, Failure> {
    let mut fetched = Fetched::new(&pair, &certificate);
    match &asked.out {
        Some(dir) => {
            make(dir)?;
            fetched.files = Some(write(dir, &pair, usable.held.connecting_key(), &certificate)?);
        }
        None => drop(fetch::load(app, joined, usable, (pair.host, certificate)).await?),
    }
    Ok(fetched)
}

fn make(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|cause| Failure::Write { what: dir.display().to_string(), cause })
}

fn write(dir: &Path, pair: &Pair, key: &PublicKey, certificate: &Certificate) -> Result<Written, Failure> {
    let files = Files::of(dir, &pair.login, &pair.host);
    files.write(key, certificate)?;
    Ok(Written { certificate: files.certificate.display().to_string(), key: files.key.display().to_string() })
}

/// One login on one host.
#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    main: Fetched,
    /// What leads there.
    jumps: Vec<Fetched>,
}

impl Report for One {
    fn text(&self, look: &Look<'_>) -> String {
        self.jumps.iter().chain([&self.main]).map(|fetched| fetched.text(look)).collect()
    }
}

#[derive(Serialize)]
struct Fetched {
    pair: String,
    serial: u64,
    valid_before: String,
    files: Option<Written>,
    #[serde(skip)]
    until: domain::UnixTime,
}

#[derive(Serialize)]
struct Written {
    certificate: String,
    key: String,
}

impl Fetched {
    fn new(pair: &Pair, certificate: &Certificate) -> Self {
        Self {
            pair: pair.to_string(),
            serial: certificate.serial().get(),
            valid_before: certificate.valid_before().to_string(),
            files: None,
            until: certificate.valid_before(),
        }
    }
}

impl Fetched {
    fn text(&self, look: &Look<'_>) -> String {
        let until = when::exact(self.until, look.zone);
        let place = match &self.files {
            Some(files) => format!("is in {} and its key in {}", files.certificate, files.key),
            None => "is in the ssh-agent".to_owned(),
        };
        format!(
            "The certificate for {} (serial {}) {place}; it opens connections until {until}.\n",
            self.pair, self.serial
        )
    }
}
