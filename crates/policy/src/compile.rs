//! What `access.toml` becomes: Cedar text, a statement for each group and each host or label of an entry, so that a
//! statement's scope alone says whether it can apply.

use directory::Notes;
use domain::{AskedLogin, GroupName};

use crate::access::{Approver, Entry, Hosts, Says, Scope};
use crate::schedule::Schedule;

/// The Cedar statements of an entry.
pub(crate) fn statements(notes: &Notes<'_>, entry: &Entry) -> Vec<String> {
    let head = head(&notes.place(entry.span.start), entry);
    let whos = alternatives(&entry.scope.who);
    let wheres = alternatives(&entry.scope.hosts);
    let each = whos.iter().flat_map(|who| wheres.iter().map(|hosts| statement(&head, *who, *hosts, &entry.scope)));
    each.collect()
}

/// The statements that an entry about approvers becomes, one for each host or label.
pub(crate) fn approver(place: &str, approver: &Approver) -> Vec<String> {
    let Approver { span: _, group, requesters, hosts, when } = approver;
    let statement = |hosts: Option<&Hosts>| {
        let (resource, mut conditions) = resource(hosts);
        if !requesters.is_empty() {
            conditions.push(any(requesters.iter().map(|group| format!("context.requester in Group::\"{group}\""))));
        }
        conditions.extend(scheduled(when));
        let principal = format!("principal == Group::\"{group}\"");
        let when = clauses(&conditions);
        format!("@approver({place:?})\npermit ({principal}, action == Action::\"approve\", {resource}){when};\n")
    };
    alternatives(hosts).into_iter().map(statement).collect()
}

/// Each item by itself, or nothing once: no constraint.
fn alternatives<T>(items: &[T]) -> Vec<Option<&T>> {
    if items.is_empty() { vec![None] } else { items.iter().map(Some).collect() }
}

/// The annotations and the effect. Requirements and prohibitions have no names: their place in the file is shown.
fn head(place: &str, entry: &Entry) -> String {
    match &entry.says {
        Says::Rule(name, terms) => format!("@rule(\"{}\")\n{}permit", name.get_ref(), terms.annotations()),
        Says::Require(terms) => format!("@require({place:?})\n{}permit", terms.annotations()),
        Says::Forbid => format!("@forbid({place:?})\nforbid"),
    }
}

fn statement(head: &str, who: Option<&GroupName>, hosts: Option<&Hosts>, scope: &Scope) -> String {
    let principal = who.map_or_else(|| "principal".to_owned(), |group| format!("principal in Group::\"{group}\""));
    let (resource, mut conditions) = resource(hosts);
    if !scope.logins.is_empty() {
        conditions.push(any(scope.logins.iter().map(login)));
    }
    conditions.extend(scheduled(&scope.when));
    if !scope.commands.is_empty() {
        conditions.push(any(scope.commands.iter().map(|pattern| contains("commands", pattern.as_str()))));
    }
    let when = clauses(&conditions);
    format!("{head} ({principal}, action == Action::\"login\", {resource}){when};\n")
}

/// The host or first label for the scope, and conditions for the other labels.
fn resource(hosts: Option<&Hosts>) -> (String, Vec<String>) {
    match hosts {
        None | Some(Hosts::All) => ("resource".to_owned(), Vec::new()),
        Some(Hosts::Host(name)) => (format!("resource == Host::\"{name}\""), Vec::new()),
        Some(Hosts::Labels(selector)) => {
            let mut labels = selector.labels().map(|label| format!("resource in Label::\"{label}\""));
            (labels.next().unwrap_or_else(|| "resource".to_owned()), labels.collect())
        }
    }
}

fn scheduled(when: &[Schedule]) -> Option<String> {
    (!when.is_empty()).then(|| any(when.iter().map(|schedule| contains("when", schedule.as_str()))))
}

fn contains(set: &str, text: &str) -> String {
    format!("context.{set}.contains(\"{text}\")")
}

fn clauses(conditions: &[String]) -> String {
    conditions.iter().map(|condition| format!("\nwhen {{ {condition} }}")).collect()
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    conditions.collect::<Vec<_>>().join(" || ")
}

fn login(login: &AskedLogin) -> String {
    match login {
        AskedLogin::Own => "principal has login && context.login == principal.login".to_owned(),
        AskedLogin::Named(name) => format!("context.login == \"{name}\""),
    }
}
