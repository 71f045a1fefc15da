//! `hallpass admin host`: hosts.

use directory::Host;
use directory::edit::{self, NewHost};
use domain::Networks;
use policy::Files;
use serde::Serialize;

use super::in_place;
use crate::app::{App, Look, Report};
use crate::arguments::edits::{HostAdd, HostEdit, HostList};
use crate::command::edit::EditFailure;
use crate::command::policy::load;
use crate::failure::{Exit, Failure};
use crate::table::Table;

pub(crate) fn run(app: &App<'_>, command: &HostEdit) -> Result<Exit, Failure> {
    match command {
        HostEdit::Add(asked) => add(app, asked)?,
        HostEdit::List(asked) => list(app, asked)?,
    }
    Ok(Exit::Done)
}

fn add(app: &App<'_>, asked: &HostAdd) -> Result<(), Failure> {
    let HostAdd { name, address, port, label, alias, via, realm, jump_login, egress, at } = asked;
    let host = NewHost {
        name: name.clone(),
        aliases: alias.clone(),
        address: address.clone(),
        port: *port,
        labels: label.iter().cloned().collect(),
        via: via.clone(),
        realm: realm.clone(),
        jump_login: jump_login.clone(),
        egress: Networks::listed(egress.clone()).map_err(EditFailure::Networks)?,
    };
    in_place(app, &at.dir, |files| Ok(Files { hosts: edit::add_host(&files.hosts, &host)?, ..files.clone() }))
}

fn list(app: &App<'_>, asked: &HostList) -> Result<(), Failure> {
    let loaded = load(&asked.at.dir)?;
    let meant = |host: &&Host| asked.labels.as_ref().is_none_or(|labels| labels.matches(&host.labels));
    app.report(&Hosts { hosts: loaded.directory.hosts().filter(meant).map(Listed::from).collect() })
}

#[derive(Serialize)]
struct Hosts {
    hosts: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    aliases: Vec<String>,
    address: String,
    port: u16,
    labels: Vec<String>,
    via: Option<String>,
    realm: Option<String>,
    jump_login: Option<String>,
    egress: Option<String>,
}

impl From<&Host> for Listed {
    fn from(host: &Host) -> Self {
        let Host { name, aliases, address, port, labels, via, realm, jump_login, egress } = host;
        Self {
            name: name.to_string(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            address: address.to_string(),
            port: port.get(),
            labels: labels.iter().map(ToString::to_string).collect(),
            via: via.as_ref().map(ToString::to_string),
            realm: realm.as_ref().map(ToString::to_string),
            jump_login: jump_login.as_ref().map(ToString::to_string),
            egress: egress.as_ref().map(ToString::to_string),
        }
    }
}

impl Report for Hosts {
    fn text(&self, look: &Look<'_>) -> String {
        if self.hosts.is_empty() {
            return "No such host.\n".to_owned();
        }
        let mut table = Table::new(["HOST", "ALIASES", "ADDRESS", "PORT", "LABELS", "VIA", "REALM"]);
        for host in &self.hosts {
            let (aliases, labels) = (host.aliases.join(","), host.labels.join(","));
            let [via, realm] = [&host.via, &host.realm].map(|name| name.as_deref().unwrap_or_default());
            let (name, address) = (&host.name, &host.address);
            table.row([
                name.into(),
                aliases.into(),
                address.into(),
                host.port.into(),
                labels.into(),
                via.into(),
                realm.into(),
            ]);
        }
        table.render(look.colours)
    }
}
