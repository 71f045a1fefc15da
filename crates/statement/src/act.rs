//! Any other change.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use domain::{
    Amendment, AmendmentError, Digest, KeyError, PublicKey, RequestId, RequestIdError, StopTarget, StopTargetError,
    Text, UserName,
};

use crate::codec::{Fields, Lines, StatementError, Writer};
use crate::header::Header;
use crate::kind::{Kind, Statement};

/// The statement behind any other change; signed by a key bound to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActStatement {
    /// What every statement starts with.
    pub header: Header,
    /// Who acts.
    pub user: UserName,
    /// What is done, and to what.
    pub act: Act,
    /// Why.
    pub reason: Option<Text>,
}

/// A change together with what it changes. In text two lines, `verb:` and `target:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `cancel`: the requester takes a pending request back.
    Cancel(RequestId),
    /// `give-back`: the requester ends a grant before its time.
    GiveBack(RequestId),
    /// `withdraw`: an approver takes their approval back, before it was used.
    Withdraw(RequestId),
    /// `rebind`: the requester puts another connecting key in place of the one of a request.
    Rebind(Rebind),
    /// `review`: somebody of the group that was told says what a break-glass was for. It is owed once for each.
    Review(RequestId),
    /// `resume`: an administrator ends a stop that the server set off itself.
    Resume,
    /// `stop`: no more certificates for this, and live ones are revoked. The same act by somebody else seconds a stop of
    /// everything.
    Stop(StopTarget),
    /// `lift`: somebody of the quorum for it says that the stop of this entry may end.
    Lift(u64),
    /// `sign-bundle`: one of a bundle's signers says that it may be put in force.
    SignBundle(BundleChange),
    /// `load-bundle`: an administrator puts a bundle in force.
    LoadBundle(BundleChange),
    /// `roll-back`: an administrator puts a bundle in force that was before.
    RollBack(BundleChange),
    /// `disable-user`, `remove-key`, `remove-host`, `add-host`: what is in force changes beside the bundle.
    Amend(Amendment),
}

/// A bundle, and the entry of the bundle that it replaces: what was signed for it counts once, and for no other state.
/// As text `DIGEST after INDEX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundleChange {
    /// The bundle.
    pub bundle: Digest,
    /// The index of the ledger's entry by which the bundle before it was put in force.
    pub after: u64,
}

/// A request, and the connecting key that it is for from now on. As text `ID KEY`, the key as OpenSSH writes it, without
/// a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebind {
    /// The request.
    pub id: RequestId,
    /// The connecting key.
    pub key: PublicKey,
}

/// Why a rebinding was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RebindError {
    /// Not `ID KEY`.
    #[error("expected a request and a public key, such as `7K3F9-QXMWT ssh-ed25519 AAAA...`")]
    Grammar,
    /// The first word is no request's id.
    #[error(transparent)]
    Request(#[from] RequestIdError),
    /// The rest is no key that is taken.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl FromStr for Rebind {
    type Err = RebindError;

    fn from_str(given: &str) -> Result<Self, RebindError> {
        let (id, key) = given.split_once(' ').ok_or(RebindError::Grammar)?;
        Ok(Self { id: id.parse()?, key: key.parse()? })
    }
}

impl fmt::Display for Rebind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.key)
    }
}

/// Why a bundle's change was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a bundle's digest and the entry that it comes after, such as `9f86... after 17`")]
pub struct BundleChangeError;

impl FromStr for BundleChange {
    type Err = BundleChangeError;

    fn from_str(given: &str) -> Result<Self, BundleChangeError> {
        let (bundle, after) = given.split_once(" after ").ok_or(BundleChangeError)?;
        let bundle = bundle.parse().map_err(|_| BundleChangeError)?;
        Ok(Self { bundle, after: after.parse().map_err(|_| BundleChangeError)? })
    }
}

impl fmt::Display for BundleChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {}", self.bundle, self.after)
    }
}

/// Why an act was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// No such verb.
    #[error(
        "unknown verb; known are cancel, give-back, withdraw, rebind, review, resume, stop, lift, sign-bundle, load-bundle, roll-back, disable-user, \
         remove-key, remove-host, add-host"
    )]
    Verb,
    /// The verb needs a target.
    #[error("the verb `{0}` needs a target")]
    TargetMissing(String),
    /// The verb takes no target.
    #[error("the verb `{0}` takes no target; write `-`")]
    TargetExtra(String),
    /// The target is not a request's id.
    #[error(transparent)]
    Request(#[from] RequestIdError),
    /// The target is no request with a key.
    #[error(transparent)]
    Rebind(#[from] RebindError),
    /// The target is no change of the bundle.
    #[error(transparent)]
    Bundle(#[from] BundleChangeError),
    /// The target is nothing that can be stopped.
    #[error(transparent)]
    Stop(#[from] StopTargetError),
    /// The target is no stop.
    #[error("expected the entry of the stop, a number such as 4711")]
    Lift,
    /// The target is not what is amended so.
    #[error(transparent)]
    Amendment(#[from] AmendmentError),
}

impl Act {
    /// Every verb but those of amendments.
    const VERBS: [&'static str; 11] = [
        "cancel",
        "give-back",
        "withdraw",
        "rebind",
        "review",
        "resume",
        "stop",
        "lift",
        "sign-bundle",
        "load-bundle",
        "roll-back",
    ];

    /// What is done.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Cancel(_) => "cancel",
            Self::GiveBack(_) => "give-back",
            Self::Withdraw(_) => "withdraw",
            Self::Rebind(_) => "rebind",
            Self::Review(_) => "review",
            Self::Resume => "resume",
            Self::Stop(_) => "stop",
            Self::Lift(_) => "lift",
            Self::SignBundle(_) => "sign-bundle",
            Self::LoadBundle(_) => "load-bundle",
            Self::RollBack(_) => "roll-back",
            Self::Amend(amendment) => amendment.verb(),
        }
    }

    /// To what it is done, if it is done to something.
    pub fn target(&self) -> Option<String> {
        match self {
            Self::Cancel(id) | Self::GiveBack(id) | Self::Withdraw(id) | Self::Review(id) => Some(id.to_string()),
            Self::Rebind(rebind) => Some(rebind.to_string()),
            Self::Resume => None,
            Self::Stop(target) => Some(target.to_string()),
            Self::Lift(entry) => Some(entry.to_string()),
            Self::SignBundle(change) | Self::LoadBundle(change) | Self::RollBack(change) => Some(change.to_string()),
            Self::Amend(amendment) => Some(amendment.target()),
        }
    }

    /// The request that it is done to, if it is done to one.
    pub const fn request(&self) -> Option<RequestId> {
        match self {
            Self::Cancel(id)
            | Self::GiveBack(id)
            | Self::Withdraw(id)
            | Self::Review(id)
            | Self::Rebind(Rebind { id, .. }) => Some(*id),
            _ => None,
        }
    }

    fn parse(verb: &str, target: Option<&str>) -> Result<Self, ActError> {
        match (verb, target) {
            ("resume", None) => Ok(Self::Resume),
            ("resume", Some(_)) => Err(ActError::TargetExtra(verb.to_owned())),
            ("cancel", Some(id)) => Ok(Self::Cancel(id.parse()?)),
            ("give-back", Some(id)) => Ok(Self::GiveBack(id.parse()?)),
            ("withdraw", Some(id)) => Ok(Self::Withdraw(id.parse()?)),
            ("rebind", Some(target)) => Ok(Self::Rebind(target.parse()?)),
            ("review", Some(id)) => Ok(Self::Review(id.parse()?)),
            ("stop", Some(target)) => Ok(Self::Stop(target.parse()?)),
            ("lift", Some(entry)) => entry.parse().map(Self::Lift).map_err(|_| ActError::Lift),
            ("sign-bundle", Some(change)) => Ok(Self::SignBundle(change.parse()?)),
            ("load-bundle", Some(change)) => Ok(Self::LoadBundle(change.parse()?)),
            ("roll-back", Some(change)) => Ok(Self::RollBack(change.parse()?)),
            (verb, Some(target)) if Amendment::VERBS.contains(&verb) => {
                Ok(Self::Amend(Amendment::parse(verb, target)?))
            }
            (_, None) => Err(ActError::TargetMissing(verb.to_owned())),
            _ => Err(ActError::Verb),
        }
    }
}

/// A verb or a target as it stands in the text; what it means the other one says.
struct Word(String);

impl FromStr for Word {
    type Err = Infallible;

    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(Self(given.to_owned()))
    }
}

impl Statement for ActStatement {
    const KIND: Kind = Kind::Act;

    fn header(&self) -> &Header {
        &self.header
    }
}

impl Fields for ActStatement {
    const NAME: &'static str = Self::KIND.namespace();

    fn write(&self, out: &mut Writer) {
        self.header.write(out);
        out.value("user", &self.user);
        out.value("verb", &self.act.verb());
        out.optional("target", self.act.target().as_ref());
        out.optional("reason", self.reason.as_ref());
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        let (header, user) = (Header::read(lines)?, lines.value("user")?);
        let Word(verb) = lines.value("verb")?;
        if !Act::VERBS.contains(&verb.as_str()) && !Amendment::VERBS.contains(&verb.as_str()) {
            return Err(lines.refused("verb", ActError::Verb));
        }
        let target = lines.optional::<Word>("target")?.map(|word| word.0);
        let act = Act::parse(&verb, target.as_deref()).map_err(|why| lines.refused("target", why))?;
        Ok(Self { header, user, act, reason: lines.optional("reason")? })
    }
}
