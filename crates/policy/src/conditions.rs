//! What conditions look up in the context: times of day and patterns of commands, which Cedar does not know.
//!
//! Whoever asks works out which of them hold, and puts those into two sets: `context.when` and `context.commands`. One that
//! is not known here would never be in its set, and a `forbid` that asks for it would be skipped without a word: so every
//! mention is found beforehand, and one that cannot be told is a mistake.

use cedar_policy::Policy;
use domain::{Command, UnixTime};
use serde_json::Value;

use crate::commands::Pattern;
use crate::schedule::Schedule;

/// The times of day and the patterns that something names, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Conditions {
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) patterns: Vec<Pattern>,
}

impl Conditions {
    /// Takes in what others name.
    pub(crate) fn add(&mut self, schedules: &[Schedule], patterns: &[Pattern]) {
        for schedule in schedules {
            if !self.schedules.contains(schedule) {
                self.schedules.push(schedule.clone());
            }
        }
        for pattern in patterns {
            if !self.patterns.contains(pattern) {
                self.patterns.push(pattern.clone());
            }
        }
    }

    /// The times of day that hold.
    pub(crate) fn at(&self, now: UnixTime) -> impl Iterator<Item = &str> {
        self.schedules.iter().filter(move |schedule| schedule.holds(now)).map(Schedule::as_str)
    }

    /// The patterns that a command matches; without one, none.
    pub(crate) fn of(&self, command: Option<&Command>) -> impl Iterator<Item = &str> {
        let matching = move |pattern: &&Pattern| command.is_some_and(|command| pattern.matches(command));
        self.patterns.iter().filter(matching).map(Pattern::as_str)
    }

    /// What a hand-written statement names.
    ///
    /// # Errors
    /// When it asks the two sets something else than whether they contain a text that is written out.
    pub(crate) fn named_in(policy: &Policy) -> Result<Self, String> {
        let mut found = Self::default();
        let text = policy.to_json().map_err(|error| error.to_string())?;
        found.look(&text)?;
        Ok(found)
    }

    fn look(&mut self, expression: &Value) -> Result<(), String> {
        if let Some((set, argument)) = contains(expression) {
            let Some(text) = argument.get("Value").and_then(Value::as_str) else { return Err(not_plain(set)) };
            return match set {
                Set::When => {
                    text.parse().map(|schedule| self.add(&[schedule], &[])).map_err(|e| format!("`{text}`: {e}"))
                }
                Set::Commands => {
                    text.parse().map(|pattern| self.add(&[], &[pattern])).map_err(|e| format!("`{text}`: {e}"))
                }
            };
        }
        if let Some(set) = set_of(expression) {
            return Err(not_plain(set));
        }
        match expression {
            Value::Array(items) => items.iter().try_for_each(|item| self.look(item)),
            Value::Object(fields) => fields.values().try_for_each(|field| self.look(field)),
            _ => Ok(()),
        }
    }
}

/// One of the two sets of the context.
#[derive(Clone, Copy)]
enum Set {
    When,
    Commands,
}

/// `context.when`, in Cedar's JSON form of an expression.
fn set_of(expression: &Value) -> Option<Set> {
    match expression.get(".")?.get("attr")?.as_str()? {
        "when" => Some(Set::When),
        "commands" => Some(Set::Commands),
        _ => None,
    }
}

/// `context.when.contains(ARGUMENT)`
fn contains(expression: &Value) -> Option<(Set, &Value)> {
    let call = expression.get("contains")?;
    let of_context = call.get("left")?.get(".")?.get("left")?.get("Var")?.as_str()? == "context";
    Some((set_of(call.get("left")?).filter(|_| of_context)?, call.get("right")?))
}

fn not_plain(set: Set) -> String {
    match set {
        Set::When => {
            "write times of day out, as context.when.contains(\"Mon-Fri 08:00-18:00 Europe/Berlin\")".to_owned()
        }
        Set::Commands => {
            "write patterns of commands out, as context.commands.contains(\"systemctl restart *\")".to_owned()
        }
    }
}
