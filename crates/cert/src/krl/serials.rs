//! A set of serials.

use std::fmt;
use std::ops::RangeInclusive;

use domain::Serial;

/// Serials that follow each other without a gap, from the first to the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    first: Serial,
    last: Serial,
}

impl Run {
    /// `None` when the last is before the first.
    pub(crate) fn new(first: Serial, last: Serial) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    pub(crate) const fn one(serial: Serial) -> Self {
        Self { first: serial, last: serial }
    }

    pub(crate) const fn first(self) -> u64 {
        self.first.get()
    }

    pub(crate) const fn last(self) -> u64 {
        self.last.get()
    }

    /// Adds what overlaps or follows at once, of runs whose first serial is not before this one's; whether it did.
    pub(crate) fn join(&mut self, next: Self) -> bool {
        let joins = self.first <= next.first && next.first() <= self.last() + 1;
        if joins {
            self.last = self.last.max(next.last);
        }
        joins
    }
}

/// A set of serials, kept as runs: a million serials without a gap take no more room than one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Serials(Vec<Run>);

impl Serials {
    /// From runs in any order that may overlap.
    pub(crate) fn from_runs(mut runs: Vec<Run>) -> Self {
        runs.sort_unstable();
        runs.dedup_by(|next, run| run.join(*next));
        Self(runs)
    }

    /// In ascending order, with a gap between neighbours.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.0
    }

    /// Whether the serial is in it.
    pub fn contains(&self, serial: Serial) -> bool {
        let after = self.0.partition_point(|run| run.first <= serial);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|run| serial <= run.last)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its serials as ranges: as few as there can be, in ascending order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<Serial>> {
        self.0.iter().map(|run| run.first..=run.last)
    }
}

impl FromIterator<Serial> for Serials {
    fn from_iter<T: IntoIterator<Item = Serial>>(serials: T) -> Self {
        Self::from_runs(serials.into_iter().map(Run::one).collect())
    }
}

impl fmt::Debug for Serials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|run| run.first()..=run.last())).finish()
    }
}
