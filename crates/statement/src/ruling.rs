//! What policy permits, as text: what an approver's decision is bound to.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::str::FromStr;

use domain::{
    Behind, Digest, Extends, Extension, GroupName, HostName, Jumps, KeyStrength, Network, Networks, Obligations, Owes,
    Quorum, RealmName, Span, Text, TextError, UnknownExtension,
};

use crate::codec::{Fields, Lines, StatementError, Writer};

/// Most bytes of host names that the words spell out; the text has them all.
const NAMED_BYTES: usize = 260;
/// Most bytes of networks that the words spell out.
const NETWORK_BYTES: usize = 60;
/// Longest command that the words spell out; the request's text has it whole.
const COMMAND_BYTES: usize = 150;
/// Longest quorum that the words spell out; the text has it whole.
const QUORUM_BYTES: usize = 100;
/// Most bytes of jump hosts that the words spell out; the text has them all.
const JUMP_BYTES: usize = 70;
/// The longest value of a statement.
const LONGEST_WORDS: usize = 1024;

/// A permitting ruling, made once at submit. Nobody signs it by itself: the approver signs its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulingText {
    request: Digest,
    bundle: Digest,
    obligations: Obligations,
    realm_hosts: Option<NonZeroU32>,
    words: Text,
}

/// Why no ruling can be made of these obligations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulingTextError {
    /// There is no host to allow.
    #[error("a ruling names at least one host")]
    NoHosts,
    /// More hosts than one ruling names.
    #[error("the ruling would name {0} hosts; 4096 are the most. Ask for fewer, by narrower labels")]
    TooManyHosts(usize),
    /// A realm without the number of its hosts, or the number without a realm.
    #[error("a ruling names a realm and the number of its hosts together, or neither")]
    RealmHosts,
    /// Later hosts of a realm, of which one certificate opens all.
    #[error("a ruling for plain hosts cannot include future hosts")]
    LiveRealm,
    /// It rests on a grant that it does not extend.
    #[error("a ruling rests on what it extends, and this extends nothing")]
    Rests,
    /// Approvals that break-glass does not take.
    #[error("break-glass takes no approval, and while a review is owed one of {0}, who review it")]
    BreakGlass(GroupName),
    /// It is break-glass, and goes on from something.
    #[error("break-glass extends nothing; ask for the one or the other")]
    BreakGlassExtends,
    /// A host behind another one, where certificates are pinned and nothing says what that host sees.
    #[error("certificates are pinned to networks, and nothing says from where {0} is reached")]
    Egress(HostName),
    /// The hosts and the ways there are longer than a text that is read.
    #[error("the ruling would name too many hosts behind jump hosts. Ask for fewer, by narrower labels")]
    TooLong,
    /// What it allows does not fit into words that can be signed.
    #[error("what the ruling allows does not fit into one line")]
    Words(#[from] TextError),
}

impl RulingText {
    /// Most hosts of one ruling.
    pub const MAX_HOSTS: usize = 4096;

    /// The ruling on a request under a bundle. `realm_hosts` is how many hosts the obligations' realm has in all, as
    /// a certificate for a plain host opens its login on every one of them.
    ///
    /// # Errors
    /// When there are no hosts or too many, realm and count are not given together, or break-glass takes other approvals than
    /// it ever does.
    pub fn new(
        request: Digest,
        bundle: Digest,
        obligations: Obligations,
        realm_hosts: Option<NonZeroU32>,
    ) -> Result<Self, RulingTextError> {
        check_hosts(&obligations.hosts)?;
        check_realm(obligations.realm.as_ref(), realm_hosts)?;
        if obligations.realm.is_some() && obligations.live.is_some() {
            return Err(RulingTextError::LiveRealm);
        }
        if obligations.rests && obligations.extends.is_none() {
            return Err(RulingTextError::Rests);
        }
        check_break_glass(&obligations)?;
        check_jumps(&obligations)?;
        let words = in_words(&obligations, realm_hosts).parse()?;
        Ok(Self { request, bundle, obligations, realm_hosts, words })
    }

    /// The digest of the request's text.
    pub const fn request(&self) -> &Digest {
        &self.request
    }

    /// The bundle that ruled.
    pub const fn bundle(&self) -> &Digest {
        &self.bundle
    }

    /// What is permitted, and what it is bound to.
    pub const fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// How many hosts the realm has in all, when the hosts are plain.
    pub const fn realm_hosts(&self) -> Option<NonZeroU32> {
        self.realm_hosts
    }

    /// What is allowed, in one line: `root on web-1, for at most 1h, certificates of 5m, with pty`.
    pub const fn in_words(&self) -> &Text {
        &self.words
    }
}

fn check_hosts(hosts: &BTreeSet<HostName>) -> Result<(), RulingTextError> {
    match hosts.len() {
        0 => Err(RulingTextError::NoHosts),
        count if count > RulingText::MAX_HOSTS => Err(RulingTextError::TooManyHosts(count)),
        _ => Ok(()),
    }
}

fn check_realm(realm: Option<&RealmName>, hosts: Option<NonZeroU32>) -> Result<(), RulingTextError> {
    if realm.is_some() == hosts.is_some() { Ok(()) } else { Err(RulingTextError::RealmHosts) }
}

fn check_break_glass(allowed: &Obligations) -> Result<(), RulingTextError> {
    match &allowed.break_glass {
        Some(review) if ![Owes::Nothing, Owes::Review].iter().any(|owes| allowed.quorum == owes.quorum(review)) => {
            Err(RulingTextError::BreakGlass(review.clone()))
        }
        Some(_) if allowed.extends.is_some() => Err(RulingTextError::BreakGlassExtends),
        _ => Ok(()),
    }
}

/// What is said of each host behind another one fits into its line, and all of it into the text.
fn check_jumps(allowed: &Obligations) -> Result<(), RulingTextError> {
    const LONGEST_LINE: usize = 1024;
    const BESIDES: usize = 64 * 1024;
    if allowed.jumps.is_empty() {
        return Ok(());
    }
    let mut bytes: usize = allowed.hosts.iter().map(|host| host.as_str().len() + "host: \n".len()).sum();
    for behind in allowed.jumps.iter() {
        if allowed.source.is_some() && behind.jump.egress.is_none() {
            return Err(RulingTextError::Egress(behind.host));
        }
        let line = behind.to_string().len();
        bytes = bytes.saturating_add(line + "jump: \n".len());
        if line > LONGEST_LINE || bytes > RulingText::LONGEST - BESIDES {
            return Err(RulingTextError::TooLong);
        }
    }
    Ok(())
}

/// How much the words spell out.
#[derive(Clone, Copy)]
enum Detail {
    Whole,
    /// Jump hosts as their number, and no command: where it would be longer than what can be signed.
    Brief,
}

fn in_words(allowed: &Obligations, realm_hosts: Option<NonZeroU32>) -> String {
    let whole = words_of(allowed, realm_hosts, Detail::Whole);
    if whole.len() <= LONGEST_WORDS { whole } else { words_of(allowed, realm_hosts, Detail::Brief) }
}

fn words_of(allowed: &Obligations, realm_hosts: Option<NonZeroU32>, detail: Detail) -> String {
    let mut words = format!("{} on ", allowed.login);
    match (&allowed.realm, realm_hosts) {
        (Some(realm), Some(count)) => {
            let _never_fails = write!(words, "ALL {count} hosts of realm {realm}");
        }
        _ => words.push_str(&hosts_in_words(allowed)),
    }
    words.push_str(&break_glass(allowed));
    words.push_str(&jumps_in_words(&allowed.jumps, detail));
    match (&allowed.command, detail) {
        (Some(command), Detail::Whole) if command.as_str().len() <= COMMAND_BYTES => {
            let _never_fails = write!(words, ", only to run `{command}`");
        }
        (Some(_), _) => words.push_str(", only to run the command of the request"),
        (None, _) => {}
    }
    let _never_fails =
        write!(words, ", for at most {}{}, certificates of {}", allowed.max, counted(allowed), allowed.ttl);
    match extensions(&allowed.allow) {
        none if none.is_empty() => words.push_str(", without extensions"),
        some => words.push_str(&format!(", with {some}")),
    }
    words + &restrictions(allowed)
}

/// What the longest window of an extension counts from.
fn counted(allowed: &Obligations) -> String {
    let Some(Extends { id, since }) = allowed.extends else { return String::new() };
    let rests = if allowed.rests { " and rests on its approvals" } else { "" };
    format!(" from {since} on, as it extends {id}{rests}")
}

/// What is out of the ordinary comes first.
fn break_glass(allowed: &Obligations) -> String {
    let how = if allowed.quorum.is_auto() { "AT ONCE, without approval" } else { "as BREAK-GLASS" };
    allowed.break_glass.as_ref().map_or_else(String::new, |group| format!(", {how}, to be reviewed by {group}"))
}

/// What else certificates open, after a comma: logins that only forward.
fn jumps_in_words(jumps: &Jumps, detail: Detail) -> String {
    let named: Vec<String> = jumps.logins().iter().map(|pair| format!("{} as {}", pair.host, pair.login)).collect();
    let listed = named.join(", ");
    let spelled_out = matches!(detail, Detail::Whole) && listed.len() <= JUMP_BYTES;
    match (named.len(), spelled_out) {
        (0, _) => String::new(),
        (1, true) => format!(", through {listed}"),
        (1, false) => ", through the jump host of the ruling".to_owned(),
        (count, true) => format!(", through {count} jump hosts ({listed})"),
        (count, false) => format!(", through {count} jump hosts of the ruling"),
    }
}

/// What is asked of connecting and of the keys that sign, after commas.
fn restrictions(allowed: &Obligations) -> String {
    let behind = if allowed.jumps.is_empty() { "" } else { ", then only from jump hosts" };
    let from = |source: &Networks| format!("only from {}{behind}", spelled_out(source.iter(), NETWORK_BYTES));
    let source = allowed.source.as_ref().map(from);
    let verified = allowed.verify_required.then(|| "each login verified by the FIDO key".to_owned());
    let in_turn = in_turn(&allowed.quorum);
    let signed = |what: &str, key: Option<KeyStrength>| Some(format!("{what} with {}", key?.in_words()));
    let all =
        [source, verified, signed("asked", allowed.requester_key), in_turn, signed("approved", allowed.approver_key)];
    all.into_iter().flatten().map(|words| format!(", {words}")).collect()
}

/// Whom it takes, where that is not asked all at once: then it matters when an approval is given.
fn in_turn(quorum: &Quorum) -> Option<String> {
    let stages = quorum.stages();
    if stages <= 1 && quorum.longest_wait() == Span::ZERO {
        return None;
    }
    let whole = quorum.to_string();
    if whole.len() <= QUORUM_BYTES {
        return Some(format!("approved by {whole}"));
    }
    let others = if quorum.longest_wait() == Span::ZERO { "" } else { ", with others who stand in" };
    Some(format!("approved by the quorum of the ruling in {stages} stages{others}"))
}

fn hosts_in_words(allowed: &Obligations) -> String {
    let names = spelled_out(allowed.hosts.iter(), NAMED_BYTES);
    let now = if allowed.hosts.len() == 1 { names } else { format!("{} hosts ({names})", allowed.hosts.len()) };
    if allowed.live.is_some() { now + ", including future hosts" } else { now }
}

/// The first, as many others as fit, and how many more there are.
fn spelled_out<T: ToString>(mut all: impl ExactSizeIterator<Item = T>, most: usize) -> String {
    let mut names = all.next().map_or_else(String::new, |first| first.to_string());
    while all.len() > 0 {
        let left = all.len();
        match all.next().map(|next| next.to_string()) {
            Some(next) if names.len() + next.len() <= most => {
                let _never_fails = write!(names, ", {next}");
            }
            _ => return format!("{names} and {left} more"),
        }
    }
    names
}

fn extensions(allowed: &BTreeSet<Extension>) -> String {
    allowed.iter().map(|extension| extension.as_str()).collect::<Vec<_>>().join(", ")
}

/// Extensions as one value: `port-forwarding, pty`.
struct Extensions(BTreeSet<Extension>);

impl FromStr for Extensions {
    type Err = UnknownExtension;

    fn from_str(given: &str) -> Result<Self, UnknownExtension> {
        given.split(", ").map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// `verify-required: yes`, `rests: yes`
struct Yes;

/// Something else than `yes`.
#[derive(Debug, thiserror::Error)]
#[error("expected `yes` or `-`")]
struct NotYes;

impl FromStr for Yes {
    type Err = NotYes;

    fn from_str(given: &str) -> Result<Self, NotYes> {
        if given == "yes" { Ok(Self) } else { Err(NotYes) }
    }
}

/// `break-glass: reviewed by security`
struct ReviewedBy(GroupName);

/// Something else than who reviews it.
#[derive(Debug, thiserror::Error)]
#[error("expected `reviewed by GROUP` or `-`")]
struct NotReviewed;

impl FromStr for ReviewedBy {
    type Err = NotReviewed;

    fn from_str(given: &str) -> Result<Self, NotReviewed> {
        let group = given.strip_prefix("reviewed by ").and_then(|group| group.parse().ok());
        group.map(Self).ok_or(NotReviewed)
    }
}

impl Fields for RulingText {
    const NAME: &'static str = "hallpass-ruling";
    /// Room for [`RulingText::MAX_HOSTS`] names of any length; fewer where they are long and behind jump hosts.
    const LONGEST: usize = 2 * 1024 * 1024;

    fn write(&self, out: &mut Writer) {
        // Taken apart, so that a field that obligations get cannot be forgotten here.
        let Obligations {
            rule,
            quorum,
            hosts,
            live,
            login,
            max,
            ttl,
            allow,
            command,
            realm,
            source,
            verify_required,
            requester_key,
            approver_key,
            extends,
            rests,
            break_glass,
            jumps,
        } = &self.obligations;
        out.value("request", &self.request);
        out.value("bundle", &self.bundle);
        out.value("rule", rule);
        out.value("quorum", quorum);
        out.value("login", login);
        out.list("host", hosts);
        out.optional("live", live.as_ref());
        out.optional("realm", realm.as_ref());
        out.optional("realm-hosts", self.realm_hosts.as_ref());
        out.value("max", max);
        out.value("ttl", ttl);
        out.optional("allow", (!allow.is_empty()).then(|| extensions(allow)).as_ref());
        out.optional("command", command.as_ref());
        out.list("source", source.iter().flat_map(Networks::iter));
        out.optional("verify-required", verify_required.then_some("yes").as_ref());
        out.optional("requester-key", requester_key.as_ref());
        out.optional("approver-key", approver_key.as_ref());
        out.optional("extends", extends.as_ref());
        out.optional("rests", rests.then_some("yes").as_ref());
        out.optional("break-glass", break_glass.as_ref().map(|group| format!("reviewed by {group}")).as_ref());
        jumps.iter().for_each(|behind| out.value("jump", &behind));
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        let (request, bundle) = (lines.value("request")?, lines.value("bundle")?);
        let (rule, quorum) = (lines.value("rule")?, lines.value("quorum")?);
        let (login, hosts) = (lines.value("login")?, lines.list("host")?);
        check_hosts(&hosts).map_err(|why| lines.refused("host", why))?;
        let live = lines.optional("live")?;
        let (realm, realm_hosts) = (lines.optional("realm")?, lines.optional("realm-hosts")?);
        check_realm(realm.as_ref(), realm_hosts).map_err(|why| lines.refused("realm-hosts", why))?;
        let (max, ttl) = (lines.value("max")?, lines.value("ttl")?);
        let allow = lines.optional::<Extensions>("allow")?.map_or_else(BTreeSet::new, |given| given.0);
        let command = lines.optional("command")?;
        let source = Networks::new(lines.list::<Network>("source")?);
        let verify_required = lines.optional::<Yes>("verify-required")?.is_some();
        let (requester_key, approver_key) = (lines.optional("requester-key")?, lines.optional("approver-key")?);
        let (extends, rests) = (lines.optional("extends")?, lines.optional::<Yes>("rests")?.is_some());
        let break_glass = lines.optional::<ReviewedBy>("break-glass")?.map(|given| given.0);
        let jumps = lines.list::<Behind>("jump")?.into_iter().collect();
        let obligations = Obligations {
            rule,
            quorum,
            hosts,
            live,
            login,
            max,
            ttl,
            allow,
            command,
            realm,
            source,
            verify_required,
            requester_key,
            approver_key,
            extends,
            rests,
            break_glass,
            jumps,
        };
        Self::new(request, bundle, obligations, realm_hosts).map_err(|why| lines.refused("rests", why))
    }
}
