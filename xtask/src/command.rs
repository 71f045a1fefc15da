//! Starting other programs, with their output passed on as it comes.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::root::root;

/// Cargo, in the project's root, without the variables that the `cargo run` around this task left behind: some build
/// scripts watch them, and would run again when the same command is given by hand.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"));
        if ours {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(root()).stdin(Stdio::null());
    cargo
}

/// The platform that this machine builds for.
pub(crate) fn host_triple() -> Result<String, Failure> {
    let version = output(cargo().args(["version", "--verbose"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::Findings(vec!["`cargo version` names no host".into()]))
}

/// Runs to the end; fails unless the program succeeds.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    announce(command);
    let status = command.status().map_err(|source| not_started(command, source))?;
    if status.success() { Ok(()) } else { Err(Failure::Command { command: shown(command), status }) }
}

/// Runs to the end and gives what was written to stdout; stderr goes where the command says, or on. Fails unless the program succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let done = child.and_then(std::process::Child::wait_with_output).map_err(|source| not_started(command, source))?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        Err(Failure::Command { command: shown(command), status: done.status })
    }
}

/// Runs to the end, passing stdout on line by line, and shows each line to `see`. Gives the failure back instead of
/// returning it, as the lines seen may say more.
pub(crate) fn watch(command: &mut Command, mut see: impl FnMut(&str)) -> Result<Option<Failure>, Failure> {
    announce(command);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|source| not_started(command, source))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.map_err(|source| Failure::File { path: "the output of a program".into(), source })?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            see(&line);
        }
    }
    let status = child.wait().map_err(|source| not_started(command, source))?;
    Ok((!status.success()).then(|| Failure::Command { command: shown(command), status }))
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, source: std::io::Error) -> Failure {
    Failure::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}
