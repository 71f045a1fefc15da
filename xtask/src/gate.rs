//! `cargo xtask test`: every step that CI runs, each timed, and one line at the end that counts.

use std::time::{Duration, Instant};

use crate::command::{cargo, run as run_command};
use crate::failure::Failure;
use crate::{arch, deny, fuzz, guide, prerequisites, programs, tests_step};

/// What a step counts for in the last line: the tests by number, any other step as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

struct Step {
    name: &'static str,
    took: Duration,
    tally: Tally,
}

/// Runs every step, also after one failed: one run shows all there is to mend.
pub(crate) fn run() -> Result<(), Failure> {
    let mut gate = Gate { steps: Vec::new() };
    gate.check("prerequisites", prerequisites::ensure);
    if gate.total().failed == 0 {
        gate.check("format", format);
        gate.check("arch", arch::run);
        gate.check("deny", deny::run);
        gate.check("host without SQL and policy", programs::host);
        gate.check("clippy", clippy);
        gate.check("each program alone", programs::compile);
        gate.check("guide", guide::run);
        gate.count("tests", tests_step::run);
        gate.count("fuzz", fuzz::gate);
        gate.check("nothing left out", prerequisites::nothing_left_out);
    }
    gate.finish()
}

fn format() -> Result<(), Failure> {
    run_command(cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), Failure> {
    let args = ["clippy", "--profile", "ci", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run_command(cargo().args(args))
}

struct Gate {
    steps: Vec<Step>,
}

impl Gate {
    fn check(&mut self, name: &'static str, work: impl FnOnce() -> Result<(), Failure>) {
        self.count(name, || match work() {
            Ok(()) => (Tally { passed: 1, failed: 0 }, None),
            Err(failure) => (Tally::default(), Some(failure)),
        });
    }

    fn count(&mut self, name: &'static str, work: impl FnOnce() -> (Tally, Option<Failure>)) {
        println!("\n== {name}");
        let start = Instant::now();
        let (mut tally, failure) = work();
        if let Some(failure) = failure {
            println!("{}", failure.told());
            // What failed before it could count, such as tests that do not compile, counts as one.
            tally.failed = tally.failed.max(1);
        }
        self.steps.push(Step { name, took: start.elapsed(), tally });
    }

    fn total(&self) -> Tally {
        self.steps.iter().fold(Tally::default(), |sum, step| Tally {
            passed: sum.passed + step.tally.passed,
            failed: sum.failed + step.tally.failed,
        })
    }

    fn finish(self) -> Result<(), Failure> {
        println!("\n{}", table(&self.steps));
        let total = self.total();
        println!("{} passed, {} failed", total.passed, total.failed);
        if total.failed == 0 { Ok(()) } else { Err(Failure::Gate) }
    }
}

fn table(steps: &[Step]) -> String {
    let mut table = format!("{:<30} {:>9}  result\n", "step", "time");
    for step in steps {
        let result = match step.tally {
            Tally { failed: 0, passed: 1 } => "ok".to_owned(),
            Tally { failed: 0, passed } => format!("ok ({passed})"),
            Tally { failed: 1, passed: 0 } => "failed".to_owned(),
            Tally { failed, passed } => format!("failed ({failed} of {})", passed + failed),
        };
        table += &format!("{:<30} {:>7.1} s  {result}\n", step.name, step.took.as_secs_f64());
    }
    let all: Duration = steps.iter().map(|step| step.took).sum();
    table + &format!("{:<30} {:>7.1} s\n", "all", all.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Gate {
        Gate { steps: Vec::new() }
    }

    #[test]
    fn a_failed_check_counts_as_one_and_closes_the_gate() {
        let mut gate = empty();
        gate.check("good", || Ok(()));
        gate.check("bad", || Err(Failure::Findings(vec!["x".into()])));
        assert_eq!(gate.total(), Tally { passed: 1, failed: 1 });
        assert!(gate.finish().is_err());
    }

    #[test]
    fn tests_that_did_not_compile_count_as_a_failure() {
        let mut gate = empty();
        gate.count("tests", || (Tally::default(), Some(Failure::Gate)));
        gate.count("more tests", || (Tally { passed: 5, failed: 0 }, Some(Failure::Gate)));
        assert_eq!(gate.total(), Tally { passed: 5, failed: 2 });
    }

    #[test]
    fn the_table_names_every_step_with_its_result() {
        let step =
            |name, passed, failed| Step { name, took: Duration::from_millis(1500), tally: Tally { passed, failed } };
        let shown = table(&[step("a", 1, 0), step("b", 7, 0), step("c", 0, 1), step("d", 5, 2)]);
        let results: Vec<&str> = shown.lines().skip(1).map(|line| line.split("1.5 s  ").last().unwrap_or("")).collect();
        assert_eq!(results.get(..4), Some(["ok", "ok (7)", "failed", "failed (2 of 7)"].as_slice()));
        assert!(shown.contains("6.0 s"));
    }
}
