//! A bundle of many rules, and requests that find each kind of them.

use std::fmt::Write as _;

use directory::{Directory, Source};
use domain::Access;
use policy::{Ask, Files, Policy, Refusal, Ruling};

use crate::failure::Failure;
use crate::taker::Key;

/// How many users a team has.
const TEAM: usize = 10;
/// How many are on call.
const ON_CALL: usize = 64;
/// The last so many users are contractors.
const CONTRACTORS: usize = 100;
/// How many requests of a kind take turns.
const ASKS: usize = 64;

/// How much there is of everything that grows.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) rules: usize,
    pub(super) hosts: usize,
}

impl Size {
    pub(super) const SMALL: Self = Self { rules: 1_000, hosts: 10_000 };
    pub(super) const LARGE: Self = Self { rules: 10_000, hosts: 100_000 };
    /// In both.
    pub(super) const USERS: usize = 10_000;
}

/// What is asked.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A team's own rule.
    Team,
    /// One of the rules that everybody is in the group of.
    Everybody,
    /// The same, with a requirement.
    Required,
    /// A rule for a single host, whose approvers are everybody else.
    OneHost,
    /// A login that no rule opens.
    NoRule,
    /// What a prohibition covers.
    Forbidden,
    /// Longer than the rule gives.
    TooLong,
    /// Eight hosts by labels.
    EightHosts,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Team,
        Self::Everybody,
        Self::Required,
        Self::OneHost,
        Self::NoRule,
        Self::Forbidden,
        Self::TooLong,
        Self::EightHosts,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Team => "by a team's rule",
            Self::Everybody => "by a rule for everybody",
            Self::Required => "with a requirement",
            Self::OneHost => "by a rule for one host",
            Self::NoRule => "refused: no rule",
            Self::Forbidden => "refused: forbidden",
            Self::TooLong => "refused: too long",
            Self::EightHosts => "for eight hosts by labels",
        }
    }

    pub(super) const fn is_for_one_host(self) -> bool {
        !matches!(self, Self::EightHosts)
    }

    /// Whether a ruling is what a request of this kind is for.
    pub(super) fn expects(self, ruling: &Ruling) -> bool {
        match (self, ruling) {
            (Self::NoRule, Ruling::Refused(refusal)) => matches!(refusal, Refusal::NoRule { .. }),
            (Self::Forbidden, Ruling::Refused(refusal)) => matches!(refusal, Refusal::Forbidden { .. }),
            (Self::TooLong, Ruling::Refused(refusal)) => matches!(refusal, Refusal::WindowTooLong { .. }),
            (Self::Required, Ruling::Permitted(given)) => given.quorum.people() == 2,
            (Self::EightHosts, Ruling::Permitted(given)) => given.hosts.len() == 8,
            (Self::Team | Self::Everybody | Self::OneHost, Ruling::Permitted(_)) => true,
            _ => false,
        }
    }
}

/// The files of a bundle. Of ten entries four are rules of teams for a service of theirs, three are rules for everybody,
/// one is a rule for a host, one a requirement, and one a prohibition.
pub(super) struct Bundle {
    size: Size,
    files: Files,
}

impl Bundle {
    pub(super) fn new(size: Size) -> Result<Self, Failure> {
        let files = Files {
            directory: Source::new("directory.toml", people()?),
            hosts: Source::new("hosts.toml", hosts(size)),
            access: Source::new("access.toml", access(size)),
            cedar: None,
        };
        Ok(Self { size, files })
    }

    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        let understood = self.files.understand();
        let (directory, policy) = understood.map_err(Failure::broken("the bundle has mistakes"))?;
        Ok(Loaded { size: self.size, directory, policy })
    }
}

pub(super) struct Loaded {
    size: Size,
    pub(super) directory: Directory,
    pub(super) policy: Policy,
}

impl Loaded {
    /// Requests of a kind, spread over all rules of that kind.
    pub(super) fn asks(&self, kind: Kind) -> Result<Vec<Ask>, Failure> {
        let tens = self.size.rules / 10;
        (0..ASKS).map(|turn| self.ask(kind, turn * tens / ASKS * 10)).collect()
    }

    /// A request that finds an entry of these ten.
    fn ask(&self, kind: Kind, ten: usize) -> Result<Ask, Failure> {
        let on = |rule: usize| host(rule % self.size.rules);
        let (team, anybody) = (|rule: usize| user(rule % teams() * TEAM), user(ten * 7 % (Size::USERS / 2)));
        let (requester, access) = match kind {
            Kind::Team | Kind::TooLong => (team(ten + 1), format!("root@{}", on(ten + 1))),
            Kind::Everybody => (anybody, format!("deploy@{}", on(ten + 5))),
            Kind::Required => (anybody, format!("deploy@{}", on(ten + 4))),
            Kind::OneHost => (anybody, format!("self@{}", on(ten + 7))),
            Kind::NoRule => (team(ten + 2), format!("root@{}", on(ten + 5))),
            Kind::Forbidden => (user(Size::USERS - 1 - ten % CONTRACTORS), format!("deploy@{}", on(ten + 6))),
            Kind::EightHosts => (team(ten + 1), format!("root@env=prod,service={}", service(ten + 1))),
        };
        let access: Access = access.parse().map_err(Failure::broken("no access"))?;
        let window = if kind == Kind::TooLong { "9h" } else { "20m" };
        Ok(Ask {
            requester: requester.parse().map_err(Failure::broken("no user"))?,
            login: access.login,
            target: access.target,
            window: window.parse().map_err(Failure::broken("no window"))?,
            command: None,
            ticket: None,
            rule: None,
            break_glass: None,
            keys: None,
            extends: None,
        })
    }
}

fn people() -> Result<String, Failure> {
    let mut text = String::new();
    for place in 0..Size::USERS {
        let (name, key) = (user(place), Key::generate()?);
        let _ = writeln!(text, "[[user]]\nname = \"{name}\"\nkeys = [\"{}\"]\nlogin = \"{name}\"\n", key.public());
    }
    group(&mut text, "staff", 0..Size::USERS);
    group(&mut text, "oncall", 0..ON_CALL);
    group(&mut text, "contractors", Size::USERS - CONTRACTORS..Size::USERS);
    for team in 0..teams() {
        group(&mut text, &format!("team-{team}"), team * TEAM..(team + 1) * TEAM);
    }
    Ok(text)
}

fn group(text: &mut String, name: &str, members: std::ops::Range<usize>) {
    let members: Vec<String> = members.map(|place| format!("\"{}\"", user(place))).collect();
    let _ = writeln!(text, "[[group]]\nname = \"{name}\"\nmembers = [{}]\n", members.join(", "));
}

/// Ten hosts of each service, of which eight are in production.
fn hosts(size: Size) -> String {
    (0..size.hosts).fold(String::new(), |mut text, place| {
        let env = if place / size.rules < 8 { "prod" } else { "stage" };
        let (role, region) = (if place % 2 == 0 { "web" } else { "db" }, place % 5);
        let (name, service) = (host(place), service(place % size.rules));
        let _ = writeln!(
            text,
            "[[host]]\nname = \"{name}\"\n\
             labels = {{ env = \"{env}\", role = \"{role}\", region = \"r{region}\", service = \"{service}\" }}"
        );
        text
    })
}

fn access(size: Size) -> String {
    let scope = |rule: usize| format!("hosts = \"env=prod,service={}\"", service(rule));
    (0..size.rules).fold(String::new(), |mut text, entry| {
        let (name, team, times) = (format!("name = \"rule-{entry}\""), entry % teams(), "max = \"8h\"\nttl = \"5m\"");
        let _ = match entry % 10 {
            0..=3 => writeln!(
                text,
                "[[rule]]\n{name}\nwho = \"team-{team}\"\n{}\nlogins = [\"root\", \"self\"]\n\
                 approve = \"1 of team-{team}\"\n{times}\nallow = [\"pty\"]",
                scope(entry)
            ),
            4..=6 => writeln!(
                text,
                "[[rule]]\n{name}\nwho = \"staff\"\n{}\nlogins = [\"deploy\"]\napprove = \"1 of oncall\"\n{times}",
                scope(entry)
            ),
            7 => writeln!(
                text,
                "[[rule]]\n{name}\nwho = \"staff\"\nhosts = \"{}\"\nlogins = [\"self\"]\napprove = \"1 of staff\"\n{times}",
                host(entry)
            ),
            8 => writeln!(text, "[[require]]\n{}\napprove = \"2 of oncall\"\nmax = \"1h\"", scope(entry - 4)),
            _ => writeln!(text, "[[forbid]]\nwho = \"contractors\"\n{}", scope(entry - 3)),
        };
        text
    })
}

const fn teams() -> usize {
    Size::USERS / TEAM
}

fn user(place: usize) -> String {
    format!("user-{place:05}")
}

fn host(place: usize) -> String {
    format!("host-{place:06}.example.com")
}

fn service(place: usize) -> String {
    format!("s{place}")
}
