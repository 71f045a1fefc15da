//! Comments: what was guessed and from what, in words that cannot leave their comment.

use std::collections::BTreeSet;
use std::fmt;

/// The most characters of foreign words in one comment.
const LONGEST: usize = 200;
/// As many places as are named; the rest is counted.
const PLACES: usize = 3;

/// One guess, or one thing that has no counterpart: a `# TODO: ...` line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Todo(String);

impl Todo {
    /// A guess in words. Foreign words in it went through [`shown`]; whatever did not is shown here.
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into().chars().map(visible).collect())
    }
}

impl fmt::Display for Todo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# TODO: {}", self.0)
    }
}

/// Foreign words as they may stand on a terminal and in a comment: on one line, and without anything that hides.
pub fn shown(words: &str) -> String {
    let mut short: String = words.chars().take(LONGEST).map(visible).collect();
    if words.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

/// Letters and digits of all scripts, and ASCII that prints; all else is escaped, so that two texts that differ look so.
fn visible(c: char) -> Shown {
    if matches!(c, ' '..='~') || c.is_alphanumeric() { Shown::Plain(c) } else { Shown::Escaped(c) }
}

enum Shown {
    Plain(char),
    Escaped(char),
}

impl FromIterator<Shown> for String {
    fn from_iter<I: IntoIterator<Item = Shown>>(all: I) -> Self {
        let mut text = Self::new();
        for shown in all {
            match shown {
                Shown::Plain(c) => text.push(c),
                Shown::Escaped(c) => text.extend(c.escape_unicode()),
            }
        }
        text
    }
}

/// Where something was seen: a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) file: String,
    pub(crate) line: usize,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", shown(&self.file), self.line)
    }
}

/// A few of many.
pub(crate) fn some_of<T: fmt::Display>(all: &BTreeSet<T>) -> String {
    let mut words = all.iter().take(PLACES).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(more) = all.len().checked_sub(PLACES).filter(|more| *more > 0) {
        words.push_str(&format!(" and {more} more"));
    }
    words
}
