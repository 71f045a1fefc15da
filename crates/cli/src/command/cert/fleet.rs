//! Certificates for all hosts with some labels, into a directory.

use domain::{HostName, Pair, UnixTime};
use serde::Serialize;

use super::{Fetched, make, write};
use crate::app::{App, Look, Report};
use crate::arguments::Cert;
use crate::failure::{Exit, Failure};
use crate::fetch::{FetchError, Fetching, Refused};
use crate::grants;
use crate::progress::grouped;
use crate::when;

pub(super) async fn run(app: &App<'_>, asked: &Cert) -> Result<Exit, Failure> {
    let dir = asked.out.as_ref().ok_or(FetchError::ManyInAgent)?;
    let mut joined = app.joined().await?;
    let live = grants::live(app, &joined).await?;
    let fleet = grants::find_all(app, &joined, &live, &asked.access).await?;
    make(dir)?;
    let pairs: Vec<Pair> = fleet.reached.iter().map(|reached| reached.pair.clone()).collect();
    let fetching = Fetching::new(app, fleet.held.clone()).await?;
    let fetched = fetching.certificates(app, &mut joined, &pairs).await?;
    let mut all = All {
        access: asked.access.to_string(),
        dir: dir.display().to_string(),
        until: fetched.certificates.iter().map(|(_, certificate)| certificate.valid_before()).min(),
        certificates: Vec::with_capacity(fetched.certificates.len()),
        jumps: Vec::with_capacity(fetched.jumps.len()),
        refused: fetched.refused.iter().map(Without::from).collect(),
    };
    for (pair, certificate) in &fetched.certificates {
        let files = write(dir, pair, fleet.held.connecting_key(), certificate)?;
        all.certificates.push(Fetched { files: Some(files), ..Fetched::new(pair, certificate) });
    }
    for (pair, certificate) in &fetched.jumps {
        let files = write(dir, pair, fleet.held.connecting_key(), certificate)?;
        all.jumps.push(Fetched { files: Some(files), ..Fetched::new(pair, certificate) });
    }
    app.report(&all)?;
    Ok(if all.refused.is_empty() { Exit::Done } else { Exit::Failed })
}

#[derive(Serialize)]
struct All {
    certificates: Vec<Fetched>,
    /// What leads there.
    jumps: Vec<Fetched>,
    refused: Vec<Without>,
    #[serde(skip)]
    access: String,
    #[serde(skip)]
    dir: String,
    #[serde(skip)]
    until: Option<UnixTime>,
}

/// Hosts for which there is no certificate.
#[derive(Serialize)]
struct Without {
    hosts: Vec<String>,
    message: String,
}

impl From<&Refused> for Without {
    fn from(refused: &Refused) -> Self {
        let hosts = refused.hosts.iter().map(HostName::to_string).collect();
        Self { hosts, message: refused.why.to_string() }
    }
}

impl Report for All {
    fn text(&self, look: &Look<'_>) -> String {
        let count = u64::try_from(self.certificates.len()).map_or_else(|_| String::new(), grouped);
        let until = self.until.map_or_else(String::new, |until| when::exact(until, look.zone));
        let Self { access, dir, refused, .. } = self;
        let written =
            format!("{count} certificates for {access} and their keys are in {dir}; the first ends {until}.\n");
        let without = refused.iter().map(|without| format!("Without a certificate: {}\n", without.message));
        [written].into_iter().chain(without).collect()
    }
}
