//! `hallpass ls`: hosts, logins and who approves.

use serde::Serialize;

use crate::app::{App, Look, Report};
use crate::arguments::Ls;
use crate::failure::{Exit, Failure};
use crate::table::Table;

pub(crate) async fn run(app: &App<'_>, asked: &Ls) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    let hosts = joined.link.hosts(asked.labels.as_ref()).await?;
    if asked.labels.is_none() {
        app.keep_hosts(&joined.server.name, &hosts)?;
    }
    // Jump hosts that I may only forward through are none to ask for.
    let asked_for = hosts.iter().filter(|host| !host.logins.is_empty());
    app.report(&Hosts { hosts: asked_for.map(Host::from).collect() })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Hosts {
    hosts: Vec<Host>,
}

#[derive(Serialize)]
struct Host {
    name: String,
    aliases: Vec<String>,
    address: String,
    port: u16,
    labels: Vec<String>,
    via: Option<String>,
    realm: Option<String>,
    logins: Vec<Login>,
    jump_login: Option<String>,
}

#[derive(Serialize)]
struct Login {
    login: String,
    quorum: String,
    rule: String,
    max: String,
    break_glass: Option<BreakGlass>,
}

#[derive(Serialize)]
struct BreakGlass {
    rule: String,
    max: String,
    reviewed_by: String,
}

impl From<&wire::Host> for Host {
    fn from(host: &wire::Host) -> Self {
        let login = |login: &wire::HostLogin| Login {
            login: login.login.to_string(),
            quorum: login.quorum.to_string(),
            rule: login.rule.to_string(),
            max: login.max.to_string(),
            break_glass: login.break_glass.as_ref().map(|(rule, terms)| BreakGlass {
                rule: rule.to_string(),
                max: terms.max.to_string(),
                reviewed_by: terms.review.to_string(),
            }),
        };
        Self {
            name: host.name.to_string(),
            aliases: host.aliases.iter().map(ToString::to_string).collect(),
            address: host.address.clone(),
            port: host.port,
            labels: host.labels.iter().map(ToString::to_string).collect(),
            via: host.via.as_ref().map(ToString::to_string),
            realm: host.realm.as_ref().map(ToString::to_string),
            logins: host.logins.iter().map(login).collect(),
            jump_login: host.jump_login.as_ref().map(ToString::to_string),
        }
    }
}

impl Report for Hosts {
    fn text(&self, look: &Look<'_>) -> String {
        if self.hosts.is_empty() {
            return "No host that I may ask for.\n".to_owned();
        }
        let mut table = Table::new(["HOST", "LOGIN", "APPROVAL", "AT MOST", "RULE", "LABELS"]);
        for host in &self.hosts {
            let labels = host.labels.join(",");
            for (place, login) in host.logins.iter().enumerate() {
                let (name, labels) = if place == 0 { (host.name.as_str(), labels.as_str()) } else { ("", "") };
                let (who, quorum, max, rule) = (&login.login, &login.quorum, &login.max, &login.rule);
                table.row([name.into(), who.into(), quorum.into(), max.into(), rule.into(), labels.into()]);
                if let Some(BreakGlass { rule, max, reviewed_by }) = &login.break_glass {
                    let broken = format!("break-glass, reviewed by {reviewed_by}");
                    table.row(["".into(), "".into(), broken.into(), max.into(), rule.into(), "".into()]);
                }
            }
        }
        table.render(look.colours)
    }
}
