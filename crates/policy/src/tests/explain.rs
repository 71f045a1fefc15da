//! An explanation says what ruled.

use domain::{Access, Owes, Text};
use proptest::prelude::*;

use super::who::{ACCESSES, NO_FIDO, USERS, accesses, directories, understood};
use super::{ask, compile, directory, now};
use crate::{Ask, Asks, Explanation, Outcome, Ruling, explain, rule};

const ACCESS: &str = r#"
    [[rule]]
    name = "on-call"
    who = "sre"
    hosts = "env=prod"
    logins = ["root", "self"]
    approve = "1 of sre"
    max = "1h"
    ttl = "5m"
    allow = ["pty"]
    [[rule]]
    name = "two"
    who = "sre"
    hosts = "role=web"
    logins = ["root"]
    approve = "2 of sre"
    max = "8h"
    ttl = "5m"
    [[rule]]
    name = "deployers"
    who = "sre"
    hosts = "*"
    logins = ["deploy"]
    approve = "auto"
    max = "1h"
    ttl = "5m"
    [[rule]]
    name = "audits"
    who = "security"
    hosts = "*"
    logins = ["root"]
    approve = "auto"
    max = "1h"
    ttl = "5m"
    [[require]]
    hosts = "data=pii"
    approve = "1 of security"
    max = "30m"
    [[forbid]]
    who = "sre"
    hosts = "env=prod"
    logins = ["games"]
    [[forbid]]
    who = "contractors"
    hosts = "env=prod"
    [[rule]]
    name = "nights"
    who = "security"
    hosts = "role=web"
    logins = ["root"]
    when = ["22:00-06:00 UTC"]
    approve = "auto"
    max = "1h"
    ttl = "5m"
    [[rule]]
    name = "restarts"
    who = "security"
    hosts = "role=web"
    logins = ["root"]
    commands = ["systemctl restart *"]
    approve = "auto"
    max = "1h"
    ttl = "5m"
"#;

/// As lines: hosts with what was found, and rules with what came of them.
fn told(words: &str) -> Vec<String> {
    let Explanation { hosts, rules, .. } = explain(&compile(ACCESS, None).unwrap(), &directory(), &ask(words), now());
    let quorum = |asks: &Asks| asks.quorum.as_ref().map(ToString::to_string).unwrap_or_default();
    let hosts = hosts.iter().flat_map(|(names, found)| {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let requirements = found.requirements.iter().map(|(by, asks)| format!("{by} asks {}", quorum(asks)));
        let rules: Vec<&str> = found.rules.iter().map(|rule| rule.as_str()).collect();
        let near = found.near.iter().map(|near| format!("near: {} {}: {}", near.kind, near.by, near.why));
        let forbidden = found.forbidden_by.iter().map(|by| format!("forbidden by {by}"));
        let first = format!("{}: {}; {} for others", names.join(" "), rules.join(" "), found.rules_for_others);
        std::iter::once(first).chain(requirements).chain(near).chain(forbidden).collect::<Vec<_>>()
    });
    let rules = rules.iter().map(|considered| {
        let (own, whole) = (quorum(&considered.own), quorum(&considered.whole));
        match &considered.outcome {
            Outcome::Taken(why) => format!("{} ({own} -> {whole}) is taken: {why}", considered.rule),
            Outcome::NotTaken(why) => format!("{} ({own} -> {whole}) is not: {why}", considered.rule),
        }
    });
    hosts.chain(rules).collect()
}

#[test]
fn every_rule_is_told_with_why_it_is_taken_or_not() {
    assert_eq!(
        told("bob root@web-1 30m"),
        [
            "web-1: on-call two; 3 for others",
            "near: rule deployers: it is for deploy, not for root",
            "near: forbid access.toml:39: it is for games, not for root",
            "on-call (1 of sre -> 1 of sre) is taken: of those that the request can take it needs the fewest people",
            "two (2 of sre -> 2 of sre) is not: `on-call` needs fewer people",
        ]
    );
    assert_eq!(
        told("bob root@web-1 2h")[3..],
        [
            "on-call (1 of sre -> 1 of sre) is not: a window of 2h is longer than the 1h that the rule `on-call` allows; \
             ask for 1h or less",
            "two (2 of sre -> 2 of sre) is taken: it is the only one that the request can take",
        ]
    );
    assert_eq!(
        told("bob root@web-1 30m rule=two")[3..],
        [
            "on-call (1 of sre -> 1 of sre) is not: `two` was asked for by name",
            "two (2 of sre -> 2 of sre) is taken: it was asked for by name",
        ]
    );
}

#[test]
fn hosts_with_the_same_are_told_together_and_what_is_required_by_its_place() {
    assert_eq!(
        told("bob self@env=prod 30m"),
        [
            "db-1: on-call; 1 for others",
            "access.toml:35 asks 1 of security",
            "near: rule deployers: it is for deploy, not for bob",
            "near: forbid access.toml:39: it is for games, not for bob",
            "web-1: on-call; 3 for others",
            "near: rule two: it is for root, not for bob",
            "near: rule deployers: it is for deploy, not for bob",
            "near: forbid access.toml:39: it is for games, not for bob",
            "on-call (1 of sre -> 1 of security, 1 of sre) is taken: it is the only one that the request can take",
        ]
    );
}

#[test]
fn a_time_of_day_and_a_command_that_do_not_fit_are_told() {
    assert_eq!(
        told("dave root@web-1 30m")[..3],
        [
            "web-1: audits; 3 for others",
            "near: rule nights: it is for 22:00-06:00 UTC, not for then",
            "near: rule restarts: it is for `systemctl restart *`, not for a shell",
        ]
    );
}

#[test]
fn what_is_refused_is_told_as_far_as_it_came() {
    assert_eq!(told("erin root@web-1 30m"), ["web-1: ; 6 for others", "forbidden by access.toml:43"]);
    assert_eq!(
        told("dave deploy@web-1 30m"),
        [
            "web-1: ; 3 for others",
            "near: rule audits: it is for root, not for deploy",
            "near: rule nights: it is for root, not for deploy",
            "near: rule restarts: it is for root, not for deploy",
        ]
    );
    assert_eq!(told("nobody-here root@web-1 30m"), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_explained_is_what_is_ruled(directory in directories(), access in accesses()) {
        let (directory, policy) = understood(&directory, &access);
        for (user, asked) in USERS.iter().flat_map(|user| ACCESSES.iter().map(move |asked| (user, asked))) {
            for (window, ticket) in [("1m", None), ("1m", Some("INC-1")), ("30m", Some("CHG-1"))] {
                for (rule_name, break_glass) in [
                    (None, None),
                    (Some("r0"), None),
                    (Some("r3"), None),
                    (None, Some(Owes::Nothing)),
                    (None, Some(Owes::Review)),
                ] {
                    let Access { login, target } = asked.parse().unwrap();
                    let ticket: Option<Text> = ticket.map(|ticket| ticket.parse().unwrap());
                    let (requester, window) = (user.parse().unwrap(), window.parse().unwrap());
                    let rule_name = rule_name.map(|name: &str| name.parse().unwrap());
                    let ask = Ask { requester, login, target, window, command: None, ticket, rule: rule_name, break_glass, keys: NO_FIDO, extends: None };
                    let explained = explain(&policy, &directory, &ask, now());
                    let ruled = rule(&policy, &directory, &ask, now());
                    prop_assert_eq!(&explained.ruling, &ruled);
                    let taken: Vec<_> =
                        explained.rules.iter().filter(|rule| matches!(rule.outcome, Outcome::Taken(_))).collect();
                    match ruled {
                        Ruling::Refused(_) => prop_assert!(taken.is_empty(), "{:?}", taken),
                        Ruling::Permitted(given) => {
                            prop_assert_eq!(taken.len(), 1);
                            prop_assert_eq!(&taken[0].rule, &given.rule);
                            prop_assert_eq!(taken[0].whole.quorum.as_ref(), Some(&given.quorum));
                            prop_assert_eq!((taken[0].whole.max, taken[0].whole.ttl), (Some(given.max), Some(given.ttl)));
                            let told: Vec<_> = explained.hosts.iter().flat_map(|(names, _)| names.clone()).collect();
                            prop_assert_eq!(told.into_iter().collect::<std::collections::BTreeSet<_>>(), given.hosts);
                            let requires = explained.hosts.iter().flat_map(|(_, found)| &found.requirements);
                            let asked = requires.filter_map(|(_, asks)| asks.quorum.as_ref());
                            let own = taken[0].own.quorum.clone().unwrap();
                            let added = asked.fold(own, |sum, quorum| sum.and(quorum));
                            let by_rule = break_glass.zip(given.break_glass).map(|(owes, group)| owes.quorum(&group));
                            prop_assert_eq!(by_rule.unwrap_or(added), given.quorum);
                        }
                    }
                }
            }
        }
    }
}
