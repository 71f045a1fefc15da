//! A command that a certificate is bound to.

use std::fmt;
use std::str::FromStr;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No words at all.
    #[error("the command is empty")]
    Empty,
    /// A word that a shell could read as more than itself.
    #[error(
        "the word `{0}` of the command may only hold letters, digits and _ @ % + = : , . / -, \
         because sshd gives commands to a shell"
    )]
    Word(String),
    /// Over 1 KiB in all.
    #[error("the command is longer than 1024 bytes")]
    TooLong,
}

/// An argv of words in `[A-Za-z0-9_@%+=:,./-]+`: what a shell reads in just one way. In text joined by single spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(Box<str>);

impl Command {
    /// A command from its words.
    ///
    /// # Errors
    /// When there is no word, a word holds anything else, or all are over 1 KiB.
    pub fn from_words<W: AsRef<str>>(words: &[W]) -> Result<Self, CommandError> {
        if words.is_empty() {
            return Err(CommandError::Empty);
        }
        let mut joined = String::new();
        for (place, word) in words.iter().map(AsRef::as_ref).enumerate() {
            let safe = |b: u8| b.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&b);
            // A first word with `=` is an assignment to a shell, and one with a leading `-` is an option of `sh -c`.
            let misread = place == 0 && (word.contains('=') || word.starts_with('-'));
            if word.is_empty() || misread || !word.bytes().all(safe) {
                return Err(CommandError::Word(word.chars().take(64).flat_map(char::escape_default).collect()));
            }
            if place > 0 {
                joined.push(' ');
            }
            joined.push_str(word);
            if joined.len() > 1024 {
                return Err(CommandError::TooLong);
            }
        }
        Ok(Self(joined.into()))
    }

    /// What logins on jump hosts run, which are for forwarding alone: it says so and ends at once.
    #[must_use]
    pub fn only_says_that_it_forwards() -> Self {
        Self("echo This login only forwards connections to the hosts behind.".into())
    }

    /// The words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ')
    }

    /// The words joined by single spaces: also the value of `force-command`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(given: &str) -> Result<Self, CommandError> {
        if given.is_empty() {
            return Err(CommandError::Empty);
        }
        Self::from_words(&given.split(' ').collect::<Vec<_>>())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pass_a_shell_unchanged() {
        let command = Command::from_words(&["systemctl", "restart", "nginx@1.service"]).unwrap();
        assert_eq!(command.to_string(), "systemctl restart nginx@1.service");
        assert_eq!(command.to_string().parse(), Ok(command.clone()));
        assert_eq!(command.words().count(), 3);
        let forwards = Command::only_says_that_it_forwards();
        assert_eq!(forwards.as_str().parse(), Ok(forwards.clone()));
    }

    #[test]
    fn what_a_shell_could_read_otherwise_is_refused() {
        for bad in
            ["a;b", "a b", "", "$(x)", "`x`", "a|b", "a>b", "~root", "*", "a\nb", "é", "'a'", "a\\b", "{a}", "a&"]
        {
            assert!(matches!(Command::from_words(&["ls", bad]), Err(CommandError::Word(_))), "{bad:?}");
        }
        assert!(matches!(Command::from_words(&["LD_PRELOAD=/x", "ls"]), Err(CommandError::Word(_))));
        assert!(matches!(Command::from_words(&["-c"]), Err(CommandError::Word(_))));
        assert_eq!(Command::from_words::<&str>(&[]), Err(CommandError::Empty));
        assert_eq!(Command::from_words(&["a".repeat(1025)]), Err(CommandError::TooLong));
    }
}
