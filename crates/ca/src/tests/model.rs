//! The lifecycle under random histories, against a model that is simple enough to read at a glance.
//!
//! ```text
//! operation ─► world: the real use cases, store and clock ─► answer ┐
//!     └──────► model: what they should do                ─► answer ┴ the same, and the same states
//! ```
//!
//! A history that fails is made smaller until nothing can be left out of it, and printed with its seed. To run the same
//! histories again: `HALLPASS_SEED=SEED cargo test --profile ci -p hallpass-ca fresh_seed`.

mod lifecycle;
mod operation;
mod play;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use request::StateName::{Approved, Cancelled, Denied, Expired, GivenBack, Pending};

use play::Hits;

/// How many histories come from one seed.
const HISTORIES: u32 = 24;
/// Which seed the fresh one is, when one is to be run again.
const VARIABLE: &str = "HALLPASS_SEED";

/// The arrows of the diagram in `request`: nothing else ever happens to a state.
const ARROWS: [play::Arrow; 9] = [
    (None, Pending),
    (None, Approved),
    (Some(Pending), Approved),
    (Some(Pending), Denied),
    (Some(Pending), Cancelled),
    (Some(Pending), Expired),
    (Some(Approved), GivenBack),
    (Some(Approved), Expired),
    (Some(Approved), Pending),
];

/// Every answer that there is.
const ANSWERS: [&str; 38] = [
    "submit: taken",
    "submit: POLICY_REFUSED",
    "submit: TOO_MANY_PENDING",
    "submit: USER_DISABLED",
    "decide: taken",
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
    "fetch: taken",
    "fetch: CLOCK_FAULT",
    "fetch: ISSUING_STOPPED",
    "fetch: NOT_GRANTED",
    "fetch: POLICY_REFUSED",
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
    "fetch again: taken",
    "fetch again: NOT_GRANTED",
    "fetch again: STATEMENT_STALE",
    "resume again: REPLAYED",
    "resume again: STATEMENT_STALE",
];

#[test]
fn histories_agree_with_the_diagram_and_take_its_every_arrow() {
    let mut hits = Hits::default();
    for seed in [1, 3] {
        hits.add(histories(seed));
    }
    for arrow in ARROWS {
        assert!(hits.arrows.contains_key(&arrow), "never seen: {arrow:?} ({hits:?})");
    }
    for answer in ANSWERS {
        assert!(hits.answers.contains_key(answer), "never seen: {answer} ({hits:?})");
    }
}

#[test]
fn histories_from_a_fresh_seed_agree_with_the_diagram() {
    let given = std::env::var(VARIABLE).ok().map(|seed| seed.parse().unwrap());
    let since = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let hits = histories(given.unwrap_or_else(|| since().subsec_nanos().into()));
    assert!(hits.answers.contains_key("submit: taken"), "{hits:?}");
}

/// Plays the histories that come from a seed.
fn histories(seed: u64) -> Hits {
    println!("{VARIABLE}={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: HISTORIES, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let hits = RefCell::new(Hits::default());
    let played = runner.run(&operation::history(), |history| {
        hits.borrow_mut().add(runtime.block_on(play::play(&history)));
        Ok(())
    });
    match played {
        Ok(()) => hits.into_inner(),
        Err(TestError::Fail(why, history)) => {
            let steps: Vec<_> = history.iter().map(|operation| format!("  {operation:?}\n")).collect();
            panic!("{why}\n{}to see it again: {VARIABLE}={seed}", steps.concat())
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// How often something was seen.
type Count<T> = BTreeMap<T, u64>;
