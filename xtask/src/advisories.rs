//! `cargo xtask advisories`: known vulnerabilities of what we build on, where the advisory database can be reached.

use crate::command::{cargo, on_path, run as run_command};
use crate::failure::Failure;

/// Runs cargo-deny or else cargo-audit. Not part of the gate: both need the network.
pub(crate) fn run() -> Result<(), Failure> {
    if on_path("cargo-deny") {
        run_command(cargo().args(["deny", "--locked", "check", "advisories"]))
    } else if on_path("cargo-audit") {
        run_command(cargo().args(["audit"]))
    } else {
        let install = "neither cargo-deny nor cargo-audit is installed: cargo install --locked cargo-deny";
        Err(Failure::Findings(vec![install.to_owned()]))
    }
}
