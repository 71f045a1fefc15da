//! Names: of users, logins, hosts, groups, realms, rules and servers.

use std::fmt;
use std::str::FromStr;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a {what}: {why}")]
pub struct NameError {
    what: &'static str,
    why: &'static str,
    shown: String,
}

impl NameError {
    fn new(what: &'static str, why: &'static str, given: &str) -> Self {
        // What was refused is shown so that a person recognises it, never so that it can act on a terminal.
        let shown = given.chars().take(64).flat_map(char::escape_default).collect();
        Self { what, why, shown }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident, $why:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text, in its canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(given: &str) -> Result<Self, NameError> {
                if $check(given) { Ok(Self(given.into())) } else { Err(NameError::new($what, $why, given)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

name!(
    /// A user: `[a-z0-9_][a-z0-9._-]{0,63}`, optionally followed by `@` and a DNS name. One that is `-` would be spelled in a
    /// statement like no user at all, and one that begins with it read as an option on a command line.
    UserName, "user name", is_user,
    "use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, starting with a letter, a digit or `_`, optionally followed by @ and a lowercase DNS name"
);
name!(
    /// A Unix account on a host: `[a-z_][a-z0-9_.-]{0,31}`.
    Login, "login", is_login,
    "use 1 to 32 of a-z, 0-9, `_`, `.`, `-`, starting with a letter or `_`"
);
name!(
    /// A host's canonical inventory name: a lowercase DNS name of at most 253 bytes.
    HostName, "host name", is_dns,
    "use a lowercase DNS name: labels of a-z, 0-9 and inner `-`, joined by dots, 253 bytes at most"
);
name!(
    /// A group of users.
    GroupName, "group name", is_plain,
    "use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, starting with a letter or digit"
);
name!(
    /// A realm of plain hosts.
    RealmName, "realm name", is_plain,
    "use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, starting with a letter or digit"
);
name!(
    /// A rule of the policy.
    RuleName, "rule name", is_plain,
    "use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, starting with a letter or digit"
);
name!(
    /// A receiver of notices, as `hallpassd.toml` names it.
    ReceiverName, "receiver name", is_plain,
    "use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, starting with a letter or digit"
);
name!(
    /// The server's own name: a URL without scheme, such as `ca.example.com/prod`; also the origin of its checkpoints
    /// (C2SP `tlog-checkpoint`).
    Origin, "server name", is_origin,
    "use a URL without scheme, such as ca.example.com or ca.example.com/prod"
);

fn is_user(name: &str) -> bool {
    let (local, domain) = match name.split_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (name, None),
    };
    local.len() <= 64
        && local.starts_with(|first: char| !matches!(first, '.' | '-'))
        && local.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && domain.is_none_or(is_dns)
}

fn is_login(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 32
        && bytes.next().is_some_and(|b| matches!(b, b'a'..=b'z' | b'_'))
        && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

fn is_dns(name: &str) -> bool {
    (1..=253).contains(&name.len()) && name.split('.').all(is_dns_label)
}

fn is_dns_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_plain(name: &str) -> bool {
    name.len() <= 64
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

fn is_origin(name: &str) -> bool {
    let (host, path) = name.split_once('/').map_or((name, None), |(host, path)| (host, Some(path)));
    let segment =
        |s: &str| !s.is_empty() && s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    name.len() <= 253 && is_dns(host) && path.is_none_or(|path| path.split('/').all(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_follow_the_grammar() {
        for good in ["alice", "a", "alice.b_c-d", "alice@example.com", "0", "_apt"] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Alice",
            "alice@",
            "@example.com",
            "a b",
            "a@b@c",
            "a@-x",
            "-",
            "-a",
            ".",
            "..",
            "ali\u{202e}ce",
            "a\n",
        ] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(64).parse::<UserName>().is_ok());
        assert!("a".repeat(65).parse::<UserName>().is_err());
    }

    #[test]
    fn logins_cannot_carry_commas_or_capitals() {
        for good in ["root", "_apt", "deploy-1", "a.b"] {
            assert!(good.parse::<Login>().is_ok(), "{good:?}");
        }
        for bad in ["", "Root", "1x", "-x", "root,admin", "root@web", "root ", "r*"] {
            assert!(bad.parse::<Login>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(33).parse::<Login>().is_err());
    }

    #[test]
    fn host_names_are_canonical_dns() {
        for good in ["web-1", "web-1.example.com", "10.0.0.1"] {
            assert!(good.parse::<HostName>().is_ok(), "{good:?}");
        }
        for bad in ["", "Web", "web_1", "web.", ".web", "-web", "web-", "a..b", "web@x"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
        assert!(["a"; 127].join(".").parse::<HostName>().is_ok());
        assert!(["a"; 128].join(".").parse::<HostName>().is_err());
    }

    #[test]
    fn a_server_name_has_no_scheme_and_no_port() {
        for good in ["ca.example.com", "ca.example.com/prod", "localhost"] {
            assert!(good.parse::<Origin>().is_ok(), "{good:?}");
        }
        for bad in ["", "https://ca.example.com", "ca:8443", "ca/", "ca//x", "ca.example.com/PROD", "a b"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refused_name_is_shown_escaped() {
        let error = "a\u{1b}[31m".parse::<UserName>().unwrap_err().to_string();
        assert!(error.contains("\\u{1b}") && !error.contains('\u{1b}'), "{error}");
    }
}
