//! `cargo xtask soak`: hours of random histories, then hours of fuzzing.

use std::time::{Duration, Instant};

use crate::command::{cargo, run as run_command, watch};
use crate::failure::Failure;
use crate::fuzz;

/// How long a round of histories may say nothing.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Half of the time goes to histories from fresh seeds, and half to the parsers. What fails is shown with its seed.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let hours = fuzz::hours(arguments)?;
    let half = Duration::from_secs(hours * 1800);
    histories(half)?;
    fuzz::soak(half)
}

fn histories(time: Duration) -> Result<(), Failure> {
    let tests = ["test", "--profile", "ci", "--workspace", "--lib", "--locked"];
    run_command(cargo().args(tests).arg("--no-run"))?;
    let began = Instant::now();
    let mut rounds = 0_u64;
    while began.elapsed() < time {
        let mut steps = None;
        let mut round = cargo();
        round.args(tests).args(["fresh_seed", "--", "--nocapture"]);
        let said = |line: &str| line.strip_suffix(" steps").and_then(|count| count.parse::<u64>().ok());
        let ended = watch(&mut round, PATIENCE, |line| steps = said(line).or(steps))?;
        if let Some(failure) = ended {
            return Err(failure);
        }
        let steps = steps.ok_or_else(|| Failure::Findings(vec!["no history of requests was played".into()]))?;
        rounds += 1;
        println!("round {rounds}: {steps} steps of requests, {} min", began.elapsed().as_secs() / 60);
    }
    Ok(())
}
