//! Hosts as a user sees them.

use std::collections::BTreeSet;

use domain::{AskedLogin, BreakGlassTerms, HostName, Label, Login, Quorum, RealmName, RuleName, Span};

use crate::WireError;
use crate::error::{each, optional, parsed, port, shown, span};
use crate::v1;

/// Most bytes of an address: a DNS name or an IP address.
const LONGEST_ADDRESS: usize = 253;

/// A host, and what the user may ask for on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The canonical name.
    pub name: HostName,
    /// Other names.
    pub aliases: Vec<HostName>,
    /// Where it is reached.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The labels.
    pub labels: BTreeSet<Label>,
    /// The jump host.
    pub via: Option<HostName>,
    /// The realm of a plain host.
    pub realm: Option<RealmName>,
    /// The logins.
    pub logins: Vec<HostLogin>,
    /// The login that only forwards, when it is a jump host.
    pub jump_login: Option<Login>,
}

/// A login that the user may ask for on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLogin {
    /// The login.
    pub login: AskedLogin,
    /// The approvals it takes.
    pub quorum: Quorum,
    /// The rule that opens the path.
    pub rule: RuleName,
    /// The longest window.
    pub max: Span,
    /// What a request may take rather as break-glass, and by which rule.
    pub break_glass: Option<(RuleName, BreakGlassTerms)>,
}

impl TryFrom<v1::Host> for Host {
    type Error = WireError;

    fn try_from(given: v1::Host) -> Result<Self, WireError> {
        let label = |(key, value): (&String, &String)| {
            Label::new(key, value).map_err(|why| WireError::Field { field: "labels", why: why.to_string() })
        };
        Ok(Self {
            name: parsed("name", &given.name)?,
            aliases: each("aliases", &given.aliases)?,
            address: address(given.address)?,
            port: port("port", given.port)?,
            labels: given.labels.iter().map(label).collect::<Result<_, _>>()?,
            via: optional("via", &given.via)?,
            realm: optional("realm", &given.realm)?,
            logins: given.logins.into_iter().map(HostLogin::try_from).collect::<Result<_, _>>()?,
            jump_login: optional("jump_login", &given.jump_login)?,
        })
    }
}

/// An address goes into `ssh` arguments and configuration: nothing in it may be read as an option or a second word.
pub(crate) fn address(given: String) -> Result<String, WireError> {
    let given = shown("address", given, LONGEST_ADDRESS)?;
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'_' | b'%');
    if given.is_empty() || given.starts_with('-') || !given.bytes().all(letter) {
        return Err(WireError::Field { field: "address", why: "expected a DNS name or an IP address".to_owned() });
    }
    Ok(given)
}

impl From<Host> for v1::Host {
    fn from(host: Host) -> Self {
        Self {
            name: host.name.to_string(),
            aliases: host.aliases.iter().map(ToString::to_string).collect(),
            address: host.address,
            port: host.port.into(),
            labels: host.labels.iter().map(|l| (l.key().to_owned(), l.value().to_owned())).collect(),
            via: host.via.map(|via| via.to_string()).unwrap_or_default(),
            realm: host.realm.map(|realm| realm.to_string()).unwrap_or_default(),
            logins: host.logins.into_iter().map(Into::into).collect(),
            jump_login: host.jump_login.map(|login| login.to_string()).unwrap_or_default(),
        }
    }
}

impl TryFrom<v1::HostLogin> for HostLogin {
    type Error = WireError;

    fn try_from(given: v1::HostLogin) -> Result<Self, WireError> {
        Ok(Self {
            login: parsed("login", &given.login)?,
            quorum: parsed("quorum", &given.quorum)?,
            rule: parsed("rule", &given.rule)?,
            max: span("max_seconds", given.max_seconds)?,
            break_glass: match optional("break_glass", &given.break_glass)? {
                Some(terms) => Some((parsed("break_glass_rule", &given.break_glass_rule)?, terms)),
                None => None,
            },
        })
    }
}

impl From<HostLogin> for v1::HostLogin {
    fn from(login: HostLogin) -> Self {
        let (break_glass_rule, break_glass) =
            login.break_glass.map(|(rule, terms)| (rule.to_string(), terms.to_string())).unwrap_or_default();
        Self {
            login: login.login.to_string(),
            quorum: login.quorum.to_string(),
            rule: login.rule.to_string(),
            max_seconds: login.max.seconds(),
            break_glass,
            break_glass_rule,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_comes_back_as_it_was_sent() {
        let host = Host {
            name: "web-1.example.com".parse().unwrap(),
            aliases: vec!["web-1".parse().unwrap()],
            address: "2001:db8::1".to_owned(),
            port: 22,
            labels: ["env=prod".parse().unwrap(), "role=web".parse().unwrap()].into(),
            via: Some("bastion".parse().unwrap()),
            realm: None,
            logins: vec![HostLogin {
                login: "root".parse().unwrap(),
                quorum: "1 of sre".parse().unwrap(),
                rule: "prod".parse().unwrap(),
                max: "1h".parse().unwrap(),
                break_glass: Some(("oncall".parse().unwrap(), "15m reviewed by security".parse().unwrap())),
            }],
            jump_login: Some("jump".parse().unwrap()),
        };
        assert_eq!(Host::try_from(v1::Host::from(host.clone())), Ok(host));
    }

    #[test]
    fn an_address_cannot_become_an_option_of_ssh() {
        for bad in ["", "-oProxyCommand=id", "a b", "a\nb", "$(id)", "a;b"] {
            assert!(address(bad.to_owned()).is_err(), "{bad:?}");
        }
        for good in ["192.0.2.10", "2001:db8::1", "fe80::1%eth0", "web-1.example.com"] {
            assert_eq!(address(good.to_owned()).as_deref(), Ok(good));
        }
    }
}
