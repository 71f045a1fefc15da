//! `hallpass admin policy replay --sshd-log FILE`: past logins under the rules of a directory.

use std::collections::BTreeMap;
use std::path::Path;

use import::{Outcome, Replayed};
use serde::Serialize;

use super::import::Counted;
use super::log;
use crate::app::{App, Look, Report};
use crate::command::policy::{Loaded, load};
use crate::failure::{Exit, Failure};
use crate::table::{Cell, Table, Tone};

pub(crate) fn run(app: &App<'_>, file: &Path, with: &Path) -> Result<Exit, Failure> {
    let Loaded { directory, policy, .. } = load(with)?;
    let log = log(file)?;
    let replayed = import::replay(&log, &directory, &policy, app.context.now()?);
    app.report(&Told { logins: replayed.iter().map(Ruled::from).collect(), unread: log.unread() })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Told {
    logins: Vec<Ruled>,
    unread: u64,
}

#[derive(Serialize)]
struct Ruled {
    #[serde(flatten)]
    login: Counted,
    user: Option<String>,
    rule: Option<String>,
    quorum: Option<String>,
    approvers: Vec<String>,
    why: Option<String>,
}

impl From<&Replayed> for Ruled {
    fn from(replayed: &Replayed) -> Self {
        let (rule, quorum, approvers, why) = match &replayed.outcome {
            Outcome::Ruled { rule, quorum, approvers } => {
                let approvers = approvers.iter().map(ToString::to_string).collect();
                (Some(rule.to_string()), Some(quorum.to_string()), approvers, None)
            }
            Outcome::Refused(why) => (None, None, Vec::new(), Some(why.clone())),
        };
        let user = replayed.user.as_ref().map(ToString::to_string);
        Self { login: Counted::new(&replayed.login, replayed.times), user, rule, quorum, approvers, why }
    }
}

impl Ruled {
    /// What a row shows but for how often: two keys of one user make one row.
    fn cells(&self) -> [String; 5] {
        let user = self.user.clone().unwrap_or_else(|| self.login.who());
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let last = self.why.clone().unwrap_or_else(|| self.approvers.join(", "));
        [self.login.access(), user, or_dash(&self.rule), or_dash(&self.quorum), last]
    }
}

impl Report for Told {
    fn text(&self, look: &Look<'_>) -> String {
        let mut rows: BTreeMap<[String; 5], (u64, Tone)> = BTreeMap::new();
        let (mut ruled, mut refused) = (0, 0);
        for login in &self.logins {
            let tone = if login.why.is_some() { Tone::Bad } else { Tone::Plain };
            rows.entry(login.cells()).or_insert((0, tone)).0 += login.login.times;
            *(if login.why.is_some() { &mut refused } else { &mut ruled }) += login.login.times;
        }
        let mut table = Table::new(["TIMES", "LOGIN", "USER", "RULE", "APPROVAL", "WHO MAY APPROVE, OR WHY NOT"]);
        for ([login, user, rule, quorum, last], (times, tone)) in rows {
            table.row([times.into(), login.into(), user.into(), rule.into(), quorum.into(), Cell::new(last, tone)]);
        }
        let mut text = if self.logins.is_empty() { String::new() } else { table.render(look.colours) + "\n" };
        text.push_str(&format!("Past logins under a rule: {ruled}, under none: {refused}.\n"));
        if self.unread > 0 {
            text.push_str(&format!("Lines about a login that cannot be read: {}.\n", self.unread));
        }
        text
    }
}
