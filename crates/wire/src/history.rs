//! Looking back: what is asked, and how a ruling came about.

use std::collections::BTreeSet;

use domain::{BreakGlassTerms, Digest, Extension, HostName, KeyStrength, Networks, Quorum, RuleName, Span, UnixTime};

use crate::WireError;
use crate::error::{each, exactly, optional, parsed, span, time};
use crate::v1;

/// Most bytes of words that say why.
const MOST_WORDS: usize = 4096;

/// Which requests to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListHistory {
    /// Those that came then or later.
    pub since: UnixTime,
}

impl TryFrom<v1::ListHistoryRequest> for ListHistory {
    type Error = WireError;

    fn try_from(given: v1::ListHistoryRequest) -> Result<Self, WireError> {
        Ok(Self { since: time("since", given.since)? })
    }
}

/// How policy came to a ruling, as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The bundle that ruled.
    pub bundle: Digest,
    /// When.
    pub time: UnixTime,
    /// What was found on the hosts; those with the same are told together.
    pub hosts: Vec<OnHosts>,
    /// The rules that match on every host, in the order in which they are tried.
    pub rules: Vec<Considered>,
    /// Why it is refused.
    pub refusal: Option<String>,
}

/// What was found on some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnHosts {
    /// The hosts.
    pub hosts: Vec<HostName>,
    /// The rules that match.
    pub rules: Vec<RuleName>,
    /// What is required beside them: by what, and what it asks.
    pub requirements: Vec<(String, Terms)>,
    /// What forbids it.
    pub forbidden_by: Option<String>,
    /// What is for this user and host, and does not apply.
    pub near: Vec<Near>,
    /// How many rules for these hosts are for others.
    pub rules_for_others: u32,
}

/// What does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// `rule`, `require` or `forbid`.
    pub kind: String,
    /// Its name, place or words.
    pub by: String,
    /// Why it does not apply.
    pub why: String,
}

/// A rule that matches on every host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Its name.
    pub rule: RuleName,
    /// What it asks by itself.
    pub own: Terms,
    /// What it asks with everything that is required.
    pub whole: Terms,
    /// Whether the request takes it.
    pub taken: bool,
    /// Why, or why not.
    pub why: String,
}

/// What a rule or requirement asks; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The approvals.
    pub quorum: Option<Quorum>,
    /// The longest window.
    pub max: Option<Span>,
    /// The certificate TTL.
    pub ttl: Option<Span>,
    /// The extensions.
    pub allow: Option<BTreeSet<Extension>>,
    /// What a ticket must match.
    pub tickets: Vec<String>,
    /// The networks that certificates may be used from.
    pub source: Option<Networks>,
    /// Whether each login takes a PIN or finger.
    pub verify_required: bool,
    /// What the signature of the request must show of its key.
    pub requester_key: Option<KeyStrength>,
    /// What the signature of each approval must show.
    pub approver_key: Option<KeyStrength>,
    /// Whether a request by labels opens hosts that get them later, too.
    pub live_hosts: bool,
    /// The approvals that an extension takes, where they are others.
    pub extend: Option<Quorum>,
    /// What it permits as break-glass.
    pub break_glass: Option<BreakGlassTerms>,
    /// What the signature of a request for that must show.
    pub break_glass_key: Option<KeyStrength>,
    /// Whether it rules break-glass out.
    pub no_break_glass: bool,
}

const TAKEN: &str = "taken";
const NOT_TAKEN: &str = "not-taken";

impl TryFrom<Option<v1::Explanation>> for Explanation {
    type Error = WireError;

    fn try_from(given: Option<v1::Explanation>) -> Result<Self, WireError> {
        let given = given.ok_or(WireError::Missing("explanation"))?;
        Ok(Self {
            bundle: exactly("bundle", &given.bundle).map(Digest::new)?,
            time: time("time", given.time)?,
            hosts: given.hosts.into_iter().map(OnHosts::try_from).collect::<Result<_, _>>()?,
            rules: given.rules.into_iter().map(Considered::try_from).collect::<Result<_, _>>()?,
            refusal: words("refusal", given.refusal)?,
        })
    }
}

impl From<Explanation> for v1::Explanation {
    fn from(told: Explanation) -> Self {
        Self {
            bundle: told.bundle.as_bytes().to_vec(),
            time: told.time.seconds(),
            hosts: told.hosts.into_iter().map(Into::into).collect(),
            rules: told.rules.into_iter().map(Into::into).collect(),
            refusal: told.refusal.unwrap_or_default(),
        }
    }
}

impl TryFrom<v1::HostExplanation> for OnHosts {
    type Error = WireError;

    fn try_from(given: v1::HostExplanation) -> Result<Self, WireError> {
        let requirement =
            |given: v1::RequirementExplanation| Ok((said("by", given.by)?, Terms::try_from(given.terms)?));
        Ok(Self {
            hosts: each("hosts", &given.hosts)?,
            rules: each("rules", &given.rules)?,
            requirements: given.requirements.into_iter().map(requirement).collect::<Result<_, WireError>>()?,
            forbidden_by: words("forbidden_by", given.forbidden_by)?,
            near: given.near.into_iter().map(Near::try_from).collect::<Result<_, _>>()?,
            rules_for_others: given.rules_for_others,
        })
    }
}

impl From<OnHosts> for v1::HostExplanation {
    fn from(told: OnHosts) -> Self {
        let requirement = |(by, terms): (String, Terms)| v1::RequirementExplanation { by, terms: Some(terms.into()) };
        Self {
            hosts: told.hosts.iter().map(ToString::to_string).collect(),
            rules: told.rules.iter().map(ToString::to_string).collect(),
            requirements: told.requirements.into_iter().map(requirement).collect(),
            forbidden_by: told.forbidden_by.unwrap_or_default(),
            near: told.near.into_iter().map(|Near { kind, by, why }| v1::NearExplanation { kind, by, why }).collect(),
            rules_for_others: told.rules_for_others,
        }
    }
}

impl TryFrom<v1::NearExplanation> for Near {
    type Error = WireError;

    fn try_from(given: v1::NearExplanation) -> Result<Self, WireError> {
        Ok(Self { kind: said("kind", given.kind)?, by: said("by", given.by)?, why: said("why", given.why)? })
    }
}

impl TryFrom<v1::RuleExplanation> for Considered {
    type Error = WireError;

    fn try_from(given: v1::RuleExplanation) -> Result<Self, WireError> {
        let taken = match given.outcome.as_str() {
            TAKEN => true,
            NOT_TAKEN => false,
            other => return Err(WireError::Field { field: "outcome", why: format!("`{other}` is not known here") }),
        };
        Ok(Self {
            rule: parsed("rule", &given.rule)?,
            own: given.own.try_into()?,
            whole: given.whole.try_into()?,
            taken,
            why: said("why", given.why)?,
        })
    }
}

impl From<Considered> for v1::RuleExplanation {
    fn from(told: Considered) -> Self {
        Self {
            rule: told.rule.to_string(),
            own: Some(told.own.into()),
            whole: Some(told.whole.into()),
            outcome: if told.taken { TAKEN } else { NOT_TAKEN }.to_owned(),
            why: told.why,
        }
    }
}

impl TryFrom<Option<v1::Terms>> for Terms {
    type Error = WireError;

    fn try_from(given: Option<v1::Terms>) -> Result<Self, WireError> {
        let given = given.ok_or(WireError::Missing("terms"))?;
        let lasts = |field, seconds| if seconds == 0 { Ok(None) } else { span(field, seconds).map(Some) };
        let tickets = given.tickets.into_iter().map(|ticket| said("tickets", ticket));
        Ok(Self {
            quorum: optional("quorum", &given.quorum)?,
            max: lasts("max_seconds", given.max_seconds)?,
            ttl: lasts("ttl_seconds", given.ttl_seconds)?,
            allow: if given.limits_allow { Some(each("allow", &given.allow)?) } else { None },
            tickets: tickets.collect::<Result<_, _>>()?,
            source: optional("source", &given.source)?,
            verify_required: given.verify_required,
            requester_key: optional("requester_key", &given.requester_key)?,
            approver_key: optional("approver_key", &given.approver_key)?,
            live_hosts: given.live_hosts,
            extend: optional("extend", &given.extend)?,
            break_glass: optional("break_glass", &given.break_glass)?,
            break_glass_key: optional("break_glass_key", &given.break_glass_key)?,
            no_break_glass: given.no_break_glass,
        })
    }
}

impl From<Terms> for v1::Terms {
    fn from(terms: Terms) -> Self {
        Self {
            quorum: terms.quorum.map(|quorum| quorum.to_string()).unwrap_or_default(),
            max_seconds: terms.max.map_or(0, Span::seconds),
            ttl_seconds: terms.ttl.map_or(0, Span::seconds),
            limits_allow: terms.allow.is_some(),
            allow: terms.allow.iter().flatten().map(ToString::to_string).collect(),
            tickets: terms.tickets,
            source: terms.source.map(|source| source.to_string()).unwrap_or_default(),
            verify_required: terms.verify_required,
            requester_key: terms.requester_key.map(|key| key.to_string()).unwrap_or_default(),
            approver_key: terms.approver_key.map(|key| key.to_string()).unwrap_or_default(),
            live_hosts: terms.live_hosts,
            extend: terms.extend.map(|quorum| quorum.to_string()).unwrap_or_default(),
            break_glass: terms.break_glass.map(|terms| terms.to_string()).unwrap_or_default(),
            break_glass_key: terms.break_glass_key.map(|key| key.to_string()).unwrap_or_default(),
            no_break_glass: terms.no_break_glass,
        }
    }
}

/// Words, or none.
fn words(field: &'static str, given: String) -> Result<Option<String>, WireError> {
    if given.is_empty() { Ok(None) } else { said(field, given).map(Some) }
}

/// Words that are shown to people: bounded, and with nothing in them that does not show.
fn said(field: &'static str, given: String) -> Result<String, WireError> {
    if given.len() > MOST_WORDS {
        return Err(WireError::TooLong { field, bytes: given.len(), most: MOST_WORDS });
    }
    if given.chars().all(domain::is_visible) {
        return Ok(given);
    }
    Err(WireError::Field { field, why: "it holds characters that do not show".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation() -> Explanation {
        let own = Terms {
            quorum: "1 of sre".parse().ok(),
            max: "1h".parse().ok(),
            ttl: "5m".parse().ok(),
            allow: Some(BTreeSet::new()),
            tickets: vec!["INC-[0-9]+".to_owned()],
            source: "10.0.0.0/8".parse().ok(),
            verify_required: true,
            requester_key: Some(KeyStrength::SkVerified),
            approver_key: None,
            live_hosts: true,
            extend: "auto".parse().ok(),
            break_glass: "15m reviewed by security".parse().ok(),
            break_glass_key: Some(KeyStrength::Sk),
            no_break_glass: false,
        };
        let near = Near { kind: "forbid".into(), by: "access.toml:9".into(), why: "it is for root".into() };
        Explanation {
            bundle: Digest::of(b"bundle"),
            time: UnixTime::new(5).unwrap(),
            hosts: vec![OnHosts {
                hosts: vec!["web-1".parse().unwrap()],
                rules: vec!["prod".parse().unwrap()],
                requirements: vec![(
                    "access.toml:3".into(),
                    Terms { max: "30m".parse().ok(), no_break_glass: true, ..Terms::default() },
                )],
                forbidden_by: None,
                near: vec![near],
                rules_for_others: 2,
            }],
            rules: vec![Considered {
                rule: "prod".parse().unwrap(),
                whole: own.clone(),
                own,
                taken: true,
                why: "it is the only one".into(),
            }],
            refusal: None,
        }
    }

    #[test]
    fn an_explanation_comes_back_as_it_was_sent() {
        let sent = v1::Explanation::from(explanation());
        assert_eq!(Explanation::try_from(Some(sent)), Ok(explanation()));
    }

    #[test]
    fn what_does_not_read_is_refused_by_the_name_of_its_field() {
        let refused = |change: fn(&mut v1::Explanation)| {
            let mut message = v1::Explanation::from(explanation());
            change(&mut message);
            match Explanation::try_from(Some(message)) {
                Err(WireError::Field { field, .. } | WireError::Size { field, .. } | WireError::Missing(field)) => {
                    field
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(|e| e.bundle = vec![0; 31]), "bundle");
        assert_eq!(refused(|e| e.rules[0].own.as_mut().unwrap().approver_key = "strong".to_owned()), "approver_key");
        assert_eq!(refused(|e| e.rules[0].outcome = "perhaps".to_owned()), "outcome");
        assert_eq!(refused(|e| e.rules[0].own = None), "terms");
        assert_eq!(refused(|e| e.hosts[0].near[0].why = "a\u{1b}[31m".to_owned()), "why");
        assert_eq!(Explanation::try_from(None), Err(WireError::Missing("explanation")));
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        assert!(ListHistory::try_from(v1::ListHistoryRequest { since: u64::MAX }).is_err());
        assert_eq!(
            ListHistory::try_from(v1::ListHistoryRequest { since: 0 }),
            Ok(ListHistory { since: UnixTime::EPOCH })
        );
    }
}
