//! Why nothing is open, and what would be: the next step of a refusal.

use directory::Directory;
use domain::{HostName, RuleName, UnixTime};

use crate::cedar::{Meaning, Statement};
use crate::commands::Pattern;
use crate::schedule::Schedule;
use crate::target::{self, Look};
use crate::{Ask, Policy, Refusal};

/// How many changes of the times of day are looked at; of one that knows working days there are ten a week.
const CHANGES: usize = 40;

/// What a request asks, and which rule it is held to.
pub(crate) struct Refused<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) directory: &'a Directory,
    pub(crate) ask: &'a Ask,
    pub(crate) look: Look<'a>,
    pub(crate) rule: Option<&'a RuleName>,
    pub(crate) now: UnixTime,
}

impl Refused<'_> {
    /// The refusal, and when it ends, where that is a matter of time; `again` rules as of another time.
    pub(crate) fn explained<T>(&self, refusal: Refusal, again: impl Fn(UnixTime) -> Result<T, Refusal>) -> Refusal {
        if !closed(&refusal) {
            return refusal;
        }
        match (self.opens(again), refusal, self.rule) {
            (Some(opens), Refusal::Forbidden { by, host }, _) => Refusal::ForbiddenNow { by, host, until: opens },
            (Some(opens), _, Some(rule)) => Refusal::RuleNotNow { rule: rule.clone(), opens },
            (Some(opens), _, None) => Refusal::NotNow { requester: self.ask.requester.clone(), opens },
            (None, Refusal::NoRule { requester, host }, _) => {
                let patterns = self.patterns(&host);
                if patterns.is_empty() {
                    Refusal::NoRule { requester, host }
                } else {
                    Refusal::OnlyCommands { requester, host, patterns }
                }
            }
            (None, refusal, _) => refusal,
        }
    }

    /// When the next path opens: found by ruling again at each change of a time of day that the statements name.
    fn opens<T>(&self, again: impl Fn(UnixTime) -> Result<T, Refusal>) -> Option<UnixTime> {
        let hosts = target::hosts(self.directory, &self.ask.target, self.look).ok()?.all;
        let mut schedules: Vec<&Schedule> = Vec::new();
        for schedule in hosts.iter().flat_map(|host| self.statements(host)).flat_map(|s| &s.conditions.schedules) {
            if !schedules.contains(&schedule) {
                schedules.push(schedule);
            }
        }
        let mut at = self.now;
        for _ in 0..CHANGES {
            at = schedules.iter().filter_map(|schedule| schedule.changes_after(at)).min()?;
            if !again(at).is_err_and(|refusal| closed(&refusal)) {
                return Some(at);
            }
        }
        None
    }

    /// The commands that rules for this host take.
    fn patterns(&self, host: &HostName) -> Vec<String> {
        let Some(host) = self.directory.host(host.as_str()) else { return Vec::new() };
        let rules = self.statements(host).filter(|statement| matches!(statement.meaning, Meaning::Rule(..)));
        let mut patterns: Vec<String> =
            rules.flat_map(|rule| &rule.conditions.patterns).map(Pattern::to_string).collect();
        patterns.sort_unstable();
        patterns.dedup();
        patterns
    }

    /// The statements whose scope can hold.
    fn statements(&self, host: &directory::Host) -> impl Iterator<Item = &Statement> {
        let vocabulary = &self.policy.vocabulary;
        let user = self.directory.user(&self.ask.requester);
        let users = user.map(|user| vocabulary.user(self.directory, user)).unwrap_or_default();
        let places = self.policy.slices.of(&users, &vocabulary.host(host));
        places.into_iter().filter_map(|place| self.policy.statements.get(place))
    }
}

/// Whether nothing is open, which another time could change.
const fn closed(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::NoRule { .. } | Refusal::NoCommonRule | Refusal::RuleNotApplicable { .. } | Refusal::Forbidden { .. }
    )
}
