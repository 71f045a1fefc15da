//! Sessions: the token that reads, and who it stands for.

use std::fmt;
use std::str::FromStr;

use domain::{GroupName, Login, UnixTime, UserName};
use zeroize::Zeroizing;

use crate::error::{each, optional, parsed, time};
use crate::v1;
use crate::{Head, WireError};

/// A session token as it travels: a secret, so it neither prints nor compares, and is wiped when it is dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// The token's text, for a metadata value or a file of one's own.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = WireError;

    fn from_str(given: &str) -> Result<Self, WireError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if (16..=128).contains(&given.len()) && given.bytes().all(word) {
            Ok(Self(Zeroizing::new(given.to_owned())))
        } else {
            Err(WireError::Field { field: "token", why: "it is not a session token of a hallpassd".to_owned() })
        }
    }
}

/// What a login buys.
#[derive(Clone)]
pub struct Session {
    /// The token. It only reads.
    pub token: Token,
    /// When it ends.
    pub expires: UnixTime,
    /// The ledger's head after the login.
    pub head: Head,
}

impl TryFrom<v1::LoginResponse> for Session {
    type Error = WireError;

    fn try_from(given: v1::LoginResponse) -> Result<Self, WireError> {
        Ok(Self {
            token: given.token.parse()?,
            expires: time("expires", given.expires)?,
            head: given.checkpoint.try_into()?,
        })
    }
}

impl From<Session> for v1::LoginResponse {
    fn from(session: Session) -> Self {
        Self {
            token: session.token.0.to_string(),
            expires: session.expires.seconds(),
            checkpoint: Some(session.head.into()),
        }
    }
}

/// The name of a right that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown right; known are admin, audit")]
pub struct UnknownRight;

/// What somebody may do beyond their own requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Administer.
    Admin,
    /// Read everything.
    Audit,
    /// Add hosts to pools.
    Hosts,
    /// Stop things.
    Stop,
}

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(given: &str) -> Result<Self, UnknownRight> {
        match given {
            "admin" => Ok(Self::Admin),
            "audit" => Ok(Self::Audit),
            "hosts" => Ok(Self::Hosts),
            "stop" => Ok(Self::Stop),
            _ => Err(UnknownRight),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "admin",
            Self::Audit => "audit",
            Self::Hosts => "hosts",
            Self::Stop => "stop",
        })
    }
}

/// Who a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserName,
    /// The person behind the user.
    pub owner: UserName,
    /// The user's groups.
    pub groups: Vec<GroupName>,
    /// What the user may do beyond their own requests.
    pub rights: Vec<Right>,
    /// When the session ends.
    pub expires: UnixTime,
    /// The ledger's head.
    pub head: Head,
    /// What `self` maps to.
    pub login: Option<Login>,
}

impl TryFrom<v1::WhoAmIResponse> for Identity {
    type Error = WireError;

    fn try_from(given: v1::WhoAmIResponse) -> Result<Self, WireError> {
        Ok(Self {
            user: parsed("user", &given.user)?,
            owner: parsed("owner", &given.owner)?,
            groups: each("groups", &given.groups)?,
            // A newer server may know more rights than this client: they say nothing to it.
            rights: given.rights.iter().filter_map(|right| right.parse().ok()).collect(),
            expires: time("expires", given.expires)?,
            head: given.checkpoint.try_into()?,
            login: optional("login", &given.login)?,
        })
    }
}

impl From<Identity> for v1::WhoAmIResponse {
    fn from(identity: Identity) -> Self {
        Self {
            user: identity.user.to_string(),
            owner: identity.owner.to_string(),
            groups: identity.groups.iter().map(ToString::to_string).collect(),
            rights: identity.rights.iter().map(ToString::to_string).collect(),
            expires: identity.expires.seconds(),
            checkpoint: Some(identity.head.into()),
            login: identity.login.map(|login| login.to_string()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_of_url_safe_letters() {
        assert!("Zm9vYmFyYmF6cXV4-_0123456789abcd".parse::<Token>().is_ok());
        for bad in ["", "short", "has space in the middle", "newline\nnewline-newline", &"x".repeat(129)] {
            assert!(bad.parse::<Token>().is_err(), "{bad:?}");
        }
    }
}
