//! How the serials of a CA are divided among sub-sections: the smallest division there is.
//!
//! Runs are taken in ascending order and never cut. What the first so many of them cost at least is known before the next
//! one, which then is listed, is a range, or ends a bitmap that began at any run before (dynamic programming). `ssh-keygen`
//! looks one run ahead and guesses (`choose_next_state`, krl.c); each division that it can find, and OpenSSH can read, is
//! among those that are compared here.
//!
//! Time and memory grow with the number of runs, whatever they are.

use std::collections::VecDeque;

use super::MOST_BITS;
use super::serials::Run;

/// A sub-section's kind and length.
const HEAD: u64 = 1 + 4;
/// A list's serial.
const LISTED: u64 = 8;
/// A range, whole.
const RANGE: u64 = HEAD + 8 + 8;
/// A bitmap but for its bits: the serial of its first bit, and its length.
const BITMAP: u64 = HEAD + 8 + 4;

/// A sub-section to be written.
pub(crate) enum SubSection<'a> {
    /// These, serial by serial.
    List(Vec<Run>),
    Range(Run),
    /// These, as bits from the first serial to the last.
    Bitmap(&'a [Run]),
}

/// Divides runs, which ascend with gaps between them.
pub(crate) fn plan(runs: &[Run]) -> Vec<SubSection<'_>> {
    // There is one list if any, as its serials may be far apart: its head is paid once.
    let (listing, plain) = (Division::find(runs, Lists::Free), Division::find(runs, Lists::None));
    let chosen = if listing.cost + HEAD < plain.cost { listing } else { plain };
    chosen.sub_sections(runs)
}

/// Whether a list stands ready.
#[derive(Clone, Copy)]
enum Lists {
    Free,
    None,
}

/// How a run is written.
#[derive(Clone, Copy)]
enum Way {
    Listed,
    Range,
    /// In one bitmap with the runs from this one on, by their number.
    Bitmap(usize),
}

struct Division {
    /// In bytes, without the list's head.
    cost: u64,
    /// For each run, the cheapest way in which it can be the last of all.
    ways: Vec<Way>,
}

impl Division {
    fn find(runs: &[Run], lists: Lists) -> Self {
        let (mut cost, mut ways, mut starts) = (0, Vec::with_capacity(runs.len()), Starts::default());
        for (number, run) in runs.iter().enumerate() {
            starts.add(Start { number, first: run.first(), before: cost });
            let mut best = (cost + RANGE, Way::Range);
            let others = [listed(*run, lists).map(|bytes| (cost + bytes, Way::Listed)), starts.bitmap_to(run.last())];
            for other in others.into_iter().flatten() {
                if other.0 < best.0 {
                    best = other;
                }
            }
            cost = best.0;
            ways.push(best.1);
        }
        Self { cost, ways }
    }

    fn sub_sections<'a>(&self, runs: &'a [Run]) -> Vec<SubSection<'a>> {
        let (mut sections, mut list, mut rest) = (Vec::new(), Vec::new(), runs);
        // From the last run backwards: only there it is known which bitmaps are used.
        while let Some((last, before)) = rest.split_last() {
            let shared = match self.ways.get(before.len()) {
                Some(Way::Bitmap(from)) => rest.split_at_checked(*from),
                Some(Way::Listed) => {
                    list.push(*last);
                    None
                }
                Some(Way::Range) | None => {
                    sections.push(SubSection::Range(*last));
                    None
                }
            };
            rest = before;
            if let Some((before, bitmap)) = shared {
                sections.push(SubSection::Bitmap(bitmap));
                rest = before;
            }
        }
        if !list.is_empty() {
            list.reverse();
            sections.push(SubSection::List(list));
        }
        sections.reverse();
        sections
    }
}

/// What a run takes in a list: three serials and more are cheaper as a range.
fn listed(run: Run, lists: Lists) -> Option<u64> {
    match (lists, run.last() - run.first()) {
        (Lists::Free, more @ (0 | 1)) => Some((more + 1) * LISTED),
        _ => None,
    }
}

/// A run where a bitmap may begin.
#[derive(Clone, Copy)]
struct Start {
    number: usize,
    first: u64,
    /// What the runs before it cost.
    before: u64,
}

impl Start {
    /// What everything up to the last bit costs. The bits begin after a 0 bit at least, or they would read as a negative
    /// number (mpint, RFC 4251 section 5).
    const fn cost_to(self, last: u64) -> u64 {
        self.before + BITMAP + (last - self.first + 1) / 8 + 1
    }
}

/// The starts that may still be the best. Two whose first serials leave the same rest by 8 differ by the same bytes
/// whichever run is the last, so among these only the best counts, and later ones for when that is too far away.
#[derive(Default)]
struct Starts([VecDeque<Start>; 8]);

impl Starts {
    fn add(&mut self, start: Start) {
        let rest = usize::try_from(start.first % 8).unwrap_or_default();
        let Some(queue) = self.0.get_mut(rest) else { return };
        while queue.back().is_some_and(|earlier| start.cost_to(start.first) <= earlier.cost_to(start.first)) {
            queue.pop_back();
        }
        queue.push_back(start);
    }

    /// The cheapest bitmap with this last bit, and what all costs with it.
    fn bitmap_to(&mut self, last: u64) -> Option<(u64, Way)> {
        let mut best: Option<(u64, Way)> = None;
        for queue in &mut self.0 {
            while queue.front().is_some_and(|start| last - start.first >= MOST_BITS) {
                queue.pop_front();
            }
            let Some(start) = queue.front() else { continue };
            let cost = start.cost_to(last);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, Way::Bitmap(start.number)));
            }
        }
        best
    }
}
