//! `hallpassd realm`.

use std::fs;
use std::path::PathBuf;

use directory::{Mistakes, Source};
use signer::PassphraseError;

use crate::SystemRandom;
use crate::command::{ConfigArgs, RealmArgs, environment};
use crate::config::Config;
use crate::keys::{self, KeysError, Maker};
use crate::layout::Layout;

#[derive(Debug, thiserror::Error)]
pub(super) enum RealmError {
    #[error("{} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{0}")]
    Config(Mistakes),
    #[error("there is no passphrase to encrypt the key with")]
    Passphrase(#[from] PassphraseError),
    #[error("the realm's key was not made")]
    Keys(#[from] KeysError),
}

pub(super) fn run(args: RealmArgs) -> Result<String, RealmError> {
    let RealmArgs { name, config: ConfigArgs { config: path }, passphrase } = args;
    let layout = Layout::of_config(&path);
    let read = fs::read_to_string(&path);
    let text = read.map_err(|cause| RealmError::Read { path: path.clone(), cause })?;
    let source = Source::new(path.display().to_string(), text);
    let config = Config::parse(&source).map_err(|mistakes| RealmError::Config(Mistakes(mistakes)))?;
    let keys_are = passphrase.chosen().unwrap_or(config.passphrase);
    let passphrase = keys::passphrase(&keys_are, environment)?;
    let maker = Maker { protection: keys::protection(passphrase.as_ref()), random: &SystemRandom };
    keys::make_realm(&layout, &name, &maker)?;
    let public = layout.realm_pub(&name);
    Ok(format!(
        "The realm {name} has its user CA. Next:\n\
         1. Give its hosts {} as TrustedUserCAKeys: a certificate for a login opens it on every one of them.\n\
         2. Add `realm = \"{name}\"` to them in hosts.toml.\n\
         3. Restart the server.\n",
        public.display()
    ))
}
