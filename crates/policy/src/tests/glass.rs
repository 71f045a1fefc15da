//! Break-glass: which paths permit it, what of rules and requirements it keeps, and what is said of it beforehand.

use directory::Source;

use super::{ask, compile, directory, now, table};
use crate::{Divergence, Ruling, divergences, explain, read_cases, reviewers, rule};

const ACCESS: &str = r#"
    [[rule]]
    name = "prod"
    who = "sre"
    hosts = "env=prod"
    logins = ["root"]
    approve = "2 of sre"
    break_glass = "15m reviewed by security"
    break_glass_key = "sk"
    max = "1h"
    ttl = "5m"
    allow = ["pty", "port-forwarding"]
    [[rule]]
    name = "web"
    who = "sre"
    hosts = "role=web"
    logins = ["root"]
    approve = "1 of sre"
    break_glass = "5m reviewed by lonely"
    max = "1h"
    ttl = "5m"
    [[rule]]
    name = "mail"
    who = "sre"
    hosts = "age=old"
    logins = ["root"]
    approve = "1 of sre"
    max = "1h"
    ttl = "5m"
    [[require]]
    hosts = "role=db"
    approve = "1 of security"
    ticket = "INC-[0-9]+"
    allow = ["pty"]
    max = "10m"
"#;

#[test]
fn it_takes_nobodys_approval_and_everything_else_that_is_asked() {
    table(
        ACCESS,
        None,
        &[
            (
                "bob root@web-1 5m glass=first keys=sk/",
                "prod: auto; root on web-1; 15m/5m [port-forwarding pty]; asked sk; reviewed by security",
            ),
            (
                "bob root@web-1 5m glass=owed keys=sk/",
                "prod: 1 of security; root on web-1; 15m/5m [port-forwarding pty]; asked sk; reviewed by security",
            ),
            (
                "bob root@db-1 10m ticket=INC-1 glass=first keys=sk/",
                "prod: auto; root on db-1; 10m/5m [pty]; asked sk; reviewed by security",
            ),
            (
                "bob root@db-1 10m glass=first keys=sk/",
                "this needs a ticket that matches INC-[0-9]+; give one with --ticket",
            ),
            ("bob root@web-1 5m glass=first keys=/", "web: auto; root on web-1; 5m/5m []; reviewed by lonely"),
            (
                "bob root@web-1 10m glass=first keys=/",
                "the rule `prod` takes requests that are signed with a FIDO key; sign with a key of kind ed25519-sk or \
                 ecdsa-sk (--key)",
            ),
            (
                "bob root@web-1 20m glass=first keys=sk/",
                "a window of 20m is longer than the 15m that the rule `prod` allows; ask for 15m or less",
            ),
            (
                "bob root@old-1 5m glass=first",
                "no rule permits break-glass for this; ask in the ordinary way, without --break-glass",
            ),
            ("bob root@old-1 5m", "mail: 1 of sre; root on old-1 old-2; 1h/5m []; realm legacy"),
            (
                "erin root@web-1 5m glass=first",
                "no rule lets `erin` ask for this login on `web-1`; `hallpass ls` shows what you may ask for",
            ),
            (
                "alice root@web-1 5m rule=web glass=first",
                "the rule `web` has break-glass reviewed by `lonely`, and nobody but you could: ask in the ordinary way, and an \
                 administrator to add somebody to the group",
            ),
        ],
    );
}

#[test]
fn what_rules_say_of_extensions_is_not_said_of_it() {
    let auto = ACCESS.replace("approve = \"2 of sre\"", "approve = \"2 of sre\"\n    extend = \"auto\"");
    let glass = "bob root@web-1 5m keys=sk/ extends=2026-03-01T13:57:00Z/- glass=";
    let rest = "; root on web-1; 15m/5m [port-forwarding pty]; asked sk; extends; reviewed by security";
    table(
        &auto,
        None,
        &[
            (&format!("{glass}owed"), &format!("prod: 1 of security{rest}")),
            (&format!("{glass}first"), &format!("prod: auto{rest}")),
        ],
    );
}

#[test]
fn a_requirement_rules_it_out_and_a_prohibition_wins() {
    let ruled_out = format!("{ACCESS}\n[[require]]\nhosts = \"role=db\"\nno_break_glass = true\n");
    let refused =
        "what is required on these hosts rules break-glass out; ask in the ordinary way, without --break-glass";
    table(&ruled_out, None, &[("bob root@db-1 5m ticket=INC-1 glass=first", refused)]);
    table(&ruled_out, None, &[("bob root@env=prod 5m ticket=INC-1 glass=first", refused)]);
    let forbidden = format!("{ACCESS}\n[[forbid]]\nwho = \"sre\"\nhosts = \"web-1\"\n");
    let told = "forbidden on `web-1` by access.toml:37; no approval can change that";
    table(&forbidden, None, &[("bob root@web-1 5m glass=first", told)]);
}

#[test]
fn hand_written_rules_permit_it_by_the_same_words() {
    let cedar = "@rule(\"hand\") @quorum(\"1 of sre\") @max(\"1h\") @ttl(\"5m\") @break_glass(\"2m reviewed by security\")\n\
                 permit (principal in Group::\"sre\", action, resource in Label::\"env=stage\");\n";
    let ruling = "hand: auto; root on stage-1; 2m/5m []; reviewed by security";
    table("", Some(cedar), &[("bob root@stage-1 1m glass=first", ruling)]);
    let out = format!("{cedar}@require(\"none here\") @no_break_glass(\"true\") permit (principal, action, resource);");
    let refused =
        "what is required on these hosts rules break-glass out; ask in the ordinary way, without --break-glass";
    table("", Some(&out), &[("bob root@stage-1 1m glass=first", refused)]);
    for (wrong, says) in [
        (cedar.replace("2m reviewed by security", "2m"), "such as `15m reviewed by security`"),
        (cedar.replace("by security", "by boss"), "the group `boss` of @break_glass is not in the directory"),
        (
            cedar.replace("@break_glass(\"2m reviewed by security\")", "@break_glass_key(\"sk\")"),
            "permits no break-glass",
        ),
        (cedar.replace("@break_glass(\"2m reviewed by security\")", "@no_break_glass(\"true\")"), "for requirements"),
        (out.replace("@no_break_glass(\"true\")", "@break_glass(\"2m reviewed by sre\")"), "only a rule permits"),
        (out.replace("(\"true\")", "(\"false\")"), "expected `true`"),
    ] {
        let told = compile("", Some(&wrong)).unwrap_err().to_string();
        assert!(told.contains(says), "{wrong}\n{told}");
    }
}

#[test]
fn an_explanation_tells_what_would_be_permitted_and_what_was_taken() {
    let (policy, directory) = (compile(ACCESS, None).unwrap(), directory());
    let told = explain(&policy, &directory, &ask("bob root@web-1 5m glass=owed keys=sk/"), now());
    let names: Vec<&str> = told.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(names, ["prod", "web"], "by their order, as each takes as many people");
    let whole = &told.rules[0].whole;
    assert_eq!(whole.quorum.as_ref().map(ToString::to_string).as_deref(), Some("1 of security"));
    assert_eq!(whole.break_glass.as_ref().map(ToString::to_string).as_deref(), Some("15m reviewed by security"));
    let own = &told.rules[0].own;
    assert_eq!(own.quorum.as_ref().map(ToString::to_string).as_deref(), Some("2 of sre"));
}

#[test]
fn another_group_that_reviews_is_a_difference() {
    let (policy, directory) = (compile(ACCESS, None).unwrap(), directory());
    let asked = ask("bob root@web-1 5m glass=first keys=sk/");
    let Ruling::Permitted(was) = rule(&policy, &directory, &asked, now()) else { panic!("refused") };
    let other = compile(&ACCESS.replace("reviewed by security", "reviewed by sre"), None).unwrap();
    let found = divergences(&was, &rule(&other, &directory, &asked, now()));
    let (security, sre) = ("security".parse().ok(), "sre".parse().ok());
    assert_eq!(found, [Divergence::Reviewers(security, sre)]);
    assert_eq!(found[0].to_string(), "break-glass reviewed by sre, not security");
}

#[test]
fn those_who_review_are_enabled_people_of_the_group_and_never_who_asked() {
    let named = |requester: &str, group: &str| {
        let found = reviewers(&directory(), &requester.parse().unwrap(), &group.parse().unwrap());
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named("alice-2", "sre"), "bob carol", "no account of the same person, nobody who is disabled");
    assert_eq!(named("bob", "jobs"), "", "no program");
    assert_eq!(named("erin", "security"), "carol dave");
    assert_eq!(named("stranger", "security"), "", "whose accounts are theirs cannot be told");
}

#[test]
fn cases_expect_it_with_what_is_owed() {
    let (policy, directory) = (compile(ACCESS, None).unwrap(), directory());
    let told = |case: &str| {
        let asked = "user = \"bob\"\nask = \"root@web-1\"\nfor = \"5m\"\n";
        let source = Source::new("prod.toml", format!("[[case]]\nname = \"c\"\n{asked}{case}"));
        let wrong = match read_cases(&source, &policy, &directory) {
            Ok(cases) => cases.iter().flat_map(|case| case.judge(&policy, &directory, now()).wrong).collect(),
            Err(mistakes) => mistakes.0,
        };
        wrong.iter().map(|wrong| format!("{}: {}", wrong.line, wrong.message)).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(told("break_glass = \"first\"\nexpect = \"auto\"\nreviewed_by = \"security\""), none);
    assert_eq!(told("break_glass = \"owed\"\nexpect = \"1 of security\"\napproved_by = \"dave\""), none);
    let wrong = told("break_glass = \"first\"\nexpect = \"auto\"\nreviewed_by = \"sre\"");
    assert_eq!(wrong, ["8: expected `sre`, and it is `security`"]);
    let wrong = told("expect = \"1 of sre\"\nreviewed_by = \"security\"");
    assert_eq!(wrong, ["7: expected `security`, and it is `not break-glass`"]);
    let wrong = told("break_glass = \"yes\"\nexpect = \"auto\"");
    assert_eq!(wrong, ["6: expected `first` (nothing is owed), or `owed` (a review is)"]);
    let wrong = told("break_glass = \"first\"\nexpect = \"auto\"\nreviewed_by = \"boss\"");
    assert_eq!(wrong, ["8: the group `boss` is not in the directory"]);
}
