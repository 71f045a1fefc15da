//! Why a request needs what it needs, rule by rule: what ruled, told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cedar_policy::EntityUid;
use directory::{Directory, Host};
use domain::{
    AskedLogin, BreakGlassTerms, Extension, HostName, KeyStrength, Login, Networks, Quorum, RuleName, Span, UnixTime,
};

use crate::access::Entry;
use crate::cedar::{Meaning, Statement};
use crate::commands::Pattern;
use crate::evaluate::Matched;
use crate::facts::Asker;
use crate::jumps;
use crate::rule::{self, Choice, Open};
use crate::schedule::Schedule;
use crate::target::{self, Look};
use crate::terms::{Path, Terms};
use crate::{Ask, Policy, Refusal, Ruling, slice};

/// What a ruling looked at, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The ruling itself.
    pub ruling: Ruling,
    /// What was found on the hosts; those with the same are told together.
    pub hosts: Vec<(Vec<HostName>, Found)>,
    /// The rules that match on every host, in the order in which they are tried.
    pub rules: Vec<Considered>,
}

/// What was found on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The rules that match.
    pub rules: Vec<RuleName>,
    /// What is required beside them: where it stands or its words, and what it asks.
    pub requirements: Vec<(String, Asks)>,
    /// What forbids it.
    pub forbidden_by: Option<String>,
    /// What is for this user and host, and still does not apply.
    pub near: Vec<Near>,
    /// How many rules for this host are for others. Which they are is theirs to know.
    pub rules_for_others: usize,
}

/// A statement that is for this user and host, and does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// What it is.
    pub kind: Kind,
    /// The rule's name; or where it stands, or its words.
    pub by: String,
    /// Why it does not apply.
    pub why: String,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Opens a path.
    Rule,
    /// Adds to every path.
    Require,
    /// Wins over all.
    Forbid,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule => "rule",
            Self::Require => "require",
            Self::Forbid => "forbid",
        })
    }
}

/// What a rule or requirement asks; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks {
    /// The approvals.
    pub quorum: Option<Quorum>,
    /// The longest window.
    pub max: Option<Span>,
    /// The certificate TTL.
    pub ttl: Option<Span>,
    /// The extensions.
    pub allow: Option<BTreeSet<Extension>>,
    /// What a ticket must match, all of them.
    pub tickets: Vec<String>,
    /// The networks that certificates may be used from.
    pub source: Option<Networks>,
    /// Whether each login takes a PIN or finger at the FIDO key that connects.
    pub verify_required: bool,
    /// What the signature of the request must show of its key.
    pub requester_key: Option<KeyStrength>,
    /// What the signature of each approval must show of its key.
    pub approver_key: Option<KeyStrength>,
    /// Whether a request by labels opens hosts that get them later, too.
    pub live_hosts: bool,
    /// The approvals that an extension takes, in place of `quorum`.
    pub extend: Option<Quorum>,
    /// What it permits as break-glass.
    pub break_glass: Option<BreakGlassTerms>,
    /// What the signature of a request for that must show of its key.
    pub break_glass_key: Option<KeyStrength>,
    /// Whether it rules break-glass out.
    pub no_break_glass: bool,
}

impl From<&Terms> for Asks {
    fn from(terms: &Terms) -> Self {
        let Terms { quorum, max, ttl, allow, ticket, source, verify_required, requester_key, approver_key, .. } =
            terms.clone();
        let Terms { live_hosts, extend, break_glass, break_glass_key, no_break_glass, .. } = terms.clone();
        let tickets = ticket.iter().map(|ticket| ticket.pattern().to_owned()).collect();
        let signed = Self {
            requester_key,
            approver_key,
            live_hosts,
            extend,
            break_glass,
            break_glass_key,
            no_break_glass,
            ..Self::default()
        };
        Self { quorum, max, ttl, allow, tickets, source, verify_required, ..signed }
    }
}

impl From<&Path> for Asks {
    fn from(path: &Path) -> Self {
        let Path { quorum, max, ttl, allow, tickets, source, verify_required, requester_key, approver_key, .. } =
            path.clone();
        let Path { live_hosts, extend, break_glass, break_glass_key, no_break_glass, .. } = path.clone();
        let (quorum, max, ttl, allow) = (Some(quorum), Some(max), Some(ttl), Some(allow));
        let tickets = tickets.iter().map(|ticket| ticket.pattern().to_owned()).collect();
        let break_glass = break_glass.filter(|_| !no_break_glass);
        let signed = Self {
            requester_key,
            approver_key,
            live_hosts,
            extend,
            break_glass,
            break_glass_key,
            no_break_glass,
            ..Self::default()
        };
        Self { quorum, max, ttl, allow, tickets, source, verify_required, ..signed }
    }
}

/// A rule that matches on every host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Its name.
    pub rule: RuleName,
    /// What it asks by itself.
    pub own: Asks,
    /// What it asks with everything that is required.
    pub whole: Asks,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a rule that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The request takes it.
    Taken(Taken),
    /// The request does not.
    NotTaken(NotTaken),
}

/// Why a request takes a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// It was asked for.
    #[error("it was asked for by name")]
    Named,
    /// There is nothing else.
    #[error("it is the only one that the request can take")]
    Only,
    /// The first of the order.
    #[error("of those that the request can take it needs the fewest people")]
    FewestPeople,
    /// Others need as many people.
    #[error("of those that need the fewest people it stands first")]
    First,
}

/// Why a request does not take a rule that matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It could not.
    #[error("{0}")]
    Refused(Refusal),
    /// Another was asked for.
    #[error("`{0}` was asked for by name")]
    AnotherNamed(RuleName),
    /// Another needs fewer people.
    #[error("`{0}` needs fewer people")]
    MorePeople(RuleName),
    /// Another comes first.
    #[error("`{0}` needs as many people, and stands before it")]
    Later(RuleName),
}

/// What [`crate::rule`] looks at when it rules on this, and why it says what it says.
pub fn explain(policy: &Policy, directory: &Directory, ask: &Ask, now: UnixTime) -> Explanation {
    let ruling = rule::rule(policy, directory, ask, now);
    let looked = || -> Result<_, Refusal> {
        let (user, login) = rule::asker(directory, ask)?;
        let target::Hosts { all: hosts, realm } = target::hosts(directory, &ask.target, Look::All)?;
        let asker = Asker::new(&policy.conditions, user, login, ask, now)?;
        let looking = Looking { policy, asker, login, user: policy.vocabulary.user(directory, user), ask, now };
        let (told, matched) = looking.at(&hosts);
        let way = jumps::way(policy, directory, (user, &looking.user), (ask, login), &hosts, now).ok();
        let open = matched.zip(way).and_then(|(matched, way)| {
            let paths = rule::paths(&matched, user, ask, &way).ok()?;
            Some(Open { login, hosts, realm, jumps: way.jumps, paths })
        });
        let rules = open.map(|open| considered(policy, directory, (ask, now), &open));
        Ok((told, rules.unwrap_or_default()))
    };
    let (hosts, rules) = looked().unwrap_or_default();
    Explanation { ruling, hosts, rules }
}

struct Looking<'a> {
    policy: &'a Policy,
    asker: Asker<'a>,
    login: &'a Login,
    user: Vec<EntityUid>,
    ask: &'a Ask,
    now: UnixTime,
}

/// What is told of the hosts, and what matches on each, if something does on all.
type Looked<'a> = (Vec<(Vec<HostName>, Found)>, Option<Vec<Matched<'a>>>);

impl<'a> Looking<'a> {
    fn at(&self, hosts: &[&Host]) -> Looked<'a> {
        let (mut told, mut all): Looked<'a> = (Vec::new(), Some(Vec::new()));
        let others = self.rules_of_others();
        for host in hosts {
            let uids = self.policy.vocabulary.host(host);
            let (mut found, matched) = self.found((host, &uids));
            found.rules_for_others = others.iter().filter(|rule| rule.1.iter().any(|place| on(place, &uids))).count();
            match told.iter_mut().find(|(_, same)| *same == found) {
                Some((names, _)) => names.push(host.name.clone()),
                None => told.push((vec![host.name.clone()], found)),
            }
            all = all.zip(matched).map(|(mut all, matched)| {
                all.push(matched);
                all
            });
        }
        (told, all)
    }

    fn found(&self, host: (&Host, &[EntityUid])) -> (Found, Option<Matched<'a>>) {
        let Ok((places, matched)) = rule::on_host(self.policy, &self.asker, &self.user, host) else {
            return (Found::default(), None);
        };
        let mut found = Found::default();
        if let Err(Refusal::Forbidden { by, .. }) = &matched {
            // What else matches was not looked at: nothing opens this.
            found.forbidden_by = Some(by.clone());
            return (found, None);
        }
        let matched = matched.ok();
        let applies = matched.as_ref().map(|matched| matched.places.clone()).unwrap_or_default();
        for place in places.into_iter().collect::<BTreeSet<usize>>() {
            let Some(statement) = self.policy.statements.get(place) else { continue };
            match &statement.meaning {
                Meaning::Rule(name, _) if applies.contains(&place) => {
                    if !found.rules.contains(name) {
                        found.rules.push(name.clone());
                    }
                }
                Meaning::Requirement(terms) if applies.contains(&place) => {
                    found.requirements.push((words(statement), Asks::from(terms)));
                }
                _ => found.near.push(self.near(place, statement)),
            }
        }
        if let Some(source) = self.asker.user.source.clone() {
            let by = format!("{} in directory.toml", self.asker.user.name);
            found.requirements.push((by, Asks { source: Some(source), ..Asks::default() }));
        }
        // A rule is several statements where it has several groups or hosts: one that matches is enough.
        let Found { rules, near, .. } = &mut found;
        near.retain(|near| near.kind != Kind::Rule || rules.iter().all(|rule| rule.as_str() != near.by));
        near.dedup();
        (found, matched)
    }

    fn near(&self, place: usize, statement: &Statement) -> Near {
        let kind = match statement.meaning {
            Meaning::Rule(..) => Kind::Rule,
            Meaning::Requirement(_) => Kind::Require,
            Meaning::Prohibition(_) => Kind::Forbid,
        };
        let compiled = (place < self.policy.compiled).then_some(&self.policy.entries);
        let entry = compiled.and_then(|entries| entries.iter().find(|entry| entry.span == statement.place));
        let why =
            entry.and_then(|entry| self.why_not(entry)).unwrap_or_else(|| "a condition of it does not hold".into());
        Near { kind, by: words(statement), why }
    }

    /// Which of the conditions of an entry does not hold; of several the first.
    fn why_not(&self, entry: &Entry) -> Option<String> {
        let scope = &entry.scope;
        let (own, asked) = (self.asker.user.login.as_ref(), self.login);
        let is_it = |login: &AskedLogin| match login {
            AskedLogin::Named(login) => login == asked,
            AskedLogin::Own => own == Some(asked),
        };
        if !scope.logins.is_empty() && !scope.logins.iter().any(is_it) {
            return Some(format!("it is for {}, not for {asked}", list(&scope.logins)));
        }
        if !scope.when.is_empty() && !scope.when.iter().any(|schedule| schedule.holds(self.now)) {
            let hours: Vec<&str> = scope.when.iter().map(Schedule::as_str).collect();
            return Some(format!("it is for {}, not for then", hours.join(" and ")));
        }
        let command = self.ask.command.as_ref();
        let meant = |pattern: &Pattern| command.is_some_and(|command| pattern.matches(command));
        if !scope.commands.is_empty() && !scope.commands.iter().any(meant) {
            let patterns: Vec<String> =
                scope.commands.iter().map(|pattern| format!("`{}`", pattern.as_str())).collect();
            let given = command.map_or_else(|| "a shell".to_owned(), |command| format!("`{command}`"));
            return Some(format!("it is for {}, not for {given}", patterns.join(", ")));
        }
        None
    }

    /// The rules of which no statement is for this user, with the hosts or labels of each; `None` is any host.
    fn rules_of_others(&self) -> BTreeMap<&RuleName, Vec<Option<EntityUid>>> {
        let (mut others, mut mine) = (BTreeMap::<_, Vec<_>>::new(), BTreeSet::new());
        for statement in &self.policy.statements {
            let Meaning::Rule(name, _) = &statement.meaning else { continue };
            match slice::principal(&statement.policy) {
                Some(uid) if !self.user.contains(&uid) => {
                    others.entry(name).or_default().push(slice::resource(&statement.policy));
                }
                _ => drop(mine.insert(name)),
            }
        }
        others.retain(|name, _| !mine.contains(name));
        others
    }
}

/// Whether a scope is about a host with these ancestors.
fn on(place: &Option<EntityUid>, host: &[EntityUid]) -> bool {
    place.as_ref().is_none_or(|uid| host.contains(uid))
}

/// The rule's name; or where a statement stands, or its words.
fn words(statement: &Statement) -> String {
    match &statement.meaning {
        Meaning::Rule(name, _) => name.to_string(),
        Meaning::Requirement(_) => statement.policy.annotation("require").unwrap_or_default().to_owned(),
        Meaning::Prohibition(by) => by.clone(),
    }
}

fn list(names: &[impl fmt::Display]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn considered(
    policy: &Policy,
    directory: &Directory,
    (ask, now): (&Ask, UnixTime),
    open: &Open<'_>,
) -> Vec<Considered> {
    let fits = |choice: &Choice<'_>| rule::satisfied(policy, directory, (open, choice), ask, now).map(drop);
    let tried: Vec<(&Choice<'_>, Result<(), Refusal>)> =
        open.paths.iter().map(|choice| (choice, fits(choice))).collect();
    let chosen = rule::choose(policy, directory, open, ask, now).ok().map(|given| given.rule);
    let each = tried.iter().map(|(choice, fits)| Considered {
        rule: choice.rule.clone(),
        own: own(policy, choice.rule),
        whole: Asks::from(&choice.path),
        outcome: outcome(ask, &tried, (choice, fits), chosen.as_ref()),
    });
    each.collect()
}

fn own(policy: &Policy, rule: &RuleName) -> Asks {
    let path = policy.statements.iter().find_map(|statement| match &statement.meaning {
        Meaning::Rule(name, path) if name == rule => Some(path),
        _ => None,
    });
    path.map(Asks::from).unwrap_or_default()
}

fn outcome(
    ask: &Ask,
    tried: &[(&Choice<'_>, Result<(), Refusal>)],
    (this, fits): (&Choice<'_>, &Result<(), Refusal>),
    chosen: Option<&RuleName>,
) -> Outcome {
    let people = |choice: &Choice<'_>| choice.path.quorum.people();
    if chosen == Some(this.rule) {
        let others = || tried.iter().filter(|(other, fits)| other.rule != this.rule && fits.is_ok());
        return Outcome::Taken(match others().next() {
            _ if ask.rule.is_some() => Taken::Named,
            None => Taken::Only,
            Some(_) if others().any(|(other, _)| people(other) == people(this)) => Taken::First,
            Some(_) => Taken::FewestPeople,
        });
    }
    let taken = tried.iter().map(|(choice, _)| *choice).find(|choice| Some(choice.rule) == chosen);
    Outcome::NotTaken(match (&ask.rule, fits, taken) {
        (Some(named), ..) if named != this.rule => NotTaken::AnotherNamed(named.clone()),
        (_, Err(refusal), _) => NotTaken::Refused(refusal.clone()),
        (_, Ok(()), Some(taken)) if people(taken) < people(this) => NotTaken::MorePeople(taken.rule.clone()),
        (_, Ok(()), Some(taken)) => NotTaken::Later(taken.rule.clone()),
        // Nothing is taken although this fits: never, as then this would be.
        (_, Ok(()), None) => NotTaken::Refused(Refusal::NoCommonRule),
    })
}
