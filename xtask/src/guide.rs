//! The guides' code blocks and tables, extracted and run by `tests/guide`: a step of its own, which shows how much of each
//! page was run, and how much only parsed.

use std::time::Duration;

use crate::command::{cargo, run as run_command, watch};
use crate::failure::Failure;

/// How long it may say nothing: it takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Builds the programs, and proves the pages on them. What the pages say of themselves is passed on.
pub(crate) fn run() -> Result<(), Failure> {
    let guide = ["test", "--profile", "ci", "--package", "hallpass", "--test", "guide", "--locked"];
    run_command(cargo().args(guide).arg("--no-run"))?;
    let mut pages = 0_u32;
    let mut prove = cargo();
    prove.args(guide).args(["--", "--nocapture"]);
    let ended = watch(&mut prove, PATIENCE, |line| pages += u32::from(line.contains(" blocks and rows run, ")))?;
    let none = (pages == 0).then(|| Failure::Findings(vec!["no page was looked at".into()]));
    ended.or(none).map_or(Ok(()), Err)
}
