//! `hallpassd serve`: signals, the service manager, and the process's own limits.

use std::error::Error;
use std::sync::Arc;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use crate::command::{ConfigArgs, ServeArgs, environment};
use crate::{ServeOptions, Server, SystemClock, SystemRandom, logging};

/// Neither core dumps nor other processes of the user show this one's memory.
pub(super) fn keep_secrets_in_memory() {
    // Where the system does not offer them, keys are as safe as its memory is.
    let _no_dumps = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _no_tracing = prctl::set_dumpable(false);
}

/// As many connections as the system allows: the bound is in `hallpassd.toml`.
fn take_all_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // With fewer, accepting waits.
        let _fewer = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

pub(super) fn run(args: ServeArgs) -> Result<(), Box<dyn Error>> {
    let ServeArgs { config: ConfigArgs { config }, passphrase } = args;
    logging::start()?;
    take_all_files();
    let options = ServeOptions {
        config,
        keys_are: passphrase.chosen(),
        environment,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(options))
}

async fn serve(options: ServeOptions) -> Result<(), Box<dyn Error>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let running = Server::start(options).await?;
    let (id, addresses, bundle) = (running.id(), running.addresses(), running.ca().bundle().digest());
    tracing::info!(name = %id.name, ledger_key = %id.ledger_key, %bundle, ?addresses, "hallpassd serves");
    notify(&[NotifyState::Ready]);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            // The log says what came of it.
            _ = hang_up.recv() => drop(running.reload().await),
        }
    }
    notify(&[NotifyState::Stopping]);
    tracing::info!("hallpassd stops");
    running.stop().await;
    Ok(())
}

/// Tells the service manager; without one there is nobody to tell.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
