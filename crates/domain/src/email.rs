//! Addresses that mail goes to.

use std::fmt;
use std::str::FromStr;

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mail address such as alice@example.com: use letters, digits and . _ % + - before the @")]
pub struct EmailError(String);

/// A mail address of plain characters: what neither a header nor an argument of a program reads as anything else.
///
/// Narrower than RFC 5321: no quotes, no comments, no address literals, and a domain with a dot or `localhost`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(Box<str>);

impl EmailAddress {
    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(given: &str) -> Result<Self, EmailError> {
        let fits = given.split_once('@').is_some_and(|(local, domain)| is_local(local) && is_domain(domain));
        if fits && given.len() <= 254 {
            return Ok(Self(given.into()));
        }
        Err(EmailError(given.chars().take(64).flat_map(char::escape_default).collect()))
    }
}

fn is_local(local: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._%+-".contains(&b);
    (1..=64).contains(&local.len())
        && local.bytes().all(plain)
        && !local.starts_with(['-', '.'])
        && !local.ends_with('.')
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain == "localhost" || (domain.contains('.') && domain.split('.').all(label))
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_taken() {
        for good in ["alice@example.com", "Alice.B+hallpass@mail.example.co.uk", "root@localhost", "a_b%c@x-1.example"]
        {
            assert_eq!(good.parse::<EmailAddress>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn nothing_is_taken_that_a_header_or_a_program_reads_otherwise() {
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "alice",
            "@example.com",
            "alice@",
            "alice@host",
            "-f@example.com",
            ".a@example.com",
            "a.@example.com",
            "a b@example.com",
            "a@example.com, b@example.com",
            "a@example.com\nBcc: b@example.com",
            "<a@example.com>",
            "a@b@example.com",
            "\"a\"@example.com",
            "a@[192.0.2.1]",
            "a@-x.example",
            "a@x..y",
            "ä@example.com",
            &long,
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
        assert!(!"\u{1b}[31m@".parse::<EmailAddress>().unwrap_err().to_string().contains('\u{1b}'));
    }
}
