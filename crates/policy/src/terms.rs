//! What a rule or requirement asks: as Cedar annotations, and back.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::{BreakGlassTerms, Extension, GroupName, KeyStrength, Networks, Owes, Quorum, Span, Text, in_both};
use regex::Regex;

/// A pattern that a ticket must match as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pattern: String,
    whole: Regex,
}

impl Ticket {
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    pub(crate) fn matches(&self, ticket: &Text) -> bool {
        self.whole.is_match(ticket.as_str())
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl std::str::FromStr for Ticket {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        // The pattern stands alone first, so that an unmatched parenthesis cannot close the group around it.
        let whole = Regex::new(pattern).and_then(|_| Regex::new(&format!(r"\A(?:{pattern})\z")));
        match whole {
            Ok(whole) => Ok(Self { pattern: pattern.to_owned(), whole }),
            Err(error) => {
                let last = error.to_string().lines().last().unwrap_or_default().to_owned();
                Err(format!("not a regular expression: {}", last.trim_start_matches("error: ")))
            }
        }
    }
}

/// What a requirement asks, or as much as is written of a rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Terms {
    pub(crate) quorum: Option<Quorum>,
    pub(crate) max: Option<Span>,
    pub(crate) ttl: Option<Span>,
    pub(crate) allow: Option<BTreeSet<Extension>>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) source: Option<Networks>,
    pub(crate) verify_required: bool,
    pub(crate) requester_key: Option<KeyStrength>,
    pub(crate) approver_key: Option<KeyStrength>,
    /// The approvals that an extension takes, in place of `quorum`.
    pub(crate) extend: Option<Quorum>,
    /// These three are of a rule alone.
    pub(crate) live_hosts: bool,
    pub(crate) break_glass: Option<BreakGlassTerms>,
    pub(crate) break_glass_key: Option<KeyStrength>,
    /// Of a requirement alone.
    pub(crate) no_break_glass: bool,
}

/// What a rule asks: complete, so that nothing is ever taken for `auto` because it is missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub(crate) quorum: Quorum,
    pub(crate) max: Span,
    pub(crate) ttl: Span,
    pub(crate) allow: BTreeSet<Extension>,
    pub(crate) tickets: Vec<Ticket>,
    /// From anywhere if absent.
    pub(crate) source: Option<Networks>,
    pub(crate) verify_required: bool,
    pub(crate) requester_key: Option<KeyStrength>,
    pub(crate) approver_key: Option<KeyStrength>,
    /// Whether a request by labels opens hosts that get them later, too.
    pub(crate) live_hosts: bool,
    /// The approvals that an extension takes; those of `quorum` if absent.
    pub(crate) extend: Option<Quorum>,
    /// What it permits as break-glass.
    pub(crate) break_glass: Option<BreakGlassTerms>,
    /// What the signature of a request for that must show, beside `requester_key`.
    pub(crate) break_glass_key: Option<KeyStrength>,
    /// Whether a requirement rules break-glass out.
    pub(crate) no_break_glass: bool,
}

impl Path {
    /// The approvals that an extension takes.
    pub(crate) const fn extension(&self) -> &Quorum {
        match &self.extend {
            Some(extend) => extend,
            None => &self.quorum,
        }
    }

    /// The path with a requirement on it: quorums all apply, caps take the minimum, extensions and networks intersect, and
    /// of two strengths the stronger counts. What either says of extensions takes the place of its own quorum alone. `None`
    /// when they have no network in common.
    pub(crate) fn with(self, added: &Terms) -> Option<Self> {
        let extend = extensions_of((&self.quorum, self.extend.as_ref()), added);
        let Self { quorum, max, ttl, allow, mut tickets, source, .. } = self;
        tickets.extend(added.ticket.iter().filter(|ticket| !tickets.contains(ticket)).cloned().collect::<Vec<_>>());
        Some(Self {
            quorum: added.quorum.as_ref().map_or_else(|| quorum.clone(), |more| quorum.and(more)),
            max: added.max.map_or(max, |cap| max.min(cap)),
            ttl: added.ttl.map_or(ttl, |cap| ttl.min(cap)),
            allow: added.allow.as_ref().map_or_else(|| allow.clone(), |only| &allow & only),
            tickets,
            source: in_both(source.as_ref(), added.source.as_ref())?,
            verify_required: self.verify_required || added.verify_required,
            requester_key: self.requester_key.max(added.requester_key),
            approver_key: self.approver_key.max(added.approver_key),
            live_hosts: self.live_hosts,
            extend,
            break_glass: self.break_glass,
            break_glass_key: self.break_glass_key,
            no_break_glass: self.no_break_glass || added.no_break_glass,
        })
    }

    /// The path as break-glass, and who reviews it: the quorums of rule and requirements do not count, everything else does.
    /// `None` where it is not permitted, or ruled out.
    pub(crate) fn as_break_glass(&self, owes: Owes) -> Option<(Self, GroupName)> {
        let BreakGlassTerms { max, review } = self.break_glass.clone().filter(|_| !self.no_break_glass)?;
        let path = Self {
            quorum: owes.quorum(&review),
            max: self.max.min(max),
            requester_key: self.requester_key.max(self.break_glass_key),
            // It extends nothing, and nothing extends it.
            extend: None,
            ..self.clone()
        };
        Some((path, review))
    }
}

/// The approvals that an extension takes of a path with a requirement on it; absent while neither says so.
fn extensions_of((quorum, extend): (&Quorum, Option<&Quorum>), added: &Terms) -> Option<Quorum> {
    if extend.is_none() && added.extend.is_none() {
        return None;
    }
    let mine = extend.unwrap_or(quorum);
    let theirs = added.extend.as_ref().or(added.quorum.as_ref());
    Some(theirs.map_or_else(|| mine.clone(), |theirs| mine.and(theirs)))
}

impl Terms {
    /// The annotations that [`Self::take`] takes in.
    pub(crate) const ANNOTATIONS: [&str; 14] = [
        "quorum",
        "extend",
        "max",
        "ttl",
        "allow",
        "ticket",
        "source",
        "verify_required",
        "requester_key",
        "approver_key",
        "live_hosts",
        "break_glass",
        "break_glass_key",
        "no_break_glass",
    ];

    /// The annotations that say the same, a line each.
    pub(crate) fn annotations(&self) -> String {
        let mut lines = String::new();
        let mut line = |key: &str, value: &str| {
            // Debug quotes as Cedar's string escapes do. Writing to a String cannot fail.
            let _ = writeln!(lines, "@{key}({value:?})");
        };
        self.quorum.iter().for_each(|quorum| line("quorum", &quorum.to_string()));
        self.extend.iter().for_each(|quorum| line("extend", &quorum.to_string()));
        self.max.iter().for_each(|max| line("max", &max.to_string()));
        self.ttl.iter().for_each(|ttl| line("ttl", &ttl.to_string()));
        if let Some(allow) = &self.allow {
            line("allow", &allow.iter().map(|extension| extension.as_str()).collect::<Vec<_>>().join(", "));
        }
        self.ticket.iter().for_each(|ticket| line("ticket", ticket.pattern()));
        self.source.iter().for_each(|source| line("source", &source.to_string()));
        if self.verify_required {
            line("verify_required", "true");
        }
        self.requester_key.iter().for_each(|key| line("requester_key", &key.to_string()));
        self.approver_key.iter().for_each(|key| line("approver_key", &key.to_string()));
        if self.live_hosts {
            line("live_hosts", "true");
        }
        self.break_glass.iter().for_each(|terms| line("break_glass", &terms.to_string()));
        self.break_glass_key.iter().for_each(|key| line("break_glass_key", &key.to_string()));
        if self.no_break_glass {
            line("no_break_glass", "true");
        }
        lines
    }

    /// Takes in one annotation.
    pub(crate) fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "quorum" => self.quorum = Some(quorum(value)?),
            "extend" => self.extend = Some(quorum(value)?),
            "max" => self.max = Some(span(value)?),
            "ttl" => self.ttl = Some(span(value)?),
            "allow" => self.allow = Some(extensions(value)?),
            "ticket" => self.ticket = Some(value.parse()?),
            "source" => self.source = Some(value.parse().map_err(|error: domain::NetworkError| error.to_string())?),
            "verify_required" if value == "true" => self.verify_required = true,
            "requester_key" => self.requester_key = Some(strength(value)?),
            "approver_key" => self.approver_key = Some(strength(value)?),
            "live_hosts" if value == "true" => self.live_hosts = true,
            "break_glass" => {
                self.break_glass = Some(value.parse().map_err(|error: domain::BreakGlassError| error.to_string())?);
            }
            "break_glass_key" => self.break_glass_key = Some(strength(value)?),
            "no_break_glass" if value == "true" => self.no_break_glass = true,
            "verify_required" | "live_hosts" | "no_break_glass" => return Err("expected `true`".to_owned()),
            _ => return Err(format!("unknown annotation `@{key}`")),
        }
        Ok(())
    }

    /// The path that a rule with these terms opens.
    ///
    /// # Errors
    /// The annotation that is missing.
    pub(crate) fn complete(self) -> Result<Path, &'static str> {
        Ok(Path {
            quorum: self.quorum.ok_or("quorum")?,
            max: self.max.ok_or("max")?,
            ttl: self.ttl.ok_or("ttl")?,
            allow: self.allow.unwrap_or_default(),
            tickets: self.ticket.into_iter().collect(),
            source: self.source,
            verify_required: self.verify_required,
            requester_key: self.requester_key,
            approver_key: self.approver_key,
            live_hosts: self.live_hosts,
            extend: self.extend,
            break_glass: self.break_glass,
            break_glass_key: self.break_glass_key,
            no_break_glass: false,
        })
    }

    /// What a rule cannot say: the field and why.
    pub(crate) const fn not_of_a_rule(&self) -> Option<(&'static str, &'static str)> {
        if self.no_break_glass {
            return Some((
                "no_break_glass",
                "this is for requirements; a rule permits break-glass with `break_glass` alone",
            ));
        }
        match (&self.break_glass, self.break_glass_key) {
            (None, Some(_)) => Some(("break_glass_key", "this rule permits no break-glass; give it `break_glass`")),
            _ => None,
        }
    }

    /// What a requirement cannot say: the field and why.
    pub(crate) const fn not_of_a_requirement(&self) -> Option<(&'static str, &'static str)> {
        match (&self.break_glass, self.break_glass_key) {
            (Some(_), _) => Some(("break_glass", "only a rule permits break-glass; a requirement rules it out")),
            (_, Some(_)) => Some((
                "break_glass_key",
                "this is for rules; `requester_key` of a requirement counts for break-glass too",
            )),
            _ => None,
        }
    }

    /// What cannot be meant: the field and why.
    pub(crate) fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let break_glass = self.break_glass.as_ref().map(|terms| terms.max);
        match (self.max, self.ttl) {
            _ if break_glass == Some(Span::ZERO) => {
                Some(("break_glass", "the longest window must be longer than nothing"))
            }
            (Some(max), _) if break_glass > Some(max) => {
                Some(("break_glass", "break-glass is to be short: no longer than `max`"))
            }
            (Some(Span::ZERO), _) => Some(("max", "the longest window must be longer than nothing")),
            (_, Some(Span::ZERO)) => Some(("ttl", "a certificate must be valid for longer than nothing")),
            (Some(max), Some(ttl)) if ttl > max => Some(("ttl", "a certificate cannot outlive the longest window")),
            _ => None,
        }
    }
}

fn quorum(value: &str) -> Result<Quorum, String> {
    value.parse().map_err(|error: domain::QuorumError| error.to_string())
}

fn span(value: &str) -> Result<Span, String> {
    value.parse().map_err(|error: domain::SpanError| error.to_string())
}

fn strength(value: &str) -> Result<KeyStrength, String> {
    value.parse().map_err(|error: domain::KeyStrengthError| error.to_string())
}

fn extensions(value: &str) -> Result<BTreeSet<Extension>, String> {
    if value.is_empty() {
        return Ok(BTreeSet::new());
    }
    let each = value.split(',').map(|name| name.trim().parse::<Extension>().map_err(|error| error.to_string()));
    each.collect()
}
