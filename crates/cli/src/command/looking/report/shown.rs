//! The report as people and programs read it.

use domain::{Span, UnixTime};
use policy::Exposure;
use serde::Serialize;

use super::people::{ENOUGH, FAST_SECONDS, PAIRED};
use super::{Findings, Used};
use crate::app::{Look, Report};
use crate::checked::{Checked, Review};
use crate::progress::grouped;
use crate::table::{Cell, Table, Tone};
use crate::view;
use crate::when;

#[derive(Serialize)]
pub(super) struct Shown {
    since: String,
    requests: u64,
    unsound: u64,
    break_glass: u64,
    reviews_owed: Vec<Owed>,
    rules: Vec<Rule>,
    approvers: Vec<Approves>,
    pairs: Vec<Paired>,
    exposure: Vec<Exposed>,
    exposure_complete: bool,
    users_without_keys: Vec<String>,
    #[serde(skip)]
    from: UnixTime,
}

/// A break-glass whose review is owed.
#[derive(Serialize)]
struct Owed {
    request: String,
    requester: String,
    access: String,
    owed_since: String,
    reviewed_by: String,
    #[serde(skip)]
    since: UnixTime,
}

impl Owed {
    fn of(request: &Checked) -> Option<Self> {
        let Some(Review::Owed(since)) = request.review else { return None };
        Some(Self {
            request: request.told.id.to_string(),
            requester: request.request.statement().requester.to_string(),
            access: view::access(request),
            owed_since: since.to_string(),
            reviewed_by: request.ruling.obligations().break_glass.as_ref()?.to_string(),
            since,
        })
    }
}

#[derive(Serialize)]
struct Rule {
    rule: String,
    requests: u64,
    last_used: Option<String>,
    #[serde(skip)]
    last: Option<UnixTime>,
}

#[derive(Serialize)]
struct Approves {
    user: String,
    decisions: u64,
    approved: u64,
    denied: u64,
    median_seconds: u64,
    fastest_seconds: u64,
    rubber_stamp: bool,
}

#[derive(Serialize)]
struct Paired {
    users: [String; 2],
    approved: [u64; 2],
}

#[derive(Serialize)]
struct Exposed {
    hosts: Vec<String>,
    login: String,
    without_approval: usize,
    with_approval: usize,
    by_break_glass: usize,
}

impl Shown {
    pub(super) fn new(found: &Findings<'_>, from: UnixTime, unsound: u64) -> Self {
        let rule = |(rule, used): &(&domain::RuleName, Option<&Used>)| Rule {
            rule: rule.to_string(),
            requests: used.map_or(0, |used| used.requests),
            last_used: used.map(|used| used.last.to_string()),
            last: used.map(|used| used.last),
        };
        let approves = |(user, approver): &(&domain::UserName, &super::Approver)| Approves {
            user: user.to_string(),
            decisions: approver.decisions(),
            approved: approver.approved(),
            denied: approver.denied(),
            median_seconds: approver.median(),
            fastest_seconds: approver.fastest(),
            rubber_stamp: approver.is_rubber_stamp(),
        };
        let paired = |pair: &super::people::Pair<'_>| Paired {
            users: [pair.one.to_string(), pair.other.to_string()],
            approved: [pair.approved.0, pair.approved.1],
        };
        let exposed = |open: &Exposure| Exposed {
            hosts: open.hosts.iter().map(ToString::to_string).collect(),
            login: open.login.to_string(),
            without_approval: open.without_approval,
            with_approval: open.with_approval,
            by_break_glass: open.by_break_glass,
        };
        let mut exposure: Vec<Exposed> = found.exposures.open.iter().map(exposed).collect();
        let mut owed: Vec<Owed> = found.owed.iter().filter_map(Owed::of).collect();
        owed.sort_by_key(|owed| owed.since);
        exposure.sort_by_key(|open| std::cmp::Reverse((open.without_approval, open.with_approval)));
        Self {
            since: from.to_string(),
            requests: found.requests,
            unsound,
            break_glass: found.break_glass,
            reviews_owed: owed,
            rules: found.rules.iter().map(rule).collect(),
            approvers: found.approvers.iter().map(approves).collect(),
            pairs: found.pairs.iter().map(paired).collect(),
            exposure,
            exposure_complete: found.exposures.complete,
            users_without_keys: found.without_keys.iter().map(ToString::to_string).collect(),
            from,
        }
    }

    /// A line for each measure of each subject: `report,subject,measure,value`. No value of these needs quotes, as names,
    /// logins, numbers and times have none of `,`, `"` and line ends.
    pub(super) fn csv(&self) -> String {
        let mut lines = String::from("report,subject,measure,value\n");
        let mut line = |report: &str, subject: &str, measure: &str, value: &dyn std::fmt::Display| {
            lines.push_str(&format!("{report},{subject},{measure},{value}\n"));
        };
        line("all", "", "since", &self.since);
        line("all", "", "requests", &self.requests);
        line("all", "", "unsound", &self.unsound);
        line("all", "", "break_glass", &self.break_glass);
        for owed in &self.reviews_owed {
            line("reviews_owed", &owed.request, "requester", &owed.requester);
            line("reviews_owed", &owed.request, "owed_since", &owed.owed_since);
            line("reviews_owed", &owed.request, "reviewed_by", &owed.reviewed_by);
        }
        for rule in &self.rules {
            line("rules", &rule.rule, "requests", &rule.requests);
            line("rules", &rule.rule, "last_used", &rule.last_used.as_deref().unwrap_or_default());
        }
        for by in &self.approvers {
            line("approvers", &by.user, "decisions", &by.decisions);
            line("approvers", &by.user, "approved", &by.approved);
            line("approvers", &by.user, "denied", &by.denied);
            line("approvers", &by.user, "median_seconds", &by.median_seconds);
            line("approvers", &by.user, "fastest_seconds", &by.fastest_seconds);
            line("approvers", &by.user, "rubber_stamp", &by.rubber_stamp);
        }
        for Paired { users: [one, other], approved: [there, back] } in &self.pairs {
            line("pairs", one, &format!("approved for {other}"), there);
            line("pairs", other, &format!("approved for {one}"), back);
        }
        for open in &self.exposure {
            for host in &open.hosts {
                let subject = format!("{}@{host}", open.login);
                line("exposure", &subject, "without_approval", &open.without_approval);
                line("exposure", &subject, "with_approval", &open.with_approval);
                line("exposure", &subject, "by_break_glass", &open.by_break_glass);
            }
        }
        line("exposure", "", "complete", &self.exposure_complete);
        self.users_without_keys.iter().for_each(|user| line("users_without_keys", user, "keys", &0));
        lines
    }

    fn owed(&self, look: &Look<'_>) -> String {
        let mut text = format!("Break-glass since then: {}.\n", grouped(self.break_glass));
        if self.reviews_owed.is_empty() {
            text.push_str("No review of break-glass is owed.\n");
            return text;
        }
        let mut table = Table::new(["REVIEW OWED", "SINCE", "WHO", "ACCESS", "REVIEWED BY"]);
        for owed in &self.reviews_owed {
            let since = Cell::new(when::short(owed.since, look.now, look.zone), Tone::Bad);
            let (id, who) = ((&owed.request).into(), (&owed.requester).into());
            table.row([id, since, who, (&owed.access).into(), (&owed.reviewed_by).into()]);
        }
        text + &table.render(look.colours)
    }

    fn rules(&self, look: &Look<'_>) -> String {
        let mut table = Table::new(["RULE", "REQUESTS", "LAST USED"]);
        for rule in &self.rules {
            let last = match rule.last {
                Some(last) => when::short(last, look.now, look.zone).into(),
                None => Cell::new("nobody used it", Tone::Waiting),
            };
            table.row([(&rule.rule).into(), grouped(rule.requests).into(), last]);
        }
        table.render(look.colours)
    }

    fn approvers(&self, look: &Look<'_>) -> String {
        if self.approvers.is_empty() {
            return "Nobody decided on a request.\n".to_owned();
        }
        let mut table = Table::new(["APPROVER", "DECISIONS", "APPROVED", "MEDIAN", "FASTEST", ""]);
        for by in &self.approvers {
            let share = format!("{}%", by.approved.saturating_mul(100) / by.decisions.max(1));
            let mark = if by.rubber_stamp { Cell::new("rubber stamp", Tone::Bad) } else { "".into() };
            let (median, fastest) = (lasts(by.median_seconds), lasts(by.fastest_seconds));
            table.row([
                (&by.user).into(),
                grouped(by.decisions).into(),
                share.into(),
                median.into(),
                fastest.into(),
                mark,
            ]);
        }
        let mut text = table.render(look.colours);
        if self.approvers.iter().any(|by| by.rubber_stamp) {
            text.push_str(&format!(
                "Rubber stamp: at least {ENOUGH} decisions, none a deny, half of them within {FAST_SECONDS}s of the request.\n"
            ));
        }
        text
    }

    fn pairs(&self) -> String {
        let each = self.pairs.iter().map(|Paired { users: [one, other], approved: [there, back] }| {
            format!("{one} and {other} approve each other: {there} and {back} times.\n")
        });
        let each: String = each.collect();
        if each.is_empty() {
            return each;
        }
        format!("\n{each}Each gave at least {PAIRED} approvals, and half of all that the other had.\n")
    }

    fn exposure(&self, look: &Look<'_>) -> String {
        if self.exposure.is_empty() {
            return "Nobody could get in anywhere.\n".to_owned();
        }
        let mut table = Table::new(["LOGIN", "WITHOUT APPROVAL", "WITH APPROVAL", "BY BREAK-GLASS", "ON"]);
        for open in &self.exposure {
            let tone = if open.without_approval > 0 { Tone::Waiting } else { Tone::Plain };
            let (without, with) = (Cell::new(open.without_approval, tone), open.with_approval.into());
            let broken = open.by_break_glass.into();
            table.row([(&open.login).into(), without, with, broken, hosts(&open.hosts).into()]);
        }
        let rest = if self.exposure_complete { "" } else { "There are more hosts than were looked at.\n" };
        format!("{}{rest}", table.render(look.colours))
    }
}

/// Hosts as a list; of many, how many and the first.
fn hosts(hosts: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = hosts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if hosts.len() > SHOWN { format!("{} hosts: {shown}, ...", hosts.len()) } else { shown }
}

fn lasts(seconds: u64) -> String {
    Span::from_seconds(seconds).map_or_else(|_| "over a year".to_owned(), |span| span.to_string())
}

impl Report for Shown {
    fn text(&self, look: &Look<'_>) -> String {
        let since = when::short(self.from, look.now, look.zone);
        let mut text = format!("Requests since {since}: {}.\n", grouped(self.requests));
        if self.unsound > 0 {
            text.push_str(&format!("Left out, as they do not stand up to checking: {}.\n", grouped(self.unsound)));
        }
        text.push_str(&format!("\n{}", self.owed(look)));
        text.push_str(&format!("\n{}", self.rules(look)));
        text.push_str(&format!("\n{}{}", self.approvers(look), self.pairs()));
        text.push_str(&format!("\nWho could get in, by the rules in force:\n{}", self.exposure(look)));
        text.push_str(&match self.users_without_keys.as_slice() {
            [] => "\nEvery enabled user has a key.\n".to_owned(),
            names => format!("\nEnabled users without a key, who can sign nothing: {}.\n", names.join(", ")),
        });
        text
    }
}
