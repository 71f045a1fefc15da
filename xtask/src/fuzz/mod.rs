//! `cargo xtask fuzz`: every parser of outside bytes, fed by libFuzzer on stable Rust.

mod build;
mod hunt;

use std::thread::available_parallelism;
use std::time::Duration;

use crate::failure::Failure;
use crate::gate::Tally;
use build::Fuzzer;

/// Enough for the gate: what the seeds lead to at once, and some luck.
const GATE_SECONDS: u64 = 4;
const DEFAULT_SECONDS: u64 = 10;

/// `cargo xtask fuzz [--seconds N] [TARGET [FILE...]]`
pub(crate) fn fuzz(arguments: &[String]) -> Result<(), Failure> {
    let (seconds, words) = number(arguments, "--seconds", DEFAULT_SECONDS)?;
    let fuzzer = Fuzzer::build()?;
    match words {
        [] => verdict(hunt::all(&fuzzer, &fuzzer.targets, seconds)),
        [target] => verdict(hunt::all(&fuzzer, &[fuzzer.target(target)?], seconds)),
        [target, inputs @ ..] => hunt::replay(&fuzzer, &fuzzer.target(target)?, inputs),
    }
}

/// What `cargo xtask soak [--hours N]` was given.
pub(crate) fn hours(arguments: &[String]) -> Result<u64, Failure> {
    let (hours, words) = number(arguments, "--hours", 1)?;
    match words {
        [] => Ok(hours),
        [first, ..] => Err(Failure::Usage(format!("`cargo xtask soak` takes no `{first}`"))),
    }
}

/// Every target for its share of this time; what is found stays in fuzz/corpus and helps the next run.
pub(crate) fn soak(time: Duration) -> Result<(), Failure> {
    let fuzzer = Fuzzer::build()?;
    let workers = available_parallelism().map_or(1, |n| u64::try_from(n.get()).unwrap_or(1));
    let targets = u64::try_from(fuzzer.targets.len()).unwrap_or(1).max(1);
    let seconds = (time.as_secs() * workers / targets).max(GATE_SECONDS);
    println!("{targets} targets, {workers} at a time, each for {} min", seconds / 60);
    verdict(hunt::all(&fuzzer, &fuzzer.targets, seconds))
}

/// The step of the gate: each target counts as one.
pub(crate) fn gate() -> (Tally, Option<Failure>) {
    match Fuzzer::build().and_then(|fuzzer| hunt::all(&fuzzer, &fuzzer.targets, GATE_SECONDS)) {
        Ok(found) => (found.tally(), found.failure()),
        Err(failure) => (Tally::default(), Some(failure)),
    }
}

fn verdict(found: Result<hunt::Found, Failure>) -> Result<(), Failure> {
    found?.failure().map_or(Ok(()), Err)
}

/// Takes a leading `--option N` off the arguments.
fn number<'a>(arguments: &'a [String], option: &str, default: u64) -> Result<(u64, &'a [String]), Failure> {
    match arguments {
        [name, value, rest @ ..] if name == option => {
            let wrong = || Failure::Usage(format!("`{option}` takes a whole number from 1 to 1000000"));
            let value = value.parse().ok().filter(|n| (1..=1_000_000).contains(n)).ok_or_else(wrong)?;
            Ok((value, rest))
        }
        [name, ..] if name.starts_with('-') => Err(Failure::Usage(format!("`{name}` is not understood here"))),
        _ => Ok((default, arguments)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_before_the_words() {
        let words = |given: &[&str]| given.iter().map(ToString::to_string).collect::<Vec<_>>();
        let given = words(&["--seconds", "7", "names"]);
        assert_eq!(number(&given, "--seconds", 1).unwrap(), (7, words(&["names"]).as_slice()));
        assert_eq!(number(&words(&["names"]), "--seconds", 1).unwrap().0, 1);
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "x"], &["--hours", "1"]] {
            assert!(number(&words(wrong), "--seconds", 1).is_err(), "{wrong:?}");
        }
    }
}
