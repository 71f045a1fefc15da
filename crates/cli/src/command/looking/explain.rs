//! `hallpass explain ID`: why a request needed what it needed, rule by rule.

use std::fmt::Write as _;

use domain::Target;
use serde::Serialize;
use wire::{Considered, Explanation, Near, OnHosts, Terms};

use crate::app::{App, Look, Report};
use crate::arguments::Explain;
use crate::checked::{CheckError, Checked};
use crate::failure::{Exit, Failure};
use crate::json;
use crate::link::LinkError;
use crate::table::{Cell, Table, Tone};
use crate::when;

pub(crate) async fn run(app: &App<'_>, asked: &Explain) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    let request = joined.link.request(asked.id).await?;
    let explanation = joined.link.explain(asked.id).await?;
    fits(&request, &explanation).map_err(LinkError::from)?;
    app.report(&Explained::new(&request, explanation))?;
    Ok(Exit::Done)
}

/// Whether what is explained is the ruling that approvers sign.
fn fits(request: &Checked, told: &Explanation) -> Result<(), CheckError> {
    let allowed = request.ruling.obligations();
    let by_labels = matches!(request.request.statement().access.target, Target::Labels(_));
    let could_be_live = by_labels && allowed.realm.is_none();
    let is_it = |rule: &Considered| {
        // What a ticket must match is in no ruling: the ticket did. Nor is what a rule would permit as break-glass.
        let review = rule.whole.break_glass.as_ref().map(|terms| &terms.review);
        let reviewed = allowed.break_glass.as_ref().is_none_or(|group| review == Some(group));
        let tickets = Vec::new();
        let (break_glass, break_glass_key, no_break_glass) = (None, None, false);
        let whole = Terms { tickets, break_glass, break_glass_key, no_break_glass, ..rule.whole.clone() };
        let as_ruled = Terms {
            quorum: Some(allowed.quorum.clone()),
            max: Some(allowed.max),
            ttl: Some(allowed.ttl),
            allow: Some(allowed.allow.clone()),
            tickets: Vec::new(),
            source: allowed.source.clone(),
            verify_required: allowed.verify_required,
            requester_key: allowed.requester_key,
            approver_key: allowed.approver_key,
            // For one host, or for plain ones, it makes no difference what the rule says of later hosts.
            live_hosts: if could_be_live { allowed.live.is_some() } else { rule.whole.live_hosts },
            // What an extension takes is told as what the request takes.
            extend: rule.whole.extend.clone(),
            ..Terms::default()
        };
        rule.rule == allowed.rule && whole == as_ruled && reviewed
    };
    let mut taken = told.rules.iter().filter(|rule| rule.taken);
    let same_rule = taken.next().is_some_and(is_it) && taken.next().is_none();
    if same_rule && told.bundle == *request.ruling.bundle() {
        return Ok(());
    }
    Err(CheckError::Mismatch { id: request.told.id, what: "what it explains is not the ruling" })
}

#[derive(Serialize)]
struct Explained {
    id: String,
    requester: String,
    access: String,
    window: String,
    break_glass: bool,
    bundle: String,
    time: String,
    hosts: Vec<Hosts>,
    jumps: Vec<json::Behind>,
    rules: Vec<Rule>,
    refusal: Option<String>,
    #[serde(skip)]
    at: domain::UnixTime,
}

#[derive(Serialize)]
struct Hosts {
    hosts: Vec<String>,
    rules: Vec<String>,
    requirements: Vec<Requirement>,
    forbidden_by: Option<String>,
    near: Vec<NearBy>,
    rules_for_others: u32,
}

#[derive(Serialize)]
struct Requirement {
    by: String,
    asks: Asks,
}

#[derive(Serialize)]
struct NearBy {
    kind: String,
    by: String,
    why: String,
}

#[derive(Serialize)]
struct Rule {
    rule: String,
    own: Asks,
    whole: Asks,
    taken: bool,
    why: String,
}

#[derive(Serialize)]
struct Asks {
    quorum: Option<String>,
    max: Option<String>,
    ttl: Option<String>,
    extensions: Option<Vec<String>>,
    tickets: Vec<String>,
    source: Option<String>,
    verify_required: bool,
    requester_key: Option<String>,
    approver_key: Option<String>,
    live_hosts: bool,
    extend: Option<String>,
    break_glass: Option<String>,
    break_glass_key: Option<String>,
    no_break_glass: bool,
}

impl Explained {
    fn new(request: &Checked, told: Explanation) -> Self {
        let asked = request.request.statement();
        Self {
            id: request.told.id.to_string(),
            requester: asked.requester.to_string(),
            access: asked.access.to_string(),
            window: asked.window.to_string(),
            break_glass: asked.break_glass.is_some(),
            bundle: told.bundle.to_string(),
            time: told.time.to_string(),
            hosts: told.hosts.into_iter().map(Hosts::from).collect(),
            jumps: request.ruling.obligations().jumps.iter().map(json::Behind::from).collect(),
            rules: told.rules.into_iter().map(Rule::from).collect(),
            refusal: told.refusal,
            at: told.time,
        }
    }
}

impl From<OnHosts> for Hosts {
    fn from(told: OnHosts) -> Self {
        let requirement = |(by, terms)| Requirement { by, asks: Asks::from(terms) };
        Self {
            hosts: told.hosts.iter().map(ToString::to_string).collect(),
            rules: told.rules.iter().map(ToString::to_string).collect(),
            requirements: told.requirements.into_iter().map(requirement).collect(),
            forbidden_by: told.forbidden_by,
            near: told.near.into_iter().map(|Near { kind, by, why }| NearBy { kind, by, why }).collect(),
            rules_for_others: told.rules_for_others,
        }
    }
}

impl From<Considered> for Rule {
    fn from(told: Considered) -> Self {
        let Considered { rule, own, whole, taken, why } = told;
        Self { rule: rule.to_string(), own: own.into(), whole: whole.into(), taken, why }
    }
}

impl From<Terms> for Asks {
    fn from(terms: Terms) -> Self {
        let Terms {
            quorum,
            max,
            ttl,
            allow,
            tickets,
            source,
            verify_required,
            requester_key,
            approver_key,
            live_hosts,
            extend,
            break_glass,
            break_glass_key,
            no_break_glass,
        } = terms;
        Self {
            quorum: quorum.map(|quorum| quorum.to_string()),
            max: max.map(|max| max.to_string()),
            ttl: ttl.map(|ttl| ttl.to_string()),
            extensions: allow.map(|allow| allow.iter().map(ToString::to_string).collect()),
            tickets,
            source: source.map(|source| source.to_string()),
            verify_required,
            requester_key: requester_key.map(|key| key.to_string()),
            approver_key: approver_key.map(|key| key.to_string()),
            live_hosts,
            extend: extend.map(|quorum| quorum.to_string()),
            break_glass: break_glass.map(|terms| terms.to_string()),
            break_glass_key: break_glass_key.map(|key| key.to_string()),
            no_break_glass,
        }
    }
}

impl Asks {
    /// `1 of sre; at most 1h; certificates of 5m; with pty; a ticket INC-[0-9]+`
    fn in_words(&self) -> String {
        let quorum = self.quorum.iter().cloned();
        let max = self.max.iter().map(|max| format!("at most {max}"));
        let ttl = self.ttl.iter().map(|ttl| format!("certificates of {ttl}"));
        let allow = self.extensions.iter().map(|allow| match allow.as_slice() {
            [] => "without extensions".to_owned(),
            allow => format!("with {}", allow.join(", ")),
        });
        let tickets = self.tickets.iter().map(|ticket| format!("a ticket {ticket}"));
        let source = self.source.iter().map(|source| format!("only from {source}"));
        let verify = self.verify_required.then(|| "a PIN or finger at the key".to_owned());
        let asked = self.requester_key.iter().map(|key| format!("asked with {key}"));
        let approved = self.approver_key.iter().map(|key| format!("approved with {key}"));
        let live = self.live_hosts.then(|| "including future hosts".to_owned());
        let extend = self.extend.iter().map(|quorum| format!("extended with {quorum}"));
        let broken = self.break_glass.iter().map(|terms| format!("break-glass for {terms}"));
        let broken_with = self.break_glass_key.iter().map(|key| format!("break-glass asked with {key}"));
        let unbroken = self.no_break_glass.then(|| "no break-glass".to_owned());
        let gives = quorum.chain(extend).chain(max).chain(ttl).chain(allow);
        let takes = gives.chain(tickets).chain(source).chain(verify).chain(asked).chain(approved).chain(live);
        takes.chain(broken).chain(broken_with).chain(unbroken).collect::<Vec<_>>().join("; ")
    }
}

impl Hosts {
    fn lines(&self) -> String {
        let mut lines = format!("On {}:\n", named(&self.hosts));
        let mut line = |name: &str, value: &str| {
            let _never_fails = writeln!(lines, "  {name:<9}  {value}");
        };
        if !self.rules.is_empty() {
            line("matching", &self.rules.join(", "));
        }
        for Requirement { by, asks } in &self.requirements {
            line("required", &format!("{by}: {}", asks.in_words()));
        }
        if let Some(by) = &self.forbidden_by {
            line("forbidden", by);
        }
        for NearBy { kind, by, why } in &self.near {
            line("not", &format!("{kind} {by}: {why}"));
        }
        match self.rules_for_others {
            0 => {}
            1 => line("not", "1 rule for other groups"),
            more => line("not", &format!("{more} rules for other groups")),
        }
        lines
    }
}

/// Hosts as a list; of many, the first.
fn named(hosts: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = hosts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match hosts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Report for Explained {
    fn text(&self, look: &Look<'_>) -> String {
        let at = when::full(self.at, look.zone);
        let broken = if self.break_glass { ", as break-glass" } else { "" };
        let Self { id, requester, access, window, .. } = self;
        let mut text = format!("Request {id} by {requester}: {access} for {window}{broken}\n");
        text.push_str(&format!("Ruled on at {at} by bundle {}\n\n", self.bundle));
        self.hosts.iter().for_each(|hosts| text.push_str(&(hosts.lines() + "\n")));
        for json::Behind { host, through, .. } in &self.jumps {
            text.push_str(&format!("{host} is reached through {through}, where what is required counts, too.\n"));
        }
        if !self.jumps.is_empty() {
            text.push('\n');
        }
        let mut table = Table::new(["", "RULE", "BY ITSELF", "WITH WHAT IS REQUIRED", "WHY"]);
        for rule in &self.rules {
            let mark = if rule.taken { Cell::new("taken", Tone::Good) } else { Cell::new("not", Tone::Dim) };
            let (own, whole) = (rule.own.in_words(), rule.whole.in_words());
            let whole = if whole == own { "the same".to_owned() } else { whole };
            table.row([mark, (&rule.rule).into(), own.into(), whole.into(), (&rule.why).into()]);
        }
        text.push_str(&table.render(look.colours));
        if let Some(refusal) = &self.refusal {
            text.push_str(&format!("\nRefused: {refusal}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests;
