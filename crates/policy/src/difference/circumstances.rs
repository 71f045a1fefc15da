//! What becomes of accesses at other times of day and for commands: only where it is not what becomes of them anyhow, and
//! what is the same in several situations is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::UnixTime;

use super::access::{Became, Changed};
use super::approval::Shift;
use super::openings::Opening;
use super::situations::Situation;
use super::{AccessChange, Both, LoginOf};

/// As many patterns are named; of more the first few are.
const LISTED: usize = 4;
const FIRST: usize = 3;

/// A change without what stays: so that two situations compare, of which one opens more on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Delta {
    gained: BTreeSet<Opening>,
    lost: BTreeSet<Opening>,
    reordered: bool,
    shift: Option<Shift>,
}

impl Delta {
    fn of(became: &Became) -> Self {
        let [old, new] = [&became.openings.old, &became.openings.new].map(|side| side.iter().collect::<BTreeSet<_>>());
        let only = |one: &BTreeSet<&Opening>, other| one.difference(other).map(|opening| (*opening).clone()).collect();
        let (gained, lost): (BTreeSet<_>, BTreeSet<_>) = (only(&new, &old), only(&old, &new));
        let reordered = gained.is_empty() && lost.is_empty() && became.shift.is_none();
        Self { gained, lost, reordered, shift: became.shift.clone() }
    }

    /// Both changes at once.
    fn and(&self, other: &Self) -> Self {
        Self {
            gained: &self.gained | &other.gained,
            lost: &self.lost | &other.lost,
            reordered: self.reordered || other.reordered,
            shift: self.shift.clone().or_else(|| other.shift.clone()),
        }
    }
}

/// By login, host and cluster of users.
type Deltas = BTreeMap<(LoginOf, usize, usize), Rc<Delta>>;

/// By the pattern of a command, if it is about one.
type Times = BTreeMap<Option<String>, BTreeSet<UnixTime>>;

/// What was found in each situation, beside what was found in simpler ones.
#[derive(Default)]
pub(super) struct Circumstances {
    found: Vec<(Situation, Changed)>,
    deltas: BTreeMap<Situation, Deltas>,
}

impl Circumstances {
    /// Takes in what was found in a situation. The first is without a command; one with a command at another time comes
    /// after that time and that command alone.
    pub(super) fn add(&mut self, situation: &Situation, mut changed: Changed) {
        let deltas = deltas(&changed);
        let simpler = self.simpler(situation);
        for ((login, _), by_host) in &mut changed {
            for (host, clusters) in by_host.iter_mut() {
                clusters.retain(|cluster| {
                    let key = (login.clone(), *host, *cluster);
                    deltas.get(&key).is_some_and(|delta| !expected(delta, &key, &simpler))
                });
            }
            by_host.retain(|_, clusters| !clusters.is_empty());
        }
        changed.retain(|_, by_host| !by_host.is_empty());
        self.found.push((situation.clone(), changed));
        self.deltas.insert(situation.clone(), deltas);
    }

    /// The time alone, the command alone, and neither: as far as the situation is another.
    fn simpler(&self, situation: &Situation) -> Vec<&Deltas> {
        let Some((first, _)) = self.found.first() else { return Vec::new() };
        let time_alone = Situation { command: None, ..situation.clone() };
        let command_alone = Situation { at: first.at, ..situation.clone() };
        let others = [first, &time_alone, &command_alone].into_iter().filter(|other| *other != situation);
        others.filter_map(|other| self.deltas.get(other)).collect()
    }

    /// All of it in words. What is so at `now`, too, is told without times. What opens and closes is told as opening, but
    /// apart from what only opens, so that the way back is grouped alike.
    pub(super) fn told(
        self,
        now: UnixTime,
        grouped: impl Fn(Changed) -> Vec<(Both<bool>, AccessChange)>,
    ) -> Vec<AccessChange> {
        let mut merged: BTreeMap<(Both<bool>, AccessChange), Times> = BTreeMap::new();
        for (Situation { at, command }, changed) in self.found {
            let pattern = command.map(|example| example.pattern);
            for change in grouped(changed) {
                merged.entry(change).or_default().entry(pattern.clone()).or_default().insert(at);
            }
        }
        let each = merged.into_iter().flat_map(|((_, change), situations)| {
            let mut by_times: BTreeMap<(bool, BTreeSet<UnixTime>), BTreeSet<String>> = BTreeMap::new();
            for (pattern, at) in situations {
                let at = if at.contains(&now) { BTreeSet::new() } else { at };
                by_times.entry((pattern.is_some(), at)).or_default().extend(pattern);
            }
            by_times.into_iter().map(move |((_, at), commands)| {
                let words = format!("{}{}", when(&at, &commands), change.words);
                AccessChange { at, commands, words, ..change.clone() }
            })
        });
        each.collect()
    }
}

fn deltas(changed: &Changed) -> Deltas {
    let mut deltas = Deltas::new();
    for ((login, became), by_host) in changed {
        let delta = Rc::new(Delta::of(became));
        for (host, cluster) in by_host.iter().flat_map(|(host, clusters)| clusters.iter().map(move |one| (host, one))) {
            deltas.insert((login.clone(), *host, *cluster), Rc::clone(&delta));
        }
    }
    deltas
}

/// Whether a change is one that was found in a simpler situation, or all that was found in these.
fn expected(delta: &Delta, key: &(LoginOf, usize, usize), simpler: &[&Deltas]) -> bool {
    let mut known = simpler.iter().filter_map(|deltas| deltas.get(key));
    let all = simpler.iter().filter_map(|deltas| deltas.get(key)).fold(Delta::default(), |all, one| all.and(one));
    known.any(|known| **known == *delta) || all == *delta
}

/// `at other times, such as 2026-03-02T07:00:00Z, to run `uptime`: `, as far as it is so only then.
fn when(at: &BTreeSet<UnixTime>, commands: &BTreeSet<String>) -> String {
    let times = at.first().map(|first| format!("at other times, such as {first}"));
    let quoted: Vec<String> = commands.iter().map(|pattern| format!("`{pattern}`")).collect();
    let commands = match quoted.as_slice() {
        [] => None,
        [one] => Some(format!("to run {one}")),
        all if all.len() > LISTED => {
            let first = all.get(..FIRST).unwrap_or_default().join(", ");
            Some(format!("to run {first} or {} more", all.len() - FIRST))
        }
        [first @ .., last] => Some(format!("to run {} or {last}", first.join(", "))),
    };
    let said: Vec<String> = times.into_iter().chain(commands).collect();
    if said.is_empty() { String::new() } else { format!("{}: ", said.join(", ")) }
}
