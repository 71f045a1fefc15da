//! `who_can` and `can` say what submitting finds.

use std::collections::BTreeSet;

use directory::{Directory, Source};
use domain::{Access, AskedLogin, Owes, Span, Text, UserName};
use proptest::prelude::*;

use super::now;
use crate::{Ask, Files, Hopeless, Keys, Policy, Ruling, Way, can, rule, slot, who_can};

pub(super) const USERS: [&str; 5] = ["ann", "ann-2", "bob", "cat", "robot"];
const GROUPS: [&str; 3] = ["dev", "ops", "sec"];
pub(super) const ACCESSES: [&str; 6] = ["root@web", "root@db", "self@web", "ann@old-1", "root@old-2", "root@env=prod"];

/// Who is in which group, and who is disabled.
pub(super) fn directories() -> impl Strategy<Value = String> {
    let members = prop::collection::vec(prop::sample::subsequence(&USERS[..], 0..=5), 3);
    let program = ["", ", approves = true", ", source = \"10.1.0.0/16\"", ", approves = true, source = \"192.0.2.7\""];
    let disabled = prop::sample::subsequence(&USERS[..], 0..=1);
    (members, disabled, prop::sample::select(program.to_vec())).prop_map(|(members, disabled, program)| {
        let user = |name: &&str| {
            let rest = match *name {
                "ann-2" => ", owner = \"ann\"".to_owned(),
                "robot" => format!(", owner = \"bob\", kind = \"service\"{program}"),
                "cat" => String::new(),
                _ => ", login = \"ann\"".to_owned(),
            };
            format!("{{ name = {name:?}, disabled = {}{rest} }}", disabled.contains(name))
        };
        let users: Vec<String> = USERS.iter().map(user).collect();
        let group = |(name, members): (&&str, &Vec<&str>)| format!("{{ name = {name:?}, members = {members:?} }}");
        let groups: Vec<String> = GROUPS.iter().zip(&members).map(group).collect();
        format!("user = [{}]\ngroup = [{}]\n", users.join(", "), groups.join(", "))
    })
}

const HOSTS: &str = r#"
    host = [
        { name = "web", labels = { env = "prod", role = "web" } }, { name = "db", labels = { env = "prod", role = "db" } },
        { name = "old-1", realm = "old", labels = { age = "old" } }, { name = "old-2", realm = "old", labels = { age = "old" } },
    ]
"#;

fn place() -> impl Strategy<Value = String> {
    let hosts = prop::sample::select(&["*", "env=prod", "env=prod,role=db", "age=old", "old-1", "web"][..]);
    (prop::sample::select(&GROUPS[..]), hosts).prop_map(|(who, hosts)| format!("who = {who:?}, hosts = {hosts:?}"))
}

fn logins() -> impl Strategy<Value = String> {
    let logins = prop::sample::subsequence(&["root", "self", "ann"][..], 1..=3);
    logins.prop_map(|logins| format!("logins = {logins:?}"))
}

fn quorum() -> impl Strategy<Value = String> {
    let quorums = &[
        "\"auto\"",
        "\"1 of dev\"",
        "\"2 of ops\"",
        "\"1 of dev, 1 of sec\"",
        "\"1 of ops, 2 of sec\"",
        "\"1 of dev then 1 of sec\"",
        "\"1 of ops or dev after 15m\"",
        "\"1 of dev then 1 of dev\", escalate = \"10m to sec\"",
    ][..];
    prop::sample::select(quorums).prop_map(|quorum| format!("approve = {quorum}"))
}

fn ticket() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["", ", ticket = \"INC-[0-9]+\"", ", ticket = \"CHG-[0-9]+\""][..])
}

fn restricted() -> impl Strategy<Value = &'static str> {
    let some = ["", "", "", ", source = \"10.0.0.0/8\"", ", source = \"192.0.2.0/24\"", ", requester_key = \"sk\""];
    prop::sample::select(some.to_vec())
}

fn breakable() -> impl Strategy<Value = &'static str> {
    let some = [
        "",
        "",
        ", break_glass = \"1m reviewed by sec\"",
        ", break_glass = \"30s reviewed by ops\"",
        ", break_glass = \"1m reviewed by sec\", break_glass_key = \"sk\"",
    ];
    prop::sample::select(some.to_vec())
}

pub(super) fn accesses() -> impl Strategy<Value = String> {
    let max = prop::sample::select(&["1m", "1h"][..]);
    let rule = (place(), logins(), quorum(), max, ticket()).prop_map(|(place, logins, quorum, max, ticket)| {
        format!("{place}, {logins}, {quorum}, max = {max:?}, ttl = \"1m\"{ticket}")
    });
    let require =
        (place(), quorum(), ticket()).prop_map(|(place, quorum, ticket)| format!("{place}, {quorum}{ticket}"));
    let when =
        || prop::sample::select(&["", ", when = \"Sun 08:00-18:00 UTC\"", ", when = \"Mon-Fri 08:00-18:00 UTC\""][..]);
    let some = ["", "", "", ", commands = \"uptime\"", ", commands = [\"uptime\", \"journalctl ...\"]"];
    let commands = prop::sample::select(some.to_vec());
    let rule = (rule, when(), restricted(), commands, breakable())
        .prop_map(|(rule, when, restricted, commands, glass)| format!("{rule}{when}{restricted}{commands}{glass}"));
    let unbreakable = prop::sample::select(&["", "", ", no_break_glass = true"][..]);
    let require = (require, when(), restricted(), unbreakable)
        .prop_map(|(require, when, more, glass)| format!("{require}{when}{more}{glass}"));
    let approver = (place(), prop::sample::select(&GROUPS[..]), when())
        .prop_map(|(place, group, when)| format!("group = {group:?}, {}{when}", place.replace("who =", "for =")));
    let forbid = (place(), logins()).prop_map(|(place, logins)| format!("{place}, {logins}"));
    let (rules, requires) = (prop::collection::vec(rule, 0..6), prop::collection::vec(require, 0..3));
    let (forbids, approvers) = (prop::collection::vec(forbid, 0..2), prop::collection::vec(approver, 0..3));
    (rules, requires, forbids, approvers).prop_map(|(rules, requires, forbids, approvers)| {
        let named: Vec<String> = rules.iter().enumerate().map(|(n, rule)| format!("name = \"r{n}\", {rule}")).collect();
        let tables = |key: &str, entries: &[String]| format!("{key} = [{{ {} }}]\n", entries.join(" }, { "));
        let all = [("rule", &named), ("require", &requires), ("forbid", &forbids), ("approver", &approvers)];
        all.iter().filter(|(_, entries)| !entries.is_empty()).map(|(key, entries)| tables(key, entries)).collect()
    })
}

/// Nobody of these has a FIDO key.
pub(super) const NO_FIDO: Option<Keys> = Some(Keys { signed: None, connecting: None });

pub(super) fn understood(directory: &str, access: &str) -> (Directory, Policy) {
    let files = Files {
        directory: Source::new("directory.toml", directory),
        hosts: Source::new("hosts.toml", HOSTS),
        access: Source::new("access.toml", access),
        cedar: None,
    };
    files.understand().unwrap_or_else(|mistakes| panic!("{mistakes}\n{access}"))
}

fn submitted(policy: &Policy, directory: &Directory, ask: &Ask) -> Option<[String; 7]> {
    match rule(policy, directory, ask, now()) {
        Ruling::Refused(_) => None,
        Ruling::Permitted(given) => Some([
            given.rule.to_string(),
            given.quorum.to_string(),
            given.login.to_string(),
            given.hosts.iter().map(|host| format!("{host} ")).collect(),
            format!("{}/{}", given.max, given.ttl),
            given.realm.map(|realm| realm.to_string()).unwrap_or_default(),
            given.break_glass.map(|group| group.to_string()).unwrap_or_default(),
        ]),
    }
}

/// Who may approve, each looked at alone as a decision is.
fn one_by_one(policy: &Policy, directory: &Directory, way: &Way) -> BTreeSet<UserName> {
    let asks = directory.owner_of(&way.requester);
    let fills = |name: &UserName| {
        let matter = crate::Matter { requester: &way.requester, hosts: &way.given.hosts };
        let groups = way.given.quorum.groups().into_iter();
        let mut mine = groups.filter(|group| directory.member(name, group));
        mine.any(|group| slot(policy, directory, group, matter, now()).is_ok())
    };
    let people = directory.users().map(|user| &user.name).filter(|name| directory.decides(name));
    people.filter(|name| directory.owner_of(name) != asks && fills(name)).cloned().collect()
}

/// What submitting should find by what was listed: the first way that the ticket fits, unless it is refused.
fn listed(ways: &[&Way], ask: &Ask) -> Option<[String; 7]> {
    let fits = |pattern: &String| {
        ask.ticket.as_ref().is_some_and(|ticket| ticket.as_str().starts_with(pattern.trim_end_matches("[0-9]+")))
    };
    let mut taken = ways.iter().filter(|way| way.commands.is_empty()).filter(|way| {
        let as_asked = way.given.break_glass.is_some() == ask.break_glass.is_some();
        let named = as_asked && ask.rule.as_ref().is_none_or(|rule| *rule == way.given.rule);
        named && way.tickets.iter().all(fits) && !matches!(way.hopeless, Some(Hopeless::Refused(_)))
    });
    taken.next().map(|way| {
        [
            way.given.rule.to_string(),
            way.given.quorum.to_string(),
            way.given.login.to_string(),
            way.given.hosts.iter().map(|host| format!("{host} ")).collect(),
            format!("{}/{}", way.given.max, way.given.ttl),
            way.given.realm.as_ref().map(ToString::to_string).unwrap_or_default(),
            way.given.break_glass.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    })
}

proptest! {
    // A refusal looks for when it ends, so each of the thousand requests of a case may be ruled on forty times.
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_who_can_says_is_what_submitting_finds(directory in directories(), access in accesses()) {
        let (directory, policy) = understood(&directory, &access);
        for (asked, window) in ACCESSES.iter().flat_map(|asked| ["1m", "30m"].map(|window| (*asked, window))) {
            let Access { login, target } = asked.parse().unwrap();
            let window: Span = window.parse().unwrap();
            let ways = who_can(&policy, &directory, &asked.parse().unwrap(), window, now()).unwrap();
            for user in USERS {
                let requester: UserName = user.parse().unwrap();
                let mine: Vec<&Way> = ways.iter().filter(|way| way.requester == requester).collect();
                for way in &mine {
                    prop_assert_eq!(&way.approvers, &one_by_one(&policy, &directory, way), "{:?}\n{}", way, access);
                }
                let rules = std::iter::once(None).chain((0..6).map(|n| format!("r{n}").parse().ok()));
                let both = [None, Some(Owes::Nothing)];
                for (rule, break_glass) in rules.flat_map(|rule| both.map(|glass| (rule.clone(), glass))) {
                    for ticket in [None, Some("INC-1"), Some("CHG-1")] {
                        let ticket: Option<Text> = ticket.map(|ticket| ticket.parse().unwrap());
                        let (requester, login, target) = (requester.clone(), login.clone(), target.clone());
                        let ask = Ask { requester, login, target, window, command: None, ticket, rule: rule.clone(), break_glass, keys: NO_FIDO, extends: None };
                        prop_assert_eq!(listed(&mine, &ask), submitted(&policy, &directory, &ask), "{:?}\n{}", ask, access);
                    }
                }
            }
        }
    }

    #[test]
    fn a_command_opens_what_is_listed_for_its_patterns_and_no_more(directory in directories(), access in accesses()) {
        let (directory, policy) = understood(&directory, &access);
        let window: Span = "1m".parse().unwrap();
        for asked in ACCESSES {
            let Access { login, target } = asked.parse().unwrap();
            let ways = who_can(&policy, &directory, &asked.parse().unwrap(), window, now()).unwrap();
            for (user, words) in USERS.iter().flat_map(|user| ["uptime", "journalctl -u app", "reboot"].map(|words| (user, words))) {
                let command: domain::Command = words.parse().unwrap();
                let matches = |pattern: &String| pattern.parse::<crate::commands::Pattern>().unwrap().matches(&command);
                let mine = ways.iter().filter(|way| way.requester.to_string() == *user && way.tickets.is_empty());
                let mine = mine.filter(|way| way.given.break_glass.is_none());
                let open = mine.filter(|way| way.commands.is_empty() || way.commands.iter().any(matches));
                let fewest = open.filter(|way| !matches!(way.hopeless, Some(Hopeless::Refused(_))));
                let fewest = fewest.map(|way| way.given.quorum.people()).min();
                let (requester, login, target) = (user.parse().unwrap(), login.clone(), target.clone());
                let command = Some(command.clone());
                let ask = Ask { requester, login, target, window, command, ticket: None, rule: None, break_glass: None, keys: NO_FIDO, extends: None };
                let taken = match rule(&policy, &directory, &ask, now()) {
                    Ruling::Refused(_) => None,
                    Ruling::Permitted(given) => Some(given.quorum.people()),
                };
                prop_assert_eq!(fewest, taken, "{} {} {}\n{}", user, asked, words, access);
            }
        }
    }

    #[test]
    fn what_a_user_can_is_what_others_say_of_them(directory in directories(), access in accesses()) {
        let (directory, policy) = understood(&directory, &access);
        let window: Span = "1m".parse().unwrap();
        for user in directory.users() {
            let ways = can(&policy, &directory, &user.name, window, now());
            let mine: BTreeSet<String> = ways.into_iter().flatten().map(|way| format!("{way:?}")).collect();
            // One host of the realm stands for both.
            let hosts = ["web", "db", "old-1"].iter();
            let each = hosts.flat_map(|host| ["root", "ann", "self"].map(|login| format!("{login}@{host}")));
            let others = each.flat_map(|asked| who_can(&policy, &directory, &asked.parse().unwrap(), window, now()).unwrap());
            let others = others.filter(|way| way.requester == user.name && tried(&policy, user, way));
            prop_assert_eq!(mine, others.map(|way| format!("{way:?}")).collect::<BTreeSet<String>>(), "{}", access);
        }
    }
}

/// Logins that neither a rule nor the directory names are open to nobody.
fn tried(policy: &Policy, user: &directory::User, way: &Way) -> bool {
    let named = policy.logins.contains(&AskedLogin::Named(way.given.login.clone()));
    assert!(named || user.login.as_ref() == Some(&way.given.login));
    true
}

#[test]
fn a_way_that_nobody_can_approve_says_so() {
    let directory = "user = [{ name = \"ann\" }, { name = \"bob\" }, { name = \"cat\" }]\n\
                     group = [{ name = \"dev\", members = [\"ann\", \"bob\"] }, { name = \"ops\", members = [\"bob\"] }]";
    let rule = |quorum: &str| {
        format!(
            "rule = [{{ name = \"r\", who = \"dev\", hosts = \"web\", logins = \"root\", approve = {quorum:?}, \
             max = \"1h\", ttl = \"1m\" }}]"
        )
    };
    for (quorum, ann, bob) in [
        ("auto", "", ""),
        ("1 of dev", "", ""),
        ("1 of ops", "", "this takes 1 of `ops`, and only 0 there may approve; ask an administrator"),
        (
            "1 of dev, 1 of ops",
            "nobody is left for 1 of ops, as one person fills one slot",
            "this takes 1 of `ops`, and only 0 there may approve; ask an administrator",
        ),
    ] {
        let (directory, policy) = understood(directory, &rule(quorum));
        let ways = who_can(&policy, &directory, &"root@web".parse().unwrap(), Span::ZERO, now()).unwrap();
        let told: Vec<String> =
            ways.iter().map(|way| way.hopeless.as_ref().map(ToString::to_string).unwrap_or_default()).collect();
        assert_eq!(told, [ann, bob], "{quorum}");
    }
}
