//! Starting other programs, with their output passed on as it comes.

use std::io::{BufRead as _, BufReader};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

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
/// returning it, as the lines seen may say more. A program that says nothing for longer than `patience` is ended, with
/// all that it started: it hangs, and whoever waits for it would learn nothing.
pub(crate) fn watch(
    command: &mut Command,
    patience: Duration,
    mut see: impl FnMut(&str),
) -> Result<Option<Failure>, Failure> {
    announce(command);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|source| not_started(command, source))?;
    let lines = lines_of(child.stdout.take());
    let mut last = String::new();
    loop {
        match lines.recv_timeout(patience) {
            Ok(line) => {
                last = line.map_err(|source| Failure::File { path: "the output of a program".into(), source })?;
                println!("{last}");
                see(&last);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                end_with_children(child.id());
                return Ok(Some(Failure::Silent { command: shown(command), seconds: patience.as_secs(), last }));
            }
        }
    }
    let status = child.wait().map_err(|source| not_started(command, source))?;
    Ok((!status.success()).then(|| Failure::Command { command: shown(command), status }))
}

fn lines_of(output: Option<ChildStdout>) -> Receiver<std::io::Result<String>> {
    let (sender, lines) = sync_channel(64);
    std::thread::spawn(move || {
        for line in output.into_iter().flat_map(|output| BufReader::new(output).split(b'\n')) {
            let line = line.map(|line| String::from_utf8_lossy(&line).into_owned());
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Kills a process and what came of it, the youngest last: none is left to hold a pipe open.
fn end_with_children(process: u32) {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    // One that ended by itself in between is no failure.
    drop(Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status());
    children.split_whitespace().filter_map(|child| child.parse().ok()).for_each(end_with_children);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children_and_its_last_words_are_told() {
        let marker = format!("{}", 100_000 + std::process::id());
        let script = format!("echo first; echo last words; sleep {marker}; echo never");
        let mut seen = Vec::new();
        let patience = Duration::from_millis(200);
        let ended = watch(Command::new("sh").args(["-c", &script]), patience, |line| seen.push(line.to_owned()));
        let told = ended.unwrap().unwrap().to_string();
        assert!(told.contains("last words"), "{told}");
        assert_eq!(seen, ["first", "last words"]);
        assert!(!sleeps(&marker), "the sleep outlived its parent");
    }

    /// Whether a process with this word on its command line is still there and no zombie.
    fn sleeps(word: &str) -> bool {
        std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
            let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            words.starts_with(b"sleep") && words.split(|byte| *byte == 0).any(|given| given == word.as_bytes())
        })
    }

    #[test]
    fn a_program_that_ends_in_time_is_judged_by_its_status() {
        let patience = Duration::from_secs(60);
        assert!(watch(Command::new("sh").args(["-c", "echo well"]), patience, |_| ()).unwrap().is_none());
        assert!(watch(Command::new("sh").args(["-c", "exit 3"]), patience, |_| ()).unwrap().is_some());
    }
}
