//! The project's tasks; `cargo xtask` lists them.
//!
//! `test` is the gate: everything that has to hold before a change lands, from a machine with Rust and a C compiler.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the terminal it was started from")]

mod bench;
mod command;
mod failure;
mod gate;
mod host_only;
mod prerequisites;
mod root;
mod tests_step;

use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
The project's tasks.

usage: cargo xtask TASK

  test          everything that CI runs; the last line counts what passed and failed
  bench         certificates a second, against a floor on the same machine (never part of `test`)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
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
