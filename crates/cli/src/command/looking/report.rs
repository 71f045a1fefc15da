//! `hallpass admin report`: what the past says of the rules in force, and of those who approve.

mod people;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use directory::Directory;
use domain::{RuleName, UnixTime, UserName};
use policy::{Exposures, Files, Policy, exposures};
use wire::View;

use crate::app::App;
use crate::arguments::AdminReport;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::link::Which;
use crate::past::{Gathered, Tally, gather};

use people::{Approver, Decided};

pub(crate) async fn run(app: &App<'_>, asked: &AdminReport) -> Result<Exit, Failure> {
    let now = app.context.now()?;
    let since = asked.since.time(now);
    let joined = app.joined().await?;
    let (head, files) = joined.link.bundle(None).await?;
    let understood = Files::of(files).ok().and_then(|files| files.understand().ok());
    let (directory, policy) = understood.ok_or(Failure::NewerBundle)?;
    let directory = directory.amended(&head.amendments);
    let Gathered { tally, unsound } = gather(app, &joined.link, since, Past::default).await?;
    // However long ago it was: it is owed until somebody has made it.
    let owed = app.requests(&joined.link, View::Owed, Which::All).await?;
    let report = Findings::new(&tally, &owed, (&policy, &directory), now);
    let shown = shown::Shown::new(&report, since, unsound);
    if asked.csv {
        app.print(&shown.csv())?
    } else {
        app.report(&shown)?
    }
    Ok(Exit::Done)
}

/// What past requests show.
#[derive(Default)]
struct Past {
    requests: u64,
    break_glass: u64,
    rules: BTreeMap<RuleName, Used>,
    approvers: BTreeMap<UserName, Approver>,
}

/// How often a rule was taken, and when last.
struct Used {
    requests: u64,
    last: UnixTime,
}

impl Used {
    fn join(&mut self, other: &Self) {
        self.requests += other.requests;
        self.last = self.last.max(other.last);
    }
}

impl Tally for Past {
    fn take(&mut self, request: Checked) {
        let (asked, submitted) = (request.request.statement(), request.told.submitted);
        self.requests += 1;
        self.break_glass += u64::from(asked.break_glass.is_some());
        let rule = request.ruling.obligations().rule.clone();
        self.rules
            .entry(rule)
            .or_insert(Used { requests: 0, last: submitted })
            .join(&Used { requests: 1, last: submitted });
        for decision in &request.told.decisions {
            // By the server's clock at both ends: those of two clients may be a minute apart.
            let decided = Decided { verdict: decision.verdict, after: decision.time.since(submitted) };
            self.approvers.entry(decision.approver.clone()).or_default().add(&asked.requester, decided);
        }
    }

    fn join(&mut self, other: Self) {
        self.requests += other.requests;
        self.break_glass += other.break_glass;
        for (rule, used) in other.rules {
            self.rules.entry(rule).or_insert(Used { requests: 0, last: used.last }).join(&used);
        }
        for (name, approver) in other.approvers {
            self.approvers.entry(name).or_default().join(approver);
        }
    }
}

/// What there is to tell.
struct Findings<'a> {
    requests: u64,
    break_glass: u64,
    /// Break-glass whose review is owed.
    owed: &'a [Checked],
    /// Every rule in force, and how it was used.
    rules: Vec<(&'a RuleName, Option<&'a Used>)>,
    /// Who decides most comes first.
    approvers: Vec<(&'a UserName, &'a Approver)>,
    pairs: Vec<people::Pair<'a>>,
    exposures: Exposures,
    /// Enabled users who can sign nothing.
    without_keys: Vec<UserName>,
}

impl<'a> Findings<'a> {
    fn new(
        past: &'a Past,
        owed: &'a [Checked],
        (policy, directory): (&'a Policy, &'a Directory),
        now: UnixTime,
    ) -> Self {
        let mut approvers: Vec<_> = past.approvers.iter().collect();
        approvers.sort_by_key(|(_, approver)| std::cmp::Reverse(approver.decisions()));
        let keyless = directory.users().filter(|user| user.keys.is_empty() && !directory.is_disabled(&user.name));
        Self {
            requests: past.requests,
            break_glass: past.break_glass,
            owed,
            rules: policy.rules().into_iter().map(|rule| (rule, past.rules.get(rule))).collect(),
            pairs: people::pairs(&past.approvers),
            approvers,
            exposures: exposures(policy, directory, now),
            without_keys: keyless.map(|user| user.name.clone()).collect(),
        }
    }
}
