//! Who approves: how many, how fast, and for whom.

use std::collections::BTreeMap;

use domain::{Approval, Span, UserName};

/// With fewer decisions than this nothing is said about how somebody decides.
pub(super) const ENOUGH: usize = 10;
/// Nobody reads a request and its reason in less.
pub(super) const FAST_SECONDS: u64 = 10;
/// With fewer approvals each way than this two people are no pair.
pub(super) const PAIRED: u64 = 5;

/// One decision.
pub(super) struct Decided {
    pub(super) verdict: Approval,
    /// How long after the request had come.
    pub(super) after: Span,
}

/// What one user decided.
#[derive(Default)]
pub(super) struct Approver {
    approved: u64,
    denied: u64,
    /// Seconds until each decision.
    after: Vec<u64>,
    /// How many were approved for each requester.
    requesters: BTreeMap<UserName, u64>,
}

impl Approver {
    pub(super) fn add(&mut self, requester: &UserName, decided: Decided) {
        self.after.push(decided.after.seconds());
        match decided.verdict {
            Approval::Approve => {
                self.approved += 1;
                *self.requesters.entry(requester.clone()).or_default() += 1;
            }
            Approval::Deny => self.denied += 1,
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.approved += other.approved;
        self.denied += other.denied;
        self.after.extend(other.after);
        for (requester, approved) in other.requesters {
            *self.requesters.entry(requester).or_default() += approved;
        }
    }

    pub(super) const fn decisions(&self) -> u64 {
        self.approved + self.denied
    }

    pub(super) const fn approved(&self) -> u64 {
        self.approved
    }

    pub(super) const fn denied(&self) -> u64 {
        self.denied
    }

    /// Half of the decisions came within this many seconds.
    pub(super) fn median(&self) -> u64 {
        let mut after = self.after.clone();
        let middle = after.len().saturating_sub(1) / 2;
        if after.is_empty() { 0 } else { *after.select_nth_unstable(middle).1 }
    }

    /// The fastest decision, in seconds.
    pub(super) fn fastest(&self) -> u64 {
        self.after.iter().copied().min().unwrap_or_default()
    }

    /// Whether somebody approves everything, and half of it faster than it can be read.
    pub(super) fn is_rubber_stamp(&self) -> bool {
        self.after.len() >= ENOUGH && self.denied == 0 && self.median() <= FAST_SECONDS
    }
}

/// Two people who approve each other.
pub(super) struct Pair<'a> {
    pub(super) one: &'a UserName,
    pub(super) other: &'a UserName,
    /// How many `one` approved for `other`, and the other way round.
    pub(super) approved: (u64, u64),
}

/// Those of whom each gave at least half of the approvals that the other had, and no few.
pub(super) fn pairs(approvers: &BTreeMap<UserName, Approver>) -> Vec<Pair<'_>> {
    let mut had: BTreeMap<&UserName, u64> = BTreeMap::new();
    let given =
        || approvers.iter().flat_map(|(by, approver)| approver.requesters.iter().map(move |(to, n)| (by, to, *n)));
    for (_, to, approved) in given() {
        *had.entry(to).or_default() += approved;
    }
    let mostly = |to: &UserName, approved: u64| {
        approved >= PAIRED && had.get(to).is_some_and(|all| approved.saturating_mul(2) >= *all)
    };
    let back = |by: &UserName, to: &UserName| {
        approvers.get(by).and_then(|a| a.requesters.get(to)).copied().unwrap_or_default()
    };
    let each = given().filter(|(by, to, _)| by < to).filter_map(|(one, other, approved)| {
        let returned = back(other, one);
        (mostly(other, approved) && mostly(one, returned)).then_some(Pair {
            one,
            other,
            approved: (approved, returned),
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deciding(seconds: &[u64], denied: usize) -> Approver {
        let mut approver = Approver::default();
        for (place, after) in seconds.iter().enumerate() {
            let verdict = if place < denied { Approval::Deny } else { Approval::Approve };
            let after = Span::from_seconds(*after).unwrap();
            approver.add(&"alice".parse().unwrap(), Decided { verdict, after });
        }
        approver
    }

    #[test]
    fn a_rubber_stamp_never_denies_and_mostly_decides_faster_than_one_reads() {
        let stamp = [3, 3, 3, 3, 3, 4, 900, 900, 900, 900];
        assert!(deciding(&stamp, 0).is_rubber_stamp());
        assert_eq!((deciding(&stamp, 0).median(), deciding(&stamp, 0).fastest()), (3, 3));
        assert!(!deciding(&stamp, 1).is_rubber_stamp(), "who denies reads");
        assert!(!deciding(&stamp[..9], 0).is_rubber_stamp(), "too few to say so");
        assert!(!deciding(&[11; 10], 0).is_rubber_stamp());
        assert!(deciding(&[10; 10], 0).is_rubber_stamp());
        assert_eq!((Approver::default().median(), Approver::default().fastest()), (0, 0));
    }

    #[test]
    fn a_pair_approves_each_other_and_mostly_nobody_else_does() {
        let told = |given: &[(&str, &str, u64)]| {
            let mut approvers: BTreeMap<UserName, Approver> = BTreeMap::new();
            for (by, to, times) in given {
                for _ in 0..*times {
                    let decided = Decided { verdict: Approval::Approve, after: Span::ZERO };
                    approvers.entry(by.parse().unwrap()).or_default().add(&to.parse().unwrap(), decided);
                }
            }
            pairs(&approvers).iter().map(|p| format!("{} {} {:?}", p.one, p.other, p.approved)).collect::<Vec<_>>()
        };
        assert_eq!(told(&[("alice", "bob", 9), ("bob", "alice", 5)]), ["alice bob (9, 5)"]);
        assert_eq!(told(&[("alice", "bob", 9), ("bob", "alice", 4)]), Vec::<String>::new(), "too few");
        assert_eq!(told(&[("alice", "bob", 9)]), Vec::<String>::new(), "one way");
        let more = [("alice", "bob", 5), ("bob", "alice", 5), ("carol", "bob", 6)];
        assert_eq!(told(&more), Vec::<String>::new(), "others approve more");
    }
}
