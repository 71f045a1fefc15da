//! The commands of `hallpassd`, as they are typed.

mod init;
mod notify;
mod realm;
mod serve;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use domain::{RealmName, ReceiverName};
use signer::PassphraseSource;

use crate::check;
use crate::config::KeysAre;
use crate::error::chain;
use crate::layout::Layout;

/// Hallpass's server: an SSH certificate authority for just-in-time access.
#[derive(Parser)]
#[command(name = "hallpassd", version, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the directory of a new server: keys, configuration, store
    Init(init::InitArgs),
    /// Make the user CA of a plain realm, and its .pub
    Realm(RealmArgs),
    /// Show every mistake in all files of the configuration
    Check(ConfigArgs),
    /// Run the server
    Serve(ServeArgs),
    /// Send a test to a receiver of notices, and show what it answers
    Notify(NotifyArgs),
}

#[derive(Args)]
struct ConfigArgs {
    /// The server's hallpassd.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Args)]
struct RealmArgs {
    /// The realm, as hosts.toml names it
    name: RealmName,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Args)]
struct NotifyArgs {
    /// The receiver, as a [[notify]] of hallpassd.toml names it
    name: ReceiverName,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Args)]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Where the passphrase of the key files comes from, when not from where hallpassd.toml says.
#[derive(Args)]
#[group(multiple = false)]
struct PassphraseArgs {
    /// Take the passphrase of the key files from this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Take it from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    passphrase_env: Option<String>,
    /// Take it from this systemd credential
    #[arg(long, value_name = "NAME")]
    passphrase_credential: Option<String>,
    /// The key files are not encrypted: whoever copies one has the key
    #[arg(long)]
    no_passphrase: bool,
}

impl PassphraseArgs {
    /// What was chosen. A path is kept whole, so that the server finds it from wherever it runs.
    fn chosen(self) -> Option<KeysAre> {
        if self.no_passphrase {
            return Some(KeysAre::Unencrypted);
        }
        let file = self.passphrase_file.map(|path| std::path::absolute(&path).unwrap_or(path));
        let source = file.map(PassphraseSource::File);
        let source = source.or(self.passphrase_env.map(PassphraseSource::Variable));
        source.or(self.passphrase_credential.map(PassphraseSource::Credential)).map(KeysAre::Encrypted)
    }
}

/// The commands, for a program that adds its own.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that was typed.
pub fn run(matches: &ArgMatches) -> ExitCode {
    let cli = match Cli::from_arg_matches(matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    serve::keep_secrets_in_memory();
    match cli.command {
        Command::Init(args) => told(init::run(args)),
        Command::Realm(args) => told(realm::run(args)),
        Command::Check(ConfigArgs { config }) => {
            let checked = check::all(&Layout::of_config(&config));
            told(checked.map(|_| "no mistakes\n".to_owned()))
        }
        Command::Notify(args) => told(notify::run(args)),
        Command::Serve(args) => match serve::run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&chain(&*error)),
        },
    }
}

/// Prints what a command did, or why it did not.
fn told<E: std::error::Error>(result: Result<String, E>) -> ExitCode {
    match result {
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => failed(&chain(&error)),
    }
}

fn failed(why: &dyn Display) -> ExitCode {
    // Where standard error is gone nobody is left to tell.
    let _untold = writeln!(std::io::stderr(), "hallpassd: {why}");
    ExitCode::FAILURE
}

/// A variable of the process's environment.
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Cli, clap::error::ErrorKind> {
        let typed = std::iter::once(&"hallpassd").chain(arguments);
        Cli::try_parse_from(typed).map_err(|error| error.kind())
    }

    #[test]
    fn the_commands_are_without_contradictions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn unencrypted_keys_must_be_asked_for_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("alice.pub");
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ alice@laptop\n";
        std::fs::write(&key, line).unwrap();
        let admin = format!("alice={}", key.display());
        let init = ["init", "--dir", "d", "--name", "ca.example.com", "--admin", &admin];
        let with = |more: &[&str]| parsed(&[&init, more].concat()).map(|_| ());
        assert_eq!(with(&[]), Err(clap::error::ErrorKind::MissingRequiredArgument));
        assert_eq!(with(&["--no-passphrase"]), Ok(()));
        assert_eq!(with(&["--passphrase-file", "f"]), Ok(()));
        assert_eq!(with(&["--passphrase-env", "V", "--no-passphrase"]), Err(clap::error::ErrorKind::ArgumentConflict));
        assert!(parsed(&["serve", "--config", "f"]).is_ok());
    }

    #[test]
    fn a_passphrase_file_is_found_from_anywhere() {
        let Ok(Cli { command: Command::Serve(args) }) = parsed(&["serve", "--config", "f", "--passphrase-file", "p"])
        else {
            panic!("not understood");
        };
        let Some(KeysAre::Encrypted(PassphraseSource::File(path))) = args.passphrase.chosen() else {
            panic!("no file");
        };
        assert!(path.is_absolute());
    }
}
