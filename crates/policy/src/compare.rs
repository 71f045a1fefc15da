//! What another policy would have said: the differences between two rulings on one request, each on its own.

use std::collections::BTreeSet;
use std::fmt;

use domain::{
    Behind, Command, Extension, GroupName, HostName, KeyStrength, Login, Networks, Obligations, Quorum, RealmName,
    RuleName, Span, in_both,
};

use crate::{Refusal, Ruling};

/// One thing that differs between what was permitted and what would be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Divergence {
    /// It would be refused.
    Refused(String),
    /// Another rule would be taken.
    Rule(RuleName, RuleName),
    /// It would take other approvals.
    Quorum(Quorum, Quorum),
    /// It would open these hosts as well.
    HostsGained(BTreeSet<HostName>),
    /// It would no longer open these.
    HostsLost(BTreeSet<HostName>),
    /// It would open another Unix account.
    Login(Login, Login),
    /// The longest window would be another.
    Max(Span, Span),
    /// Certificates would be valid for another time.
    Ttl(Span, Span),
    /// Certificates would have these extensions as well.
    AllowGained(BTreeSet<Extension>),
    /// Certificates would no longer have these.
    AllowLost(BTreeSet<Extension>),
    /// Certificates would be bound to another command.
    Command(Option<Command>, Option<Command>),
    /// Hosts that get the labels later would count too, or no longer: whether they would.
    LiveHosts(bool),
    /// The hosts would be of another realm.
    Realm(Option<RealmName>, Option<RealmName>),
    /// Certificates could be used from other networks.
    Source(Option<Networks>, Option<Networks>),
    /// Each login would take a PIN or finger, or no longer: whether it would.
    VerifyRequired(bool),
    /// The request would have to be signed by another kind of key.
    RequesterKey(Option<KeyStrength>, Option<KeyStrength>),
    /// Approvals would have to be signed by another kind of key.
    ApproverKey(Option<KeyStrength>, Option<KeyStrength>),
    /// As an extension it would count only with the approvals of what it extends, or without: whether it would.
    Rests(bool),
    /// Break-glass would be reviewed by another group.
    Reviewers(Option<GroupName>, Option<GroupName>),
    /// Hosts would be reached through other jump hosts, or come from elsewhere: what was, and what would be.
    Jumps(BTreeSet<Behind>, BTreeSet<Behind>),
}

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// Nothing would be permitted.
    Refused,
    /// It takes less, or gives more.
    Looser,
    /// It takes more, or gives less.
    Stricter,
    /// Neither, or some of both.
    Other,
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Looser => "looser",
            Self::Stricter => "stricter",
            Self::Other => "other",
        })
    }
}

/// What differs between a request that was permitted and a ruling on it now; empty when nothing does.
pub fn divergences(was: &Obligations, now: &Ruling) -> Vec<Divergence> {
    match now {
        Ruling::Refused(refusal) => vec![Divergence::Refused(Refusal::to_string(refusal))],
        Ruling::Permitted(now) => between(was, now),
    }
}

fn between(was: &Obligations, now: &Obligations) -> Vec<Divergence> {
    // Field by field: one that is new must be compared, too.
    let Obligations {
        rule,
        quorum,
        hosts,
        live,
        login,
        max,
        ttl,
        allow,
        command,
        realm,
        source,
        verify_required,
        requester_key,
        approver_key,
        // It is what was asked.
        extends: _,
        rests,
        break_glass,
        jumps,
    } = was;
    let mut found = Vec::new();
    let mut note = |differs: bool, difference: Divergence| found.extend(differs.then_some(difference));
    note(*rule != now.rule, Divergence::Rule(rule.clone(), now.rule.clone()));
    note(*quorum != now.quorum, Divergence::Quorum(quorum.clone(), now.quorum.clone()));
    note(*login != now.login, Divergence::Login(login.clone(), now.login.clone()));
    note(*realm != now.realm, Divergence::Realm(realm.clone(), now.realm.clone()));
    note(!now.hosts.is_subset(hosts), Divergence::HostsGained(&now.hosts - hosts));
    note(!hosts.is_subset(&now.hosts), Divergence::HostsLost(hosts - &now.hosts));
    note(live.is_some() != now.live.is_some(), Divergence::LiveHosts(now.live.is_some()));
    note(*max != now.max, Divergence::Max(*max, now.max));
    note(*ttl != now.ttl, Divergence::Ttl(*ttl, now.ttl));
    note(!now.allow.is_subset(allow), Divergence::AllowGained(&now.allow - allow));
    note(!allow.is_subset(&now.allow), Divergence::AllowLost(allow - &now.allow));
    note(*command != now.command, Divergence::Command(command.clone(), now.command.clone()));
    note(*source != now.source, Divergence::Source(source.clone(), now.source.clone()));
    note(*verify_required != now.verify_required, Divergence::VerifyRequired(now.verify_required));
    note(*requester_key != now.requester_key, Divergence::RequesterKey(*requester_key, now.requester_key));
    let behind = |jumps: &domain::Jumps, others: &domain::Jumps| -> BTreeSet<Behind> {
        jumps.iter().filter(|behind| others.of(&behind.host) != Some(&behind.jump)).collect()
    };
    note(*jumps != now.jumps, Divergence::Jumps(behind(jumps, &now.jumps), behind(&now.jumps, jumps)));
    note(*approver_key != now.approver_key, Divergence::ApproverKey(*approver_key, now.approver_key));
    note(*rests != now.rests, Divergence::Rests(now.rests));
    note(*break_glass != now.break_glass, Divergence::Reviewers(break_glass.clone(), now.break_glass.clone()));
    found
}

/// Which way several differences go together.
pub fn course(differences: &[Divergence]) -> Course {
    let each: BTreeSet<Course> = differences.iter().filter_map(Divergence::course).collect();
    match each.first() {
        Some(course) if each.len() == 1 => *course,
        _ => Course::Other,
    }
}

impl Divergence {
    /// A stable word for what differs.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Rule(..) => "rule",
            Self::Quorum(..) => "quorum",
            Self::HostsGained(_) => "hosts-gained",
            Self::HostsLost(_) => "hosts-lost",
            Self::Login(..) => "login",
            Self::Max(..) => "max",
            Self::Ttl(..) => "ttl",
            Self::AllowGained(_) => "allow-gained",
            Self::AllowLost(_) => "allow-lost",
            Self::Command(..) => "command",
            Self::Realm(..) => "realm",
            Self::Source(..) => "source",
            Self::LiveHosts(_) => "live-hosts",
            Self::VerifyRequired(_) => "verify-required",
            Self::RequesterKey(..) => "requester-key",
            Self::ApproverKey(..) => "approver-key",
            Self::Rests(_) => "rests",
            Self::Reviewers(..) => "reviewers",
            Self::Jumps(..) => "jumps",
        }
    }

    /// Which way it goes; `None` for the name of a rule, which asks nothing by itself.
    pub fn course(&self) -> Option<Course> {
        let longer = |was: &Span, now: &Span| if now > was { Course::Looser } else { Course::Stricter };
        Some(match self {
            Self::Refused(_) => Course::Refused,
            Self::Rule(..) => return None,
            Self::Quorum(was, now) if now.asks_no_more_than(was) => Course::Looser,
            Self::Quorum(was, now) if was.asks_no_more_than(now) => Course::Stricter,
            Self::HostsGained(_) | Self::AllowGained(_) => Course::Looser,
            Self::HostsLost(_) | Self::AllowLost(_) => Course::Stricter,
            Self::Max(was, now) | Self::Ttl(was, now) => longer(was, now),
            Self::Source(was, now) => match in_both(was.as_ref(), now.as_ref()) {
                Some(both) if both == *was => Course::Looser,
                Some(both) if both == *now => Course::Stricter,
                _ => Course::Other,
            },
            Self::VerifyRequired(true) | Self::Rests(true) | Self::LiveHosts(false) => Course::Stricter,
            Self::VerifyRequired(false) | Self::Rests(false) | Self::LiveHosts(true) => Course::Looser,
            Self::RequesterKey(was, now) | Self::ApproverKey(was, now) => {
                if now > was {
                    Course::Stricter
                } else {
                    Course::Looser
                }
            }
            Self::Quorum(..)
            | Self::Login(..)
            | Self::Command(..)
            | Self::Realm(..)
            | Self::Reviewers(..)
            | Self::Jumps(..) => Course::Other,
        })
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Rule(was, now) => write!(f, "by {now}, not {was}"),
            Self::Quorum(was, now) => write!(f, "{now}, not {was}"),
            Self::HostsGained(hosts) => write!(f, "also on {}", list(hosts)),
            Self::HostsLost(hosts) => write!(f, "not on {}", list(hosts)),
            Self::Login(was, now) => write!(f, "as {now}, not {was}"),
            Self::Max(was, now) => write!(f, "at most {now}, not {was}"),
            Self::Ttl(was, now) => write!(f, "certificates of {now}, not {was}"),
            Self::AllowGained(allow) => write!(f, "also {}", list(allow)),
            Self::AllowLost(allow) => write!(f, "without {}", list(allow)),
            Self::Command(was, now) => write!(f, "{}, not {}", command(now), command(was)),
            Self::Realm(was, now) => write!(f, "{}, not {}", realm(now), realm(was)),
            Self::Source(was, now) => write!(f, "from {}, not {}", or(now, "anywhere"), or(was, "anywhere")),
            Self::LiveHosts(true) => f.write_str("also on hosts that get the labels later"),
            Self::LiveHosts(false) => f.write_str("not on hosts that get the labels later"),
            Self::VerifyRequired(true) => f.write_str("only with a PIN or finger at the key"),
            Self::VerifyRequired(false) => f.write_str("without a PIN or finger at the key"),
            Self::Rests(true) => f.write_str("only with the approvals of what it extends"),
            Self::Rests(false) => f.write_str("without the approvals of what it extends"),
            Self::RequesterKey(was, now) => write!(f, "asked with {}, not {}", or(now, "any key"), or(was, "any key")),
            Self::ApproverKey(was, now) => {
                write!(f, "approved with {}, not {}", or(now, "any key"), or(was, "any key"))
            }
            Self::Reviewers(was, now) => {
                write!(f, "break-glass reviewed by {}, not {}", or(now, "nobody"), or(was, "nobody"))
            }
            Self::Jumps(was, now) => write!(f, "reached by {}, not {}", way(now), way(was)),
        }
    }
}

/// Names as one text; of many, the first.
fn list<T: fmt::Display>(names: &BTreeSet<T>) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn way(behind: &BTreeSet<Behind>) -> String {
    if behind.is_empty() { "no jump host".to_owned() } else { list(behind) }
}

fn or(value: &Option<impl fmt::Display>, none: &str) -> String {
    value.as_ref().map_or_else(|| none.to_owned(), ToString::to_string)
}

fn command(command: &Option<Command>) -> String {
    command.as_ref().map_or_else(|| "any command".to_owned(), |command| format!("only `{command}`"))
}

fn realm(realm: &Option<RealmName>) -> String {
    realm.as_ref().map_or_else(|| "scoped".to_owned(), |realm| format!("plain in realm {realm}"))
}
