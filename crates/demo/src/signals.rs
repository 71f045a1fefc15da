//! What ends the demo early: Ctrl-C, a terminal that is closed, or somebody who asks this process to end.

use std::process::ExitCode;

use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

/// The signals that end the demo, from now on.
pub(crate) struct Signals(Option<[Arrivals; 3]>);

/// One that came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal(SignalKind);

impl Signals {
    const KINDS: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

    /// Takes them over. Where the system has no handlers for us, signals end the process by themselves.
    pub(crate) fn new() -> Self {
        let [Ok(interrupt), Ok(terminate), Ok(hangup)] = Self::KINDS.map(signal) else { return Self(None) };
        Self(Some([interrupt, terminate, hangup]))
    }

    /// The next that comes.
    pub(crate) async fn next(&mut self) -> Signal {
        let Some([interrupt, terminate, hangup]) = &mut self.0 else { return std::future::pending().await };
        let [int, term, hup] = Self::KINDS;
        tokio::select! {
            _ = interrupt.recv() => Signal(int),
            _ = terminate.recv() => Signal(term),
            _ = hangup.recv() => Signal(hup),
        }
    }
}

impl Signal {
    /// As a shell tells it of a program that a signal ended: 128 and the signal's number.
    pub(crate) fn exit_code(self) -> ExitCode {
        u8::try_from(self.0.as_raw_value())
            .map_or(ExitCode::FAILURE, |number| ExitCode::from(number.saturating_add(128)))
    }
}
