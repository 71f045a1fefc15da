//! How commands end: exit codes, and every way to fail.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::{HelperError, SocketError};
use domain::{CommandError, KeyError, Pair, RequestId, TextError, TimeError};
use tonic::Code;
use wire::State;

use crate::at::AtError;
use crate::command::{
    BundleError, DraftingError, EditFailure, FilesError, KrlFailure, LoginError, NoCases, PrivateError, StopError,
};
use crate::config::ConfigError;
use crate::fetch::FetchError;
use crate::grants::GrantError;
use crate::link::LinkError;
use crate::places::NoHome;
use crate::signing::SigningError;
use crate::ssh_files::SshFilesError;
use crate::state::StateError;

/// How a command ended, as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: not how it is called; of `policy diff`, that there was nothing to compare.
    Usage,
    /// 3: denied, by a person or by policy.
    Denied,
    /// 4: timed out waiting.
    TimedOut,
    /// What a program that ran in place of this one ended with.
    Program(u8),
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::TimedOut => 4,
            Self::Program(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No place for files.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// The configuration does not say what to do.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something remembered could not be read or kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file for ssh could not be made.
    #[error(transparent)]
    SshFiles(#[from] SshFilesError),
    /// No new session.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// No connection, or the server said no.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// No signature.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A bundle was left alone.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Nothing was stopped.
    #[error(transparent)]
    Stop(#[from] StopError),
    /// No list of revoked certificates was written.
    #[error(transparent)]
    Krl(#[from] KrlFailure),
    /// The client helper failed.
    #[error(transparent)]
    Helper(#[from] HelperError),
    /// The client helper has no place for its socket.
    #[error(transparent)]
    HelperSocket(#[from] SocketError),
    /// Nothing opens a login on a host.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A certificate was refused.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Rules were neither drafted nor tried.
    #[error(transparent)]
    Drafting(#[from] DraftingError),
    /// The files with the rules are wrong.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// There are no cases to run.
    #[error(transparent)]
    NoCases(#[from] NoCases),
    /// The files stay as they were.
    #[error(transparent)]
    Edit(#[from] EditFailure),
    /// Two bundles were not compared, for whatever reason.
    #[error("nothing was compared")]
    NotCompared(#[source] Box<Failure>),
    /// The rules that were looked at refuse, whoever asks.
    #[error(transparent)]
    Refused(#[from] policy::Refusal),
    /// This machine's clock is wrong.
    #[error("the clock of this machine is wrong; correct it")]
    Clock(#[from] TimeError),
    /// A text that would be signed is not acceptable.
    #[error("{option} is refused")]
    Text {
        /// Where it was given.
        option: &'static str,
        /// What is wrong.
        #[source]
        cause: TextError,
    },
    /// When it is to begin is no time, or over.
    #[error(transparent)]
    At(#[from] AtError),
    /// The command to run under a certificate is not acceptable.
    #[error("the command after `--` is refused")]
    Command(#[from] CommandError),
    /// The public key file of `--connecting-key` cannot be read.
    #[error("the connecting key {} cannot be read", file.display())]
    ReadKey {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The public key of `--connecting-key` is not accepted.
    #[error("the connecting key {} is refused", file.display())]
    RefusedKey {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: KeyError,
    },
    /// Nobody to ask before signing.
    #[error("nobody can be asked here whether to sign; nothing was signed. To sign without being asked, add --yes")]
    NobodyToAsk,
    /// The person said no.
    #[error("nothing was signed")]
    Declined,
    /// A request was denied.
    #[error("request {id} was denied{by}")]
    Denied {
        /// The request.
        id: RequestId,
        /// By whom, and what they said.
        by: String,
    },
    /// Nobody decided in time.
    #[error("nobody decided on request {0} in time; ask again, and tell those who may approve")]
    Unanswered(RequestId),
    /// The user interrupted the wait.
    #[error(
        "stopped waiting. Request {0} stays in place: see it with `hallpass show {0}`, cancel it with `hallpass done {0}`"
    )]
    Interrupted(RequestId),
    /// The server is gone.
    #[error(
        "stopped waiting, as the server cannot be asked. Request {id} stays in place: see it with `hallpass show {id}`"
    )]
    StoppedWaiting {
        /// The request.
        id: RequestId,
        /// What happened.
        #[source]
        cause: LinkError,
    },
    /// There is nothing to decide.
    #[error("request {id} is {state}; only pending requests are decided")]
    NotPending {
        /// The request.
        id: RequestId,
        /// Where it is in its life.
        state: State,
    },
    /// There is nothing to review.
    #[error("request {0} is no break-glass, so there is nothing to review")]
    NotBreakGlass(RequestId),
    /// There is nothing to end or to use.
    #[error("request {id} is {state}: it is over")]
    AlreadyOver {
        /// The request.
        id: RequestId,
        /// Where it is in its life.
        state: State,
    },
    /// A grant that cannot go on.
    #[error(
        "request {id} is {state}, so there is nothing to extend; ask anew: hallpass request {access} --for DURATION -m REASON"
    )]
    NothingToExtend {
        /// The request.
        id: RequestId,
        /// Where it is in its life.
        state: State,
        /// What it was for.
        access: String,
    },
    /// No request to end.
    #[error("no request of yours is pending, and no grant is live")]
    NothingLive,
    /// No grant to extend.
    #[error("no grant of yours is open now, so there is nothing to extend; ask anew: hallpass request")]
    NothingOpen,
    /// Every live request is for this key.
    #[error("no request of yours that is live is for another connecting key than this one")]
    NothingToRebind,
    /// Several requests could be meant.
    #[error("several requests of yours are live; say which one:\n{0}")]
    SeveralLive(String),
    /// A certificate for a key of the user's own cannot be fetched without asking.
    #[error("the grant for {0} is for a key of your own; log in with: hallpass ssh {0}")]
    OnlyBySsh(Pair),
    /// A program cannot be started.
    #[error("{program} cannot be started")]
    Start {
        /// Which.
        program: &'static str,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A command cannot be run.
    #[error("`{program}` cannot be run")]
    Run {
        /// Which.
        program: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A command has no private directory.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// This process cannot be made what it must be.
    #[error("this process cannot be set up as a client helper")]
    Process(#[source] io::Error),
    /// Signals cannot be waited for.
    #[error("this process cannot be set up to hand signals on")]
    Signals(#[source] io::Error),
    /// The server's rules are beyond this version.
    #[error("the rules in force on the server cannot be read by this version of hallpass; use that of the server")]
    NewerBundle,
    /// A thread of this program ended in the middle.
    #[error("reading past requests broke off; this is a mistake of this program, please report it")]
    BrokeOff,
    /// What was to be written was not.
    #[error("{what} could not be written")]
    Write {
        /// What.
        what: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl Failure {
    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            // As `diff` has it: 1 is for a difference.
            Self::Text { .. } | Self::At(_) | Self::Command(_) | Self::NotCompared(_) => Exit::Usage,
            Self::Denied { .. } | Self::Link(LinkError::Refused { code: Code::PermissionDenied, .. }) => Exit::Denied,
            Self::Unanswered(_) => Exit::TimedOut,
            // As shells have it.
            Self::Run { cause, .. } if cause.kind() == io::ErrorKind::NotFound => Exit::Program(127),
            Self::Run { .. } => Exit::Program(126),
            _ => Exit::Failed,
        }
    }

    /// A stable word for programs: the server's own where it said no.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Link(LinkError::Refused { reason, .. }) => reason,
            Self::Link(LinkError::NoSession(_)) => "NO_SESSION",
            Self::Denied { .. } => "DENIED",
            Self::Unanswered(_) => "UNANSWERED",
            Self::Text { .. } => "TEXT",
            Self::At(_) => "TIME",
            Self::Declined => "DECLINED",
            Self::Link(LinkError::Check(_) | LinkError::Seen(_)) => "UNTRUSTWORTHY",
            Self::Grant(GrantError::KeyGone { .. }) => "KEY_GONE",
            Self::Grant(_) => "NO_GRANT",
            Self::Interrupted(_) => "INTERRUPTED",
            Self::Link(LinkError::Dial(_)) => "NO_CONNECTION",
            Self::Config(_) => "CONFIGURATION",
            Self::Files(_) | Self::Edit(EditFailure::Mistakes(_)) => "MISTAKES",
            Self::NotCompared(why) => why.reason(),
            Self::NoCases(_) => "NO_CASES",
            Self::Bundle(_) => "BUNDLE",
            Self::Signing(_) => "NO_SIGNATURE",
            Self::Run { .. } => "NOT_RUN",
            _ => "FAILED",
        }
    }
}

/// An error with its causes, a line each.
pub(crate) fn in_full(what: &str, error: &dyn Error) -> String {
    let mut text = format!("{what}: {error}");
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    for cause in causes {
        let _never_fails = write!(text, "\n  because: {cause}");
    }
    text
}
