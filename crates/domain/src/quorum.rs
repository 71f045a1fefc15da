//! The approvals that a ruling needs: stages, one after the other, each with counts per group.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::{GroupName, NameError, Span, SpanError, UnixTime};

/// Why a quorum was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// Not `N of GROUP`.
    #[error(
        "expected `auto`, or counts per group such as `2 of sre, 1 of security`, one stage after the other: `1 of \
         team-leads then 1 of security`, with who stands in: `1 of sre or duty-managers after 15m`"
    )]
    Grammar,
    /// The group is misspelt.
    #[error(transparent)]
    Group(#[from] NameError),
    /// The wait is misspelt.
    #[error(transparent)]
    Wait(#[from] SpanError),
    /// One group, two counts.
    #[error("the group `{0}` is named twice in one stage")]
    Twice(GroupName),
    /// A wait of nothing.
    #[error("`{0}` would stand in at once; give it a wait such as 15m, or ask it beside the others")]
    AtOnce(GroupName),
    /// A group in its own stead.
    #[error("`{0}` cannot stand in for itself; name another group")]
    Itself(GroupName),
}

/// Members of another group who may fill a slot too, once a while has passed since the request was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StandIn {
    group: GroupName,
    after: Span,
}

impl StandIn {
    /// A group, and how long after the request it may.
    ///
    /// # Errors
    /// When it would not wait at all.
    pub fn new(group: GroupName, after: Span) -> Result<Self, QuorumError> {
        if after == Span::ZERO { Err(QuorumError::AtOnce(group)) } else { Ok(Self { group, after }) }
    }

    /// Who.
    pub const fn group(&self) -> &GroupName {
        &self.group
    }

    /// From when on, counted from the time that the requester signed; longer than nothing.
    pub const fn after(&self) -> Span {
        self.after
    }
}

/// What one stage asks of one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    count: NonZeroU32,
    stand_in: Option<StandIn>,
}

impl Asked {
    /// Both at once: as many as the larger says, and in their stead only whom both let.
    fn and(self, other: &Self) -> Self {
        let stand_in = self.stand_in.zip(other.stand_in.clone()).filter(|(one, other)| one.group == other.group);
        let stand_in = stand_in.map(|(one, other)| StandIn { after: one.after.max(other.after), ..one });
        Self { count: self.count.max(other.count), stand_in }
    }

    /// Whether whoever fills a slot of the other's could fill one of these.
    fn takes_whom(&self, other: &Self) -> bool {
        let as_soon = |theirs: &StandIn| {
            self.stand_in.as_ref().is_some_and(|mine| mine.group == theirs.group && mine.after <= theirs.after)
        };
        other.stand_in.as_ref().is_none_or(as_soon)
    }
}

/// The slots of one group in one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share<'q> {
    /// The group.
    pub group: &'q GroupName,
    /// How many of its members it takes; never none.
    pub count: u32,
    /// Who may fill these slots too.
    pub stand_in: Option<&'q StandIn>,
}

/// What is asked at once; never nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Stage(BTreeMap<GroupName, Asked>);

impl Stage {
    fn shares(&self) -> impl Iterator<Item = Share<'_>> {
        self.0.iter().map(|(group, asked)| Share { group, count: asked.count.get(), stand_in: asked.stand_in.as_ref() })
    }

    fn and(mut self, other: &Self) -> Self {
        for (group, asked) in &other.0 {
            let both = self.0.remove(group).map_or_else(|| asked.clone(), |mine| mine.and(asked));
            self.0.insert(group.clone(), both);
        }
        self
    }
}

/// The approvals that a ruling needs, as counts per group: `2 of sre, 1 of security`; in stages, of which the next is asked
/// once the one before is complete: `1 of team-leads then 1 of security`. Empty is `auto`: nobody is asked. One person fills
/// one slot of all stages, whatever groups they are in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Quorum(Vec<Stage>);

impl Quorum {
    /// Nobody is asked.
    pub const fn auto() -> Self {
        Self(Vec::new())
    }

    /// One person of this group.
    pub fn one_of(group: GroupName) -> Self {
        let one = Asked { count: NonZeroU32::MIN, stand_in: None };
        Self(vec![Stage(BTreeMap::from([(group, one)]))])
    }

    /// As many slots as are given, in one stage; of one group the stand-in that was given last.
    pub(crate) fn of_slots<'q>(slots: impl Iterator<Item = (&'q GroupName, Option<&'q StandIn>)>) -> Self {
        let mut stage = Stage::default();
        for (group, stand_in) in slots {
            let more = |asked: &Asked| asked.count.saturating_add(1);
            let count = stage.0.get(group).map_or(NonZeroU32::MIN, more);
            stage.0.insert(group.clone(), Asked { count, stand_in: stand_in.cloned() });
        }
        if stage.0.is_empty() { Self::auto() } else { Self(vec![stage]) }
    }

    /// Whether nobody is asked.
    pub const fn is_auto(&self) -> bool {
        self.0.is_empty()
    }

    /// How many stages there are.
    pub const fn stages(&self) -> usize {
        self.0.len()
    }

    /// One stage by itself, counted from 0; `auto` behind the last.
    #[must_use]
    pub fn stage(&self, place: usize) -> Self {
        Self(self.0.get(place).cloned().into_iter().collect())
    }

    /// What each stage asks of each group, stage by stage, by group name. A group may be asked in several stages.
    pub fn shares(&self) -> impl Iterator<Item = Share<'_>> {
        self.0.iter().flat_map(Stage::shares)
    }

    /// What one stage asks.
    pub(crate) fn shares_of(&self, place: usize) -> impl Iterator<Item = Share<'_>> {
        self.0.get(place).into_iter().flat_map(Stage::shares)
    }

    /// Every group that is asked in some stage, or stands in.
    pub fn groups(&self) -> BTreeSet<&GroupName> {
        self.shares().flat_map(|share| [Some(share.group), share.stand_in.map(StandIn::group)]).flatten().collect()
    }

    /// Every group that may be asked when a request has waited for this long.
    pub fn groups_after(&self, waited: Span) -> BTreeSet<&GroupName> {
        let groups = self.shares().flat_map(move |share| {
            let stand_in = share.stand_in.filter(|stand_in| stand_in.after <= waited);
            [Some(share.group), stand_in.map(StandIn::group)]
        });
        groups.flatten().collect()
    }

    /// When others come to stand in, from the shortest wait on.
    pub fn waits(&self) -> BTreeSet<Span> {
        self.shares().filter_map(|share| share.stand_in.map(StandIn::after)).collect()
    }

    /// The wait after which everybody may who ever may.
    pub fn longest_wait(&self) -> Span {
        self.waits().last().copied().unwrap_or(Span::ZERO)
    }

    /// When the next others come to stand in after a time, for what was asked at another.
    pub fn escalates(&self, asked: UnixTime, after: UnixTime) -> Option<UnixTime> {
        self.waits().into_iter().filter_map(|wait| asked.after(wait)).find(|time| *time > after)
    }

    /// How many people it takes.
    pub fn people(&self) -> u64 {
        self.shares().map(|share| u64::from(share.count)).sum()
    }

    /// The same with somebody who stands in for each group but their own. Groups that have a stand-in keep it.
    #[must_use]
    pub fn escalating(mut self, stand_in: &StandIn) -> Self {
        for (group, asked) in self.0.iter_mut().flat_map(|stage| &mut stage.0) {
            if *group != stand_in.group {
                asked.stand_in.get_or_insert_with(|| stand_in.clone());
            }
        }
        self
    }

    /// Both quorums at once, stage by stage: every slot of either. A group that a stage of both names takes the larger
    /// count, as its people fill the slots of both rules, and lets others stand in only where both do.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let stages =
            (0..self.stages().max(other.stages())).filter_map(|place| match (self.0.get(place), other.0.get(place)) {
                (Some(mine), Some(theirs)) => Some(mine.clone().and(theirs)),
                (Some(only), None) | (None, Some(only)) => Some(only.clone()),
                (None, None) => None,
            });
        Self(stages.collect())
    }

    /// Whether those who complete the other complete this one too, whoever they are: then its slots are found among the
    /// other's, in the order of its stages.
    pub fn asks_no_more_than(&self, other: &Self) -> bool {
        let mut theirs = other.0.iter();
        self.0.iter().all(|stage| {
            let mut open: BTreeMap<&GroupName, u32> = stage.shares().map(|share| (share.group, share.count)).collect();
            let mut complete = false;
            while !complete {
                let Some(next) = theirs.next() else { return false };
                for (group, asked) in &stage.0 {
                    let filled = next.0.get(group).filter(|theirs| asked.takes_whom(theirs));
                    if let (Some(filled), Some(left)) = (filled, open.get_mut(group)) {
                        *left = left.saturating_sub(filled.count.get());
                    }
                }
                complete = open.values().all(|left| *left == 0);
            }
            true
        })
    }
}

impl FromStr for Quorum {
    type Err = QuorumError;

    fn from_str(given: &str) -> Result<Self, QuorumError> {
        if given == "auto" {
            return Ok(Self::auto());
        }
        // Word by word: a group may have the name of any of these words.
        let spaced = given.replace(',', " , ");
        let mut words = spaced.split_whitespace();
        let mut stages = vec![Stage::default()];
        loop {
            let (group, mut asked) = slots(&mut words)?;
            let mut next = words.next();
            if next == Some("or") {
                asked.stand_in = Some(stand_in(&group, &mut words)?);
                next = words.next();
            }
            let stage = stages.last_mut().ok_or(QuorumError::Grammar)?;
            if stage.0.insert(group.clone(), asked).is_some() {
                return Err(QuorumError::Twice(group));
            }
            match next {
                None => return Ok(Self(stages)),
                Some(",") => {}
                Some("then") => stages.push(Stage::default()),
                Some(_) => return Err(QuorumError::Grammar),
            }
        }
    }
}

/// `2 of sre`
fn slots<'w>(words: &mut impl Iterator<Item = &'w str>) -> Result<(GroupName, Asked), QuorumError> {
    let (Some(count), Some("of"), Some(group)) = (words.next(), words.next(), words.next()) else {
        return Err(QuorumError::Grammar);
    };
    let canonical = !count.starts_with(['0', '+']) && count.len() <= 4;
    let count: NonZeroU32 = count.parse().ok().filter(|_| canonical).ok_or(QuorumError::Grammar)?;
    Ok((group.parse()?, Asked { count, stand_in: None }))
}

/// What follows `or`: `duty-managers after 15m`
fn stand_in<'w>(of: &GroupName, words: &mut impl Iterator<Item = &'w str>) -> Result<StandIn, QuorumError> {
    let (Some(group), Some("after"), Some(after)) = (words.next(), words.next(), words.next()) else {
        return Err(QuorumError::Grammar);
    };
    let group: GroupName = group.parse()?;
    if group == *of {
        return Err(QuorumError::Itself(group));
    }
    StandIn::new(group, after.parse()?)
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_auto() {
            return f.write_str("auto");
        }
        for (place, stage) in self.0.iter().enumerate() {
            f.write_str(if place > 0 { " then " } else { "" })?;
            for (place, Share { group, count, stand_in }) in stage.shares().enumerate() {
                let comma = if place > 0 { ", " } else { "" };
                write!(f, "{comma}{count} of {group}")?;
                stand_in.map_or(Ok(()), |stand_in| write!(f, " or {} after {}", stand_in.group, stand_in.after))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
