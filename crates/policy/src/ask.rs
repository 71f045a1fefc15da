//! What is asked of the policy, and what it says.

use domain::{
    AskedLogin, Command, Extends, GroupName, HostName, KeyStrength, Networks, Obligations, Owes, Pair, RealmName,
    RuleName, Selector, Span, Target, Text, UnixTime, UserName,
};

/// What a request asks, as far as policy looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who asks.
    pub requester: UserName,
    /// The login asked for.
    pub login: AskedLogin,
    /// The host or hosts.
    pub target: Target,
    /// How long.
    pub window: Span,
    /// The one command, if any.
    pub command: Option<Command>,
    /// The ticket, if any.
    pub ticket: Option<Text>,
    /// The rule that was chosen by name, if any.
    pub rule: Option<RuleName>,
    /// Whether it is break-glass, and what its requester owes.
    pub break_glass: Option<Owes>,
    /// The keys behind it; `None` asks as if they were whatever the rules take.
    pub keys: Option<Keys>,
    /// The grant that it extends, if any.
    pub extends: Option<Extending>,
}

/// What an extension asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extending {
    /// The grant that is extended, and since when it is open.
    pub what: Extends,
    /// The asked start; otherwise its window starts at once.
    pub start: Option<UnixTime>,
}

impl Extending {
    /// How long the windows before it have opened this when its own window starts at the earliest.
    pub(crate) fn spent(&self, now: UnixTime) -> Span {
        self.start.map_or(now, |start| start.max(now)).since(self.what.since)
    }
}

/// What a request shows of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The signature of the request.
    pub signed: Option<KeyStrength>,
    /// The connecting key, by its kind.
    pub connecting: Option<KeyStrength>,
}

/// What policy says of a request.
#[must_use = "a ruling decides"]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are permissions")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// No, and why.
    Refused(Refusal),
    /// Yes, with what it is bound to.
    Permitted(Obligations),
}

/// Why policy refuses, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The requester is not in the directory.
    #[error("the user `{0}` is not in the directory; ask an administrator to add it")]
    UnknownUser(UserName),
    /// The requester, or the person behind, is disabled.
    #[error("the user `{0}` is disabled; ask an administrator")]
    Disabled(UserName),
    /// `self` maps to nothing.
    #[error("the directory maps `self` to no login for `{0}`; name the login, as in root@HOST")]
    NoOwnLogin(UserName),
    /// No such host.
    #[error("the host `{0}` is not in the inventory; `hallpass ls` shows the hosts there are")]
    UnknownHost(HostName),
    /// No host has these labels.
    #[error("no host has the labels `{0}`; `hallpass ls` shows the hosts and their labels")]
    NoHostsMatch(Selector),
    /// None of the hosts looked at is meant any longer.
    #[error("none of the hosts asked for is part of this request any longer; make a new request")]
    NoHostsLeft,
    /// The labels mean more hosts than one request may name.
    #[error("the labels mean {count} hosts, and one request may name {most}; add a label that narrows them")]
    TooManyHosts {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The hosts do not take the same certificate.
    #[error(
        "these hosts belong to {}, and one request can be for one realm or for scoped hosts; ask for them one by one",
        realms(.0)
    )]
    MixedRealms(Vec<Option<RealmName>>),
    /// Something forbids it.
    #[error("forbidden on `{host}` by {by}; no approval can change that")]
    Forbidden {
        /// The words or place of the prohibition.
        by: String,
        /// The host it is about.
        host: HostName,
    },
    /// No rule opens a path.
    #[error("no rule lets `{requester}` ask for this login on `{host}`; `hallpass ls` shows what you may ask for")]
    NoRule {
        /// Who asked.
        requester: UserName,
        /// The first host without a rule.
        host: HostName,
    },
    /// No rule opens a path for this command, or for a shell.
    #[error(
        "no rule lets `{requester}` ask for this on `{host}`; rules there take one of these commands: {}; ask for one with \
         -- COMMAND",
        .patterns.join(", ")
    )]
    OnlyCommands {
        /// Who asked.
        requester: UserName,
        /// The first host without a rule.
        host: HostName,
        /// What the rules take there.
        patterns: Vec<String>,
    },
    /// A rule opens a path at another time.
    #[error("no rule lets `{requester}` ask for this at this time; one does from {opens} on")]
    NotNow {
        /// Who asked.
        requester: UserName,
        /// The first second in which one does.
        opens: UnixTime,
    },
    /// The rule that the request is held to opens at another time.
    #[error("the rule `{rule}` is closed at this time; it opens at {opens}")]
    RuleNotNow {
        /// The rule.
        rule: RuleName,
        /// The first second in which it is open.
        opens: UnixTime,
    },
    /// Something forbids it for a while.
    #[error("forbidden on `{host}` by {by} at this time; it is allowed from {until} on")]
    ForbiddenNow {
        /// The words or place of the prohibition.
        by: String,
        /// The host it is about.
        host: HostName,
        /// The first second in which it is allowed.
        until: UnixTime,
    },
    /// Each host has rules, and no rule has all the hosts.
    #[error("no single rule covers all of these hosts; ask for them one by one, or by narrower labels")]
    NoCommonRule,
    /// The rule chosen by name does not match.
    #[error("the rule `{rule}` does not apply to this request; these do: {}", list(.matching))]
    RuleNotApplicable {
        /// The rule that was named.
        rule: RuleName,
        /// The rules that match.
        matching: Vec<RuleName>,
    },
    /// The window is longer than the rule allows.
    #[error("a window of {asked} is longer than the {max} that the rule `{rule}` allows; ask for {max} or less")]
    WindowTooLong {
        /// What was asked.
        asked: Span,
        /// The longest.
        max: Span,
        /// By which rule.
        rule: RuleName,
    },
    /// With the windows before it, an extension is longer than the rule allows.
    #[error(
        "the rule `{rule}` allows {max} in all, which {} with its extensions counts from {}; {}",
        .extends.id, .extends.since, at_most(*.left)
    )]
    ExtensionTooLong {
        /// What would be extended.
        extends: Extends,
        /// The longest, from its first second on.
        max: Span,
        /// What is left of it.
        left: Span,
        /// By which rule.
        rule: RuleName,
    },
    /// No time at all.
    #[error("a window of no time opens nothing; ask for longer than 0s")]
    WindowEmpty,
    /// There is no ticket.
    #[error("this needs a ticket that matches {pattern}; give one with --ticket")]
    TicketRequired {
        /// What it must match.
        pattern: String,
    },
    /// The ticket is of another form.
    #[error("the ticket does not match {pattern}; give one that does with --ticket")]
    TicketMismatch {
        /// What it must match.
        pattern: String,
    },
    /// The networks of rule and requirements have no address in common.
    #[error(
        "the rule `{0}` and what is required beside it name networks that have nothing in common, so a certificate could be \
         used from nowhere; ask an administrator"
    )]
    NoCommonSource(RuleName),
    /// The networks of rule and requirements have no address in common with those that a program is pinned to.
    #[error(
        "`{user}` is pinned to {pinned} in directory.toml, and the rule `{rule}` with what is required beside it takes other \
         networks, so a certificate could be used from nowhere; ask an administrator"
    )]
    PinnedElsewhere {
        /// The rule.
        rule: RuleName,
        /// The program.
        user: UserName,
        /// Its networks.
        pinned: Networks,
    },
    /// The host is behind one that is not there.
    #[error("`{host}` is reached through the jump host `{jump}`, which was removed or stopped; ask an administrator")]
    NoJumpHost {
        /// The host.
        host: HostName,
        /// What is in front of it.
        jump: HostName,
    },
    /// What is required on a jump host keeps connections from being forwarded there.
    #[error(
        "what is required on the jump host `{0}` allows no port-forwarding there, so that nothing behind it can be reached; \
         ask an administrator"
    )]
    NoForwarding(HostName),
    /// The request is for the login that other hosts of it are reached through.
    #[error("other hosts of this request are reached through {0}, which only forwards for them; ask for it by itself")]
    JumpItself(Pair),
    /// Certificates are pinned, and nothing says what the host behind the jump host sees.
    #[error(
        "the rule `{rule}`, or what is required beside it, pins certificates to networks, and hosts.toml does not say where \
         connections to `{host}` through `{jump}` come from; ask an administrator to give `{jump}` an `egress`"
    )]
    NoEgress {
        /// The rule.
        rule: RuleName,
        /// The host.
        host: HostName,
        /// What is in front of it.
        jump: HostName,
    },
    /// sshd could not ask for a PIN or finger at this connecting key.
    #[error(
        "the rule `{0}` takes a FIDO key that verifies its user at each login, and the connecting key is none; make one with \
         ssh-keygen -t ed25519-sk -O verify-required, and name it with --connecting-key FILE.pub"
    )]
    ConnectingKey(RuleName),
    /// The key that signed is not of the kind that this takes.
    #[error("the rule `{rule}` takes requests that are signed with {}; {}", .needed.in_words(), .needed.how())]
    RequesterKey {
        /// By which rule.
        rule: RuleName,
        /// What it takes.
        needed: KeyStrength,
    },
    /// Break-glass is not for this.
    #[error(
        "{} ask in the ordinary way, without --break-glass",
        if *ruled_out { "what is required on these hosts rules break-glass out;" } else { "no rule permits break-glass for this;" }
    )]
    NoBreakGlass {
        /// Whether a rule would permit it.
        ruled_out: bool,
    },
    /// Nobody but the requester could review it.
    #[error(
        "the rule `{rule}` has break-glass reviewed by `{group}`, and nobody but you could: ask in the ordinary way, and an \
         administrator to add somebody to the group"
    )]
    NobodyReviews {
        /// The rule.
        rule: RuleName,
        /// The group.
        group: GroupName,
    },
    /// The quorum cannot be reached.
    #[error("this takes {needed} of `{group}`, and only {available} there may approve; ask an administrator")]
    TooFewApprovers {
        /// The group.
        group: GroupName,
        /// How many it takes.
        needed: u32,
        /// How many there are, the person who asks not counted.
        available: usize,
    },
    /// Cedar failed. It would skip a `forbid` that fails: so a failure refuses.
    #[error(
        "the policy cannot be evaluated for this request, so nothing is allowed: {0}; an administrator must mend it"
    )]
    Evaluation(String),
}

fn list(rules: &[RuleName]) -> String {
    rules.iter().map(RuleName::as_str).collect::<Vec<_>>().join(", ")
}

fn at_most(left: Span) -> String {
    if left == Span::ZERO {
        return "nothing is left of that: ask anew".to_owned();
    }
    format!("at most {left} more: ask for that, or anew")
}

fn realms(realms: &[Option<RealmName>]) -> String {
    let each = realms.iter().map(|realm| match realm {
        Some(realm) => format!("the realm {realm}"),
        None => "no realm".to_owned(),
    });
    each.collect::<Vec<_>>().join(" and ")
}
