//! Random cases from a seed that is printed, so that what failed can be seen again: `HALLPASS_SEED=SEED cargo test --profile
//! ci -p hallpass-ca fresh_seed`.

use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// Which seed the fresh one is, when one is to be run again.
const VARIABLE: &str = "HALLPASS_SEED";

/// Another seed in every run, unless one is given.
pub(super) fn fresh() -> u64 {
    let given = std::env::var(VARIABLE).ok().map(|seed| seed.parse().unwrap());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into())
}

/// Plays cases that come from a seed. One that fails is made smaller until nothing can be left out of it, and shown.
pub(super) fn each<S: Strategy>(
    seed: u64,
    cases: u32,
    strategy: &S,
    show: impl Fn(&S::Value) -> String,
    play: impl AsyncFn(&S::Value),
) where
    S::Value: Debug,
{
    println!("{VARIABLE}={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let played = runner.run(strategy, |case| {
        runtime.block_on(play(&case));
        Ok(())
    });
    match played {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\n{}to see it again: {VARIABLE}={seed}", show(&case)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// A case, a line each.
pub(super) fn lines<T: Debug>(steps: &[T]) -> String {
    steps.iter().map(|step| format!("  {step:?}\n")).collect()
}
