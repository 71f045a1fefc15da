//! `hallpassd init`.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use domain::{KeyError, Origin, PublicKey, UserName};

use crate::command::{PassphraseArgs, environment};
use crate::config::KeysAre;
use crate::init::{InitError, METRICS, Setup, init};
use crate::{SystemClock, SystemRandom};

#[derive(Args)]
#[command(mut_group("PassphraseArgs", |group| group.required(true)))]
pub(super) struct InitArgs {
    /// The server's directory: missing, or empty
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The server's name, a URL without scheme; it never changes
    #[arg(long, value_name = "ORIGIN")]
    name: Origin,
    /// Where it listens
    #[arg(long, value_name = "ADDR", default_value = "[::]:4722")]
    listen: SocketAddr,
    /// An administrator and a file with their public key; may be repeated
    #[arg(long, value_name = "NAME=PUBKEYFILE", required = true)]
    admin: Vec<AdminKey>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// `NAME=PUBKEYFILE`, with the file read.
#[derive(Clone)]
struct AdminKey(UserName, PublicKey);

#[derive(Debug, thiserror::Error)]
enum AdminKeyError {
    #[error("expected NAME=PUBKEYFILE, such as alice=/home/alice/.ssh/id_ed25519.pub")]
    Form,
    #[error(transparent)]
    Name(#[from] domain::NameError),
    #[error("{path} cannot be read: {cause}")]
    Read { path: String, cause: io::Error },
    #[error("{path}: {cause}")]
    Key { path: String, cause: KeyError },
}

impl std::str::FromStr for AdminKey {
    type Err = AdminKeyError;

    fn from_str(given: &str) -> Result<Self, AdminKeyError> {
        let (name, path) = given.split_once('=').ok_or(AdminKeyError::Form)?;
        let name = name.parse()?;
        let read = fs::read_to_string(path);
        let line = read.map_err(|cause| AdminKeyError::Read { path: path.to_owned(), cause })?;
        let key = line.parse().map_err(|cause| AdminKeyError::Key { path: path.to_owned(), cause })?;
        Ok(Self(name, key))
    }
}

pub(super) fn run(args: InitArgs) -> Result<String, InitError> {
    let InitArgs { dir, name, listen, admin, passphrase } = args;
    let setup = Setup {
        directory: dir,
        name,
        listen,
        metrics: METRICS,
        admins: admin.into_iter().map(|AdminKey(name, key)| (name, key)).collect(),
        // One of them was chosen: the arguments say so.
        keys_are: passphrase.chosen().unwrap_or(KeysAre::Unencrypted),
    };
    let fingerprint = init(&setup, environment, &SystemClock, Arc::new(SystemRandom))?;
    let (dir, port) = (setup.directory.display(), setup.listen.port());
    Ok(format!(
        "{dir} is ready. Next:\n\
         1. Add users, groups, hosts and rules to {dir}/directory.toml, hosts.toml and access.toml, then run\n   \
         hallpassd check --config {dir}/hallpassd.toml\n\
         2. Give hosts {dir}/ca.pub as TrustedUserCAKeys.\n\
         3. Run hallpassd serve --config {dir}/hallpassd.toml\n\
         4. Tell users to run hallpass login HOST:{port}#{fingerprint}\n"
    ))
}
