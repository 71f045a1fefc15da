//! Where people read and answer.

use std::future::Future;
use std::io::{self, BufRead, IsTerminal, Write};
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

/// Whether escape sequences for colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// Written.
    On,
    /// Not written.
    Off,
}

/// Where people read and answer; scripts and tests put something else in its place.
pub trait Terminal: Send + Sync {
    /// Writes to standard output: what was asked for.
    ///
    /// # Errors
    /// When nobody takes it.
    fn out(&self, text: &str) -> io::Result<()>;

    /// Writes a line to standard error: what happens meanwhile, and what went wrong.
    fn note(&self, line: &str);

    /// Whether standard output shows colours.
    fn colours(&self) -> Colours;

    /// Asks, and reads one line; `None` where no person is.
    fn ask(&self, question: &str) -> Option<String>;

    /// Asks for what must not be seen; `None` where no person is.
    fn ask_secret(&self, question: &str) -> Option<Zeroizing<String>>;

    /// Shows that something is waited for, in place of what it showed before; `None` ends that.
    fn progress(&self, message: Option<&str>);

    /// Ends when the person interrupts (Ctrl-C).
    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The process's own standard streams.
pub struct Console {
    spinner: Mutex<Option<ProgressBar>>,
}

impl Console {
    /// The process's own standard streams.
    pub const fn new() -> Self {
        Self { spinner: Mutex::new(None) }
    }

    fn person_is_there(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl Terminal for Console {
    fn out(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn note(&self, line: &str) {
        // Nobody is left to tell when standard error is closed.
        let write = || drop(writeln!(io::stderr(), "{line}"));
        match self.spinner.lock().ok().as_deref().and_then(Option::as_ref) {
            Some(spinner) => spinner.suspend(write),
            None => write(),
        }
    }

    fn colours(&self) -> Colours {
        match anstream::AutoStream::choice(&io::stdout()) {
            anstream::ColorChoice::Never => Colours::Off,
            _ => Colours::On,
        }
    }

    fn ask(&self, question: &str) -> Option<String> {
        if !self.person_is_there() {
            return None;
        }
        let mut err = io::stderr();
        write!(err, "{question}").and_then(|()| err.flush()).ok()?;
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer).ok()?;
        (read > 0).then(|| answer.trim().to_owned())
    }

    fn ask_secret(&self, question: &str) -> Option<Zeroizing<String>> {
        if !self.person_is_there() {
            return None;
        }
        rpassword::prompt_password(question).ok().map(Zeroizing::new)
    }

    fn progress(&self, message: Option<&str>) {
        let Ok(mut spinner) = self.spinner.lock() else { return };
        match (message, spinner.as_ref()) {
            (Some(message), Some(shown)) => shown.set_message(message.to_owned()),
            (Some(message), None) => *spinner = Some(new_spinner(message)),
            (None, _) => {
                if let Some(shown) = spinner.take() {
                    shown.finish_and_clear();
                }
            }
        }
    }

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// It draws on standard error, and only on a terminal.
fn new_spinner(message: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(message.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
