//! A change of access in words.

use std::collections::BTreeSet;

use domain::{HostName, UserName};

use super::access::Became;
use super::approval::Shift;
use super::describe::{Names, listed};
use super::openings::{OpenBreakGlass, Opening};
use super::people::became;
use super::{Approvable, Both, LoginOf};

/// What became of these logins on these hosts, for these users.
pub(super) fn access(
    became: &Became,
    logins: &BTreeSet<LoginOf>,
    (users, hosts): (&[UserName], &[HostName]),
    names: Both<&Names<'_>>,
) -> String {
    let Both { old: before, new: after } = &became.openings;
    let said_by = if after.is_empty() { names.old } else { names.new };
    let (who, place) = (said_by.users(users), said_by.hosts(hosts));
    let access = access_of(logins, hosts, &place);
    let s = if users.len() == 1 || who.starts_with("everybody") { "s" } else { "" };
    match (before.as_slice(), after.as_slice()) {
        ([], after) => format!("{who} gain{s} {access}: {}", or(after)),
        (before, []) => format!("{who} lose{s} {access}: it was {}", or(before)),
        (before, after) => {
            let what = became.shift.as_ref().map_or_else(|| terms(before, after), |shift| people(shift, after));
            format!("{access}: {what}, for {who}")
        }
    }
}

/// `root@web-1`, `root and self on 12 hosts (env=prod)`
fn access_of(logins: &BTreeSet<LoginOf>, hosts: &[HostName], place: &str) -> String {
    match (logins.iter().collect::<Vec<_>>().as_slice(), hosts) {
        ([LoginOf::Named(login)], [host]) => format!("{login}@{host}"),
        ([LoginOf::Own], [host]) => format!("self@{host}"),
        (logins, _) => format!("{} on {place}", listed(logins)),
    }
}

impl std::fmt::Display for LoginOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(login) => login.fmt(f),
            Self::Own => f.write_str("self"),
            Self::AnyOther => f.write_str("any other login"),
        }
    }
}

fn or(openings: &[Opening]) -> String {
    openings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; or ")
}

/// ``1 of sre, by `prod`, up to 1h``
impl std::fmt::Display for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, by `{}`, up to {}", self.quorum, self.rule, self.max)?;
        self.tickets.iter().try_for_each(|ticket| write!(f, ", with a ticket {ticket}"))?;
        self.break_glass.iter().try_for_each(|broken| write!(f, ", or break-glass for up to {broken}"))
    }
}

/// `15m reviewed by security, asked with sk-verified`
impl std::fmt::Display for OpenBreakGlass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.terms)?;
        self.requester_key.iter().try_for_each(|key| write!(f, ", asked with {key}"))
    }
}

/// How the rules that open it, and their terms, changed.
fn terms(before: &[Opening], after: &[Opening]) -> String {
    let of_rule = |openings: &[Opening], one: &Opening| openings.iter().find(|other| other.rule == one.rule).cloned();
    let gone: Vec<Opening> = before.iter().filter(|old| of_rule(after, old).is_none()).cloned().collect();
    let new: Vec<Opening> = after.iter().filter(|new| of_rule(before, new).is_none()).cloned().collect();
    let mut said = Vec::new();
    match (gone.as_slice(), new.as_slice()) {
        ([], []) => {}
        (gone, []) => said.push(format!("no longer {}", or(gone))),
        ([], new) => said.push(format!("now also {}", or(new))),
        (gone, new) => said.push(format!("{} becomes {}", or(gone), or(new))),
    }
    for new in after {
        let Some(old) = of_rule(before, new).filter(|old| old != new) else { continue };
        let by = if before.len().max(after.len()) > 1 { format!("by `{}` ", new.rule) } else { String::new() };
        said.push(format!("{by}{}", of_one(&old, new).join(", ")));
    }
    if said.is_empty() {
        let rules =
            |openings: &[Opening]| openings.iter().map(|o| format!("`{}`", o.rule)).collect::<Vec<_>>().join(", ");
        said.push(format!("rules are tried in the order {} rather than {}", rules(after), rules(before)));
    }
    said.join("; ")
}

/// How the terms of one rule changed.
fn of_one(old: &Opening, new: &Opening) -> Vec<String> {
    // Named one by one, so that what an opening gets in time is told, too.
    let Opening {
        rule: _,
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
        realm,
    } = old;
    let mut said = Vec::new();
    if *quorum != new.quorum {
        said.push(format!("{quorum} becomes {}", new.quorum));
    }
    if *max != new.max {
        said.push(format!("up to {max} becomes up to {}", new.max));
    }
    if *ttl != new.ttl {
        said.push(format!("a certificate lasts {} rather than {ttl}", new.ttl));
    }
    said.extend(new.allow.difference(allow).map(|extension| format!("with {extension}")));
    said.extend(allow.difference(&new.allow).map(|extension| format!("without {extension}")));
    let only_in = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|ticket| !others.contains(ticket)).cloned().collect()
    };
    said.extend(only_in(&new.tickets, tickets).iter().map(|ticket| format!("takes a ticket {ticket}")));
    said.extend(only_in(tickets, &new.tickets).iter().map(|ticket| format!("no longer takes a ticket {ticket}")));
    said.extend(became("source", source.as_ref(), new.source.as_ref()));
    match (verify_required, new.verify_required) {
        (false, true) => said.push("each login takes a PIN or finger".to_owned()),
        (true, false) => said.push("no login takes a PIN or finger any longer".to_owned()),
        _ => {}
    }
    said.extend(became("requester_key", requester_key.as_ref(), new.requester_key.as_ref()));
    said.extend(became("approver_key", approver_key.as_ref(), new.approver_key.as_ref()));
    said.extend(became("extend", extend.as_ref(), new.extend.as_ref()));
    match (live_hosts, new.live_hosts) {
        (false, true) => said.push("hosts that get the labels later count too".to_owned()),
        (true, false) => said.push("hosts that get the labels later no longer count".to_owned()),
        _ => {}
    }
    said.extend(became("break-glass", break_glass.as_ref(), new.break_glass.as_ref()));
    match (realm, &new.realm) {
        (old, new) if old == new => {}
        (old, Some(new)) => {
            let before = old.as_ref().map_or_else(String::new, |old| format!(" rather than {}", old.hosts.len()));
            said.push(format!("one certificate opens {} hosts of realm {}{before}", new.hosts.len(), new.name));
        }
        (_, None) => said.push("a certificate opens this host alone".to_owned()),
    }
    if said.is_empty() {
        said.push("tickets are looked at in another order".to_owned());
    }
    said
}

/// How the people who may approve changed.
fn people(shift: &Shift, openings: &[Opening]) -> String {
    let names = |names: &BTreeSet<UserName>| listed(&names.iter().collect::<Vec<_>>());
    let mut said = Vec::new();
    if !shift.added.is_empty() {
        said.push(format!("{} may approve too", names(&shift.added)));
    }
    if !shift.removed.is_empty() {
        said.push(format!("{} may no longer approve", names(&shift.removed)));
    }
    match shift.approvable {
        Approvable::AsBefore => {}
        Approvable::Now => said.push("there are people enough to approve now".to_owned()),
        Approvable::NoLonger => said.push("too few people are left to approve".to_owned()),
        Approvable::OtherReason => said.push("whose approval is missing for good is another".to_owned()),
    }
    let quorums: BTreeSet<String> = openings.iter().map(|opening| opening.quorum.to_string()).collect();
    format!("{} ({})", said.join(", "), quorums.into_iter().collect::<Vec<_>>().join("; or "))
}
