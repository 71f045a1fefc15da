//! What `hallpass admin policy` understands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) what: PolicyCommand,
}

/// What can be done with rules, all of it without a server.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Draft directory.toml, hosts.toml and access.toml from what is there today, with a TODO at every guess.
    Import(Import),
    /// Show which logins of the past the rules of a directory would allow, and who would have to approve.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) from: From,
    /// Where the three files go; none of them may be there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

/// Where a draft comes from: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct From {
    /// A copy of hosts' files: HOST/LOGIN, HOST/root/.ssh/authorized_keys, HOST/home/LOGIN/.ssh/authorized_keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) authorized_keys: Option<PathBuf>,
    /// A log of sshd, as syslog writes it or as `journalctl -o short-iso` prints it.
    #[arg(long, value_name = "FILE")]
    pub(crate) sshd_log: Option<PathBuf>,
    /// Lines of user,group or user,group1;group2.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) groups: Option<PathBuf>,
    /// Roles of Teleport, as `tctl get roles` prints them.
    #[arg(long, value_name = "roles.yaml")]
    pub(crate) teleport: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A log of sshd, as syslog writes it or as `journalctl -o short-iso` prints it.
    #[arg(long, value_name = "FILE")]
    pub(crate) sshd_log: PathBuf,
    /// A directory with directory.toml, hosts.toml and access.toml; access.cedar counts if it is there.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
