//! `hallpass run`.

use std::path::PathBuf;

use clap::Args;
use domain::{Access, RuleName, Span};

/// What a command is run with.
#[derive(Debug, Args)]
#[command(after_help = RUN)]
pub(crate) struct Run {
    /// [LOGIN@]HOST, or [LOGIN@]LABELS such as deploy@env=staging,role=web. Without a login: my own (`self`).
    #[arg(value_name = "[LOGIN@]HOST|LABELS")]
    pub(crate) access: Access,
    /// Why; without a live grant that opens all of it, ask for one with this reason, and wait for approval.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: Option<String>,
    /// How long to ask for, such as 30m or 1h30m.
    #[arg(long = "for", value_name = "DURATION", default_value = "30m")]
    pub(crate) window: Span,
    /// Ask by this rule, and not by the one that needs the fewest people.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<RuleName>,
    /// Ask with the ticket that this belongs to.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
    /// Ask for certificates for this key of mine and not for the session's: its public key file.
    #[arg(long, value_name = "FILE")]
    pub(crate) connecting_key: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

const RUN: &str = "\
The command finds ssh, scp and sftp first in its PATH that use its certificates, and an agent of its own in SSH_AUTH_SOCK: so \
git, rsync, ansible-playbook and scripts need no settings. What runs another ssh takes: ssh -F \"$HALLPASS_SSH_CONFIG\".

The exit code is the command's; 126 or 127 when it cannot be run, 128 and the signal's number when a signal ended it.";
