//! `hallpass admin policy replay --since 30d --with DIR`: every past request ruled on again by other files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use domain::{RequestId, UnixTime, UserName};
use policy::{Course, Divergence, course, divergences, rule};
use serde::Serialize;

use super::ask;
use crate::app::{App, Look, Report};
use crate::arguments::Since;
use crate::checked::Checked;
use crate::command::policy::{Loaded, load};
use crate::failure::{Exit, Failure};
use crate::past::{Gathered, Tally, gather};
use crate::progress::grouped;
use crate::table::{Cell, Table, Tone};
use crate::when;

pub(crate) async fn run(app: &App<'_>, since: Since, with: &Path) -> Result<Exit, Failure> {
    let since = since.time(app.context.now()?);
    let rules = Arc::new(load(with)?);
    let joined = app.joined().await?;
    let begin = || Replayed { rules: Arc::clone(&rules), same: 0, differing: BTreeMap::new() };
    let Gathered { tally, unsound } = gather(app, &joined.link, since, begin).await?;
    let told = Told::new(&tally, since, unsound);
    let differs = !told.differences.is_empty() || unsound > 0;
    app.report(&told)?;
    Ok(if differs { Exit::Failed } else { Exit::Done })
}

/// Requests, ruled on again.
struct Replayed {
    rules: Arc<Loaded>,
    same: u64,
    differing: BTreeMap<Differing, Times>,
}

/// What differs in the same way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Differing {
    user: UserName,
    access: String,
    was: String,
    differences: Vec<Divergence>,
}

/// How often, and the latest.
struct Times {
    count: u64,
    latest: (UnixTime, RequestId),
}

impl Tally for Replayed {
    fn take(&mut self, request: Checked) {
        let (asked, was) = (request.request.statement(), request.ruling.obligations());
        // By the clock of then: what a rule says of the time of day is said of that time.
        let now =
            rule(&self.rules.policy, &self.rules.directory, &ask(&request.request, was.owed()), request.told.submitted);
        let differences = divergences(was, &now);
        if differences.is_empty() {
            self.same += 1;
            return;
        }
        let (user, access) = (asked.requester.clone(), asked.access.to_string());
        let was = format!("{} by {}", was.quorum, was.rule);
        let latest = (request.told.submitted, request.told.id);
        self.add(Differing { user, access, was, differences }, Times { count: 1, latest });
    }

    fn join(&mut self, other: Self) {
        self.same += other.same;
        other.differing.into_iter().for_each(|(differing, times)| self.add(differing, times));
    }
}

impl Replayed {
    fn add(&mut self, differing: Differing, times: Times) {
        let known = self.differing.entry(differing).or_insert(Times { count: 0, latest: times.latest });
        known.count += times.count;
        known.latest = known.latest.max(times.latest);
    }
}

#[derive(Serialize)]
struct Told {
    since: String,
    requests: u64,
    same: u64,
    refused: u64,
    looser: u64,
    stricter: u64,
    other: u64,
    unsound: u64,
    differences: Vec<Line>,
    #[serde(skip)]
    from: UnixTime,
}

#[derive(Serialize)]
struct Line {
    times: u64,
    user: String,
    access: String,
    was: String,
    course: String,
    differences: Vec<Said>,
    latest: String,
}

#[derive(Serialize)]
struct Said {
    what: &'static str,
    words: String,
}

impl Told {
    fn new(replayed: &Replayed, from: UnixTime, unsound: u64) -> Self {
        let of = |wanted| {
            let lines = replayed.differing.iter().filter(|(line, _)| course(&line.differences) == wanted);
            lines.map(|(_, times)| times.count).sum::<u64>()
        };
        let differing: u64 = replayed.differing.values().map(|times| times.count).sum();
        let mut differences: Vec<Line> = replayed.differing.iter().map(Line::from).collect();
        differences.sort_by_key(|line| std::cmp::Reverse(line.times));
        Self {
            since: from.to_string(),
            requests: replayed.same + differing + unsound,
            same: replayed.same,
            refused: of(Course::Refused),
            looser: of(Course::Looser),
            stricter: of(Course::Stricter),
            other: of(Course::Other),
            unsound,
            differences,
            from,
        }
    }
}

impl From<(&Differing, &Times)> for Line {
    fn from((line, times): (&Differing, &Times)) -> Self {
        let said = |difference: &Divergence| Said { what: difference.what(), words: difference.to_string() };
        Self {
            times: times.count,
            user: line.user.to_string(),
            access: line.access.clone(),
            was: line.was.clone(),
            course: course(&line.differences).to_string(),
            differences: line.differences.iter().map(said).collect(),
            latest: times.latest.1.to_string(),
        }
    }
}

impl Line {
    fn cells(&self) -> [Cell; 7] {
        let tone = match self.course.as_str() {
            "looser" | "other" => Tone::Waiting,
            "refused" => Tone::Bad,
            _ => Tone::Plain,
        };
        let words: Vec<&str> = self.differences.iter().map(|said| said.words.as_str()).collect();
        let words = words.join("; ");
        // Where it is refused the column before says so.
        let words = words.strip_prefix("refused: ").map_or_else(|| words.clone(), ToOwned::to_owned);
        [
            grouped(self.times).into(),
            (&self.user).into(),
            (&self.access).into(),
            (&self.was).into(),
            Cell::new(&self.course, tone),
            words.into(),
            (&self.latest).into(),
        ]
    }
}

impl Report for Told {
    fn text(&self, look: &Look<'_>) -> String {
        let mut table = Table::new(["TIMES", "USER", "ACCESS", "WAS", "WOULD BE", "HOW", "LATEST"]);
        self.differences.iter().for_each(|line| table.row(line.cells()));
        let mut text = if self.differences.is_empty() { String::new() } else { table.render(look.colours) + "\n" };
        let since = when::short(self.from, look.now, look.zone);
        text.push_str(&format!("Past requests since {since}: {}. ", grouped(self.requests)));
        if self.differences.is_empty() {
            text.push_str("Nothing differs.\n");
        } else {
            let Self { same, refused, looser, stricter, other, .. } = self;
            let [same, refused, looser, stricter, other] =
                [same, refused, looser, stricter, other].map(|n| grouped(*n));
            let counts = format!("refused: {refused}, looser: {looser}, stricter: {stricter}, other: {other}");
            text.push_str(&format!("The same: {same}, {counts}.\n"));
        }
        if self.unsound > 0 {
            text.push_str(&format!("Not compared, as they do not stand up to checking: {}.\n", grouped(self.unsound)));
        }
        text
    }
}

#[cfg(test)]
mod tests;
