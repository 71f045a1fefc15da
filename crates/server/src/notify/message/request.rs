//! What is told of a request.

use ca::{AboutRequest, Decided, Reviewed};
use domain::{Approval, Event, UserName};
use serde_json::{Value, json};

use super::NAMED;

/// How many people who may decide are named in words.
const NAMED_IN_WORDS: usize = 8;

/// One line of names and times alone.
pub(super) fn headline(event: Event, about: &AboutRequest, decision: Option<&Decided>) -> String {
    let AboutRequest { requester, access, window, .. } = about;
    match event {
        Event::Submit | Event::BreakGlass if about.break_glass.is_some() => broken(about),
        Event::Submit | Event::BreakGlass if about.quorum.is_auto() => {
            format!("{requester} took {access} for {window}: the rule {} asks nobody", about.rule)
        }
        Event::Submit | Event::BreakGlass => format!("{requester} asks for {access} for {window}"),
        Event::Decision => match decision {
            Some(decided) => format!("{} {} {access} for {requester}", decided.approver, verb(decided.verdict)),
            None => format!("{access} for {requester} was decided"),
        },
        Event::Review => match &about.reviewed {
            Some(Reviewed { reviewer, .. }) => format!("{reviewer} reviewed the break-glass of {requester}: {access}"),
            None => format!("the break-glass of {requester} was reviewed: {access}"),
        },
        Event::Escalation => match about.pending_until {
            Some(until) => format!("{requester} still waits for {access}, until {until}: others stand in"),
            None => format!("{access} for {requester} is {}", about.state),
        },
        Event::Expiry | Event::Stop | Event::Lift => match (about.pending_until, about.granted) {
            (Some(until), _) => format!("{requester} still waits for {access}, until {until}"),
            (None, Some(window)) => format!("{access} for {requester} ends at {}", window.not_after),
            (None, None) => format!("{access} for {requester} is {}", about.state),
        },
    }
}

fn broken(about: &AboutRequest) -> String {
    let AboutRequest { requester, access, window, .. } = about;
    if about.quorum.is_auto() {
        format!("BREAK-GLASS: {requester} took {access} for {window}, without approval")
    } else {
        format!("BREAK-GLASS: {requester} asks for {access} for {window}, and owes a review")
    }
}

/// Everything else, a line each.
pub(super) fn details(about: &AboutRequest) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Request", format!("{} ({})", about.id, about.state))];
    let mut add = |name, value: Option<String>| lines.extend(value.map(|value| (name, value)));
    add("Reason", Some(about.reason.to_string()));
    add("Ticket", about.ticket.as_ref().map(ToString::to_string));
    add("Command", about.command.as_ref().map(ToString::to_string));
    add("Starts", about.start.map(|start| start.to_string()));
    add("Open", about.granted.map(|window| format!("{} to {}", window.not_before, window.not_after)));
    for decided in &about.decisions {
        let comment = decided.comment.as_ref().map_or_else(String::new, |comment| format!(": {comment}"));
        add(decision_label(decided.verdict), Some(format!("{}, {}{comment}", decided.approver, decided.time)));
    }
    add("Missing", Some(about.missing.clone()).filter(|missing| !missing.is_empty()));
    add("May decide", about.pending_until.map(|until| format!("{}; until {until}", people(about))));
    add("Rule", Some(format!("{}: {}", about.rule, about.quorum)));
    add("Review", about.break_glass.as_ref().map(|group| review(about, group.as_str())));
    lines
}

fn review(about: &AboutRequest, group: &str) -> String {
    match &about.reviewed {
        None => format!("by somebody else of {group}"),
        Some(Reviewed { reviewer, time, found }) => {
            let found = found.as_ref().map_or_else(String::new, |found| format!(": {found}"));
            format!("{reviewer}, {time}{found}")
        }
    }
}

fn people(about: &AboutRequest) -> String {
    let approvers = &about.approvers;
    let named = approvers.iter().take(NAMED_IN_WORDS).map(UserName::as_str).collect::<Vec<_>>().join(", ");
    match approvers.len().saturating_sub(NAMED_IN_WORDS) {
        0 if approvers.is_empty() => "nobody".to_owned(),
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// `request` of the JSON.
pub(super) fn json(about: &AboutRequest) -> Value {
    json!({
        "id": about.id.to_string(),
        "state": about.state.as_str(),
        "requester": about.requester.as_str(),
        "access": about.access.to_string(),
        "window": about.window.to_string(),
        "start": about.start.map(|start| start.to_string()),
        "reason": about.reason.as_str(),
        "ticket": about.ticket.as_ref().map(domain::Text::as_str),
        "command": about.command.as_ref().map(ToString::to_string),
        "submitted": about.submitted.to_string(),
        "pending_until": about.pending_until.map(|until| until.to_string()),
        "not_before": about.granted.map(|window| window.not_before.to_string()),
        "not_after": about.granted.map(|window| window.not_after.to_string()),
        "rule": about.rule.as_str(),
        "quorum": about.quorum.to_string(),
        "decisions": about.decisions.iter().map(decision).collect::<Vec<_>>(),
        "missing": Some(&about.missing).filter(|missing| !missing.is_empty()),
        "break_glass": about.break_glass.as_ref().map(|group| json!({ "reviewed_by": group.as_str() })),
        "review": about.reviewed.as_ref().map(reviewed),
        "approvers": about.approvers.iter().take(NAMED).map(UserName::as_str).collect::<Vec<_>>(),
        "more_approvers": about.approvers.len().saturating_sub(NAMED),
    })
}

fn reviewed(review: &Reviewed) -> Value {
    json!({
        "reviewer": review.reviewer.as_str(),
        "time": review.time.to_string(),
        "found": review.found.as_ref().map(domain::Text::as_str),
    })
}

/// A decision of the JSON.
pub(super) fn decision(decided: &Decided) -> Value {
    json!({
        "approver": decided.approver.as_str(),
        "verdict": decided.verdict.to_string(),
        "time": decided.time.to_string(),
        "comment": decided.comment.as_ref().map(domain::Text::as_str),
    })
}

const fn verb(verdict: Approval) -> &'static str {
    match verdict {
        Approval::Approve => "approved",
        Approval::Deny => "denied",
    }
}

const fn decision_label(verdict: Approval) -> &'static str {
    match verdict {
        Approval::Approve => "Approved",
        Approval::Deny => "Denied",
    }
}
