//! `hallpass admin policy`: what it understands.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::arguments::bundles::{PolicyPull, PolicyPush, PolicyRollback, PolicySign};
use domain::{Access, Span, UnixTime, UserName};

use super::Since;

/// What is done with rules before they are in force.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Look for mistakes in directory.toml, hosts.toml, access.toml and access.cedar, and for what is hardly meant.
    Check(PolicyCheck),
    /// Print what access.toml becomes.
    Show(PolicyShow),
    /// Run the cases of policy-tests/*.toml, and say which do not hold.
    Test(PolicyTest),
    /// Say who may ask for a login on a host, by which rule, and whose approval it takes.
    WhoCan(PolicyWhoCan),
    /// Say everything that a user may ask for.
    Can(PolicyCan),
    /// Say what differs between two bundles: who gains, who loses what. Exits with 0 if nothing does, with 1 if something
    /// does, and with 2 if they cannot be compared.
    Diff(PolicyDiff),
    /// Draft directory.toml, hosts.toml and access.toml from what is there today, with a TODO at every guess.
    Import(Import),
    /// Put the files of a directory in force on the server, by a signed act; what changes is shown before.
    Push(PolicyPush),
    /// Sign that the files of a directory may be put in force, where that takes several signatures.
    Sign(PolicySign),
    /// Write the files of the bundle in force, or of an earlier one, into a directory.
    Pull(PolicyPull),
    /// List the bundles that were put in force.
    Log,
    /// Put a bundle in force that was before.
    Rollback(PolicyRollback),
    /// Rule on the past again by the files of a directory: what would differ for each past request, or which past logins
    /// they would allow.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCheck {
    /// The directory with the files.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Fail on warnings too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyShow {
    /// The directory with the files.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// As Cedar: the statements that decide.
    #[arg(long, required = true)]
    pub(crate) cedar: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyTest {
    /// The directory with the files, and with policy-tests/.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyWhoCan {
    /// [LOGIN@]HOST, or [LOGIN@]LABELS for all these hosts in one request. Without a login: each user's own (`self`).
    #[arg(value_name = "[LOGIN@]HOST|LABELS")]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) asked: PolicyAsked,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCan {
    /// The user, by name.
    #[arg(value_name = "USER")]
    pub(crate) user: UserName,
    #[command(flatten)]
    pub(crate) asked: PolicyAsked,
}

/// Where and when a question is asked.
#[derive(Debug, Args)]
pub(crate) struct PolicyAsked {
    /// The directory with the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// At this time and not now, such as 2026-03-01T14:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<UnixTime>,
    /// For at least this long, such as 30m.
    #[arg(long = "for", value_name = "DURATION", default_value = "1s")]
    pub(crate) window: Span,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyDiff {
    /// The directory with the files as they were.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The directory with the files as they are to be.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// At this time and not now, such as 2026-03-01T14:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<UnixTime>,
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

impl From {
    /// What is read.
    pub(crate) fn path(&self) -> &Path {
        let Self { authorized_keys, sshd_log, groups, teleport } = self;
        let mut given = [authorized_keys, sshd_log, groups, teleport].into_iter().flatten();
        // clap takes exactly one of the four.
        given.next().map_or(Path::new("roles.yaml"), PathBuf::as_path)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Past requests from then on: how long ago, a day or a time (UTC). It takes a session and the right `audit`. The exit
    /// code is 0 when nothing differs, and 1 when something does.
    #[arg(long, value_name = "30d|DATE", default_value = "30d", conflicts_with = "sshd_log")]
    pub(crate) since: Since,
    /// Past logins, from a log of sshd as syslog writes it or as `journalctl -o short-iso` prints it; without a server.
    #[arg(long, value_name = "FILE")]
    pub(crate) sshd_log: Option<PathBuf>,
    /// A directory with directory.toml, hosts.toml and access.toml; access.cedar counts if it is there.
    #[arg(long, visible_alias = "dir", value_name = "DIR")]
    pub(crate) with: PathBuf,
}
