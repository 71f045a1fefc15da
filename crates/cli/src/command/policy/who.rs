//! `hallpass admin policy who-can` and `can`: who may ask for what, and whose approval it takes.

use std::collections::BTreeSet;

use domain::{Networks, UnixTime};
use policy::Way;
use serde::Serialize;

use super::files;
use crate::app::{App, Look, Report};
use crate::arguments::{PolicyAsked, PolicyCan, PolicyWhoCan};
use crate::failure::{Exit, Failure};
use crate::table::{Cell, Table, Tone};

/// The most approvers that a line names; JSON has them all.
const NAMED: usize = 6;

pub(crate) fn who_can(app: &App<'_>, asked: &PolicyWhoCan) -> Result<Exit, Failure> {
    let (loaded, at) = (files::load(&asked.asked.dir)?, at(app, &asked.asked)?);
    let (policy, directory) = (&loaded.policy, &loaded.directory);
    let ways = policy::who_can(policy, directory, &asked.access, asked.asked.window, at)?;
    let approvers: BTreeSet<String> = ways.iter().flat_map(|way| &way.approvers).map(ToString::to_string).collect();
    let ways = ways.iter().map(Open::from).collect();
    app.report(&WhoCan { access: asked.access.to_string(), at: at.to_string(), ways, approvers })?;
    Ok(Exit::Done)
}

pub(crate) fn can(app: &App<'_>, asked: &PolicyCan) -> Result<Exit, Failure> {
    let (loaded, at) = (files::load(&asked.asked.dir)?, at(app, &asked.asked)?);
    let ways = policy::can(&loaded.policy, &loaded.directory, &asked.user, asked.asked.window, at)?;
    let ways = ways.iter().map(Open::from).collect();
    app.report(&Can { user: asked.user.to_string(), at: at.to_string(), ways })?;
    Ok(Exit::Done)
}

fn at(app: &App<'_>, asked: &PolicyAsked) -> Result<UnixTime, Failure> {
    Ok(asked.as_of.map_or_else(|| app.context.now(), Ok)?)
}

/// A way as programs read it.
#[derive(Serialize)]
struct Open {
    user: String,
    login: String,
    hosts: Vec<String>,
    realm: Option<String>,
    rule: String,
    quorum: String,
    approvers: Vec<String>,
    max: String,
    ttl: String,
    extensions: Vec<&'static str>,
    source: Vec<String>,
    verify_required: bool,
    live_hosts: bool,
    requester_key: Option<String>,
    approver_key: Option<String>,
    tickets: Vec<String>,
    hopeless: Option<String>,
    commands: Vec<String>,
}

impl From<&Way> for Open {
    fn from(way: &Way) -> Self {
        let given = &way.given;
        Self {
            user: way.requester.to_string(),
            login: given.login.to_string(),
            hosts: given.hosts.iter().map(ToString::to_string).collect(),
            realm: given.realm.as_ref().map(ToString::to_string),
            rule: given.rule.to_string(),
            quorum: given.quorum.to_string(),
            approvers: way.approvers.iter().map(ToString::to_string).collect(),
            max: given.max.to_string(),
            ttl: given.ttl.to_string(),
            extensions: given.allow.iter().map(|extension| extension.as_str()).collect(),
            source: given.source.iter().flat_map(Networks::iter).map(ToString::to_string).collect(),
            verify_required: given.verify_required,
            live_hosts: given.live.is_some(),
            requester_key: given.requester_key.map(|key| key.to_string()),
            approver_key: given.approver_key.map(|key| key.to_string()),
            tickets: way.tickets.clone(),
            hopeless: way.hopeless.as_ref().map(ToString::to_string),
            commands: way.commands.iter().cloned().collect(),
        }
    }
}

impl Open {
    /// Rule, approval, longest window, ticket and approvers.
    fn cells(&self) -> [Cell; 5] {
        let approvers = match (&self.hopeless, self.quorum.as_str()) {
            (Some(why), _) => Cell::new(format!("cannot be approved: {why}"), Tone::Bad),
            (None, "auto") => Cell::new("nobody is asked", Tone::Dim),
            (None, _) => names(&self.approvers).into(),
        };
        [self.by().into(), (&self.quorum).into(), (&self.max).into(), self.tickets.join(" and ").into(), approvers]
    }

    /// The rule, and what for where that is commands alone.
    fn by(&self) -> String {
        let patterns: Vec<String> = self.commands.iter().map(|pattern| format!("`{pattern}`")).collect();
        let only = if patterns.is_empty() { String::new() } else { format!(", only to run {}", patterns.join(" or ")) };
        format!("{}{only}", self.rule)
    }

    /// What a certificate opens: a host, or as many as there are.
    fn place(&self) -> String {
        match (&self.realm, self.hosts.as_slice()) {
            (Some(realm), hosts) => format!("ALL {} hosts of realm {realm}", hosts.len()),
            (None, [host]) => host.clone(),
            (None, hosts) => format!("{} hosts", hosts.len()),
        }
    }
}

fn names(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[derive(Serialize)]
struct WhoCan {
    access: String,
    at: String,
    ways: Vec<Open>,
    approvers: BTreeSet<String>,
}

impl Report for WhoCan {
    fn text(&self, look: &Look<'_>) -> String {
        let Some(first) = self.ways.first() else { return format!("Nobody may ask for {}.\n", self.access) };
        let mut table = Table::new(["USER", "LOGIN", "RULE", "APPROVAL", "AT MOST", "TICKET", "WHO MAY APPROVE"]);
        for way in &self.ways {
            let [rule, quorum, max, ticket, approvers] = way.cells();
            table.row([(&way.user).into(), (&way.login).into(), rule, quorum, max, ticket, approvers]);
        }
        let several = if first.realm.is_some() || first.hosts.len() > 1 {
            format!("\nOne certificate opens {}.\n", first.place())
        } else {
            String::new()
        };
        format!("{}{several}", table.render(look.colours))
    }
}

#[derive(Serialize)]
struct Can {
    user: String,
    at: String,
    ways: Vec<Open>,
}

impl Report for Can {
    fn text(&self, look: &Look<'_>) -> String {
        if self.ways.is_empty() {
            return format!("{} may ask for nothing.\n", self.user);
        }
        let mut table = Table::new(["HOST", "LOGIN", "RULE", "APPROVAL", "AT MOST", "TICKET", "WHO MAY APPROVE"]);
        for way in &self.ways {
            let [rule, quorum, max, ticket, approvers] = way.cells();
            table.row([way.place().into(), (&way.login).into(), rule, quorum, max, ticket, approvers]);
        }
        table.render(look.colours)
    }
}
