//! A program beside this one, and signals for both.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::Pin;
use std::process::ExitStatus;

use nix::sys::signal::{Signal as Number, kill};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::context::Environment;
use crate::processes::{Ending, Program, Started};

/// Starts a program with this process's standard streams.
pub(super) fn start(program: &Program, environment: &Environment) -> io::Result<Box<dyn Started>> {
    let mut command = Command::new(&program.program);
    command.args(&program.arguments).env_clear().envs(environment.iter());
    Ok(Box::new(Beside(command.spawn()?)))
}

struct Beside(Child);

impl Started for Beside {
    fn hand_on(&self, signal: Ending) {
        let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) else { return };
        let number = match signal {
            Ending::Interrupt | Ending::Quit if terminal_told_both() => return,
            Ending::HangUp => Number::SIGHUP,
            Ending::Interrupt => Number::SIGINT,
            Ending::Quit => Number::SIGQUIT,
            Ending::Terminate => Number::SIGTERM,
        };
        // One that has ended in between needs no signal; its number is its own until it is waited for.
        let _ended_in_between = kill(Pid::from_raw(id), number);
    }

    fn ended(&mut self) -> Pin<Box<dyn Future<Output = io::Result<u8>> + Send + '_>> {
        Box::pin(async { Ok(exit_code(self.0.wait().await?)) })
    }
}

/// Whether a key such as Ctrl-C at the terminal reaches this process and what it started alike: the kernel signals the
/// group in the foreground, which both are in (termios(3)).
fn terminal_told_both() -> bool {
    let foreground = File::open("/dev/tty").ok().and_then(|terminal| tcgetpgrp(terminal).ok());
    foreground == Some(getpgrp())
}

/// As shells have it: 128 and the signal's number for a program that a signal ended.
fn exit_code(status: ExitStatus) -> u8 {
    let signalled = || status.signal().map(|number| number.saturating_add(128));
    status.code().or_else(signalled).and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// The signals that ask this process to end. From the first moment on they no longer end it by themselves. One that was
/// ignored when this process began, as `nohup` has it, stays so for this process and what it starts.
pub(crate) struct Endings {
    hang_up: Option<Signal>,
    interrupt: Option<Signal>,
    quit: Option<Signal>,
    terminate: Option<Signal>,
}

impl Endings {
    /// Takes them.
    pub(crate) fn taken() -> io::Result<Self> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        let take = |kind: SignalKind| {
            let stays = ignored >> kind.as_raw_value().saturating_sub(1) & 1 == 1;
            if stays { Ok(None) } else { signal(kind).map(Some) }
        };
        Ok(Self {
            hang_up: take(SignalKind::hangup())?,
            interrupt: take(SignalKind::interrupt())?,
            quit: take(SignalKind::quit())?,
            terminate: take(SignalKind::terminate())?,
        })
    }

    /// The next one. Leaving this in the middle loses none.
    pub(crate) async fn next(&mut self) -> Ending {
        tokio::select! {
            () = comes(&mut self.hang_up) => Ending::HangUp,
            () = comes(&mut self.interrupt) => Ending::Interrupt,
            () = comes(&mut self.quit) => Ending::Quit,
            () = comes(&mut self.terminate) => Ending::Terminate,
        }
    }
}

async fn comes(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The set of ignored signals, by the line `SigIgn` of /proc/self/status (proc(5)); nothing is ignored where it is not
/// told.
fn ignored(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ended(script: &str) -> u8 {
        let program = Program { program: "sh".into(), arguments: vec!["-c".into(), script.into()] };
        start(&program, &Environment::new(std::env::vars_os())).unwrap().ended().await.unwrap()
    }

    #[tokio::test]
    async fn a_program_that_a_signal_ended_has_the_exit_code_that_shells_give() {
        assert_eq!([ended("exit 0").await, ended("exit 7").await], [0, 7]);
        assert_eq!(ended("kill -KILL $$").await, 137);
        assert_eq!(ended("kill -TERM $$").await, Ending::Terminate.exit_code());
    }

    #[test]
    fn ignored_signals_are_read_from_what_the_system_tells() {
        assert_eq!(ignored("Name:\thallpass\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"), 0x1001);
        assert_eq!((ignored(""), ignored("SigIgn:\tx\n")), (0, 0));
    }

    #[tokio::test]
    async fn a_signal_is_handed_on() {
        let forever = Program { program: "tail".into(), arguments: vec!["-f".into(), "/dev/null".into()] };
        let mut started = start(&forever, &Environment::new(std::env::vars_os())).unwrap();
        started.hand_on(Ending::Terminate);
        assert_eq!(started.ended().await.unwrap(), Ending::Terminate.exit_code());
    }
}
