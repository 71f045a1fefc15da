//! A slice says what the whole policy says.

use domain::Target;
use proptest::prelude::*;

use super::{ask, compile, directory, now};
use crate::evaluate::evaluate;
use crate::facts::{Asker, facts};
use crate::{Policy, Refusal};

const PRINCIPALS: [&str; 8] = [
    "principal",
    "principal is User",
    "principal == User::\"alice\"",
    "principal in User::\"bob\"",
    "principal in Group::\"sre\"",
    "principal in Group::\"security\"",
    "principal is User in Group::\"contractors\"",
    "principal in Group::\"nobody\"",
];
const RESOURCES: [&str; 8] = [
    "resource",
    "resource is Host",
    "resource == Host::\"web-1\"",
    "resource in Host::\"db-1\"",
    "resource in Label::\"env=prod\"",
    "resource in Label::\"role=web\"",
    "resource is Host in Label::\"data=pii\"",
    "resource in Label::\"no=where\"",
];
/// The last one fails whenever it is evaluated.
const CONDITIONS: [&str; 9] = [
    "",
    "when { context.login == \"root\" }",
    "when { principal has login && context.login == principal.login }",
    "unless { resource in Label::\"env=stage\" }",
    "when { principal in Group::\"sre\" || context.window > 3600 }",
    // One that holds at the time of the tests, one that does not, and a pattern that the command of some matches.
    "when { context.when.contains(\"Sun 08:00-18:00 Europe/Berlin\") }",
    "unless { context.when.contains(\"Mon-Fri 08:00-18:00 Europe/Berlin\") }",
    "when { context.commands.contains(\"systemctl restart *\") }",
    "when { 9223372036854775807 + context.window > 0 }",
];
const HEADS: [&str; 3] = [
    "@rule(\"NAME\") @quorum(\"auto\") @max(\"1h\") @ttl(\"5m\") permit",
    "@require(\"NAME\") @quorum(\"1 of sre\") permit",
    "@forbid(\"NAME\") forbid",
];
const USERS: [&str; 5] = ["alice", "bob", "dave", "erin", "backup"];
const LOGINS: [&str; 3] = ["root", "al", "bob"];
const HOSTS: [&str; 4] = ["web-1", "db-1", "stage-1", "old-1"];

fn statement() -> impl Strategy<Value = [&'static str; 4]> {
    // Prohibitions and failures are rarer than permits, or they would hide everything else.
    let head = prop_oneof![6 => Just(HEADS[0]), 3 => Just(HEADS[1]), 1 => Just(HEADS[2])];
    let sound = prop::sample::select(&CONDITIONS[..8]);
    let condition = prop_oneof![30 => sound, 1 => Just(CONDITIONS[8])];
    (head, prop::sample::select(&PRINCIPALS[..]), prop::sample::select(&RESOURCES[..]), condition)
        .prop_map(|(head, principal, resource, condition)| [head, principal, resource, condition])
}

fn cedar(statements: &[[&str; 4]]) -> String {
    let texts = statements.iter().enumerate().map(|(place, [head, principal, resource, condition])| {
        let head = head.replace("NAME", &format!("s{place}"));
        format!("{head} ({principal}, action, {resource}) {condition};\n")
    });
    texts.collect()
}

/// What matches on one host, by the slice and by the whole; a failure counts as a failure, whichever came first.
fn both(policy: &Policy, asked: &str) -> (Result<String, String>, Result<String, String>) {
    let (directory, ask) = (directory(), ask(asked));
    let Target::Host(name) = &ask.target else { panic!("one host") };
    let (user, host) = (directory.user(&ask.requester).unwrap(), directory.host(name.as_str()).unwrap());
    let domain::AskedLogin::Named(login) = &ask.login else { panic!("a named login") };
    let (users, hosts) = (policy.vocabulary.user(&directory, user), policy.vocabulary.host(host));
    let asker = Asker::new(&policy.conditions, user, login, &ask, now()).unwrap();
    let facts = facts(&policy.vocabulary, &asker, &users, (host, &hosts)).unwrap();
    let everything: Vec<usize> = (0..policy.statements.len()).collect();
    let says = |places: &[usize]| match evaluate(policy, places, &facts, &host.name) {
        Ok(matched) => Ok(format!("{matched:?}")),
        Err(Refusal::Evaluation(_)) => Err("fails".to_owned()),
        Err(refusal) => Err(refusal.to_string()),
    };
    (says(&policy.slices.of(&users, &hosts)), says(&everything))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_slice_says_what_the_whole_says(statements in prop::collection::vec(statement(), 0..40)) {
        let policy = compile("", Some(&cedar(&statements))).map_err(|m| TestCaseError::fail(m.to_string()))?;
        for user in USERS {
            for host in HOSTS {
                for (login, more) in LOGINS.into_iter().zip(["", " command=systemctl_restart_nginx", " command=uptime"]) {
                    let (slice, whole) = both(&policy, &format!("{user} {login}@{host} 1h{more}"));
                    prop_assert_eq!(slice, whole, "{} {}@{}\n{}", user, login, host, cedar(&statements));
                }
            }
        }
    }
}

const WHO: [&str; 4] = ["sre", "security", "contractors", "nobody"];
const ON: [&str; 8] = [
    "*",
    "web-1",
    "env=prod",
    "env=prod,role=web",
    "data=pii,env=prod",
    "data=pii,role=db",
    "env=stage,role=web",
    "no=where,env=prod",
];

/// An entry of `access.toml`: of which kind, for whom, on which hosts.
fn entry() -> impl Strategy<Value = (u8, &'static str, &'static str)> {
    (
        prop_oneof![6 => Just(0), 3 => Just(1), 1 => Just(2)],
        prop::sample::select(&WHO[..]),
        prop::sample::select(&ON[..]),
    )
}

fn access(entries: &[(u8, &str, &str)]) -> String {
    let texts = entries.iter().enumerate().map(|(place, (kind, who, hosts))| match kind {
        0 => format!(
            "[[rule]]\nname = \"r{place}\"\nwho = \"{who}\"\nhosts = \"{hosts}\"\nlogins = [\"root\", \"self\"]\n\
             approve = \"auto\"\nmax = \"1h\"\nttl = \"5m\"\n"
        ),
        1 => format!("[[require]]\nhosts = \"{hosts}\"\nmax = \"{}s\"\n", place + 1),
        _ => format!("[[forbid]]\nwho = \"{who}\"\nhosts = \"{hosts}\"\n"),
    });
    texts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_slice_by_the_rarest_label_says_what_the_whole_says(entries in prop::collection::vec(entry(), 0..30)) {
        let policy = compile(&access(&entries), None).map_err(|m| TestCaseError::fail(m.to_string()))?;
        for (user, host) in USERS.iter().flat_map(|user| HOSTS.iter().map(move |host| (user, host))) {
            for login in LOGINS {
                let (slice, whole) = both(&policy, &format!("{user} {login}@{host} 1h"));
                prop_assert_eq!(slice, whole, "{} {}@{}\n{}", user, login, host, access(&entries));
            }
        }
    }
}

#[test]
fn a_slice_leaves_out_what_cannot_apply() {
    let statements: Vec<[&str; 4]> = PRINCIPALS
        .iter()
        .flat_map(|principal| RESOURCES.iter().map(move |resource| [HEADS[2], *principal, *resource, ""]))
        .collect();
    let policy = compile("", Some(&cedar(&statements))).unwrap();
    let directory = directory();
    let user = directory.user(&"alice".parse().unwrap()).unwrap();
    let (users, hosts) =
        (policy.vocabulary.user(&directory, user), policy.vocabulary.host(directory.host("w1").unwrap()));
    // Alice by name, as anybody, and in sre (not security, contractors, or as bob); web-1 likewise by 5 of 8 scopes.
    assert_eq!(policy.slices.of(&users, &hosts).len(), 4 * 5);
}
