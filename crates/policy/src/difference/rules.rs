//! Rules, requirements, prohibitions and signers that are in one bundle and not in the other, or otherwise there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use domain::{GroupName, Quorum, RuleName, UserName};

use super::approval::members;
use super::describe::listed;
use super::openings::Opening;
use super::people::{became, other, told};
use super::{About, Both, Effect, FileChange, Read};
use crate::Policy;
use crate::access::{Approver, Entry, Says, Scope};
use crate::cedar::{Meaning, Statement};
use crate::signers;
use crate::terms::Terms;

pub(super) fn changes(both: Both<Read<'_>>) -> Vec<FileChange> {
    let mut changes = rules(both);
    changes.extend(others(both));
    changes.extend(approvers(both));
    changes.extend(quorum(both, About::Signers, "whose signatures the next bundle needs:", Policy::signers));
    changes.extend(counting(both, About::Signers, ["signs bundles", "sign bundles"], Policy::signers));
    changes.extend(quorum(both, About::Lifters, "who lifts a stop:", Policy::lifters));
    changes.extend(counting(both, About::Lifters, ["lifts stops", "lift stops"], Policy::lifters));
    changes
}

/// Who joins or leaves those who sign something. Without a quorum that is whoever has the right `admin`.
fn counting(
    both: Both<Read<'_>>,
    about: About,
    [one, many]: [&'static str; 2],
    of: fn(&Policy) -> Option<&Quorum>,
) -> Vec<FileChange> {
    let Both { old: Some(old), new: Some(new) } = both.map(|read| Some((read.directory, of(read.policy)?))) else {
        return Vec::new();
    };
    let (was, is) = (signers::counting(old.0, old.1), signers::counting(new.0, new.1));
    let told = |effect, more, names: Vec<&UserName>| {
        let may = if names.len() == 1 { one } else { many };
        let words = format!("{} {more} {may}", listed(&names));
        let names = names.iter().map(ToString::to_string).collect();
        FileChange { effect, about, names, words }
    };
    let (gained, lost): (Vec<_>, Vec<_>) =
        (is.difference(&was).copied().collect(), was.difference(&is).copied().collect());
    let gained = if gained.is_empty() { None } else { Some(told(Effect::Loosens, "now", gained)) };
    let lost = if lost.is_empty() { None } else { Some(told(Effect::Tightens, "no longer", lost)) };
    gained.into_iter().chain(lost).collect()
}

/// Who must sign something.
fn quorum(
    both: Both<Read<'_>>,
    about: About,
    what: &'static str,
    of: fn(&Policy) -> Option<&Quorum>,
) -> Option<FileChange> {
    let Both { old, new } = both.map(|read| of(read.policy));
    let words = became(what, old, new)?;
    let effect = match (old, new) {
        // Without signers or lifters it is whoever has the right `admin`: others may gain it.
        (None, _) if about == About::Signers => Effect::Tightens,
        (Some(old), Some(new)) if old.asks_no_more_than(new) => Effect::Tightens,
        _ => Effect::Loosens,
    };
    Some(FileChange { effect, about, names: Vec::new(), words })
}

/// Whether the conditions on approvers are the same, in whatever order.
pub(super) fn same_approvers(both: Both<Read<'_>>) -> bool {
    both.map(approver_entries).same()
}

/// The entries about approvers, by group: one of a group's must hold, and where there is none, anything may be approved.
fn approver_entries(read: Read<'_>) -> BTreeMap<GroupName, BTreeSet<String>> {
    let mut entries: BTreeMap<GroupName, BTreeSet<String>> = BTreeMap::new();
    for approver in &read.policy.approvers {
        let Approver { span: _, group, requesters, hosts, when } = approver;
        let fields = written_fields([("for", list(requesters)), ("hosts", list(hosts)), ("when", list(when))]);
        entries.entry(group.clone()).or_default().insert(in_words(&fields));
    }
    entries
}

fn approvers(both: Both<Read<'_>>) -> Vec<FileChange> {
    let entries = both.map(approver_entries);
    let groups: BTreeSet<&GroupName> = entries.iter().flat_map(BTreeMap::keys).collect();
    let change = |group: &GroupName| {
        let of = entries.as_ref().map(|entries| entries.get(group));
        if of.same() {
            return None;
        }
        let words = |entries: Option<&BTreeSet<String>>| {
            entries.map(|entries| entries.iter().cloned().collect::<Vec<_>>().join("; or "))
        };
        let effect = match (of.old, of.new) {
            (None, _) => Effect::Tightens,
            (Some(old), Some(new)) if new.is_subset(old) => Effect::Tightens,
            _ => Effect::Loosens,
        };
        let said = became("may approve", words(of.old), words(of.new));
        other(About::Approvers, effect, group.as_str(), &said.into_iter().collect::<Vec<_>>())
    };
    groups.into_iter().filter_map(change).collect()
}

/// Whether all of it stands in the same order: of rules that need as few people, the first is taken.
pub(super) fn same_order(both: Both<Read<'_>>) -> bool {
    let order = |read: Read<'_>| -> Vec<String> {
        let entries = read.policy.entries.iter().map(|entry| in_words(&fields(entry)));
        entries.chain(by_hand(read).map(cedar_of)).collect()
    };
    both.map(order).same()
}

/// A rule as written: the fields of an entry, or the Cedar of statements by hand.
#[derive(PartialEq)]
enum Rule<'a> {
    Entry(Vec<(&'static str, String)>, &'a Entry),
    ByHand(Vec<String>),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        fields(self) == fields(other)
    }
}

fn rules(both: Both<Read<'_>>) -> Vec<FileChange> {
    let all = both.map(written);
    let only_in =
        |one: &BTreeMap<&RuleName, Rule<'_>>, other: &BTreeMap<&RuleName, Rule<'_>>| -> Vec<(String, String)> {
            let only = one.iter().filter(|(name, _)| !other.contains_key(*name));
            only.map(|(name, rule)| (name.to_string(), described(rule))).collect()
        };
    let mut changes = told(About::Rule, Effect::Loosens, ("is new", "are new"), only_in(&all.new, &all.old));
    changes.extend(told(About::Rule, Effect::Tightens, ("is gone", "are gone"), only_in(&all.old, &all.new)));
    for (name, was) in &all.old {
        let Some(is) = all.new.get(name).filter(|is| *is != was) else { continue };
        let (effect, said) = match (was, is) {
            (Rule::Entry(_, was), Rule::Entry(_, is)) => (effect(both, name, was, is), differs(was, is)),
            _ => (Effect::Otherwise, vec!["its Cedar is another".to_owned()]),
        };
        changes.extend(other(About::Rule, effect, name.as_str(), &said));
    }
    changes
}

fn written<'a>(read: Read<'a>) -> BTreeMap<&'a RuleName, Rule<'a>> {
    let mut rules = BTreeMap::new();
    for entry in &read.policy.entries {
        if let Says::Rule(name, _) = &entry.says {
            rules.insert(name.get_ref(), Rule::Entry(fields(entry), entry));
        }
    }
    for statement in by_hand(read) {
        let Meaning::Rule(name, _) = &statement.meaning else { continue };
        if let Rule::ByHand(cedar) = rules.entry(name).or_insert_with(|| Rule::ByHand(Vec::new())) {
            cedar.push(cedar_of(statement));
        }
    }
    rules
}

fn by_hand<'a>(read: Read<'a>) -> impl Iterator<Item = &'a Statement> {
    read.policy.statements.iter().skip(read.policy.compiled)
}

/// The statement without comments and layout.
fn cedar_of(statement: &Statement) -> String {
    statement.policy.to_json().map_or_else(|_| statement.policy.to_string(), |json| json.to_string())
}

/// The fields of an entry in words, by their names.
fn fields(entry: &Entry) -> Vec<(&'static str, String)> {
    // All of these are named one by one, so that what entries get in time is compared, too.
    let Entry { span: _, scope, says } = entry;
    let Scope { who, hosts, logins, when, commands } = scope;
    let scope = [
        ("who", list(who)),
        ("hosts", list(hosts)),
        ("logins", list(logins)),
        ("when", list(when)),
        ("commands", list(commands)),
    ];
    let (Says::Rule(_, terms) | Says::Require(terms)) = says else { return written_fields(scope) };
    let Terms { quorum, extend, max, ttl, allow, ticket, source, verify_required, requester_key, approver_key, .. } =
        terms;
    let Terms { live_hosts, break_glass, break_glass_key, no_break_glass, .. } = terms;
    let terms = [
        ("approve", quorum.as_ref().map(ToString::to_string)),
        ("extend", extend.as_ref().map(ToString::to_string)),
        ("max", max.as_ref().map(ToString::to_string)),
        ("ttl", ttl.as_ref().map(ToString::to_string)),
        ("allow", allow.as_ref().map(|allow| list(allow).unwrap_or_else(|| "nothing".to_owned()))),
        ("ticket", ticket.as_ref().map(|ticket| ticket.pattern().to_owned())),
        ("source", source.as_ref().map(ToString::to_string)),
        ("verify_required", verify_required.then(|| "true".to_owned())),
        ("requester_key", requester_key.as_ref().map(ToString::to_string)),
        ("approver_key", approver_key.as_ref().map(ToString::to_string)),
        ("live_hosts", live_hosts.then(|| "true".to_owned())),
        ("break_glass", break_glass.as_ref().map(ToString::to_string)),
        ("break_glass_key", break_glass_key.as_ref().map(ToString::to_string)),
        ("no_break_glass", no_break_glass.then(|| "true".to_owned())),
    ];
    [written_fields(scope), written_fields(terms)].concat()
}

fn written_fields<const N: usize>(fields: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    fields.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> Option<String> {
    // In canonical order: the order of a list changes nothing.
    let items: BTreeSet<String> = items.into_iter().map(|item| item.to_string()).collect();
    (!items.is_empty()).then(|| items.into_iter().collect::<Vec<_>>().join(" or "))
}

fn described(rule: &Rule<'_>) -> String {
    match rule {
        Rule::Entry(fields, _) => in_words(fields),
        Rule::ByHand(_) => "written by hand".to_owned(),
    }
}

fn in_words(fields: &[(&'static str, String)]) -> String {
    fields.iter().map(|(field, value)| format!("{field} {value}")).collect::<Vec<_>>().join(", ")
}

fn differs(was: &Entry, is: &Entry) -> Vec<String> {
    let (was, is) = (fields(was), fields(is));
    let names: BTreeSet<&str> = was.iter().chain(&is).map(|(field, _)| *field).collect();
    let value = |fields: &[(&'static str, String)], name: &str| {
        fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    };
    names.into_iter().filter_map(|name| became(name, value(&was, name), value(&is, name))).collect()
}

/// What the terms of a rule say by themselves, when it is for the same users, hosts and logins.
fn effect(both: Both<Read<'_>>, name: &RuleName, was: &Entry, is: &Entry) -> Effect {
    let same_scope = |field: &&(&str, String)| matches!(field.0, "who" | "hosts" | "logins" | "when" | "commands");
    let scopes = Both { old: fields(was), new: fields(is) };
    let scopes = scopes.as_ref().map(|fields| fields.iter().filter(same_scope).collect::<Vec<_>>());
    let (Says::Rule(_, old), Says::Rule(_, new)) = (&was.says, &is.says) else { return Effect::Otherwise };
    let (Ok(old), Ok(new)) = (old.clone().complete(), new.clone().complete()) else { return Effect::Otherwise };
    if !scopes.same() {
        return Effect::Otherwise;
    }
    let (old, new) = (Opening::new(name, &old, None), Opening::new(name, &new, None));
    let directories = both.map(|read| read.directory);
    let people = |directory, opening: &Opening, group: &GroupName| -> BTreeSet<UserName> {
        members(directory, group, opening.approver_key).cloned().collect()
    };
    let groups = || old.quorum.groups().into_iter().chain(new.quorum.groups());
    let as_many = |one: &Opening, other: &Opening, (mine, theirs)| {
        groups().all(|group| people(mine, one, group).is_superset(&people(theirs, other, group)))
    };
    let covers = |one: &Opening, other: &Opening, sides| {
        one.gives_as_much(other) && one.takes_no_more(other) && (one.quorum.is_auto() || as_many(one, other, sides))
    };
    let as_much = covers(&new, &old, (directories.new, directories.old));
    let no_more = covers(&old, &new, (directories.old, directories.new));
    match (as_much, no_more) {
        (_, false) => Effect::Loosens,
        (false, true) => Effect::Tightens,
        (true, true) => Effect::Otherwise,
    }
}

/// Requirements and prohibitions have no names: what is written another way is one that is gone and one that is new.
fn others(both: Both<Read<'_>>) -> Vec<FileChange> {
    let all = both.map(without_names);
    let more_in = |one: &Written, other: &Written| {
        let count = |what| other.get(what).map_or(0, Vec::len);
        let more = one.iter().filter(|(what, times)| times.len() > count(*what));
        more.filter_map(|((about, _), times)| Some((*about, times.first()?.clone()))).collect::<Vec<_>>()
    };
    let told = |effect, word: &str, (about, text): (About, String)| FileChange {
        effect,
        about,
        names: Vec::new(),
        words: format!("{} {word}: {text}", about.as_str()),
    };
    let new = more_in(&all.new, &all.old).into_iter().map(|what| told(Effect::Tightens, "is new", what));
    let gone = more_in(&all.old, &all.new).into_iter().map(|what| told(Effect::Loosens, "is gone", what));
    new.chain(gone).collect()
}

/// By what they say: how it is shown, as many times as it is written.
type Written = BTreeMap<(About, String), Vec<String>>;

fn without_names(read: Read<'_>) -> Written {
    let mut written = Written::new();
    for entry in &read.policy.entries {
        let about = match entry.says {
            Says::Rule(..) => continue,
            Says::Require(_) => About::Requirement,
            Says::Forbid => About::Prohibition,
        };
        let words = in_words(&fields(entry));
        written.entry((about, words.clone())).or_default().push(words);
    }
    for statement in by_hand(read) {
        let about = match &statement.meaning {
            Meaning::Rule(..) => continue,
            Meaning::Requirement(_) => About::Requirement,
            Meaning::Prohibition(_) => About::Prohibition,
        };
        let text = statement.policy.to_string();
        let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
        written.entry((about, cedar_of(statement))).or_default().push(shown);
    }
    written
}
