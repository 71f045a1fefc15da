//! A person of the story: a home, a key, and a terminal on which `hallpass` is typed.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use agent::{Helper, HelperSocket};
use cli::{Colours, Context, Environment, Exit, Processes, Program, Started, Terminal};
use domain::RequestId;
use server::{SystemClock, SystemRandom};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::error::DemoError;
use crate::say;

/// A person with a home of their own.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) home: PathBuf,
    context: Context,
    screen: Arc<Screen>,
    _stop: watch::Sender<bool>,
}

impl Person {
    /// Moves in; the client helper will serve on a socket in this home, within this process.
    pub(crate) fn new(name: &'static str, home: PathBuf, agent: Option<&Path>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let screen = Arc::new(Screen::default());
        let mut variables = vec![("HOME", home.clone().into_os_string()), ("XDG_RUNTIME_DIR", home.join("run").into())];
        variables.extend(std::env::var_os("PATH").map(|path| ("PATH", path)));
        variables.extend(agent.map(|socket| ("SSH_AUTH_SOCK", socket.as_os_str().to_owned())));
        let context = Context {
            environment: Environment::new(variables),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            terminal: Arc::clone(&screen) as Arc<dyn Terminal>,
            processes: Arc::new(InProcess { stopped }),
            time_zone: jiff::tz::TimeZone::system(),
        };
        Self { name, home, context, screen, _stop: stop }
    }

    /// Where the client helper serves.
    pub(crate) fn helper(&self) -> PathBuf {
        self.home.join("run/hallpass/agent.sock")
    }

    /// The files that ssh reads for a login on a host: the public key, and the certificate.
    pub(crate) fn ssh_files(&self, login: &str, host: &str) -> (PathBuf, PathBuf) {
        let dir = self.home.join(".local/state/hallpass/ssh");
        (dir.join(format!("{login}@{host}.pub")), dir.join(format!("{login}@{host}-cert.pub")))
    }

    /// Types a `hallpass` command that is to succeed.
    pub(crate) async fn types(&self, words: &[&str], expected: &'static str) -> Result<(), DemoError> {
        let line = std::iter::once("hallpass").chain(words.iter().copied());
        let typed: Vec<String> = line.clone().map(shown).collect();
        say(&format!("\n   {}$ {}", self.name, typed.join(" ")));
        match cli::run(line, &self.context).await {
            Exit::Done => Ok(()),
            other => Err(DemoError::Unexpected { command: typed.join(" "), exit: format!("{other:?}"), expected }),
        }
    }

    /// The request id that was printed last.
    pub(crate) fn last_id(&self) -> Option<RequestId> {
        let seen = self.screen.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let words = seen.iter().rev().flat_map(|line| line.split_whitespace());
        let mut trimmed = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
        trimmed.find_map(|word| word.contains('-').then(|| word.parse().ok()).flatten())
    }
}

/// A word as it would be typed.
fn shown(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

/// The story's page in place of a terminal; the person on it answers yes.
#[derive(Default)]
struct Screen {
    seen: Mutex<Vec<String>>,
}

impl Screen {
    fn print(&self, text: &str) {
        for line in text.lines() {
            say(&format!("   {line}"));
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        }
    }
}

impl Terminal for Screen {
    fn out(&self, text: &str) -> io::Result<()> {
        self.print(text);
        Ok(())
    }

    fn note(&self, line: &str) {
        self.print(line);
    }

    fn colours(&self) -> Colours {
        Colours::Off
    }

    fn ask(&self, question: &str) -> Option<String> {
        self.print(&format!("{question}y"));
        Some("y".to_owned())
    }

    fn ask_secret(&self, _question: &str) -> Option<Zeroizing<String>> {
        None
    }

    fn progress(&self, _message: Option<&str>) {}

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Ctrl-C ends the whole story, not one command of it.
        Box::pin(std::future::pending())
    }
}

/// The client helper within this process; nothing else is started.
struct InProcess {
    stopped: watch::Receiver<bool>,
}

impl Processes for InProcess {
    fn own_path(&self) -> io::Result<PathBuf> {
        Ok(std::env::current_exe()?.with_file_name("hallpass"))
    }

    fn start_helper(&self, socket: &Path, _environment: &Environment) -> io::Result<()> {
        let socket = HelperSocket::bind(socket).map_err(io::Error::other)?;
        let helper = Helper::new(Arc::new(SystemClock), Arc::new(SystemRandom));
        let mut stopped = self.stopped.clone();
        tokio::spawn(async move {
            // Ends when the person leaves: the sender is dropped.
            helper.serve(socket, async move { while stopped.changed().await.is_ok() {} }).await;
        });
        Ok(())
    }

    fn replace_by(&self, _program: &Program, _environment: &Environment) -> io::Result<u8> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the demo starts ssh itself"))
    }

    fn start(&self, _program: &Program, _environment: &Environment) -> io::Result<Box<dyn Started>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the demo starts programs itself"))
    }
}
