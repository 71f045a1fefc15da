//! `hallpass extend`, `rebind`: what goes on under a grant.

use std::path::PathBuf;

use clap::Args;
use domain::{RequestId, Span};

#[derive(Debug, Args)]
pub(crate) struct Extend {
    /// The grant's request; may be left out when only one grant of mine is open.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<RequestId>,
    /// How long from its end on, such as 30m.
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) window: Span,
    /// Why; approvers read it, and it is kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: String,
    /// Do not wait for approval.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// The ticket that this belongs to; else that of the grant.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Rebind {
    /// The request; may be left out when only one of mine that is live is for another key.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<RequestId>,
    /// Put this key of mine in its place and not the session's: its public key file. FIDO keys are fine.
    #[arg(long, value_name = "FILE")]
    pub(crate) connecting_key: Option<PathBuf>,
    /// Why; it is signed and kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: Option<String>,
}
