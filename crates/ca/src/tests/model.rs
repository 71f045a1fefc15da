//! The lifecycle under random histories, against a model that is simple enough to read at a glance.
//!
//! ```text
//! operation ─► world: the real use cases, store and clock ─► answer ┐
//!     └──────► model: what they should do                ─► answer ┴ the same, and the same states
//! ```
//!
//! Seeds are those of [`super::seeded`].

mod approvals;
mod extensions;
mod glass;
mod ledger;
mod lifecycle;
mod operation;
mod play;
mod rules;
mod stops;

use std::cell::RefCell;
use std::collections::BTreeMap;

use request::TRANSITIONS;

use super::seeded;
use play::Hits;

/// How many histories come from one seed, and how many steps these come to at least.
const HISTORIES: u32 = 660;
const STEPS: u64 = 50_000;

/// Every answer that there is.
const ANSWERS: [&str; 82] = [
    "submit: taken",
    "submit: POLICY_REFUSED",
    "submit: TOO_MANY_PENDING",
    "submit: USER_DISABLED",
    "extend: taken",
    "extend: NOT_EXTENDABLE",
    "extend: POLICY_REFUSED",
    "extend: TOO_MANY_PENDING",
    "extend: USER_DISABLED",
    "break: taken",
    "break: TOO_MANY_PENDING",
    "break: USER_DISABLED",
    "break: HOST_STOPPED",
    "break: ALL_STOPPED",
    "review: taken",
    "review: REVIEW_REFUSED",
    "review: NOTHING_OWED",
    "review: USER_DISABLED",
    "break again: REPLAYED",
    "review again: REPLAYED",
    "decide: taken",
    "decide in stages: taken",
    "decide: DECIDED_BEFORE",
    "decide: DECISION_REFUSED",
    "decide: USER_DISABLED",
    "decide: WRONG_STATE",
    "decide: CHANGED_MEANWHILE",
    "end: taken",
    "end: NOT_YOURS",
    "end: NO_APPROVAL",
    "end: APPROVAL_USED",
    "end: USER_DISABLED",
    "end: WRONG_STATE",
    "rebind: taken",
    "rebind: NOT_YOURS",
    "rebind: NOT_REBOUND",
    "rebind: USER_DISABLED",
    "rebind: WRONG_STATE",
    "fetch: taken",
    "fetch: CLOCK_FAULT",
    "fetch: ISSUING_STOPPED",
    "fetch: NOT_GRANTED",
    "fetch: POLICY_REFUSED",
    "stop: taken",
    "second: taken",
    "stop: NO_RIGHT",
    "stop: OVER",
    "stop: STOPPED_ALREADY",
    "stop: USER_DISABLED",
    "lift: taken",
    "lift: NO_RIGHT",
    "lift: NO_SUCH_STOP",
    "lift: USER_DISABLED",
    "submit: ALL_STOPPED",
    "submit: HOST_STOPPED",
    "extend: HOST_STOPPED",
    "fetch: ALL_STOPPED",
    "stop again: OVER",
    "stop again: STOPPED_ALREADY",
    "lift again: NO_SUCH_STOP",
    "resume: taken",
    "resume: NO_RIGHT",
    "resume: USER_DISABLED",
    "expire: taken",
    "expire: CLOCK_FAULT",
    "submit again: REPLAYED",
    "submit again: STATEMENT_STALE",
    "decide again: DECIDED_BEFORE",
    "decide again: WRONG_STATE",
    "decide again: STATEMENT_STALE",
    "end again: WRONG_STATE",
    "end again: STATEMENT_STALE",
    "extend again: REPLAYED",
    "extend again: STATEMENT_STALE",
    "extend again: NOT_EXTENDABLE",
    "rebind again: NOT_REBOUND",
    "rebind again: STATEMENT_STALE",
    "fetch again: taken",
    "fetch again: NOT_GRANTED",
    "fetch again: STATEMENT_STALE",
    "resume again: REPLAYED",
    "resume again: STATEMENT_STALE",
];

#[test]
fn histories_agree_with_the_diagram_and_take_its_every_arrow() {
    let mut hits = Hits::default();
    std::thread::scope(|scope| {
        let seeds: Vec<_> = [1, 2, 3].into_iter().map(|seed| scope.spawn(move || histories(seed))).collect();
        seeds.into_iter().for_each(|seed| hits.add(seed.join().unwrap()));
    });
    assert!(hits.steps >= 3 * STEPS, "{}", hits.steps);
    for arrow in TRANSITIONS.map(|way| (way.from, way.to)) {
        assert!(hits.arrows.contains_key(&arrow), "never seen: {arrow:?} ({hits:?})");
    }
    for answer in ANSWERS {
        assert!(hits.answers.contains_key(answer), "never seen: {answer} ({hits:?})");
    }
}

#[test]
fn histories_from_a_fresh_seed_agree_with_the_diagram() {
    let hits = histories(seeded::fresh());
    println!("{} steps", hits.steps);
    assert!(hits.steps >= STEPS, "{}", hits.steps);
}

/// Plays the histories that come from a seed.
fn histories(seed: u64) -> Hits {
    let hits = RefCell::new(Hits::default());
    let show = |history: &Vec<operation::Operation>| seeded::lines(history);
    seeded::each(seed, HISTORIES, &operation::history(), show, async |history| {
        let played = Box::pin(play::play(history)).await;
        hits.borrow_mut().add(played);
    });
    hits.into_inner()
}

/// How often something was seen.
type Count<T> = BTreeMap<T, u64>;
