//! `hallpass admin policy who-can` and `can`: who may ask for what, and whose approval it takes.

use std::collections::BTreeSet;

use directory::Directory;
use domain::{Networks, UnixTime, UserName};
use policy::{Asked, Policy, Stage, Way, stages};
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
    let ways = ways.iter().map(|way| Open::new((policy, directory), way, at)).collect();
    app.report(&WhoCan { access: asked.access.to_string(), at: at.to_string(), ways, approvers })?;
    Ok(Exit::Done)
}

pub(crate) fn can(app: &App<'_>, asked: &PolicyCan) -> Result<Exit, Failure> {
    let (loaded, at) = (files::load(&asked.asked.dir)?, at(app, &asked.asked)?);
    let ways = policy::can(&loaded.policy, &loaded.directory, &asked.user, asked.asked.window, at)?;
    let read = (&loaded.policy, &loaded.directory);
    let ways = ways.iter().map(|way| Open::new(read, way, at)).collect();
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
    stages: Vec<InTurn>,
    max: String,
    ttl: String,
    extensions: Vec<&'static str>,
    source: Vec<String>,
    verify_required: bool,
    live_hosts: bool,
    requester_key: Option<String>,
    approver_key: Option<String>,
    break_glass: Option<String>,
    tickets: Vec<String>,
    hopeless: Option<String>,
    commands: Vec<String>,
}

/// Whom a stage of the approvals asks.
#[derive(Serialize)]
struct InTurn {
    quorum: String,
    approvers: Vec<String>,
    later: Vec<Later>,
}

/// Who stands in after a while.
#[derive(Serialize)]
struct Later {
    after: String,
    approvers: Vec<String>,
}

impl From<&Stage> for InTurn {
    fn from(stage: &Stage) -> Self {
        let strings = |names: &BTreeSet<UserName>| names.iter().map(ToString::to_string).collect();
        let later = stage.later.iter();
        Self {
            quorum: stage.quorum.to_string(),
            approvers: strings(&stage.approvers),
            later: later.map(|(after, who)| Later { after: after.to_string(), approvers: strings(who) }).collect(),
        }
    }
}

impl InTurn {
    /// `ann, bob (after 15m also dan)`
    fn in_words(&self) -> String {
        let later = self.later.iter().map(|later| format!(" (after {} also {})", later.after, names(&later.approvers)));
        names(&self.approvers) + &later.collect::<String>()
    }
}

impl Open {
    fn new((policy, directory): (&Policy, &Directory), way: &Way, at: UnixTime) -> Self {
        let given = &way.given;
        let stages = stages(policy, directory, Asked::new(&way.requester, given), at);
        Self {
            stages: stages.iter().map(InTurn::from).collect(),
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
            break_glass: given.break_glass.as_ref().map(ToString::to_string),
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
            (None, _) if self.break_glass.is_some() => {
                let group = self.break_glass.as_deref().unwrap_or_default();
                Cell::new(format!("nobody is asked; {group} reviews it"), Tone::Waiting)
            }
            (None, "auto") => Cell::new("nobody is asked", Tone::Dim),
            (None, _) => self.stages.iter().map(InTurn::in_words).collect::<Vec<_>>().join(" then ").into(),
        };
        let quorum = if self.break_glass.is_some() { "break-glass" } else { &self.quorum };
        [self.by().into(), quorum.into(), (&self.max).into(), self.tickets.join(" and ").into(), approvers]
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
    if names.is_empty() {
        return "nobody".to_owned();
    }
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
