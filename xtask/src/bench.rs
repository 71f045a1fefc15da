//! `cargo xtask bench`: starts the load bench, a binary of its own, and passes its words and its last line on.

use crate::command::{cargo, run as run_command};
use crate::failure::Failure;

/// Builds the programs and the bench as they will be judged (`release`), and runs the bench with the remaining arguments.
/// The bench looks for the programs beside itself.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let release = ["--release", "--locked"];
    // Rulings are measured within the bench.
    if !arguments.iter().any(|argument| argument == "--rulings") {
        let programs = ["--package", "hallpass", "--bin", "hallpassd", "--bin", "hallpass"];
        run_command(cargo().arg("build").args(release).args(programs))?;
    }
    let mut bench = cargo();
    bench.arg("run").args(release).args(["--package", "hallpass-bench", "--"]).args(arguments);
    run_command(&mut bench)
}
