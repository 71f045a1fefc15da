//! `hallpass cert`: a certificate for everything that knows only agents or files.

use std::path::Path;

use cert::Certificate;
use domain::Target;
use serde::Serialize;

use crate::app::{App, Look, Report};
use crate::arguments::Cert;
use crate::failure::{Exit, Failure};
use crate::fetch;
use crate::grants::{self, GrantError, Usable};
use crate::ssh_files::Files;
use crate::when;

pub(crate) async fn run(app: &App<'_>, asked: &Cert) -> Result<Exit, Failure> {
    let Target::Host(host) = &asked.access.target else {
        return Err(GrantError::NotOneHost(asked.access.to_string()).into());
    };
    let mut joined = app.joined().await?;
    let live = grants::live(app, &joined).await?;
    let usable = grants::find(app, &joined, &live, Some(&asked.access.login), host).await?;
    if asked.out.is_none() {
        // Before a use is spent.
        fetch::place_to_load(app, &usable)?;
    }
    let certificate = fetch::certificate(app, &mut joined, &usable).await?;
    let mut report = Fetched::new(&usable, &certificate);
    match &asked.out {
        Some(dir) => report.files = Some(write(dir, &usable, &certificate)?),
        None => drop(fetch::load(app, &joined, &usable, certificate).await?),
    }
    app.report(&report)?;
    Ok(Exit::Done)
}

fn write(dir: &Path, usable: &Usable<'_>, certificate: &Certificate) -> Result<Written, Failure> {
    let failed = |cause| Failure::Write { what: dir.display().to_string(), cause };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let files = Files::of(dir, &usable.pair.login, &usable.pair.host);
    files.write(usable.connecting_key(), certificate)?;
    Ok(Written { certificate: files.certificate.display().to_string(), key: files.key.display().to_string() })
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
    fn new(usable: &Usable<'_>, certificate: &Certificate) -> Self {
        Self {
            pair: usable.pair.to_string(),
            serial: certificate.serial().get(),
            valid_before: certificate.valid_before().to_string(),
            files: None,
            until: certificate.valid_before(),
        }
    }
}

impl Report for Fetched {
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
