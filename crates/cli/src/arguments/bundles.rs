//! What administrators do with bundles, users and hosts of a running server.

use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{Address, Digest, Fingerprint, HostName, UserName};

use crate::arguments::edits::{HostEdit, UserEdit};

#[derive(Debug, Args)]
pub(crate) struct PolicyPush {
    /// The directory with the files, and with signatures/ of their signers where the bundle in force wants some.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Do not ask, as in CI: what changes is shown all the same.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Why; it is signed and kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicySign {
    /// The directory with the files. What is signed is written into its signatures/.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Sign going back to this bundle, which was in force before, and not the files.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) rollback: Option<Digest>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyPull {
    /// The bundle; without it the one in force.
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: Option<Digest>,
    /// Where the files go; none of them may be there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyRollback {
    /// The bundle, as `hallpass admin policy log` lists it.
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: Digest,
    /// Why; it is signed and kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: String,
    /// The directory with signatures/, where the bundle in force wants some.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What is done with users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    #[command(flatten)]
    Edit(UserEdit),
    /// Disable a user at once: sessions, requests and grants end, and no key of theirs counts any more.
    Disable {
        /// The user.
        #[arg(value_name = "USER")]
        name: UserName,
        /// Why; it is signed and kept.
        #[arg(short = 'm', long = "message", value_name = "REASON")]
        reason: String,
    },
    /// Remove a key from its user at once.
    RemoveKey {
        /// The user.
        #[arg(value_name = "USER")]
        name: UserName,
        /// The key's fingerprint, such as SHA256:...
        // Not `key`: that is the global option, which says what signs.
        #[arg(value_name = "FINGERPRINT")]
        fingerprint: Fingerprint,
        /// Why; it is signed and kept.
        #[arg(short = 'm', long = "message", value_name = "REASON")]
        reason: String,
    },
}

/// What is done with hosts.
#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    #[command(flatten)]
    Edit(HostEdit),
    /// Add a host that a [[pool]] allows for, at once and without a new bundle.
    Join {
        /// Its name.
        #[arg(value_name = "HOST")]
        name: HostName,
        /// Where it is reached; the name if absent.
        #[arg(long, value_name = "ADDRESS")]
        address: Option<Address>,
        /// The port of its sshd.
        #[arg(long, value_name = "PORT", default_value = "22")]
        port: NonZeroU16,
        /// Why; it is signed and kept.
        #[arg(short = 'm', long = "message", value_name = "REASON")]
        reason: Option<String>,
    },
    /// Remove a host at once: nobody gets a certificate for it any more.
    Remove {
        /// Its canonical name.
        #[arg(value_name = "HOST")]
        name: HostName,
        /// Why; it is signed and kept.
        #[arg(short = 'm', long = "message", value_name = "REASON")]
        reason: String,
    },
}
