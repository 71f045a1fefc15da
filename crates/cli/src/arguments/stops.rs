//! `hallpass stop`, and `hallpass admin ca`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{HostName, RequestId, UserName};

/// What is stopped, or done about stops.
#[derive(Debug, Args)]
#[command(after_help = STOPPING)]
pub(crate) struct Stop {
    #[command(subcommand)]
    pub(crate) what: StopCommand,
}

const STOPPING: &str = "\
A stop is in force when this returns: nothing that it covers gets a certificate any more, and certificates that are valid \
are revoked. A host refuses those at once if it looks at the list of revoked certificates (RevokedKeys), and otherwise when \
they run out, within minutes. Sessions that are open on a host stay open.

Everybody stops what is their own. Anything else takes the right `stop` or `admin`.";

/// What can be stopped.
#[derive(Debug, Subcommand)]
pub(crate) enum StopCommand {
    /// End a request or grant for good, and revoke its certificates. Who decided on it may do so too.
    Request {
        /// Its id.
        #[arg(value_name = "ID")]
        id: RequestId,
        #[command(flatten)]
        why: Why,
    },
    /// Revoke one certificate; sshd's log names it (`serial 4711`).
    Serial {
        /// Its serial.
        #[arg(value_name = "NUMBER")]
        serial: u64,
        #[command(flatten)]
        why: Why,
    },
    /// Stop a user, with every account that they own, until that is lifted: they ask for nothing, approve nothing, get nothing.
    User {
        /// The user.
        #[arg(value_name = "USER")]
        name: UserName,
        #[command(flatten)]
        why: Why,
    },
    /// Stop a host until that is lifted: nobody gets a certificate for it. A plain host stops its whole realm.
    Host {
        /// Its canonical name.
        #[arg(value_name = "HOST")]
        name: HostName,
        #[command(flatten)]
        why: Why,
    },
    /// Stop everything, for an hour; a second person who does the same makes it last until it is lifted.
    All {
        #[command(flatten)]
        why: Why,
    },
    /// Say that a stop may end. It ends once the people that the policy names for it have said so.
    Lift {
        /// The entry of the stop, as `hallpass stop list` shows it.
        #[arg(value_name = "ENTRY")]
        entry: u64,
        #[command(flatten)]
        why: Why,
    },
    /// List the stops in force.
    List,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why; it is signed and kept, and shown to everybody when everything is stopped.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: String,
}

/// What hosts are given of the CA.
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Write the list of revoked certificates, for RevokedKeys of a host; it takes no session. The file is replaced as a whole,
    /// and only by a newer list.
    Krl {
        /// Where to.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}
