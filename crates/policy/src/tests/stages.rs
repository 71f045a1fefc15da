//! Stages of approvals, and who stands in.

use directory::{Mistake, Source};

use super::{DIRECTORY, HOSTS, ask, compile, directory, now, table};
use crate::{Asked, Files, Ruling, lint, read_cases, rule, stages};

const ACCESS: &str = r#"
    [[rule]]
    name = "prod"
    who = "contractors"
    hosts = "env=prod"
    logins = "root"
    approve = "1 of sre then 1 of security"
    escalate = "15m to lonely"
    max = "1h"
    ttl = "5m"
    [[rule]]
    name = "stage"
    who = "contractors"
    hosts = "env=stage"
    logins = "root"
    approve = "1 of sre"
    escalate = "15m to security"
    max = "1h"
    ttl = "5m"
    [[require]]
    hosts = "data=pii"
    approve = "1 of security"
    [[require]]
    hosts = "stage-1"
    approve = "1 of jobs"
    escalate = "1h to sre"
"#;

#[test]
fn who_stands_in_does_so_for_the_rule_and_not_for_what_is_required() {
    let terms = "root on web-1; 1h/5m []";
    table(
        ACCESS,
        None,
        &[
            (
                "erin root@web-1 30m",
                &format!("prod: 1 of sre or lonely after 15m then 1 of security or lonely after 15m; {terms}"),
            ),
            (
                "erin root@db-1 30m",
                "prod: 1 of security, 1 of sre or lonely after 15m then 1 of security or lonely after 15m; \
                 root on db-1; 1h/5m []",
            ),
            (
                "erin root@stage-1 30m",
                "stage: 1 of jobs or sre after 1h, 1 of sre or security after 15m; root on stage-1; 1h/5m []",
            ),
        ],
    );
    let required = ACCESS
        .replace("hosts = \"data=pii\"\n    approve = \"1 of security\"", "hosts = \"*\"\n    approve = \"1 of sre\"");
    table(
        &required,
        None,
        &[("erin root@web-1 30m", &format!("prod: 1 of sre then 1 of security or lonely after 15m; {terms}"))],
    );
}

#[test]
fn access_toml_and_cedar_say_the_same() {
    let policy = compile(ACCESS, None).unwrap();
    let quorum = "@quorum(\"1 of sre or lonely after 15m then 1 of security or lonely after 15m\")";
    assert!(policy.cedar_text().contains(quorum), "{}", policy.cedar_text());
    let by_hand = format!(
        "@rule(\"hand\") {quorum} @max(\"1h\") @ttl(\"5m\")\n\
         permit (principal in Group::\"contractors\", action, resource == Host::\"web-1\");"
    );
    let written = "1 of sre or lonely after 15m then 1 of security or lonely after 15m";
    let in_one =
        ACCESS.replace("1 of sre then 1 of security", written).replacen("escalate = \"15m to lonely\"\n", "", 1);
    let text = |access: &str, cedar| {
        let policy = compile(access, cedar).unwrap();
        let ruled = rule(&policy, &directory(), &ask("erin root@web-1 30m"), now());
        let Ruling::Permitted(given) = ruled else { panic!("refused") };
        given.quorum.to_string()
    };
    assert_eq!((text(&in_one, None), text("", Some(&by_hand))), (written.to_owned(), written.to_owned()));
}

#[test]
fn each_stage_asks_its_own_people() {
    let policy = compile(ACCESS, None).unwrap();
    let Ruling::Permitted(given) = rule(&policy, &directory(), &ask("erin root@web-1 30m"), now()) else { panic!() };
    let requester = "erin".parse().unwrap();
    let told: Vec<String> = stages(&policy, &directory(), Asked::new(&requester, &given), now())
        .iter()
        .map(|stage| {
            let names = |names: &std::collections::BTreeSet<domain::UserName>| {
                names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
            };
            let later: Vec<String> =
                stage.later.iter().map(|(after, who)| format!("; after {after}: {}", names(who))).collect();
            format!("{}: {}{}", stage.quorum, names(&stage.approvers), later.concat())
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 of sre or lonely after 15m: alice alice-2 bob carol; after 15m: ",
            "1 of security or lonely after 15m: carol dave; after 15m: alice",
        ]
    );
}

/// There are three persons in `sre`, alice with two accounts.
#[test]
fn stages_of_one_group_take_as_many_people_together() {
    for (approve, refused) in [
        ("1 of sre then 2 of sre", ""),
        ("2 of sre then 2 of sre", "this takes 4 of `sre`, and only 3 there may approve; ask an administrator"),
        ("2 of sre or security after 5m then 2 of sre", ""),
        ("1 of nobody then 1 of sre", "this takes 1 of `nobody`, and only 0 there may approve; ask an administrator"),
        ("1 of nobody or sre after 5m", ""),
    ] {
        let access =
            ACCESS.replace("1 of sre then 1 of security", approve).replacen("escalate = \"15m to lonely\"\n", "", 1);
        let policy = compile(&access, None).unwrap();
        let told = match rule(&policy, &directory(), &ask("erin root@web-1 30m"), now()) {
            Ruling::Permitted(_) => String::new(),
            Ruling::Refused(refusal) => refusal.to_string(),
        };
        assert_eq!(told, refused, "{approve}");
    }
}

fn warnings(approve: &str, more: &str) -> Vec<String> {
    let access = format!(
        "[[rule]]\nname = \"a\"\nwho = \"contractors\"\nhosts = \"web-1\"\nlogins = \"root\"\napprove = {approve:?}\n{more}\n\
         max = \"1h\"\nttl = \"1m\"\n"
    );
    let files = Files {
        directory: Source::new("directory.toml", DIRECTORY),
        hosts: Source::new("hosts.toml", HOSTS),
        access: Source::new("access.toml", access),
        cedar: None,
    };
    let (directory, policy) = files.understand().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let told = lint(&files, &policy, &directory, now()).into_iter().filter(|warning| warning.file == "access.toml");
    told.map(|warning: Mistake| format!("{}: {}", warning.line, warning.message)).collect()
}

#[test]
fn stages_that_cannot_be_filled_are_told() {
    assert_eq!(warnings("1 of security then 1 of sre", ""), [""; 0]);
    assert_eq!(warnings("2 of sre then 2 of security", ""), [""; 0], "alice, bob, and then carol and dave");
    assert_eq!(
        warnings("2 of security then 3 of sre", ""),
        ["6: nobody can have this approved: of `2 of security then 3 of sre`, 1 of sre is left open whoever asks"]
    );
    assert_eq!(
        warnings("1 of nobody then 1 of sre", ""),
        ["6: nobody can have this approved: of `1 of nobody then 1 of sre`, 1 of nobody is left open whoever asks"]
    );
    assert_eq!(warnings("1 of nobody then 1 of sre", "escalate = \"15m to security\""), [""; 0], "others stand in");
}

#[test]
fn who_stands_in_and_adds_nobody_is_told() {
    for (approve, escalate, expected) in [
        ("1 of security", "15m to sre", ""),
        ("1 of sre", "15m to lonely", "7: everybody in `lonely` is in `sre` already, so this adds nobody"),
        ("1 of sre then 1 of security", "15m to lonely", ""),
        ("1 of sre", "15m to nobody", "7: nobody in `nobody` can approve this, so nobody stands in"),
        ("1 of sre", "15m to jobs", "7: nobody in `jobs` can approve this, so nobody stands in"),
    ] {
        let told = warnings(approve, &format!("escalate = {escalate:?}"));
        assert_eq!(told.concat(), expected, "{approve}, {escalate}");
    }
    let written = warnings("1 of sre or lonely after 5m", "");
    assert_eq!(written, ["6: everybody in `lonely` is in `sre` already, so this adds nobody"]);
}

#[test]
fn cases_say_when_people_approve() {
    let (policy, directory) = (compile(ACCESS, None).unwrap(), directory());
    let wrong = |approved: &str| {
        let case = format!(
            "[[case]]\nname = \"c\"\nuser = \"erin\"\nask = \"root@web-1\"\nfor = \"30m\"\nexpect = \"1 of sre or lonely after \
             15m then 1 of security or lonely after 15m\"\n{approved}"
        );
        let source = Source::new("stages.toml", case);
        let wrong: Vec<Mistake> = match read_cases(&source, &policy, &directory) {
            Ok(cases) => cases.iter().flat_map(|case| case.judge(&policy, &directory, now()).wrong).collect(),
            Err(mistakes) => mistakes.0,
        };
        wrong.into_iter().map(|wrong| wrong.message).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(wrong("approved_by = [\"bob\", \"dave\"]\nnot_approved_by = [\"bob\", \"alice\"]"), "");
    assert_eq!(wrong("approved_by = [\"bob\", \"alice\"]\napproved_after = \"15m\""), "");
    assert_eq!(
        wrong("approved_by = [\"bob\", \"alice\"]\napproved_after = \"14m\""),
        "expected that this is enough, and it leaves open 1 of security"
    );
    assert_eq!(wrong("approved_after = \"14m\""), "nobody is said to approve then");
}
