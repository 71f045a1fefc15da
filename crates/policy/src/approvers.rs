//! Conditions on approvers: for whom, where and when members of a group may approve at all.
//!
//! They speak of the group, the requester, the hosts and the time, and never of a single member: so each group is judged
//! once, and what is found holds for all of its members.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, Policy as Cedar, PolicyId, PolicySet, Request,
    RestrictedExpression,
};
use directory::{Directory, Host, Notes};
use domain::{GroupName, HostName, SlotClosed, UnixTime, UserName};

use crate::access::Approver;
use crate::compile;
use crate::facts::entity;
use crate::schedule::Schedule;
use crate::{Policy, Refusal};

/// How many changes of the times of day are looked at for when it opens.
const CHANGES: usize = 40;

/// The entries about approvers, by group; members of a group that is not here approve anything at any time.
#[derive(Debug, Default)]
pub(crate) struct Approving(HashMap<GroupName, Entries>);

/// The entries of one group: one of them must hold.
#[derive(Debug, Default)]
struct Entries {
    set: PolicySet,
    places: Vec<String>,
    schedules: Vec<Schedule>,
}

impl Approving {
    /// Takes in an entry; the Cedar that it became.
    pub(crate) fn add(&mut self, notes: &Notes<'_>, approver: &Approver) -> String {
        let entries = self.0.entry(approver.group.clone()).or_default();
        let place = notes.place(approver.span.start);
        let texts = compile::approver(&place, approver);
        for text in &texts {
            let number = entries.set.num_of_policies();
            let policy = Cedar::parse(Some(PolicyId::new(format!("{place}#{number}"))), text);
            let added = policy.map_err(|e| e.to_string()).and_then(|p| entries.set.add(p).map_err(|e| e.to_string()));
            added.unwrap_or_else(|message| notes.note(approver.span.clone(), message));
        }
        entries.places.push(place);
        entries.schedules.extend(approver.when.iter().cloned());
        texts.iter().map(|text| format!("{text}\n")).collect()
    }

    /// The groups, hosts and labels that entries name.
    pub(crate) fn named(&self) -> impl Iterator<Item = EntityUid> {
        self.0.values().flat_map(|entries| entries.set.policies()).flat_map(Cedar::entity_literals)
    }

    /// Whether there is an entry about this group.
    pub(crate) fn limits(&self, group: &GroupName) -> bool {
        self.0.contains_key(group)
    }
}

/// When something is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// At this time.
    At(UnixTime),
    /// At some time: every time of day counts as one that holds.
    Ever,
}

/// What is to be approved, as far as conditions on approvers look at it.
#[derive(Debug, Clone, Copy)]
pub struct Matter<'a> {
    /// Who asked.
    pub requester: &'a UserName,
    /// The hosts, by canonical name. Those that are gone are not looked at; when all are, nobody may approve.
    pub hosts: &'a BTreeSet<HostName>,
}

/// Whether members of a group may approve this at this time: where the group has entries, one of them must hold on every
/// host.
///
/// # Errors
/// When or why not. What cannot be evaluated is closed.
pub fn slot(
    policy: &Policy,
    directory: &Directory,
    group: &GroupName,
    matter: Matter<'_>,
    at: UnixTime,
) -> Result<(), SlotClosed> {
    let Some(entries) = policy.approving.0.get(group) else { return Ok(()) };
    let judge = Judge { policy, directory, entries, group, matter };
    if judge.holds(Moment::At(at))? {
        return Ok(());
    }
    let (group, mut later) = (group.clone(), at);
    for _ in 0..CHANGES {
        let changes = entries.schedules.iter().filter_map(|schedule| schedule.changes_after(later));
        let Some(change) = changes.min() else { break };
        later = change;
        if judge.holds(Moment::At(later))? {
            return Err(SlotClosed::NotNow { group, opens: later });
        }
    }
    Err(SlotClosed::NotThis { group, entries: entries.places.join(", ") })
}

/// As [`slot`], and nothing but whether.
pub(crate) fn open(
    policy: &Policy,
    directory: &Directory,
    group: &GroupName,
    matter: Matter<'_>,
    moment: Moment,
) -> bool {
    let entries = policy.approving.0.get(group);
    let holds = |entries| Judge { policy, directory, entries, group, matter }.holds(moment).unwrap_or(false);
    entries.is_none_or(holds)
}

/// A group's entries, and what they are asked about.
struct Judge<'a> {
    policy: &'a Policy,
    directory: &'a Directory,
    entries: &'a Entries,
    group: &'a GroupName,
    matter: Matter<'a>,
}

impl Judge<'_> {
    fn holds(&self, moment: Moment) -> Result<bool, SlotClosed> {
        let hosts: Vec<&Host> =
            self.matter.hosts.iter().filter_map(|name| self.directory.host(name.as_str())).collect();
        let failed = |refusal: Refusal| SlotClosed::Evaluation { group: self.group.clone(), why: refusal.to_string() };
        let mut all = !hosts.is_empty();
        for host in hosts {
            all = all && self.holds_on(host, moment).map_err(failed)?;
        }
        Ok(all)
    }

    fn holds_on(&self, host: &Host, moment: Moment) -> Result<bool, Refusal> {
        let vocabulary = &self.policy.vocabulary;
        let requester = self.directory.user(self.matter.requester);
        let requester = requester.map(|user| vocabulary.user(self.directory, user)).unwrap_or_default();
        let (asker, requester) = entity(&requester, HashMap::new())?;
        let (resource, host) = entity(&vocabulary.host(host), HashMap::new())?;
        let entities = Entities::empty().add_entities([requester, host], None).map_err(failed)?;
        let (principal, action) = (vocabulary.group(self.group), vocabulary.approve.clone());
        let request = Request::new(principal, action, resource, self.context(asker, moment)?, None).map_err(failed)?;
        let response = Authorizer::new().is_authorized(&request, &self.entries.set, &entities);
        match response.diagnostics().errors().next() {
            Some(error) => Err(failed(error)),
            None => Ok(response.decision() == Decision::Allow),
        }
    }

    fn context(&self, requester: EntityUid, moment: Moment) -> Result<Context, Refusal> {
        let holds = |schedule: &&Schedule| match moment {
            Moment::At(now) => schedule.holds(now),
            Moment::Ever => true,
        };
        let when = self.entries.schedules.iter().filter(holds);
        let when = when.map(|schedule| RestrictedExpression::new_string(schedule.as_str().to_owned()));
        let pairs = [
            ("requester".to_owned(), RestrictedExpression::new_entity_uid(requester)),
            ("when".to_owned(), RestrictedExpression::new_set(when)),
        ];
        Context::from_pairs(pairs).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::Evaluation(error.to_string())
}
