//! One line of an authorized_keys file, read as sshd reads it (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

use std::collections::BTreeSet;

use domain::{Extension, KeyError, PublicKey};

/// A key with its options and comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLine {
    pub(crate) options: Vec<KeyOption>,
    /// Kind and key as they are written.
    pub(crate) words: String,
    /// The key, or why the product does not take it.
    pub(crate) key: Result<PublicKey, KeyError>,
    pub(crate) comment: String,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyOption {
    /// Its name in lowercase: sshd does not mind the case.
    pub(crate) name: String,
    /// What is in the quotes.
    pub(crate) value: Option<String>,
    /// The option as it is written.
    pub(crate) words: String,
}

/// Why a line is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyLineError {
    #[error("a quote is not closed")]
    Quote,
    #[error("there is no key")]
    NoKey,
}

/// What an option does to the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Takes an extension away, or all of them.
    Takes(Option<Extension>),
    /// Gives an extension back after `restrict`.
    Gives(Extension),
    /// The key is a CA's.
    Authority,
    /// One command and no other.
    Command,
    /// A limit that rules cannot say.
    Unsaid,
    /// sshd does not know it, and ignores the line.
    Unknown,
}

impl KeyOption {
    pub(crate) fn effect(&self) -> Effect {
        let name = self.name.as_str();
        if let Some(extension) = name.strip_prefix("no-").and_then(extension) {
            return Effect::Takes(Some(extension));
        }
        match (name, self.value.is_some()) {
            ("restrict", false) => Effect::Takes(None),
            ("cert-authority", false) => Effect::Authority,
            ("command", true) => Effect::Command,
            ("touch-required" | "no-touch-required" | "verify-required" | "no-verify-required", false) => {
                Effect::Unsaid
            }
            (
                "from" | "environment" | "permitopen" | "permitlisten" | "tunnel" | "principals" | "expiry-time",
                true,
            ) => Effect::Unsaid,
            (name, false) => extension(name).map_or(Effect::Unknown, Effect::Gives),
            (_, true) => Effect::Unknown,
        }
    }
}

/// `no-x11-forwarding` is spelt with a capital in the manual, and the names are the certificate's short ones otherwise.
fn extension(name: &str) -> Option<Extension> {
    Extension::ALL.into_iter().find(|extension| extension.as_str() == name)
}

impl KeyLine {
    /// Reads a line; `None` for blank lines and comments.
    pub(crate) fn read(line: &str) -> Option<Result<Self, KeyLineError>> {
        let line = line.trim_matches(BLANK);
        (!line.is_empty() && !line.starts_with('#')).then(|| Self::read_key(line))
    }

    fn read_key(line: &str) -> Result<Self, KeyLineError> {
        let (options, key) = if is_key(line) { (Vec::new(), line) } else { options(line)? };
        let (kind, rest) = word(key);
        let (blob, comment) = word(rest);
        if !is_key(key) {
            return Err(KeyLineError::NoKey);
        }
        let words = format!("{kind} {blob}");
        Ok(Self { options, key: words.parse(), words, comment: comment.to_owned() })
    }

    /// What a certificate in this key's place may carry: the PTY unless it was taken, and what stands after `restrict`.
    /// All else that sshd gives without being asked is left away.
    pub(crate) fn allow(&self) -> BTreeSet<Extension> {
        let mut allow = BTreeSet::from([Extension::Pty]);
        for option in &self.options {
            match option.effect() {
                Effect::Takes(None) => allow.clear(),
                Effect::Takes(Some(extension)) => drop(allow.remove(&extension)),
                Effect::Gives(extension) => drop(allow.insert(extension)),
                _ => {}
            }
        }
        allow
    }

    pub(crate) fn has(&self, effect: Effect) -> bool {
        self.options.iter().any(|option| option.effect() == effect)
    }
}

const BLANK: [char; 3] = [' ', '\t', '\r'];

/// Whether a kind and a key's base64 stand here: every key starts with the length of its kind, three zero bytes first.
fn is_key(text: &str) -> bool {
    let (kind, rest) = word(text);
    !kind.contains(['"', ',', '=']) && rest.starts_with("AAAA")
}

fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(BLANK).unwrap_or((text, ""));
    (word, rest.trim_start_matches(BLANK))
}

/// Options up to the first blank outside of quotes, and the rest.
fn options(line: &str) -> Result<(Vec<KeyOption>, &str), KeyLineError> {
    let (mut options, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in line.char_indices() {
        let ends = !quoted && (c == ',' || BLANK.contains(&c));
        if ends {
            options.extend(option(line.get(start..at).unwrap_or_default()));
            start = at + c.len_utf8();
        }
        if ends && c != ',' {
            return Ok((options, line.get(start..).unwrap_or_default().trim_start_matches(BLANK)));
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    Err(if quoted { KeyLineError::Quote } else { KeyLineError::NoKey })
}

fn option(words: &str) -> Option<KeyOption> {
    let (name, value) = match words.split_once('=') {
        Some((name, value)) => (name, Some(value.trim_matches('"').replace("\\\"", "\""))),
        None => (words, None),
    };
    (!words.is_empty()).then(|| KeyOption { name: name.to_ascii_lowercase(), value, words: words.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn read(line: &str) -> KeyLine {
        KeyLine::read(line).unwrap().unwrap()
    }

    #[test]
    fn options_key_and_comment_are_told_apart() {
        for (before, names, comment) in [
            ("", "", ""),
            ("", "", "alice@laptop"),
            ("restrict,pty ", "restrict pty", "alice the second"),
            ("from=\"10.0.0.0/8,!10.1.2.3\",command=\"echo \\\"a b\\\", c\" ", "from command", "x"),
            ("no-X11-forwarding  ", "no-x11-forwarding", "x"),
        ] {
            let line = read(&format!("  {before}{KEY} {comment}\r"));
            let found: Vec<_> = line.options.iter().map(|option| option.name.as_str()).collect();
            assert_eq!((found.join(" ").as_str(), line.comment.as_str()), (names, comment), "{before}");
            assert_eq!(line.key, KEY.parse());
        }
        let line = read(&format!("command=\"echo \\\"a b\\\", c\" {KEY}"));
        assert_eq!(line.options[0].value.as_deref(), Some("echo \"a b\", c"));
    }

    #[test]
    fn what_is_no_key_line_says_why() {
        assert_eq!(KeyLine::read(" # comment"), None);
        assert_eq!(KeyLine::read(" \t"), None);
        for (line, error) in [
            ("from=\"10.0.0.1 ssh-ed25519 AAAA", KeyLineError::Quote),
            ("hello", KeyLineError::NoKey),
            ("hello world", KeyLineError::NoKey),
            ("restrict ssh-ed25519", KeyLineError::NoKey),
        ] {
            assert_eq!(KeyLine::read(line).unwrap(), Err(error), "{line}");
        }
        let weak = read("ssh-dss AAAAB3NzaC1kc3MAAACBAJ x");
        assert!(matches!(weak.key, Err(KeyError::Unsupported(_))), "{weak:?}");
    }

    #[test]
    fn what_a_key_may_do_is_never_more_than_before() {
        use Extension::{AgentForwarding, Pty, UserRc};
        for (options, allow) in [
            ("", vec![Pty]),
            ("no-pty ", vec![]),
            ("restrict ", vec![]),
            ("restrict,pty,user-rc ", vec![Pty, UserRc]),
            ("Restrict,agent-forwarding,no-agent-forwarding,PTY ", vec![Pty]),
            ("restrict,agent-forwarding ", vec![AgentForwarding]),
            ("no-port-forwarding,from=\"x\" ", vec![Pty]),
        ] {
            assert_eq!(read(&format!("{options}{KEY}")).allow(), allow.into_iter().collect(), "{options}");
        }
    }
}
