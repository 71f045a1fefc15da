//! `cargo test`, watched: a test that was ignored or filtered out is a failure, for it proved nothing.

use std::process::Command;
use std::time::Duration;

use crate::command::{cargo, run as run_command, watch};
use crate::failure::Failure;
use crate::gate::Tally;

/// How long the tests may say nothing. The longest alone takes under a minute on two busy cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// Builds, then runs every test of the workspace.
pub(crate) fn run() -> (Tally, Option<Failure>) {
    let built = run_command(tests().arg("--no-run"));
    if let Err(failure) = built {
        return (Tally::default(), Some(failure));
    }
    let mut test = tests();
    test.arg("--no-fail-fast");
    // Whoever runs this has an ssh-agent and perhaps a Hallpass of their own: no test may find them.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("HALLPASS_")) {
            test.env_remove(name);
        }
    }
    test.env_remove("SSH_AUTH_SOCK");
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        test.env("RUST_BACKTRACE", "1");
    }
    let mut seen = Seen::default();
    match watch(&mut test, PATIENCE, |line| seen.line(line)) {
        Ok(ended) => seen.judge(ended),
        Err(failure) => (seen.tally, Some(failure)),
    }
}

fn tests() -> Command {
    let mut test = cargo();
    test.args(["test", "--profile", "ci", "--workspace", "--locked"]);
    test
}

#[derive(Default)]
struct Seen {
    tally: Tally,
    skipped: Vec<String>,
}

impl Seen {
    fn line(&mut self, line: &str) {
        if let Some(summary) = line.strip_prefix("test result: ") {
            self.tally.passed += count(summary, "passed");
            self.tally.failed += count(summary, "failed");
            for what in ["ignored", "filtered out"] {
                let many = count(summary, what);
                self.tally.failed += many;
                if many > 0 && what == "filtered out" {
                    self.skipped.push(format!("{many} filtered out"));
                }
            }
        } else if let Some(name) = ignored(line) {
            self.skipped.push(format!("`{name}` is ignored"));
        }
    }

    fn judge(self, ended: Option<Failure>) -> (Tally, Option<Failure>) {
        let skipped = Failure::unless_empty(self.skipped).err();
        let none = (self.tally == Tally::default()).then(|| Failure::Findings(vec!["no test ran".into()]));
        (self.tally, ended.or(skipped).or(none))
    }
}

/// The number before a word of `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn count(summary: &str, what: &str) -> u64 {
    let numbers = summary.split(['.', ';']).filter_map(|part| part.trim().strip_suffix(what));
    numbers.filter_map(|number| number.trim().parse::<u64>().ok()).sum()
}

/// The name in `test NAME ... ignored[, reason]`.
fn ignored(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    rest.starts_with("ignored").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[&str]) -> (Tally, Option<Failure>) {
        let mut seen = Seen::default();
        lines.iter().for_each(|line| seen.line(line));
        seen.judge(None)
    }

    #[test]
    fn results_of_all_test_binaries_add_up() {
        let (tally, failure) = judged(&[
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 12.34s",
        ]);
        assert_eq!(tally, Tally { passed: 7, failed: 2 });
        assert!(failure.is_none());
    }

    #[test]
    fn an_ignored_test_is_a_failure_that_is_named() {
        let (tally, failure) = judged(&[
            "test slow ... ignored, takes long",
            "test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ]);
        assert_eq!(tally, Tally { passed: 1, failed: 1 });
        assert!(failure.unwrap().to_string().contains("`slow` is ignored"));
    }

    #[test]
    fn a_test_filtered_out_is_a_failure() {
        let (tally, failure) =
            judged(&["test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s"]);
        assert_eq!(tally, Tally { passed: 1, failed: 5 });
        assert!(failure.unwrap().to_string().contains("5 filtered out"));
    }

    #[test]
    fn a_run_without_any_test_is_a_failure() {
        assert!(judged(&["running 0 tests"]).1.is_some());
    }
}
