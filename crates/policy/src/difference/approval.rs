//! Who may approve, by comparison: of an access that otherwise stayed as it is, what changed for whom.

use std::collections::{BTreeMap, BTreeSet};

use directory::{Directory, Host, User};
use domain::{GroupName, HostName, KeyStrength, Login, Quorum, SlotClosed, UnixTime, UserName};

use super::openings::Opening;
use super::{Approvable, Both, Effect, Read, rules};
use crate::approvers::{Matter, Moment, open};
use crate::people::{Asked, approvers, has_fido_key};
use crate::who::{Hopeless, hopeless};

/// An access, by one of the users and one of the hosts that it is the same for.
#[derive(Clone, Copy)]
pub(super) struct Example<'a> {
    pub(super) user: &'a User,
    pub(super) host: &'a Host,
    pub(super) login: &'a Login,
}

/// The groups of a quorum whose members may approve, at this time and ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Open {
    now: BTreeSet<GroupName>,
    ever: BTreeSet<GroupName>,
}

/// Whose approval it takes, and by what keys.
type Panel = (Quorum, Option<KeyStrength>, Both<Open>);

/// What changed about the people of a panel, whoever asks.
#[derive(Debug)]
struct Moved {
    added: BTreeSet<UserName>,
    removed: BTreeSet<UserName>,
    /// Whether it may be fillable on one side and not on the other, for somebody.
    doubtful: bool,
}

/// What changed for one user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shift {
    pub(super) approvable: Approvable,
    pub(super) added: BTreeSet<UserName>,
    pub(super) removed: BTreeSet<UserName>,
}

impl Shift {
    pub(super) const fn none() -> Self {
        Self { approvable: Approvable::AsBefore, added: BTreeSet::new(), removed: BTreeSet::new() }
    }

    pub(super) fn effect(&self) -> Effect {
        match (self.approvable, self.added.is_empty(), self.removed.is_empty()) {
            (Approvable::Now, ..) | (_, false, _) => Effect::Loosens,
            (Approvable::NoLonger, ..) | (_, true, false) => Effect::Tightens,
            _ => Effect::Otherwise,
        }
    }
}

/// The people of both sides.
pub(super) struct Approval<'a> {
    both: Both<Read<'a>>,
    now: UnixTime,
    /// Users whose accounts, or whether they have a FIDO key, are not the same on both sides.
    changed: BTreeSet<&'a UserName>,
    /// Whether the conditions on approvers are the same on both sides.
    same_conditions: bool,
    moved: BTreeMap<Panel, Moved>,
}

impl<'a> Approval<'a> {
    pub(super) fn new(both: Both<Read<'a>>, now: UnixTime) -> Self {
        let directories = both.map(|read| read.directory);
        let accounts = directories.map(|directory| {
            let mut of: BTreeMap<&UserName, BTreeSet<&UserName>> = BTreeMap::new();
            for user in directory.users() {
                of.entry(user.owner.as_ref().unwrap_or(&user.name)).or_default().insert(&user.name);
            }
            of
        });
        let same = |user: &UserName| {
            let seen = directories.zip(accounts.as_ref()).map(|(directory, accounts)| {
                let accounts = directory.owner_of(user).and_then(|owner| accounts.get(owner).cloned());
                (accounts, has_fido_key(directory, user))
            });
            seen.same()
        };
        let users = directories.old.users().map(|user| &user.name).filter(|name| directories.new.user(name).is_some());
        let changed = users.filter(|user| !same(user)).collect();
        Self { both, now, changed, same_conditions: rules::same_approvers(both), moved: BTreeMap::new() }
    }

    /// From here on it is about another time: what is known of panels stays, as these say who is open then.
    pub(super) fn at(&mut self, time: UnixTime) {
        self.now = time;
    }

    /// Whether who may approve depends on who asks and for which hosts.
    pub(super) fn limited(&self, openings: &[Opening]) -> bool {
        let mut groups = openings.iter().flat_map(|opening| opening.quorum.groups());
        groups.any(|group| self.both.iter().any(|read| read.policy.approving.limits(group)))
    }

    /// What changed for each of these users, who are like the example, of an access that both sides open by the same rules
    /// with the same terms; only those for whom something did.
    pub(super) fn shifts(
        &mut self,
        openings: &[Opening],
        users: &[&'a UserName],
        example: Example<'_>,
    ) -> BTreeMap<Shift, Vec<&'a UserName>> {
        let each: Vec<(&Opening, Panel)> =
            openings.iter().map(|opening| (opening, self.panel(opening, example))).collect();
        for (_, panel) in &each {
            if !self.moved.contains_key(panel) {
                self.moved.insert(panel.clone(), self.moved(panel));
            }
        }
        let each: Vec<(&Opening, &Moved)> =
            each.iter().filter_map(|(opening, panel)| Some((*opening, self.moved.get(panel)?))).collect();
        let quiet = |moved: &Moved| moved.added.is_empty() && moved.removed.is_empty() && !moved.doubtful;
        let all_quiet = each.iter().all(|(_, moved)| quiet(moved));
        let mut shifts: BTreeMap<Shift, Vec<&UserName>> = BTreeMap::new();
        for user in users.iter().filter(|user| !all_quiet || self.changed.contains(**user)) {
            if let Some(shift) = self.shift(&each, user, example) {
                shifts.entry(shift).or_default().push(user);
            }
        }
        shifts
    }

    fn panel(&self, opening: &Opening, example: Example<'_>) -> Panel {
        let hosts = opening.hosts(example.host);
        let open = self.both.map(|read| {
            let at = |moment| groups_open(read, opening, &example.user.name, &hosts, moment);
            Open { now: at(Moment::At(self.now)), ever: at(Moment::Ever) }
        });
        (opening.quorum.clone(), opening.approver_key, open)
    }

    fn moved(&self, (quorum, key, open): &Panel) -> Moved {
        let directories = self.both.map(|read| read.directory);
        let able = |directory, groups: &BTreeSet<GroupName>| -> Vec<BTreeSet<&UserName>> {
            let of = |group| {
                if groups.contains(group) { members(directory, group, *key).collect() } else { BTreeSet::new() }
            };
            quorum.groups().into_iter().map(of).collect()
        };
        let sides = directories.zip(open.as_ref());
        let now = sides.map(|(directory, open)| able(directory, &open.now));
        let ever = sides.map(|(directory, open)| able(directory, &open.ever));
        let persons = |able: Both<&Vec<BTreeSet<&UserName>>>| {
            directories.zip(able).map(|(directory, able)| {
                let persons =
                    |names: &BTreeSet<&UserName>| names.iter().filter_map(|name| directory.owner_of(name)).collect();
                able.iter().map(persons).collect::<Vec<BTreeSet<&UserName>>>()
            })
        };
        let (people_now, people_ever) = (persons(now.as_ref()), persons(ever.as_ref()));
        let needed = usize::try_from(quorum.people()).unwrap_or(usize::MAX);
        // With more people in each group than there are slots in all, no one person is ever missed.
        let scarce = people_now.iter().flatten().any(|people| people.len() <= needed);
        let may = now.map(|able| able.into_iter().flatten().collect::<BTreeSet<&UserName>>());
        let only =
            |one: &BTreeSet<&UserName>, other: &BTreeSet<&UserName>| one.difference(other).copied().cloned().collect();
        Moved {
            added: only(&may.new, &may.old),
            removed: only(&may.old, &may.new),
            doubtful: scarce && !(people_now.same() && people_ever.same() && self.same_conditions),
        }
    }

    fn shift(&self, each: &[(&Opening, &Moved)], user: &UserName, example: Example<'_>) -> Option<Shift> {
        let has_changed = self.changed.contains(user);
        // An account of this user whose accounts stayed is one on the new side, too.
        let owner_of = |name: &UserName| self.both.new.directory.owner_of(name);
        let is_account = |name: &UserName| owner_of(name).is_some() && owner_of(name) == owner_of(user);
        let (mut changed, mut shift) = (false, Shift::none());
        for (opening, moved) in each {
            let given = opening.obligations(example.login, opening.hosts(example.host));
            let asked = Asked::new(user, &given);
            if has_changed {
                let may = self.both.map(|read| approvers(read.policy, read.directory, asked, self.now));
                changed |= !may.same();
                shift.added.extend(may.new.difference(&may.old).cloned());
                shift.removed.extend(may.old.difference(&may.new).cloned());
            } else if moved.added.iter().chain(&moved.removed).any(|name| !is_account(name)) {
                changed = true;
                shift.added.extend(moved.added.iter().cloned());
                shift.removed.extend(moved.removed.iter().cloned());
            }
            if moved.doubtful || has_changed {
                let reasons = self.both.map(|read| {
                    let may = approvers(read.policy, read.directory, asked, self.now);
                    hopeless(read.policy, read.directory, (asked, &given), &may, self.now).map(reason)
                });
                let approvable = compared(&reasons);
                changed |= approvable != Approvable::AsBefore;
                shift.approvable = shift.approvable.and(approvable);
            }
        }
        changed.then_some(shift)
    }

    /// Whether whoever could give the old side's approval can give the new side's; with the sides swapped, if `back`.
    pub(super) fn asks_as_little(&self, old: &Opening, new: &Opening, example: Example<'_>) -> Both<bool> {
        let able = |read: Read<'a>, opening: &Opening, group: &GroupName| -> BTreeSet<&'a UserName> {
            let hosts = opening.hosts(example.host);
            let matter = Matter { requester: &example.user.name, hosts: &hosts };
            let may = open(read.policy, read.directory, group, matter, Moment::At(self.now));
            members(read.directory, group, opening.approver_key).filter(|_| may).collect()
        };
        let Both { old: before, new: after } = self.both;
        let covers = |(one, read): (&Opening, Read<'a>), (other, others): (&Opening, Read<'a>)| {
            let as_many = |group| able(read, one, group).is_superset(&able(others, other, group));
            one.takes_no_more(other) && one.quorum.groups().into_iter().all(as_many)
        };
        Both { old: covers((old, before), (new, after)), new: covers((new, after), (old, before)) }
    }
}

impl Approvable {
    /// What two ways to one access come to.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::AsBefore, one) | (one, Self::AsBefore) => one,
            (Self::Now, Self::Now) => Self::Now,
            (Self::NoLonger, Self::NoLonger) => Self::NoLonger,
            _ => Self::OtherReason,
        }
    }
}

fn compared(reasons: &Both<Option<String>>) -> Approvable {
    match (&reasons.old, &reasons.new) {
        (Some(_), None) => Approvable::Now,
        (None, Some(_)) => Approvable::NoLonger,
        (Some(old), Some(new)) if old != new => Approvable::OtherReason,
        _ => Approvable::AsBefore,
    }
}

/// Why, but not in which lines of a file it says so, nor from when on: at that time it is compared, too.
pub(crate) fn reason(hopeless: Hopeless) -> String {
    match hopeless {
        Hopeless::Closed(SlotClosed::NotNow { group, opens: _ }) => {
            format!("members of `{group}` may not approve this at that time")
        }
        Hopeless::Closed(SlotClosed::NotThis { group, entries: _ }) => {
            format!("members of `{group}` may not approve this")
        }
        other => other.to_string(),
    }
}

fn groups_open(
    read: Read<'_>,
    opening: &Opening,
    requester: &UserName,
    hosts: &BTreeSet<HostName>,
    moment: Moment,
) -> BTreeSet<GroupName> {
    let matter = Matter { requester, hosts };
    let groups = opening.quorum.groups().into_iter();
    groups.filter(|group| open(read.policy, read.directory, group, matter, moment)).cloned().collect()
}

/// The members of a group who may approve with a key of this strength, as far as that shows without a signature.
pub(super) fn members<'d>(
    directory: &'d Directory,
    group: &GroupName,
    key: Option<KeyStrength>,
) -> impl Iterator<Item = &'d UserName> {
    let members = directory.group(group).into_iter().flat_map(|group| &group.members);
    members.filter(move |name| directory.decides(name) && (key.is_none() || has_fido_key(directory, name)))
}
