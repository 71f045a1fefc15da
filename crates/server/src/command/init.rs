//! `hallpassd init`.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use domain::{Digest, KeyError, Origin, PublicKey, Quorum, UserName};

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
    /// Who signs every change of users, hosts and rules, the first included, such as "2 of admins": nobody changes them alone
    #[arg(long, value_name = "QUORUM")]
    signers: Option<Quorum>,
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
    let InitArgs { dir, name, listen, admin, signers, passphrase } = args;
    let setup = Setup {
        directory: dir,
        name,
        listen,
        metrics: METRICS,
        admins: admin.into_iter().map(|AdminKey(name, key)| (name, key)).collect(),
        signers,
        // One of them was chosen: the arguments say so.
        keys_are: passphrase.chosen().unwrap_or(KeysAre::Unencrypted),
    };
    let fingerprint = init(&setup, environment, &SystemClock, Arc::new(SystemRandom))?;
    Ok(next(&setup, fingerprint))
}

/// What to do next.
fn next(setup: &Setup, fingerprint: Digest) -> String {
    let (dir, port) = (setup.directory.display(), setup.listen.port());
    let hosts = format!("Give hosts {dir}/ca.pub as TrustedUserCAKeys.");
    let serve = format!("Run hallpassd serve --config {dir}/hallpassd.toml");
    let login = format!("run hallpass login HOST:{port}#{fingerprint}");
    match &setup.signers {
        None => format!(
            "{dir} is ready. Next:\n\
             1. Add users, groups, hosts and rules to {dir}/directory.toml, hosts.toml and access.toml, then run\n   \
             hallpassd check --config {dir}/hallpassd.toml\n\
             2. {hosts}\n\
             3. {serve}\n\
             4. Tell users to {login}\n"
        ),
        Some(signers) => format!(
            "{dir} is ready. What {dir}/directory.toml, hosts.toml and access.toml say is in force,\n\
             and changes only with signatures by {signers}. Next:\n\
             1. {hosts}\n\
             2. {serve}\n\
             3. As an administrator, {login}, then\n   \
             hallpass admin policy pull --out DIR, and add users, groups, hosts and rules there\n\
             4. Have DIR signed by enough of you: hallpass admin policy sign DIR\n\
             5. Put it in force: hallpass admin policy push DIR\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn what_is_said_next_can_be_done() {
        let setup = |signers: Option<&str>| Setup {
            directory: "/srv/hallpass".into(),
            name: "ca.example.com".parse().unwrap(),
            listen: "[::]:4722".parse().unwrap(),
            metrics: METRICS,
            admins: vec![("alice".parse().unwrap(), KEY.parse().unwrap())],
            signers: signers.map(|quorum| quorum.parse().unwrap()),
            keys_are: KeysAre::Unencrypted,
        };
        let told = |signers| next(&setup(signers), Digest::of(b"ledger key"));
        assert!(told(None).contains("1. Add users, groups, hosts and rules to /srv/hallpass/directory.toml"));
        let signed = told(Some("2 of admins"));
        assert!(signed.contains("only with signatures by 2 of admins"), "{signed}");
        assert!(!signed.contains("Add users"), "files that somebody edits start no server: {signed}");
    }
}
