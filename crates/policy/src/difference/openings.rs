//! What opens one request, without who may approve it: that is each user's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use directory::{Host, User};
use domain::{
    AskedLogin, BreakGlassTerms, Extension, HostName, Jumps, KeyStrength, Login, Networks, Obligations, Owes, Quorum,
    RealmName, RuleName, Span, Target,
};

use super::situations::Situation;
use super::{Both, Read};
use crate::Ask;
use crate::rule::{Choice, open_paths};
use crate::target::Look;
use crate::terms::Path;
use crate::who::asking;

/// One rule that opens a request, with everything that is required beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// The rule.
    pub rule: RuleName,
    /// The approvals it takes.
    pub quorum: Quorum,
    /// The longest window.
    pub max: Span,
    /// The certificate TTL.
    pub ttl: Span,
    /// The extensions.
    pub allow: BTreeSet<Extension>,
    /// What a ticket must match, all of them; empty when none is needed.
    pub tickets: Vec<String>,
    /// The networks that certificates may be used from; from anywhere if absent.
    pub source: Option<Networks>,
    /// Whether each login takes a PIN or finger at the FIDO key that connects.
    pub verify_required: bool,
    /// What the signature of the request must show of its key.
    pub requester_key: Option<KeyStrength>,
    /// What the signature of each approval must show of its key.
    pub approver_key: Option<KeyStrength>,
    /// Whether a request by labels opens hosts that get them later, too.
    pub live_hosts: bool,
    /// The approvals that an extension takes; those of `quorum` if absent.
    pub extend: Option<Quorum>,
    /// What it permits as break-glass.
    pub break_glass: Option<OpenBreakGlass>,
    /// What a certificate opens beside the host, when it is a plain one.
    pub realm: Option<Arc<OpenRealm>>,
}

/// What a rule permits as break-glass, with everything that is required beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenBreakGlass {
    /// For how long, and who reviews it.
    pub terms: BreakGlassTerms,
    /// What the signature of the request must show of its key.
    pub requester_key: Option<KeyStrength>,
}

impl OpenBreakGlass {
    fn of(path: &Path) -> Option<Self> {
        let (path, review) = path.as_break_glass(Owes::Nothing)?;
        Some(Self { terms: BreakGlassTerms { max: path.max, review }, requester_key: path.requester_key })
    }

    /// Whether it gives as much as another, reviewed by the same group.
    fn gives_as_much(&self, other: &Self) -> bool {
        self.terms.review == other.terms.review
            && self.terms.max >= other.terms.max
            && self.requester_key <= other.requester_key
    }
}

/// The hosts that one certificate opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenRealm {
    /// The realm.
    pub name: RealmName,
    /// All of its hosts.
    pub hosts: BTreeSet<HostName>,
}

impl Opening {
    pub(super) fn new(rule: &RuleName, path: &Path, realm: Option<Arc<OpenRealm>>) -> Self {
        // Named one by one, so that what a path gets in time is compared, and told, too.
        let Path {
            quorum,
            max,
            ttl,
            allow,
            tickets,
            source,
            verify_required,
            requester_key,
            approver_key,
            live_hosts,
            extend,
            break_glass: _,
            break_glass_key: _,
            no_break_glass: _,
        } = path.clone();
        Self {
            rule: rule.clone(),
            quorum,
            max,
            ttl,
            allow,
            tickets: tickets.iter().map(|ticket| ticket.pattern().to_owned()).collect(),
            source,
            verify_required,
            requester_key,
            approver_key,
            live_hosts,
            extend,
            break_glass: OpenBreakGlass::of(path),
            realm,
        }
    }

    /// What a request for these hosts would be bound to.
    pub(super) fn obligations(&self, login: &Login, hosts: BTreeSet<HostName>) -> Obligations {
        let Self {
            rule,
            quorum,
            max,
            ttl,
            allow,
            tickets: _,
            source,
            verify_required,
            requester_key,
            approver_key,
            live_hosts: _,
            extend: _,
            break_glass: _,
            realm,
        } = self.clone();
        let (login, realm) = (login.clone(), realm.map(|realm| realm.name.clone()));
        Obligations {
            rule,
            quorum,
            hosts,
            live: None,
            login,
            max,
            ttl,
            allow,
            command: None,
            realm,
            source,
            verify_required,
            requester_key,
            approver_key,
            extends: None,
            rests: false,
            break_glass: None,
            // Who approves depends on the hosts behind.
            jumps: Jumps::default(),
        }
    }

    /// The hosts that a certificate for one of them opens.
    pub(super) fn hosts(&self, host: &Host) -> BTreeSet<HostName> {
        self.realm.as_ref().map_or_else(|| BTreeSet::from([host.name.clone()]), |realm| realm.hosts.clone())
    }

    /// Whether it gives as much, and to as weak keys, in everything but who approves it.
    pub(super) fn gives_as_much(&self, other: &Self) -> bool {
        let Self {
            rule: _,
            quorum: _,
            max,
            ttl,
            allow,
            tickets,
            source,
            verify_required,
            requester_key,
            approver_key,
            live_hosts,
            extend: _,
            break_glass,
            realm,
        } = self;
        let hosts =
            |realm: &Option<Arc<OpenRealm>>| realm.as_ref().map(|realm| realm.hosts.clone()).unwrap_or_default();
        let from_there = |mine: &Networks| other.source.as_ref().is_some_and(|theirs| theirs.within(mine));
        *max >= other.max
            && *ttl >= other.ttl
            && allow.is_superset(&other.allow)
            && tickets.iter().all(|ticket| other.tickets.contains(ticket))
            && source.as_ref().is_none_or(from_there)
            && *verify_required <= other.verify_required
            && *requester_key <= other.requester_key
            && *approver_key <= other.approver_key
            && *live_hosts >= other.live_hosts
            && other
                .break_glass
                .as_ref()
                .is_none_or(|other| break_glass.as_ref().is_some_and(|mine| mine.gives_as_much(other)))
            && (realm == &other.realm || hosts(realm).is_superset(&hosts(&other.realm)))
    }

    /// Whether it takes of each group no more than the other does, in no later order.
    pub(super) fn takes_no_more(&self, other: &Self) -> bool {
        self.quorum.asks_no_more_than(&other.quorum) && self.extension().asks_no_more_than(other.extension())
    }

    fn extension(&self) -> &Quorum {
        self.extend.as_ref().unwrap_or(&self.quorum)
    }
}

/// Asks either side what it opens.
pub(super) struct Asking<'a> {
    read: Read<'a>,
    situation: &'a Situation,
    realms: BTreeMap<&'a RealmName, Arc<OpenRealm>>,
}

impl<'a> Asking<'a> {
    pub(super) fn both(both: Both<Read<'a>>, situation: &'a Situation) -> Both<Self> {
        both.map(|read| {
            let realm = |name: &'a RealmName| {
                let hosts = read.directory.realm_hosts(name).map(|host| host.name.clone()).collect();
                (name, Arc::new(OpenRealm { name: name.clone(), hosts }))
            };
            Self { read, situation, realms: read.directory.realms().map(realm).collect() }
        })
    }

    /// The rules in the order in which submitting tries them; none for users and hosts that are not there.
    pub(super) fn openings(&self, user: Option<&User>, login: &Login, host: Option<&Host>) -> Vec<Opening> {
        let (Some(user), Some(host)) = (user, host) else { return Vec::new() };
        let ask = asking(user, AskedLogin::Named(login.clone()), Target::Host(host.name.clone()), Span::ZERO);
        let Situation { at, command } = self.situation;
        let ask = Ask { command: command.as_ref().map(|example| example.command.clone()), ..ask };
        let Ok(open) = open_paths(self.read.policy, self.read.directory, &ask, Look::All, *at) else {
            return Vec::new();
        };
        let realm = open.realm.and_then(|realm| self.realms.get(realm));
        let opening = |choice: &Choice<'_>| Opening::new(choice.rule, &choice.path, realm.cloned());
        open.paths.iter().map(opening).collect()
    }
}
