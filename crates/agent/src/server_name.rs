//! What the client's configuration calls a server.

use std::fmt;
use std::str::FromStr;

/// Why a server's local name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a server is called by 1 to 64 letters, digits, `.`, `_` and `-`, starting with a letter or digit")]
pub struct ServerNameError;

/// The name that the client's configuration gives a server: each has a login session, and each session a connecting key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(Box<str>);

impl ServerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    fn from_str(given: &str) -> Result<Self, ServerNameError> {
        let fits = (1..=64).contains(&given.len())
            && given.starts_with(|c: char| c.is_ascii_alphanumeric())
            && given.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if fits { Ok(Self(given.into())) } else { Err(ServerNameError) }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_plain_name() {
        for good in ["prod", "ca.example.com", "Test_1", "1"] {
            assert_eq!(good.parse::<ServerName>().unwrap().as_str(), good);
        }
        for bad in ["", "-x", "a b", "a\n", "ä", "../x", &"a".repeat(65)] {
            assert_eq!(bad.parse::<ServerName>(), Err(ServerNameError), "{bad:?}");
        }
    }
}
