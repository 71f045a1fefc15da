//! `access.toml` as read: every entry parsed, groups and hosts known.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::ops::Range;
use std::str::FromStr;

use directory::{Directory, Fields, Notes};
use domain::{
    AskedLogin, BreakGlassTerms, GroupName, HostName, KeyStrength, LabelError, NameError, Quorum, RuleName, Selector,
    Span, StandIn,
};
use toml::Spanned;

use crate::commands::Pattern;
use crate::instead;
use crate::schedule::Schedule;
use crate::signers::{self, Quorums};
use crate::terms::{Terms, Ticket};

/// The hosts that an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// `*`
    All,
    /// One host.
    Host(HostName),
    /// Those with these labels.
    Labels(Selector),
}

/// Why `hosts` was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostsError {
    #[error(transparent)]
    Labels(#[from] LabelError),
    #[error("{0}; or labels such as env=prod, or *")]
    Name(#[from] NameError),
}

impl FromStr for Hosts {
    type Err = HostsError;

    fn from_str(given: &str) -> Result<Self, HostsError> {
        match given {
            "*" => Ok(Self::All),
            labels if labels.contains('=') => Ok(Self::Labels(labels.parse()?)),
            name => Ok(Self::Host(name.parse()?)),
        }
    }
}

impl Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Host(name) => name.fmt(f),
            Self::Labels(selector) => selector.fmt(f),
        }
    }
}

/// Whom, where, as what and when an entry is about; an empty list is anybody, any host, any login.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) who: Vec<GroupName>,
    pub(crate) hosts: Vec<Hosts>,
    pub(crate) logins: Vec<AskedLogin>,
    /// When; at any time if empty.
    pub(crate) when: Vec<Schedule>,
    /// For which commands; if empty, for any and for a shell.
    pub(crate) commands: Vec<Pattern>,
}

/// What an entry says.
#[derive(Debug)]
pub(crate) enum Says {
    /// `[[rule]]`: a complete path to access.
    Rule(Spanned<RuleName>, Terms),
    /// `[[require]]`: adds to every path.
    Require(Terms),
    /// `[[forbid]]`: wins over all.
    Forbid,
}

/// One entry of the file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) span: Range<usize>,
    pub(crate) scope: Scope,
    pub(crate) says: Says,
}

/// `[[approver]]`: where members of a group may approve. Empty lists are anybody, any host, any time.
#[derive(Debug)]
pub(crate) struct Approver {
    pub(crate) span: Range<usize>,
    pub(crate) group: GroupName,
    /// The groups that the requester is in one of.
    pub(crate) requesters: Vec<GroupName>,
    pub(crate) hosts: Vec<Hosts>,
    pub(crate) when: Vec<Schedule>,
}

/// Everything in the file.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) entries: Vec<Entry>,
    pub(crate) approvers: Vec<Approver>,
    /// `[policy]`
    pub(crate) quorums: Option<Quorums>,
}

/// Reads `access.toml`; entries with mistakes are left out.
pub(crate) fn read(notes: &Notes<'_>, directory: &Directory) -> Read {
    let reader = Reader { notes, directory };
    let read = notes.read(|top, Read { entries, approvers, quorums }: &mut Read| {
        entries.extend(top.tables("rule").into_iter().filter_map(|fields| reader.rule(fields)));
        entries.extend(top.tables("require").into_iter().map(|fields| reader.require(fields)));
        entries.extend(top.tables("forbid").into_iter().map(|fields| reader.forbid(fields)));
        approvers.extend(top.tables("approver").into_iter().filter_map(|fields| reader.approver(fields)));
        if let Some(again) = signers::read(notes, directory, &top) {
            quorums.get_or_insert_default().join(notes, again);
        }
        top.finish();
    });
    named_once(notes, &read.entries);
    read
}

fn named_once(notes: &Notes<'_>, entries: &[Entry]) {
    let mut first = HashMap::new();
    for entry in entries {
        let Says::Rule(name, _) = &entry.says else { continue };
        match first.get(name.get_ref()) {
            Some(at) => {
                let line = notes.line(*at);
                notes.note(name.span(), format!("the rule `{}` is already in line {line}", name.get_ref()));
            }
            None => drop(first.insert(name.get_ref(), name.span().start)),
        }
    }
}

struct Reader<'r> {
    notes: &'r Notes<'r>,
    directory: &'r Directory,
}

impl Reader<'_> {
    fn rule(&self, fields: Fields<'_>) -> Option<Entry> {
        let span = fields.span();
        let name = fields.required("name");
        let who = fields.required_list("who");
        let hosts = fields.required_list("hosts");
        let logins = fields.required_list("logins");
        let (when, commands) = (items(&fields, "when"), items(&fields, "commands"));
        let scope = Scope { when, commands, ..self.scope(who, hosts, logins) };
        let asks = Asks {
            quorum: fields.required("approve"),
            escalate: fields.optional("escalate"),
            max: fields.required("max"),
            ttl: fields.required("ttl"),
            ticket: fields.optional("ticket"),
            break_glass: fields.optional("break_glass"),
            break_glass_key: fields.optional("break_glass_key"),
            ..Asks::default()
        };
        let terms = Terms { live_hosts: fields.flag("live_hosts"), ..self.terms(&fields, asks) };
        if let Some((field, message)) = terms.not_of_a_rule() {
            self.notes.note(fields.place_of(field).unwrap_or_else(|| fields.span()), message);
        }
        fields.finish();
        Some(Entry { span, scope, says: Says::Rule(name?, terms) })
    }

    fn require(&self, fields: Fields<'_>) -> Entry {
        let span = fields.span();
        let who = fields.filled_list("who").unwrap_or_default();
        let hosts = fields.required_list("hosts");
        let scope = Scope { when: items(&fields, "when"), ..self.scope(who, hosts, Vec::new()) };
        let asks = Asks {
            quorum: fields.optional("approve"),
            escalate: fields.optional("escalate"),
            max: fields.optional("max"),
            ttl: fields.optional("ttl"),
            ticket: fields.optional("ticket"),
            no_break_glass: fields.flag("no_break_glass"),
            ..Asks::default()
        };
        let terms = self.terms(&fields, asks);
        fields.finish();
        if terms == Terms::default() {
            let help = "give it `approve`, `extend`, `ticket`, `max`, `ttl`, `allow`, `source`, `no_break_glass`, or what keys it \
                        takes";
            self.notes.note_with_help(span.clone(), "this requirement asks for nothing", help);
        }
        Entry { span, scope, says: Says::Require(terms) }
    }

    fn forbid(&self, fields: Fields<'_>) -> Entry {
        let span = fields.span();
        let who = fields.filled_list("who").unwrap_or_default();
        let hosts = fields.filled_list("hosts").unwrap_or_default();
        let logins = fields.filled_list("logins").unwrap_or_default();
        if who.is_empty() && hosts.is_empty() && logins.is_empty() {
            let help = "give it `who`, `hosts` or `logins`; to forbid everything: hosts = \"*\"";
            self.notes.note_with_help(span.clone(), "this would forbid everything to everybody", help);
        }
        let scope = Scope { when: items(&fields, "when"), ..self.scope(who, hosts, logins) };
        fields.finish();
        Entry { span, scope, says: Says::Forbid }
    }

    fn approver(&self, fields: Fields<'_>) -> Option<Approver> {
        let span = fields.span();
        let group = fields.required::<GroupName>("group");
        let requesters = fields.filled_list::<GroupName>("for").unwrap_or_default();
        let hosts = fields.filled_list("hosts").unwrap_or_default();
        let when = items(&fields, "when");
        fields.finish();
        group.iter().chain(&requesters).for_each(|group| self.known_group(group.get_ref(), group.span()));
        if requesters.is_empty() && hosts.is_empty() && when.is_empty() {
            let help =
                "give it `for`, `hosts` or `when`, or leave it out: a group without such an entry is not limited";
            self.notes.note_with_help(span.clone(), "this limits nothing", help);
        }
        let requesters = requesters.into_iter().map(Spanned::into_inner).collect();
        let hosts = hosts.into_iter().map(|hosts| self.canonical(hosts)).collect();
        Some(Approver { span, group: group?.into_inner(), requesters, hosts, when })
    }

    fn scope(
        &self,
        who: Vec<Spanned<GroupName>>,
        hosts: Vec<Spanned<Hosts>>,
        logins: Vec<Spanned<AskedLogin>>,
    ) -> Scope {
        who.iter().for_each(|group| self.known_group(group.get_ref(), group.span()));
        Scope {
            who: who.into_iter().map(Spanned::into_inner).collect(),
            hosts: hosts.into_iter().map(|hosts| self.canonical(hosts)).collect(),
            logins: logins.into_iter().map(Spanned::into_inner).collect(),
            ..Scope::default()
        }
    }

    fn canonical(&self, hosts: Spanned<Hosts>) -> Hosts {
        let span = hosts.span();
        match hosts.into_inner() {
            Hosts::Host(name) => match self.directory.host(name.as_str()) {
                Some(host) => Hosts::Host(host.name.clone()),
                None => {
                    let help = instead::host(self.directory, &name);
                    self.notes.note_with_help(span, format!("the host `{name}` is not in the hosts file"), help);
                    Hosts::Host(name)
                }
            },
            other => other,
        }
    }

    fn known_group(&self, group: &GroupName, span: Range<usize>) {
        if self.directory.group(group).is_none() {
            let help = instead::group(self.directory, group);
            self.notes.note_with_help(span, format!("the group `{group}` is not in the directory"), help);
        }
    }

    /// The quorum with those who stand in for its groups.
    fn escalated(
        &self,
        fields: &Fields<'_>,
        quorum: Option<Quorum>,
        escalate: Option<Spanned<Escalation>>,
    ) -> Option<Quorum> {
        let Some(escalate) = escalate else { return quorum };
        let (place, Escalation(stand_in)) = (escalate.span(), escalate.into_inner());
        self.known_group(stand_in.group(), place.clone());
        let Some(quorum) = quorum else {
            let help = "name the groups in `approve`, or leave `escalate` out";
            // An `approve` that does not read is noted already.
            if !fields.has("approve") {
                self.notes.note_with_help(place, "nobody is asked here whom others could stand in for", help);
            }
            return None;
        };
        let escalated = quorum.clone().escalating(&stand_in);
        if quorum.is_auto() {
            let help = "name groups in `approve`, or leave `escalate` out";
            self.notes.note_with_help(place, "`auto` asks nobody, so nobody stands in", help);
        } else if escalated == quorum {
            let message = format!("`{}` is asked here already, so this adds nobody", stand_in.group());
            self.notes.note_with_help(place, message, "name another group, or leave `escalate` out");
        }
        Some(escalated)
    }

    fn terms(&self, fields: &Fields<'_>, asks: Asks) -> Terms {
        let extend = fields.optional::<Quorum>("extend");
        for quorum in asks.quorum.iter().chain(&extend) {
            quorum.get_ref().groups().into_iter().for_each(|group| self.known_group(group, quorum.span()));
        }
        let quorum = self.escalated(fields, asks.quorum.map(Spanned::into_inner), asks.escalate);
        if let Some(terms) = &asks.break_glass {
            self.known_group(&terms.get_ref().review, terms.span());
        }
        let allow = fields.list("allow").map(|allow| allow.into_iter().map(Spanned::into_inner).collect());
        let places = [
            ("max", asks.max.as_ref().map(Spanned::span)),
            ("ttl", asks.ttl.as_ref().map(Spanned::span)),
            ("break_glass", asks.break_glass.as_ref().map(Spanned::span)),
        ];
        let terms = Terms {
            quorum,
            max: asks.max.map(Spanned::into_inner),
            ttl: asks.ttl.map(Spanned::into_inner),
            allow,
            ticket: asks.ticket.map(Spanned::into_inner),
            source: fields.networks("source"),
            verify_required: fields.flag("verify_required"),
            requester_key: fields.optional("requester_key").map(Spanned::into_inner),
            approver_key: fields.optional("approver_key").map(Spanned::into_inner),
            live_hosts: false,
            extend: extend.map(Spanned::into_inner),
            break_glass: asks.break_glass.map(Spanned::into_inner),
            break_glass_key: asks.break_glass_key.map(Spanned::into_inner),
            no_break_glass: asks.no_break_glass,
        };
        if let Some((field, message)) = terms.contradiction() {
            let place = places.into_iter().find(|(name, _)| *name == field).and_then(|(_, span)| span);
            self.notes.note(place.unwrap_or_else(|| fields.span()), message);
        }
        terms
    }
}

/// `15m to duty-managers`
struct Escalation(StandIn);

impl FromStr for Escalation {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let (after, group) =
            given.split_once(" to ").ok_or("expected how long to wait, and for whom: `15m to duty-managers`")?;
        let after = after.parse().map_err(|error: domain::SpanError| error.to_string())?;
        let group = group.parse().map_err(|error: NameError| error.to_string())?;
        StandIn::new(group, after).map(Self).map_err(|error| error.to_string())
    }
}

/// The items of a list that may be absent, and is not empty.
fn items<T: FromStr<Err: Display>>(fields: &Fields<'_>, key: &'static str) -> Vec<T> {
    fields.filled_list(key).unwrap_or_default().into_iter().map(Spanned::into_inner).collect()
}

/// What fields of an entry say that a rule must have, or that are of rules or of requirements alone.
#[derive(Default)]
struct Asks {
    quorum: Option<Spanned<Quorum>>,
    escalate: Option<Spanned<Escalation>>,
    max: Option<Spanned<Span>>,
    ttl: Option<Spanned<Span>>,
    ticket: Option<Spanned<Ticket>>,
    break_glass: Option<Spanned<BreakGlassTerms>>,
    break_glass_key: Option<Spanned<KeyStrength>>,
    no_break_glass: bool,
}
