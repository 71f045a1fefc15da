//! The project's tasks; `cargo xtask` lists them.
//!
//! `test` is the gate: everything that has to hold before a change lands, from a machine with Rust and a C compiler.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the terminal it was started from")]

mod advisories;
mod arch;
mod bench;
mod command;
mod deny;
mod failure;
mod fuzz;
mod gate;
mod guide;
mod metadata;
mod prerequisites;
mod programs;
mod root;
mod soak;
mod tests_step;

use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
The project's tasks.

usage: cargo xtask TASK

  test          everything that CI runs; the last line counts what passed and failed
  arch          the crates' direction, what sources may not say, file lengths, unused dependencies
  guide         every code block and table of the policy guide, and the commands and files of the other pages
  deny          licences, banned crates, second versions and sources, by deny.toml
  advisories    known vulnerabilities, with cargo-deny or cargo-audit (needs the network)
  fuzz [--seconds N] [TARGET [FILE...]]
                every parser of outside bytes against libFuzzer, or one; FILEs are fed again
  soak [--hours N]
                random histories from fresh seeds for half of these hours, and the parsers for the other half;
                what fuzzing learns is kept in fuzz/corpus
  bench         certificates a second, against a floor on the same machine (never part of `test`);
                with --rulings, how long a ruling takes among many rules; with --stops, how long a stop takes
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Its table has told everything, and its last line is to stay the last.
        Err(Failure::Gate) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{}", failure.told());
            if matches!(failure, Failure::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let (task, rest) = match arguments {
        [] => ("help", [].as_slice()),
        [task, rest @ ..] => (task.as_str(), rest),
    };
    match task {
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        "test" => no_more(task, rest).and_then(|()| gate::run()),
        "arch" => no_more(task, rest).and_then(|()| arch::run()),
        "guide" => no_more(task, rest).and_then(|()| guide::run()),
        "deny" => no_more(task, rest).and_then(|()| deny::run()),
        "advisories" => no_more(task, rest).and_then(|()| advisories::run()),
        "fuzz" => fuzz::fuzz(rest),
        "soak" => soak::run(rest),
        "bench" => bench::run(rest),
        _ => Err(Failure::Usage(format!("there is no task `{task}`"))),
    }
}

fn no_more(task: &str, rest: &[String]) -> Result<(), Failure> {
    match rest {
        [] => Ok(()),
        [first, ..] => Err(Failure::Usage(format!("`cargo xtask {task}` takes no `{first}`"))),
    }
}
