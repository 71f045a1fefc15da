//! Running targets, as many at a time as there are processors.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::thread::available_parallelism;

use super::build::{FEEDBACK, Fuzzer};
use crate::command::run;
use crate::failure::Failure;
use crate::gate::Tally;
use crate::root::at;

/// How many lines of a failed run are shown.
const TAIL: usize = 40;

/// What came of it.
#[derive(Default)]
pub(super) struct Found {
    passed: u64,
    broken: Vec<String>,
}

impl Found {
    /// Each target counts as one.
    pub(super) fn tally(&self) -> Tally {
        Tally { passed: self.passed, failed: u64::try_from(self.broken.len()).unwrap_or(u64::MAX) }
    }

    /// The targets that broke.
    pub(super) fn failure(self) -> Option<Failure> {
        Failure::unless_empty(self.broken).err()
    }
}

/// Proves that coverage feedback works, then gives each target its seconds.
pub(super) fn all(fuzzer: &Fuzzer, targets: &[String], seconds: u64) -> Result<Found, Failure> {
    let artifacts = directory("fuzz/artifacts")?;
    let found = Mutex::new(Found::default());
    let note = |result: Result<String, String>| {
        let Ok(mut found) = found.lock() else { return };
        match result {
            Ok(told) => {
                println!("{told}");
                found.passed += 1;
            }
            Err(told) => {
                println!("{told}");
                found.broken.push(told.lines().next().unwrap_or_default().to_owned());
            }
        }
    };
    note(feedback(fuzzer, &artifacts)?);
    let waiting = Mutex::new(targets.iter());
    let next = || waiting.lock().ok()?.next();
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    note(one(fuzzer, target, seconds, &artifacts).unwrap_or_else(|failure| Err(failure.told())));
                }
            });
        }
    });
    found.into_inner().map_err(|_| Failure::Findings(vec!["a worker of the fuzzer panicked".into()]))
}

/// Runs one target on inputs that were kept.
pub(super) fn replay(fuzzer: &Fuzzer, target: &str, inputs: &[String]) -> Result<(), Failure> {
    run(fuzzer.command(target, &directory("fuzz/artifacts")?).args(inputs))
}

/// The fuzzer must find a word that nobody finds by chance.
fn feedback(fuzzer: &Fuzzer, artifacts: &Path) -> Result<Result<String, String>, Failure> {
    let corpus = directory("fuzz/corpus/feedback")?;
    let _no_matter = std::fs::remove_dir_all(&corpus);
    let (succeeded, log) = logged(fuzzer, FEEDBACK, 60, artifacts)?;
    if !succeeded && log.contains("coverage feedback works") {
        Ok(Ok(format!("{FEEDBACK}: the fuzzer finds what only coverage can show it")))
    } else {
        Ok(Err(format!("{FEEDBACK}: this Rust builds no coverage feedback: fuzzing proves nothing\n{}", tail(&log))))
    }
}

fn one(fuzzer: &Fuzzer, target: &str, seconds: u64, artifacts: &Path) -> Result<Result<String, String>, Failure> {
    let (succeeded, log) = logged(fuzzer, target, seconds, artifacts)?;
    if succeeded {
        let (runs, edges) = (after(&log, "stat::number_of_executed_units: "), after(&log, "cov: "));
        return Ok(Ok(format!("{target}: {runs} runs, {edges} edges, nothing broke")));
    }
    let kept = log.lines().find_map(|line| Some(line.split_once("Test unit written to ")?.1)).unwrap_or("FILE");
    Ok(Err(format!("{target}: broken; again with: cargo xtask fuzz {target} {kept}\n{}", tail(&log))))
}

/// Runs a target with its corpus and seeds, and gives whether it succeeded and what it said.
fn logged(fuzzer: &Fuzzer, target: &str, seconds: u64, artifacts: &Path) -> Result<(bool, String), Failure> {
    let corpus = directory(&format!("fuzz/corpus/{target}"))?;
    let path = artifacts.join(format!("{target}.log"));
    let unusable = |source| Failure::File { path: path.clone(), source };
    let log = File::create(&path).map_err(unusable)?;
    let mut command = fuzzer.command(target, artifacts);
    command.arg(format!("-max_total_time={seconds}")).arg(corpus).arg(fuzzer.seeds.join(target));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let status = command.status().map_err(|source| Failure::Start { program: "the fuzzer".into(), source })?;
    let log = std::fs::read(&path).map_err(unusable)?;
    Ok((status.success(), String::from_utf8_lossy(&log).into_owned()))
}

fn directory(below: &str) -> Result<PathBuf, Failure> {
    let path = at(below);
    std::fs::create_dir_all(&path).map_err(|source| Failure::File { path: path.clone(), source })?;
    Ok(path)
}

/// The number behind the last occurrence of some words.
fn after(log: &str, words: &str) -> u64 {
    let rest = log.rsplit_once(words).map_or("", |(_, rest)| rest);
    rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_end_of_the_log() {
        let log = "#2 INITED cov: 17 ft: 17\n#9 DONE cov: 20 ft: 26\nstat::number_of_executed_units: 3324418\n";
        assert_eq!((after(log, "cov: "), after(log, "stat::number_of_executed_units: ")), (20, 3_324_418));
        assert_eq!(after(log, "no such words: "), 0);
    }

    #[test]
    fn the_end_of_a_long_log_is_shown() {
        let log: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(tail(&log).lines().next(), Some("60"));
        assert_eq!(tail("one\ntwo"), "one\ntwo");
    }
}
