//! Requests as people read them.

use std::fmt::Write as _;

use domain::{Approval, Extends, RequestId, UnixTime, UserName};
use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthChar as _;
use wire::State;

use crate::app::{Look, Report};
use crate::checked::{Checked, Review};
use crate::json;
use crate::table::{Cell, Table, Tone};
use crate::when;

/// One request with everything that was signed about it.
#[derive(Serialize)]
pub(crate) struct OneRequest<'a> {
    #[serde(serialize_with = "as_json")]
    request: &'a Checked,
}

/// Several requests.
#[derive(Serialize)]
pub(crate) struct Requests {
    #[serde(serialize_with = "all_as_json")]
    pub(crate) requests: Vec<Checked>,
    #[serde(skip)]
    pub(crate) none: &'static str,
}

fn as_json<S: Serializer>(request: &&Checked, serializer: S) -> Result<S::Ok, S::Error> {
    json::Request::from(*request).serialize(serializer)
}

pub(crate) fn all_as_json<S: Serializer>(requests: &[Checked], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(requests.iter().map(json::Request::from))
}

impl<'a> OneRequest<'a> {
    pub(crate) const fn new(request: &'a Checked) -> Self {
        Self { request }
    }
}

/// What became of a request: for people a line.
#[derive(Serialize)]
pub(crate) struct Outcome<'a> {
    #[serde(serialize_with = "as_json")]
    request: &'a Checked,
}

impl<'a> Outcome<'a> {
    pub(crate) const fn new(request: &'a Checked) -> Self {
        Self { request }
    }
}

impl Report for Outcome<'_> {
    fn text(&self, look: &Look<'_>) -> String {
        let told = &self.request.told;
        let (id, state) = (told.id, state(self.request, look));
        match &told.missing {
            Some(missing) if told.state == State::Pending => {
                format!("Request {id} still needs {missing}; {} may decide.\n", people(&told.approvers))
            }
            _ => format!("Request {id} is {state}: {}.\n", access(self.request)),
        }
    }
}

/// A request that nobody decides, and that ends soon.
#[derive(Serialize)]
pub(crate) struct Ending<'a> {
    #[serde(serialize_with = "as_json")]
    request: &'a Checked,
}

impl<'a> Ending<'a> {
    pub(crate) const fn new(request: &'a Checked) -> Self {
        Self { request }
    }
}

impl Report for Ending<'_> {
    fn text(&self, look: &Look<'_>) -> String {
        let told = &self.request.told;
        let until = when::short(told.pending_until, look.now, look.zone);
        format!("Request {} ends unanswered at {until}: {}.\n", told.id, access(self.request))
    }
}

impl Report for OneRequest<'_> {
    fn text(&self, look: &Look<'_>) -> String {
        details(self.request, look)
    }
}

impl Report for Requests {
    fn text(&self, look: &Look<'_>) -> String {
        if self.requests.is_empty() { format!("{}\n", self.none) } else { table(&self.requests, look) }
    }
}

/// A line a request.
pub(crate) fn table(requests: &[Checked], look: &Look<'_>) -> String {
    let mut table = Table::new(["ID", "STATE", "WHO", "ACCESS", "FOR", "REASON"]);
    for request in requests {
        let asked = request.request.statement();
        table.row([
            request.told.id.into(),
            Cell::new(state(request, look), tone(request.told.state)),
            (&asked.requester).into(),
            access(request).into(),
            asked.window.into(),
            shortened(asked.reason.as_str()).into(),
        ]);
    }
    table.render(look.colours)
}

/// Login and host as allowed, so that `self` and labels are told by what they mean.
pub(crate) fn access(request: &Checked) -> String {
    request.only_pair().map_or_else(|| request.request.statement().access.to_string(), |pair| pair.to_string())
}

/// Requests to choose from, a line each.
pub(crate) fn lines<'r>(requests: impl Iterator<Item = &'r Checked>) -> String {
    let line = |request: &Checked| format!("  {} {}", request.told.id, access(request));
    requests.map(line).collect::<Vec<_>>().join("\n")
}

/// Where a request stands, in words.
pub(crate) fn state(request: &Checked, look: &Look<'_>) -> String {
    let at = |time| when::short(time, look.now, look.zone);
    let stands = match (request.told.state, request.told.window) {
        (State::Pending, _) => format!("pending until {}", at(request.told.pending_until)),
        (State::Approved, Some((start, end))) if start > look.now => {
            format!("approved from {} until {}", at(start), at(end))
        }
        (State::Approved, Some((_, end))) if end > look.now => format!("approved until {}", at(end)),
        (State::Approved, Some((_, end))) => format!("ended {}", at(end)),
        (other, _) => other.to_string(),
    };
    stands + broken(request)
}

/// What is out of the ordinary about it.
const fn broken(request: &Checked) -> &'static str {
    match (&request.ruling.obligations().break_glass, &request.review) {
        (None, _) => "",
        (Some(_), None) => ", break-glass",
        (Some(_), Some(Review::Owed(_))) => ", break-glass, review owed",
        (Some(_), Some(Review::Done(_))) => ", break-glass, reviewed",
    }
}

const fn tone(state: State) -> Tone {
    match state {
        State::Pending => Tone::Waiting,
        State::Approved => Tone::Good,
        State::Denied => Tone::Bad,
        State::Cancelled | State::GivenBack | State::Expired | State::Stopped => Tone::Dim,
    }
}

/// Everything about a request, from its signed texts.
pub(crate) fn details(request: &Checked, look: &Look<'_>) -> String {
    let (asked, allowed) = (request.request.statement(), request.ruling.obligations());
    let mut lines = Lines(format!("Request {} by {}: {}\n", request.told.id, asked.requester, state(request, look)));
    lines.add("access", &asked.access);
    lines.add(
        "for",
        format!(
            "{}, {}",
            asked.window,
            match asked.start {
                Some(start) => format!("from {}", when::full(start, look.zone)),
                None => "from approval".to_owned(),
            }
        ),
    );
    lines.maybe("extends", asked.extends.map(|Extends { id, since }| extended(id, since, look)));
    lines.add("reason", &asked.reason);
    lines.maybe("ticket", asked.ticket.as_ref());
    lines.maybe("command", asked.command.as_ref());
    lines.maybe("uses", asked.uses.map(|most| format!("{most} certificates at most, {} taken", request.told.used)));
    lines.add("key", signer(request.connecting_key()));
    for (key, act) in &request.rebinds {
        let (time, by) = (when::full(act.statement().header.time, look.zone), signer(act.key()));
        lines.add("rebound", format!("to {} at {time}, signed by {by}", signer(key)));
    }
    lines.add(
        "asked",
        format!("{}, signed by {}", when::full(asked.header.time, look.zone), signer(request.request.key())),
    );
    lines.add("allows", request.ruling.in_words());
    lines.add("rule", format!("{}: {}", allowed.rule, allowed.quorum));
    if allowed.hosts.len() > 1 {
        lines.add("hosts", allowed.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    }
    for behind in allowed.jumps.iter() {
        let from = behind.jump.egress.map_or_else(String::new, |egress| format!(", which comes from {egress}"));
        lines.add("reached", format!("{} through {}{from}", behind.host, behind.jump.through));
    }
    if let Some(labels) = &allowed.live {
        lines.add("later", format!("also hosts that get {labels} while the grant lasts, as the rule allows then"));
    }
    for decision in &request.decisions {
        let said = decision.statement();
        let comment = said.comment.as_ref().map_or_else(String::new, |comment| format!(": {comment}"));
        let time = when::full(said.header.time, look.zone);
        lines.add(
            verb(said.verdict),
            format!("{} at {time}, signed by {}{comment}", said.approver, signer(decision.key())),
        );
    }
    review(&mut lines, request, look);
    if request.told.state == State::Pending {
        lines.maybe("missing", request.told.missing.as_ref());
        lines.add("may decide", people(&request.told.approvers));
    }
    lines.0
}

fn extended(id: RequestId, since: UnixTime, look: &Look<'_>) -> String {
    format!("{id}, open since {}: the longest time counts from there", when::full(since, look.zone))
}

/// Of break-glass, its review and what came of it.
fn review(lines: &mut Lines, request: &Checked, look: &Look<'_>) {
    let Some(group) = &request.ruling.obligations().break_glass else { return };
    match &request.review {
        None => lines.add("review", format!("by somebody else of {group}, once it is granted")),
        Some(Review::Owed(since)) => {
            let since = when::full(*since, look.zone);
            lines.add(
                "review",
                format!("owed since {since} by somebody else of {group}: hallpass review {}", request.told.id),
            );
        }
        Some(Review::Done(act)) => {
            let said = act.statement();
            let (time, found) = (when::full(said.header.time, look.zone), said.reason.as_ref());
            let found = found.map_or_else(String::new, |found| format!(": {found}"));
            lines.add("reviewed", format!("{} at {time}, signed by {}{found}", said.user, signer(act.key())));
        }
    }
    for used in &request.told.certificates {
        let (from, until) = (when::full(used.time, look.zone), when::short(used.until, look.now, look.zone));
        lines.add("used", format!("serial {}: {}, from {from} until {until}", used.serial.get(), used.principal));
    }
    if request.told.certificates.is_empty() {
        lines.add("used", "no certificate came of it");
    }
}

/// People as a list; nobody is worth saying.
pub(crate) fn people(names: &[UserName]) -> String {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return "nobody".to_owned();
    }
    let mut text = names.iter().take(SHOWN).map(UserName::as_str).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _never_fails = write!(text, " and {more} more");
    }
    text
}

const fn verb(verdict: Approval) -> &'static str {
    match verdict {
        Approval::Approve => "approved",
        Approval::Deny => "denied",
    }
}

fn signer(key: &domain::PublicKey) -> String {
    format!("{} {}", key.kind(), key.fingerprint())
}

struct Lines(String);

impl Lines {
    /// A long value goes on in lines that are marked: wrapped by the terminal, words that somebody chose could look like
    /// another line of these.
    fn add(&mut self, name: &str, value: impl ToString) {
        let value = value.to_string();
        let mut parts = wrapped(&value).into_iter();
        let _never_fails = writeln!(self.0, "  {name:<10}  {}", parts.next().unwrap_or_default());
        for part in parts {
            let _never_fails = writeln!(self.0, "            | {part}");
        }
    }

    fn maybe(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }
}

/// The columns of a value that fit beside its name in a terminal of 80.
const COLUMNS: usize = 66;

/// A value in parts that fit.
fn wrapped(value: &str) -> Vec<String> {
    let (mut parts, mut part, mut width) = (Vec::new(), String::new(), 0);
    for c in value.chars() {
        let more = c.width().unwrap_or(0);
        if width + more > COLUMNS {
            parts.push(std::mem::take(&mut part));
            width = 0;
        }
        width += more;
        part.push(c);
    }
    parts.push(part);
    parts
}

/// What fits of words in a table; `hallpass show` has them whole.
fn shortened(value: &str) -> String {
    let parts = wrapped(value);
    match parts.as_slice() {
        [first, _, ..] => format!("{}...", first.trim_end()),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_somebody_chose_never_look_like_another_line() {
        let mut lines = Lines(String::new());
        let forged = format!("INC-42 disk full{:60}  allows      uptime on dev-1", "");
        lines.add("reason", &forged);
        let mut shown = lines.0.lines();
        assert!(shown.next().is_some_and(|first| first.starts_with("  reason      INC-42 disk full ")));
        assert!(shown.clone().count() > 0 && shown.all(|line| line.starts_with("            | ")), "{}", lines.0);
        assert!(lines.0.lines().all(|line| line.len() <= 80), "{}", lines.0);
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&forged), "INC-42 disk full...");
    }
}
