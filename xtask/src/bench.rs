//! `cargo xtask bench`: starts the load bench, a binary of its own, and passes its words and its last line on.

use crate::command::{cargo, run as run_command};
use crate::failure::Failure;
use crate::root::at;

/// Builds the bench as it will be judged (`release`) and runs it with the remaining arguments.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if !at("crates/bench/Cargo.toml").is_file() {
        return Err(Failure::Findings(vec!["there is no crates/bench yet: nothing to measure".into()]));
    }
    let mut bench = cargo();
    bench.args(["run", "--release", "--locked", "--package", "hallpass-bench", "--"]).args(arguments);
    run_command(&mut bench)
}
