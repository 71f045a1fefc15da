//! What can happen, and how random histories of it are made.

use domain::Approval;
use proptest::prelude::*;
use proptest::sample::select;

use super::lifecycle::Ending;
use super::rules::{AUTO, Rules};
use super::stops::Stopped;
use crate::tests::harness::*;

/// How long a history is at most.
const LONGEST: usize = 150;
/// The requests that operations are about: the latest ones, of which some are still alive.
const LATEST: usize = 5;

/// One thing that happens. A request is named by how many came after it.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Alice asks for a host.
    Submit(usize),
    /// Alice asks to go on under a grant.
    Extend(usize),
    /// Somebody puts another connecting key in place.
    Rebind(usize, u8, u8),
    /// Alice asks for break-glass.
    Break,
    /// She does twice at once.
    BreakTwice,
    /// Somebody reviews.
    Review(usize, u8),
    /// Somebody decides.
    Decide(usize, u8, Approval),
    /// Two decide at once.
    Race(usize, [(u8, Approval); 2]),
    /// Somebody cancels or gives back.
    End(usize, u8, Ending),
    /// A key fetches.
    Fetch(usize, u8),
    /// A statement that was taken is sent again: the one that so many came after.
    Repeat(usize),
    /// Time passes.
    Pass(u64),
    /// The wall clock is set, this far from where it is.
    Jump(i64),
    /// The background job looks at the clock.
    Look,
    /// The background job ends what waited too long.
    Expire,
    /// Somebody resumes issuing.
    Resume(u8),
    /// Somebody stops a request, a user, a host or everything.
    Stop(Stopped, u8),
    /// Somebody lifts a stop: the one that so many came after.
    Lift(usize, u8),
    /// Other files come into force.
    Reload(Rules),
    /// The server ends and starts again.
    Restart,
}

pub(super) fn history() -> impl Strategy<Value = Vec<Operation>> {
    let one = operation().prop_map(|one| vec![one]);
    let rare = prop_oneof![2 => extended_and_withdrawn(), 2 => fetched_too_late(), 1 => extended_too_far()];
    prop::collection::vec(prop_oneof![24 => one, 1 => rare], 1..LONGEST).prop_map(|steps| steps.concat())
}

/// An extension of a grant that gave no certificate, and the approval taken back: in these orders alone it happens rarely.
fn extended_and_withdrawn() -> impl Strategy<Value = Vec<Operation>> {
    (0..AUTO, any::<bool>()).prop_map(|(host, decided)| {
        let approve = |at, by| Operation::Decide(at, by, Approval::Approve);
        let mut steps = vec![Operation::Submit(host), approve(0, BOB), approve(0, CAROL), Operation::Extend(0)];
        steps.extend(decided.then(|| approve(0, CAROL)));
        steps.push(Operation::End(1, BOB, Ending::Withdraw));
        steps
    })
}

/// A fetch that is sent again when its grant was given back, or is for another connecting key.
fn fetched_too_late() -> impl Strategy<Value = Vec<Operation>> {
    let (back, rebound) = (Operation::End(0, ALICE, Ending::GiveBack), Operation::Rebind(0, ALICE, OTHER_LAPTOP));
    let fetch = Operation::Fetch(0, LAPTOP);
    select(vec![back, rebound])
        .prop_map(move |then| vec![Operation::Submit(AUTO), fetch.clone(), then, Operation::Repeat(1)])
}

/// An extension past what rules give by now.
fn extended_too_far() -> impl Strategy<Value = Vec<Operation>> {
    let steps = [
        Operation::Reload(Rules::AsTheyWere),
        Operation::Submit(AUTO),
        Operation::Reload(Rules::Tightened),
        Operation::Extend(0),
        Operation::Reload(Rules::AsTheyWere),
    ];
    Just(steps.to_vec())
}

/// A request is named as elsewhere.
fn what() -> impl Strategy<Value = Stopped> {
    prop_oneof![
        6 => (0..LATEST).prop_map(Stopped::Request),
        2 => select(vec![ALICE, BOB]).prop_map(Stopped::User),
        3 => (0..=AUTO).prop_map(Stopped::Host),
        2 => Just(Stopped::All),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let of = |users: &[u8]| select(users.to_vec());
    let request = || 0..LATEST;
    let decider = move || prop_oneof![9 => of(&[BOB, CAROL]), 2 => Just(DAVE), 1 => of(&[ALICE, ALICE_ADMIN, BACKUP])];
    let verdict = || prop_oneof![4 => Just(Approval::Approve), 1 => Just(Approval::Deny)];
    let decision = move || (decider(), verdict());
    let ending = select(vec![Ending::Cancel, Ending::GiveBack]);
    let rules = prop_oneof![2 => Just(Rules::AsTheyWere), 3 => select(Rules::ALL.to_vec())];
    prop_oneof![
        14 => prop_oneof![4 => 0..AUTO, 1 => Just(AUTO)].prop_map(Operation::Submit),
        8 => request().prop_map(Operation::Extend),
        6 => (request(), prop_oneof![6 => Just(ALICE), 1 => of(&[BOB, ALICE_ADMIN])], of(&[LAPTOP, OTHER_LAPTOP, BOB]))
            .prop_map(|(at, by, key)| Operation::Rebind(at, by, key)),
        4 => Just(Operation::Break),
        2 => Just(Operation::BreakTwice),
        8 => (request(), decider()).prop_map(|(at, by)| Operation::Review(at, by)),
        20 => (request(), decision()).prop_map(|(at, (by, verdict))| Operation::Decide(at, by, verdict)),
        4 => (request(), [decision(), decision()]).prop_map(|(at, both)| Operation::Race(at, both)),
        8 => (request(), prop_oneof![4 => Just(ALICE), 1 => of(&[BOB, ALICE_ADMIN])], ending)
            .prop_map(|(at, by, ending)| Operation::End(at, by, ending)),
        9 => (request(), decider()).prop_map(|(at, by)| Operation::End(at, by, Ending::Withdraw)),
        26 => (request(), prop_oneof![8 => Just(LAPTOP), 4 => Just(OTHER_LAPTOP), 1 => of(&[ALICE, BOB])])
            .prop_map(|(at, by)| Operation::Fetch(at, by)),
        12 => (0..5usize).prop_map(Operation::Repeat),
        7 => prop_oneof![4 => 1..50u64, 3 => 50..900u64, 1 => Just(3600)].prop_map(Operation::Pass),
        1 => select(vec![-1800, -60, -6, -5, 5, 6, 60, 1800]).prop_map(Operation::Jump),
        2 => Just(Operation::Look),
        4 => Just(Operation::Expire),
        6 => prop_oneof![3 => Just(CAROL), 1 => Just(BOB)].prop_map(Operation::Resume),
        3 => (what(), prop_oneof![3 => of(&[CAROL, DAVE]), 2 => Just(ALICE), 1 => Just(BOB)])
            .prop_map(|(what, by)| Operation::Stop(what, by)),
        8 => (0..4usize, prop_oneof![6 => Just(CAROL), 1 => of(&[DAVE, BOB])]).prop_map(|(at, by)| Operation::Lift(at, by)),
        4 => rules.prop_map(Operation::Reload),
        2 => Just(Operation::Restart),
    ]
}
