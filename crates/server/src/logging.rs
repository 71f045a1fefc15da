//! Where log lines go: for people on a terminal, as JSON for everything else.

use std::io::{self, IsTerminal as _};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Which variable says how much is logged, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "HALLPASSD_LOG";

/// Starts logging to standard error, for the whole process.
pub(crate) fn start() -> Result<(), TryInitError> {
    let filter = EnvFilter::builder().with_env_var(VARIABLE).try_from_env().unwrap_or_else(|_| EnvFilter::new("info"));
    if io::stderr().is_terminal() {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false).finish().try_init()
    } else {
        json(filter, io::stderr).try_init()
    }
}

/// Each line is an object, with its fields beside the message.
pub(crate) fn json(
    filter: EnvFilter,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    builder.json().flatten_event(true).finish()
}
