//! When and for which command both bundles are compared: at each combination of times of day that comes up, and for each
//! pattern of commands. Everything that `access.toml` can say of a request is the same all through one of these.

use std::collections::BTreeSet;

use domain::UnixTime;

use super::{Both, Read, Unseen};
use crate::commands::{Example, examples};
use crate::schedule::Schedule;

/// How far ahead times of day are looked at: every one comes up within a week, and clocks change less often.
const AHEAD_SECONDS: u64 = 15 * 86_400;
/// How many combinations of moments and commands are looked at.
const MOST: usize = 64;

/// What is the same of all requests that are compared at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Situation {
    pub(super) at: UnixTime,
    pub(super) command: Option<Example>,
}

/// Every situation that one side or the other tells apart: first `now`, without a command. And whether there are more.
pub(super) fn situations(both: Both<Read<'_>>, now: UnixTime) -> (Vec<Situation>, Option<Unseen>) {
    let (moments, more) = moments(&schedules(both), now);
    let examples = examples(both.iter().flat_map(|read| &read.policy.conditions.patterns));
    let alone = |at: &UnixTime| Situation { at: *at, command: None };
    let with = |at: UnixTime, example: &Example| Situation { at, command: Some(example.clone()) };
    let mut found: Vec<Situation> = moments.iter().map(alone).collect();
    // Each alone comes first, so that those are compared in any case.
    found.extend(examples.iter().map(|example| with(now, example)));
    found.extend(moments.iter().skip(1).flat_map(|at| examples.iter().map(|example| with(*at, example))));
    let unseen = (more || found.len() > MOST).then_some(Unseen::Situations { compared: found.len().min(MOST) });
    found.truncate(MOST);
    (found, unseen)
}

fn schedules<'a>(both: Both<Read<'a>>) -> Vec<&'a Schedule> {
    let of_statements = both.old.policy.conditions.schedules.iter().chain(&both.new.policy.conditions.schedules);
    let of_approvers = both.old.policy.approvers.iter().chain(&both.new.policy.approvers);
    let mut named: BTreeSet<&str> = BTreeSet::new();
    of_statements
        .chain(of_approvers.flat_map(|approver| &approver.when))
        .filter(|one| named.insert(one.as_str()))
        .collect()
}

/// `now`, and the first moment of every other set of times of day that holds within the next days; and whether there are more
/// than are looked at.
fn moments(schedules: &[&Schedule], now: UnixTime) -> (Vec<UnixTime>, bool) {
    let held = |at| -> Vec<bool> { schedules.iter().map(|schedule| schedule.holds(at)).collect() };
    let (mut moments, mut seen) = (vec![now], BTreeSet::from([held(now)]));
    let mut changes: Vec<(&Schedule, Option<UnixTime>)> =
        schedules.iter().map(|schedule| (*schedule, schedule.changes_after(now))).collect();
    while let Some(next) = changes.iter().filter_map(|(_, change)| *change).min() {
        if next.seconds() > now.seconds().saturating_add(AHEAD_SECONDS) {
            break;
        }
        if seen.insert(held(next)) {
            if moments.len() == MOST {
                return (moments, true);
            }
            moments.push(next);
        }
        for (schedule, change) in changes.iter_mut().filter(|(_, change)| *change == Some(next)) {
            *change = schedule.changes_after(next);
        }
    }
    (moments, false)
}
