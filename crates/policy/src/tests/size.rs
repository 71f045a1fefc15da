//! Large policies.

use std::fmt::Write as _;
use std::time::Instant;

use directory::{Directory, Source};

use super::{ask, now};
use crate::{Files, Policy, Ruling, lint, rule};

/// A rule each for as many teams: their own hosts, by their own label.
fn teams(count: usize) -> (Files, Directory, Policy) {
    let (mut users, mut hosts, mut access) = (String::new(), String::new(), String::new());
    for team in 0..count {
        writeln!(users, "[[user]]\nname = \"u{team}\"\nlogin = \"u{team}\"").unwrap();
        writeln!(users, "[[user]]\nname = \"v{team}\"").unwrap();
        writeln!(users, "[[group]]\nname = \"team-{team}\"\nmembers = [\"u{team}\", \"v{team}\"]").unwrap();
        writeln!(hosts, "[[host]]\nname = \"h{team}\"\nlabels = {{ env = \"prod\", team = \"t{team}\" }}").unwrap();
        writeln!(
            access,
            "[[rule]]\nname = \"r{team}\"\nwho = \"team-{team}\"\nhosts = \"env=prod,team=t{team}\"\n\
             logins = [\"root\", \"self\"]\napprove = \"1 of team-{team}\"\nmax = \"1h\"\nttl = \"5m\"\nallow = [\"pty\"]"
        )
        .unwrap();
    }
    writeln!(access, "[[require]]\nhosts = \"env=prod\"\nttl = \"4m\"\n[[forbid]]\nlogins = \"nobody\"").unwrap();
    let files = Files {
        directory: Source::new("directory.toml", users),
        hosts: Source::new("hosts.toml", hosts),
        access: Source::new("access.toml", access),
        cedar: None,
    };
    let start = Instant::now();
    let (directory, policy) = files.understand().unwrap();
    println!("{count} rules compiled in {:?}", start.elapsed());
    (files, directory, policy)
}

#[test]
fn a_ruling_looks_at_few_of_a_thousand_rules() {
    let (_, directory, policy) = teams(1_000);
    let ask = ask("u700 root@h700 30m");
    let user = directory.user(&ask.requester).unwrap();
    let (users, hosts) =
        (policy.vocabulary.user(&directory, user), policy.vocabulary.host(directory.host("h700").unwrap()));
    assert_eq!(policy.slices.of(&users, &hosts).len(), 3, "the rule, the requirement and the prohibition");
    assert!(matches!(rule(&policy, &directory, &ask, now()), Ruling::Permitted(_)));
    let start = Instant::now();
    for _ in 0..1_000 {
        let ruling = rule(&policy, &directory, &ask, now());
        assert!(matches!(ruling, Ruling::Permitted(_)));
    }
    println!("a ruling among 1,000 rules: {:?}", start.elapsed() / 1_000);
}

#[test]
fn a_thousand_rules_are_looked_at_for_what_is_hardly_meant() {
    let (files, directory, policy) = teams(1_000);
    let start = Instant::now();
    let warnings = lint(&files, &policy, &directory, now());
    println!("warnings about 1,000 rules: {:?}", start.elapsed());
    let other = warnings.iter().find(|warning| !warning.message.contains("has no key"));
    assert_eq!((warnings.len(), other), (2_000, None), "nobody has a key, and all else is meant");
}
