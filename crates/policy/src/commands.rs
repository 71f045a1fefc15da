//! Patterns of commands, matched word by word and never on a joined text.

use std::fmt;
use std::str::FromStr;

use domain::Command;

/// Most bytes of a pattern: commands are no longer.
const LONGEST: usize = 1024;
/// What stands for `*` in an example: the first of these that no pattern has in it.
const LETTERS: &str = "xyzqjkvwXYZQJKVWabcdefghilmnoprstuABCDEFGHILMNOPRSTU0123456789_@%+:,.";
/// The last word that stands for any further words.
const REST: &str = "...";

/// Why a pattern was refused: it could match no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("expected words with single spaces between them, such as `systemctl restart *` or `journalctl ...`")]
    Grammar,
    #[error(
        "no command has the word `{0}`: words hold letters, digits and _ @ % + = : , . / -, and here * for any of them"
    )]
    Word(String),
    #[error("no command begins with `{0}`: a first word holds no `=` and does not start with `-`")]
    First(String),
    #[error("no command is this long; 1024 bytes are the most")]
    TooLong,
}

/// Words that a command must have: `*` in a word stands for any characters of that one word, none included, and a last
/// word `...` for any further words, none included. Everything else is literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// As it was written; in Cedar it goes by this.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a command is meant.
    pub(crate) fn matches(&self, command: &Command) -> bool {
        let (words, open) = match self.0.strip_suffix(REST) {
            Some("") => return true,
            Some(front) if front.ends_with(' ') => (front.trim_end_matches(' '), true),
            _ => (self.0.as_str(), false),
        };
        let mut given = command.words();
        let each = words.split(' ').all(|word| given.next().is_some_and(|given| fits(word, given)));
        each && (open || given.next().is_none())
    }
}

/// Whether a word fits: what stands before the first `*` begins it, what stands behind the last ends it, and what is
/// between is found in its order.
fn fits(pattern: &str, word: &str) -> bool {
    let Some((first, others)) = pattern.split_once('*') else { return pattern == word };
    let Some(mut rest) = word.strip_prefix(first) else { return false };
    let (between, last) = others.rsplit_once('*').unwrap_or(("", others));
    for part in between.split('*') {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Pattern {
    /// A command that it matches.
    pub(crate) fn example(&self) -> Option<Command> {
        let words = match self.0.strip_suffix(REST) {
            Some("") => "x",
            Some(front) if front.ends_with(' ') => front.trim_end(),
            _ => &self.0,
        };
        words.replace('*', "x").parse().ok()
    }

    /// A command that it matches, and that stands for all of these: with a letter for each `*` and so many words where it
    /// ends in `...`. A pattern without this letter and with fewer words matches it only if it matches all of them. `None`
    /// where no command is long enough for that.
    pub(crate) fn general(&self, letter: char, words: usize) -> Option<Command> {
        let letter = letter.to_string();
        let mut all: Vec<String> = self.0.split(' ').map(|word| word.replace('*', &letter)).collect();
        if self.0.split(' ').next_back() == Some(REST) {
            all.pop();
            all.resize(words.max(all.len()), letter);
        }
        all.join(" ").parse().ok()
    }
}

/// A command that stands for all that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Example {
    pub(crate) pattern: String,
    pub(crate) command: Command,
}

/// A command for each pattern, once, which another of them matches only if it matches all that this one does.
pub(crate) fn examples<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Vec<Example> {
    let mut patterns: Vec<&Pattern> = patterns.collect();
    patterns.sort_by_key(|pattern| pattern.as_str());
    patterns.dedup();
    let unused = |letter: &char| !patterns.iter().any(|pattern| pattern.as_str().contains(*letter));
    let letter = LETTERS.chars().find(unused).unwrap_or('x');
    let words = patterns.iter().map(|pattern| pattern.as_str().split(' ').count()).max().unwrap_or(0);
    let example = |pattern: &&Pattern| {
        let command = pattern.general(letter, words + 1)?;
        Some(Example { pattern: pattern.as_str().to_owned(), command })
    };
    patterns.iter().filter_map(example).collect()
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(given: &str) -> Result<Self, PatternError> {
        if given.len() > LONGEST {
            return Err(PatternError::TooLong);
        }
        for (place, word) in given.split(' ').enumerate() {
            let known = |b: u8| b.is_ascii_alphanumeric() || b"_@%+=:,./-*".contains(&b);
            let shown = || word.chars().take(64).flat_map(char::escape_default).collect();
            if word.is_empty() {
                return Err(PatternError::Grammar);
            }
            if !word.bytes().all(known) {
                return Err(PatternError::Word(shown()));
            }
            if place == 0 && (word.contains('=') || word.starts_with('-')) {
                return Err(PatternError::First(shown()));
            }
        }
        Ok(Self(given.to_owned()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, command: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&command.parse().unwrap())
    }

    #[test]
    fn patterns_match_word_by_word() {
        for (pattern, command, expected) in [
            ("systemctl restart nginx", "systemctl restart nginx", true),
            ("systemctl restart nginx", "systemctl restart nginx.service", false),
            ("systemctl restart nginx", "systemctl restart", false),
            ("systemctl restart nginx", "systemctl restart nginx now", false),
            ("systemctl restart *", "systemctl restart nginx", true),
            ("systemctl restart *", "systemctl restart", false),
            ("systemctl restart *", "systemctl restart nginx --force", false),
            ("systemctl *", "systemctl restart nginx", false),
            ("systemctl restart app-*", "systemctl restart app-", true),
            ("systemctl restart app-*", "systemctl restart web-1", false),
            ("rsync --*=*/backup x", "rsync --path=/srv/backup x", true),
            ("rsync --*=*/backup x", "rsync --path=backup x", false),
            ("ls a*a", "ls a", false),
            ("ls a*a", "ls aa", true),
            ("ls a**b", "ls ab", true),
            ("ls *b*c*", "ls xbxc", true),
            ("ls *b*c*", "ls xcxb", false),
            ("journalctl ...", "journalctl", true),
            ("journalctl ...", "journalctl -u nginx -f", true),
            ("journalctl ...", "journalctlx", false),
            ("journalctl -u * ...", "journalctl -u", false),
            ("journalctl -u * ...", "journalctl -u nginx", true),
            ("...", "anything at all", true),
            ("ls ... x", "ls ... x", true),
            ("ls ... x", "ls a b x", false),
            ("ls x...", "ls x y", false),
            ("ls x...", "ls x...", true),
            ("l.s", "lxs", false),
        ] {
            assert_eq!(matches(pattern, command), expected, "{pattern:?} and {command:?}");
            let pattern: Pattern = pattern.parse().unwrap();
            assert!(pattern.matches(&pattern.example().unwrap()), "{pattern:?}");
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for bad in ["", " ls", "ls ", "ls  -l"] {
            assert_eq!(bad.parse::<Pattern>(), Err(PatternError::Grammar), "{bad:?}");
        }
        for bad in ["ls $HOME", "ls a;b", "ls ?", "ls é", "ls 'x'", "ls ~"] {
            assert!(matches!(bad.parse::<Pattern>(), Err(PatternError::Word(_))), "{bad:?}");
        }
        for bad in ["A=b ls", "-c ls", "*=x", "-*"] {
            assert!(matches!(bad.parse::<Pattern>(), Err(PatternError::First(_))), "{bad:?}");
        }
        assert_eq!("x".repeat(1025).parse::<Pattern>(), Err(PatternError::TooLong));
    }

    /// As slow and plain as it can be said.
    fn plainly(pattern: &[u8], word: &[u8]) -> bool {
        match pattern.split_first() {
            None => word.is_empty(),
            Some((b'*', rest)) => (0..=word.len()).any(|skipped| plainly(rest, &word[skipped..])),
            Some((letter, rest)) => {
                word.split_first().is_some_and(|(first, left)| first == letter && plainly(rest, left))
            }
        }
    }

    proptest! {
        #[test]
        fn a_word_fits_as_trying_every_way_finds(pattern in "[ab*]{0,7}", word in "[ab]{0,7}") {
            prop_assert_eq!(fits(&pattern, &word), plainly(pattern.as_bytes(), word.as_bytes()));
        }

        #[test]
        fn without_wildcards_a_pattern_matches_itself_alone(one in "[a-c]{1,2}( [a-c]{1,2}){0,2}", other in "[a-c]{1,2}( [a-c]{1,2}){0,2}") {
            prop_assert_eq!(matches(&one, &other), one == other);
        }
    }
}
