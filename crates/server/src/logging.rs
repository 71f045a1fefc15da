//! Where log lines go: for people on a terminal, as JSON for everything else.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Which variable says how much is logged, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "HALLPASSD_LOG";

/// Starts logging to standard error, for the whole process.
pub(crate) fn start() -> Result<(), TryInitError> {
    let filter = EnvFilter::builder().with_env_var(VARIABLE).try_from_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    if io::stderr().is_terminal() {
        builder.finish().try_init()
    } else {
        builder.json().flatten_event(true).finish().try_init()
    }
}
