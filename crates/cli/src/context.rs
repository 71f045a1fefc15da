//! Everything that a command gets from outside, handed in: nothing below reads a global.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, Nonce, Random, TimeError, UnixTime};
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use crate::platform;
use crate::processes::Processes;
use crate::terminal::Terminal;

/// What a command runs in: the demo and tests make one of their own, `hallpass` takes the process's.
#[derive(Clone)]
pub struct Context {
    /// Environment variables.
    pub environment: Environment,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Nonces and keys come from here.
    pub random: Arc<dyn Random>,
    /// Where people read and answer.
    pub terminal: Arc<dyn Terminal>,
    /// How ssh and the client helper are started.
    pub processes: Arc<dyn Processes>,
    /// In which zone times are shown.
    pub time_zone: TimeZone,
}

impl Context {
    /// The context of this process.
    pub fn of_this_process() -> Self {
        Self {
            environment: Environment::new(std::env::vars_os()),
            clock: Arc::new(platform::SystemClock),
            random: Arc::new(platform::SystemRandom),
            terminal: Arc::new(crate::terminal::Console::new()),
            processes: Arc::new(platform::SystemProcesses),
            time_zone: TimeZone::system(),
        }
    }

    pub(crate) fn now(&self) -> Result<UnixTime, TimeError> {
        self.clock.wall()
    }

    pub(crate) fn nonce(&self) -> Nonce {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        Nonce::new(bytes)
    }

    /// Asks, and reads one line; on a thread of its own, so that connections live on while a person reads.
    pub(crate) async fn ask(&self, question: String) -> Option<String> {
        self.with_terminal(move |terminal| terminal.ask(&question)).await
    }

    /// The same for what must not be seen.
    pub(crate) async fn ask_secret(&self, question: String) -> Option<Zeroizing<String>> {
        self.with_terminal(move |terminal| terminal.ask_secret(&question)).await
    }

    async fn with_terminal<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Terminal) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let terminal = Arc::clone(&self.terminal);
        tokio::task::spawn_blocking(move || ask(&*terminal)).await.ok().flatten()
    }
}

/// Environment variables.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// An environment of these variables.
    pub fn new<K: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable as text; one that is no text counts as not set.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str)
    }

    /// A variable as an absolute path; the XDG base directory specification ignores relative ones.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The same with one variable more, or another value of it.
    #[must_use]
    pub(crate) fn with(&self, name: &str, value: impl Into<OsString>) -> Self {
        let mut variables = self.0.clone();
        variables.insert(name.into(), value.into());
        Self(variables)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_relative_value_counts_as_not_set() {
        let environment = Environment::new([("A", ""), ("B", "relative"), ("C", "/abs")]);
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.path("B"), None);
        assert_eq!(environment.path("C"), Some(PathBuf::from("/abs")));
        assert_eq!(environment.text("B"), Some("relative"));
    }
}
