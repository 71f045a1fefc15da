//! Whether the people who approved fill every slot of a quorum.
//!
//! One person fills one slot, whatever groups they are in; so each stage is a matching of people to slots, found by
//! augmenting paths (Kuhn). A quorum has a handful of slots: the size of the search does not matter, its exactness does.
//! Of stages one after the other each is complete before an approval counts for the next.

use std::collections::BTreeSet;

use crate::quorum::{Share, StandIn};
use crate::{GroupName, Quorum, Span, UnixTime, UserName};

/// One person who approved, and the groups they could speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    /// The person behind the account that approved.
    pub owner: UserName,
    /// The groups of that account.
    pub groups: BTreeSet<GroupName>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Whose.
    pub voter: Voter,
    /// The time that they signed.
    pub signed: UnixTime,
}

/// What comes of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It fills a slot of the stage that is asked.
    Fills,
    /// There is no slot that it could fill, now or later.
    Idle,
    /// It could fill a slot of a later stage, which is not asked yet.
    Early,
    /// It was signed before approvals of a stage before, the last of them at this time.
    Before(UnixTime),
}

/// By how much the clocks of two approvers may differ: as much as a statement's time may be off.
const CLOCKS: Span = match Span::from_seconds(60) {
    Ok(span) => span,
    Err(_) => Span::ZERO,
};

/// Most slots of one group that are looked at: a quorum that asks for more people than this is never complete, as no
/// more than this many ever approve one request.
const MOST: usize = 10_000;

/// Approvals counted in the order in which they were taken, stage by stage.
///
/// An approval counts for a stage when approvals before it fill all stages before, and it was signed no more than a minute
/// before any of those: so whoever puts the order of what was signed about gains nothing by it. Who stands in may by the
/// times that both sides signed.
#[derive(Debug, Clone)]
pub struct Tally<'q> {
    quorum: &'q Quorum,
    asked: UnixTime,
    stage: usize,
    seating: Seating<'q>,
    counted: BTreeSet<UserName>,
    /// The latest time that was signed, this stage included.
    latest: Option<UnixTime>,
    /// The latest time that was signed for the stages before.
    before: Option<UnixTime>,
}

impl<'q> Tally<'q> {
    /// Nobody has approved yet what was asked for at this time, as the requester signed it.
    pub fn new(quorum: &'q Quorum, asked: UnixTime) -> Self {
        let seating = Seating::of(quorum.shares_of(0));
        Self { quorum, asked, stage: 0, seating, counted: BTreeSet::new(), latest: None, before: None }
    }

    /// These votes, in this order.
    pub fn of<'v>(quorum: &'q Quorum, asked: UnixTime, votes: impl IntoIterator<Item = &'v Vote>) -> Self {
        let mut tally = Self::new(quorum, asked);
        for vote in votes {
            let _counted_or_not = tally.count(vote);
        }
        tally
    }

    /// Counts one more approval. One by somebody whose approval counts already is idle.
    pub fn count(&mut self, vote: &Vote) -> Fate {
        let Vote { voter, signed } = vote;
        if self.is_complete() || self.counted.contains(&voter.owner) {
            return Fate::Idle;
        }
        if let Some(before) = self.before.filter(|before| *before > signed.after(CLOCKS).unwrap_or(*signed)) {
            return Fate::Before(before);
        }
        let person = Person { groups: voter.groups.clone(), waited: signed.since(self.asked) };
        let later = (self.stage + 1..self.quorum.stages()).flat_map(|place| self.quorum.shares_of(place));
        let wanted_later = later.map(Slot::from).any(|slot| slot.takes(&person));
        if !self.seating.seats(person) {
            return if wanted_later { Fate::Early } else { Fate::Idle };
        }
        self.counted.insert(voter.owner.clone());
        self.latest = self.latest.max(Some(*signed));
        if self.seating.open().next().is_none() {
            self.stage += 1;
            self.seating = Seating::of(self.quorum.shares_of(self.stage));
            self.before = self.latest;
        }
        Fate::Fills
    }

    /// Whether one more approval would fill a slot.
    pub fn would_fill(&self, vote: &Vote) -> bool {
        self.clone().count(vote) == Fate::Fills
    }

    /// Whether every slot of every stage is filled.
    pub const fn is_complete(&self) -> bool {
        self.stage >= self.quorum.stages()
    }

    /// How many stages are complete.
    pub const fn stages_complete(&self) -> usize {
        self.stage
    }

    /// Whether this person's approval counts.
    pub fn counts(&self, owner: &UserName) -> bool {
        self.counted.contains(owner)
    }

    /// The slots of the stage that is asked which nobody fills yet; `auto` when all is complete.
    pub fn missing(&self) -> Quorum {
        Quorum::of_slots(self.seating.open().map(Slot::as_asked))
    }

    /// The slots of that stage that an approval could fill, or one beside it that then has room for others: whoever may
    /// fill one of these is asked.
    pub fn asks(&self) -> Quorum {
        Quorum::of_slots(self.seating.within_reach().map(Slot::as_asked))
    }
}

/// The slots of a quorum that the voters leave unfilled in whatever order they approve, when they do so after the request
/// has waited for this long; none when it is complete. Two voters with one owner count as one.
#[must_use]
pub fn missing(quorum: &Quorum, voters: &[Voter], waited: Span) -> Vec<GroupName> {
    let mut seating = Seating::of(quorum.shares());
    for Voter { groups, .. } in distinct(voters) {
        seating.seats(Person { groups, waited });
    }
    seating.open().map(|slot| slot.group.clone()).collect()
}

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

/// Somebody who would fill a slot, so long after the request.
#[derive(Debug, Clone)]
struct Person {
    groups: BTreeSet<GroupName>,
    waited: Span,
}

/// One slot, and who fills it.
#[derive(Debug, Clone, Copy)]
struct Slot<'q> {
    group: &'q GroupName,
    stand_in: Option<&'q StandIn>,
    holder: Option<usize>,
}

impl<'q> From<Share<'q>> for Slot<'q> {
    fn from(share: Share<'q>) -> Self {
        Self { group: share.group, stand_in: share.stand_in, holder: None }
    }
}

impl<'q> Slot<'q> {
    fn takes(&self, person: &Person) -> bool {
        let stands_in =
            |stand_in: &StandIn| stand_in.after() <= person.waited && person.groups.contains(stand_in.group());
        person.groups.contains(self.group) || self.stand_in.is_some_and(stands_in)
    }

    const fn as_asked(&self) -> (&'q GroupName, Option<&'q StandIn>) {
        (self.group, self.stand_in)
    }
}

/// People at slots.
#[derive(Debug, Clone, Default)]
struct Seating<'q> {
    slots: Vec<Slot<'q>>,
    people: Vec<Person>,
}

impl<'q> Seating<'q> {
    fn of(shares: impl Iterator<Item = Share<'q>>) -> Self {
        let slots = shares.flat_map(|share| {
            let count = usize::try_from(share.count).unwrap_or(usize::MAX).min(MOST);
            std::iter::repeat_n(Slot::from(share), count)
        });
        Self { slots: slots.collect(), people: Vec::new() }
    }

    /// Whether there is a slot for one more person.
    fn seats(&mut self, person: Person) -> bool {
        self.people.push(person);
        let seated = self.seat(self.people.len() - 1, &mut vec![false; self.slots.len()]);
        if !seated {
            self.people.pop();
        }
        seated
    }

    /// Seats a person, moving others to another slot of theirs where that makes room.
    fn seat(&mut self, person: usize, tried: &mut [bool]) -> bool {
        for place in 0..self.slots.len() {
            let fits = self.fits(person, place);
            let Some(seen) = tried.get_mut(place).filter(|seen| fits && !**seen) else { continue };
            *seen = true;
            let holder = self.slots.get(place).and_then(|slot| slot.holder);
            if holder.is_none_or(|other| self.seat(other, tried)) {
                if let Some(slot) = self.slots.get_mut(place) {
                    slot.holder = Some(person);
                }
                return true;
            }
        }
        false
    }

    fn fits(&self, person: usize, place: usize) -> bool {
        self.people.get(person).zip(self.slots.get(place)).is_some_and(|(person, slot)| slot.takes(person))
    }

    fn open(&self) -> impl Iterator<Item = &Slot<'q>> {
        self.slots.iter().filter(|slot| slot.holder.is_none())
    }

    /// The slots that are open, and those whose holder could move to one of these.
    fn within_reach(&self) -> impl Iterator<Item = &Slot<'q>> {
        let mut reached: Vec<bool> = self.slots.iter().map(|slot| slot.holder.is_none()).collect();
        loop {
            let could_move = |slot: &Slot<'q>| {
                let holder = slot.holder.and_then(|holder| self.people.get(holder));
                let mut there = self.slots.iter().zip(&reached).filter(|(_, reached)| **reached);
                holder.is_some_and(|person| there.any(|(slot, _)| slot.takes(person)))
            };
            let more: Vec<bool> =
                self.slots.iter().zip(&reached).map(|(slot, reached)| *reached || could_move(slot)).collect();
            if more == reached {
                return self.slots.iter().zip(reached).filter(|(_, reached)| *reached).map(|(slot, _)| slot);
            }
            reached = more;
        }
    }
}

#[cfg(test)]
mod tests;
