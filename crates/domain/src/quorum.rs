//! Whether the people who approved fill every slot of a quorum.
//!
//! One person fills one slot, whatever groups they are in; so this is a matching of people to slots, found by
//! augmenting paths (Kuhn). A quorum has a handful of slots: the size of the search does not matter, its exactness does.

use std::collections::BTreeSet;

use crate::{GroupName, Quorum, UserName};

/// One person who approved, and the groups they could speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    /// The person behind the account that approved.
    pub owner: UserName,
    /// The groups of that account.
    pub groups: BTreeSet<GroupName>,
}

/// The slots of the quorum that the voters leave unfilled; `auto` when it is complete. Two voters with one owner count
/// as one.
#[must_use]
pub fn missing(quorum: &Quorum, voters: &[Voter]) -> Vec<GroupName> {
    let slots: Vec<&GroupName> = quorum
        .counts()
        .flat_map(|(group, count)| std::iter::repeat_n(group, usize::try_from(count).unwrap_or(usize::MAX).min(MOST)))
        .collect();
    let people = distinct(voters);
    let mut seats = Seats { slots: &slots, people: &people, taken: vec![None; slots.len()] };
    for person in 0..people.len() {
        seats.seat(person, &mut vec![false; slots.len()]);
    }
    slots.iter().zip(&seats.taken).filter(|(_, person)| person.is_none()).map(|(group, _)| (*group).clone()).collect()
}

/// Most slots of one group that are looked at: a quorum that asks for more people than this is never complete, as no
/// more than this many ever approve one request.
const MOST: usize = 10_000;

fn distinct(voters: &[Voter]) -> Vec<Voter> {
    let mut people: Vec<Voter> = Vec::new();
    for voter in voters {
        match people.iter_mut().find(|person| person.owner == voter.owner) {
            Some(person) => person.groups.extend(voter.groups.iter().cloned()),
            None => people.push(voter.clone()),
        }
    }
    people
}

struct Seats<'a> {
    slots: &'a [&'a GroupName],
    people: &'a [Voter],
    taken: Vec<Option<usize>>,
}

impl Seats<'_> {
    /// Seats a person, moving others to another slot of theirs where that makes room.
    fn seat(&mut self, person: usize, tried: &mut [bool]) -> bool {
        for (slot, group) in self.slots.iter().enumerate() {
            let fits = self.people.get(person).is_some_and(|p| p.groups.contains(*group));
            let Some(seen) = tried.get_mut(slot).filter(|seen| fits && !**seen) else { continue };
            *seen = true;
            let holder = self.taken.get(slot).copied().flatten();
            if holder.is_none_or(|other| self.seat(other, tried)) {
                if let Some(seat) = self.taken.get_mut(slot) {
                    *seat = Some(person);
                }
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn voter(owner: &str, groups: &[&str]) -> Voter {
        Voter { owner: owner.parse().unwrap(), groups: groups.iter().map(|g| g.parse().unwrap()).collect() }
    }

    fn open(quorum: &str, voters: &[Voter]) -> String {
        let open = missing(&quorum.parse().unwrap(), voters);
        open.iter().map(GroupName::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_person_fills_one_slot() {
        let both = voter("ann", &["sre", "security"]);
        assert_eq!(open("1 of sre, 1 of security", std::slice::from_ref(&both)), "sre");
        assert_eq!(open("2 of sre", &[both.clone(), both.clone()]), "sre");
        assert_eq!(open("1 of sre, 1 of security", &[both, voter("bob", &["security"])]), "");
    }

    #[test]
    fn the_order_of_approvals_does_not_matter() {
        let (both, one) = (voter("ann", &["a", "b"]), voter("bob", &["a"]));
        assert_eq!(open("1 of a, 1 of b", &[both.clone(), one.clone()]), "");
        assert_eq!(open("1 of a, 1 of b", &[one, both]), "");
    }

    #[test]
    fn strangers_and_nobody_fill_nothing() {
        assert_eq!(open("auto", &[]), "");
        assert_eq!(open("2 of sre", &[voter("eve", &["other"])]), "sre sre");
    }

    proptest! {
        /// The matching agrees with trying every assignment.
        #[test]
        fn agrees_with_brute_force(
            slots in proptest::collection::vec(0..3usize, 0..4),
            people in proptest::collection::vec(proptest::collection::btree_set(0..3usize, 0..3), 0..5),
        ) {
            let names = ["a", "b", "c"];
            let mut wanted = std::collections::BTreeMap::new();
            for slot in &slots {
                *wanted.entry(names[*slot]).or_insert(0) += 1;
            }
            let text = wanted.iter().map(|(g, n)| format!("{n} of {g}")).collect::<Vec<_>>().join(", ");
            let quorum = if text.is_empty() { Quorum::auto() } else { text.parse().unwrap() };
            let voters: Vec<Voter> = people
                .iter()
                .enumerate()
                .map(|(i, groups)| voter(&format!("p{i}"), &groups.iter().map(|g| names[*g]).collect::<Vec<_>>()))
                .collect();
            let unfilled = missing(&quorum, &voters).len();
            prop_assert_eq!(unfilled, slots.len() - best(&slots, &people, &mut vec![false; people.len()]));
        }
    }

    fn best(slots: &[usize], people: &[BTreeSet<usize>], used: &mut Vec<bool>) -> usize {
        let Some((slot, rest)) = slots.split_first() else { return 0 };
        let mut most = best(rest, people, used);
        for person in 0..people.len() {
            if !used[person] && people[person].contains(slot) {
                used[person] = true;
                most = most.max(1 + best(rest, people, used));
                used[person] = false;
            }
        }
        most
    }
}
