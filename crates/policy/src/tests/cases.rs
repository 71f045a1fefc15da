//! Cases of `policy-tests/*.toml`: which hold, and what is said of those that do not.

use directory::{Mistake, Source};

use super::{compile, directory, now};
use crate::read_cases;

const ACCESS: &str = r#"
    [[rule]]
    name = "prod"
    who = ["sre", "contractors"]
    hosts = "env=prod"
    logins = ["root"]
    approve = "1 of sre"
    max = "1h"
    ttl = "5m"
    allow = ["pty"]
    [[require]]
    hosts = "data=pii"
    approve = "1 of security"
    ticket = "INC-[0-9]+"
    [[forbid]]
    who = "contractors"
    hosts = "env=prod"
"#;

/// What is wrong with a case: `FIELD AT ITS COLUMN: MESSAGE`, or the mistakes in it.
fn told(case: &str) -> Vec<String> {
    let source = Source::new("prod.toml", format!("[[case]]\nname = \"c\"\n{case}"));
    let (policy, directory) = (compile(ACCESS, None).unwrap(), directory());
    let wrong = match read_cases(&source, &policy, &directory) {
        Ok(cases) => cases.iter().flat_map(|case| case.judge(&policy, &directory, now()).wrong).collect(),
        Err(mistakes) => mistakes.0,
    };
    wrong.iter().map(|wrong: &Mistake| format!("{}: {}", wrong.line, wrong.message)).collect()
}

const WEB: &str = "user = \"alice\"\nask = \"root@web-1\"\nfor = \"30m\"\n";
const DB: &str = "user = \"alice\"\nask = \"root@db-1\"\nfor = \"30m\"\nticket = \"INC-1\"\n";
const ERIN: &str = "user = \"erin\"\nask = \"root@web-1\"\nfor = \"30m\"\n";

#[test]
fn a_case_holds_or_says_what_happened() {
    for (asked, expected, wrong) in [
        (WEB, "expect = \"1 of sre\"", ""),
        (WEB, "expect = \"1 of sre\"\ntakes = \"prod\"\nmax = \"1h\"\nttl = \"5m\"\nallow = [\"pty\"]", ""),
        (WEB, "expect = \"auto\"", "6: expected `auto`, and it is `1 of sre by prod`"),
        (WEB, "expect = \"refused\"", "6: expected `refused`, and it is `1 of sre by prod`"),
        (WEB, "expect = \"1 of sre\"\nttl = \"1m\"", "7: expected `1m`, and it is `5m`"),
        (WEB, "expect = \"1 of sre\"\nallow = []", "1: expected `allow = []`, and it is `allow = [pty]`"),
        (WEB, "expect = \"1 of sre\"\napproved_by = \"bob\"\nnot_approved_by = [\"dave\", \"alice-2\"]", ""),
        (
            WEB,
            "expect = \"1 of sre\"\napproved_by = \"alice-2\"",
            "7: `alice-2` may not approve this; who may: bob, carol",
        ),
        (WEB, "expect = \"1 of sre\"\nnot_approved_by = \"carol\"", "7: expected that this is not enough, and it is"),
        (
            DB,
            "expect = \"1 of security, 1 of sre\"\napproved_by = [\"bob\", \"carol\"]\nnot_approved_by = \"carol\"",
            "",
        ),
        (
            DB,
            "expect = \"1 of sre, 1 of security\"\napproved_by = \"carol\"",
            "8: expected that this is enough, and it leaves open 1 of sre",
        ),
        (ERIN, "expect = \"refused\"\nbecause = \"forbidden on `web-1` by access.toml\"", ""),
        (
            ERIN,
            "expect = \"refused\"\nbecause = \"no rule\"",
            "7: expected `no rule`, and it is `forbidden on `web-1` by access.toml:15; no approval can change that`",
        ),
    ] {
        let wrong: Vec<&str> = Some(wrong).filter(|wrong| !wrong.is_empty()).into_iter().collect();
        assert_eq!(told(&format!("{asked}{expected}\n")), wrong, "{asked}{expected}");
    }
}

/// A misspelt name must not make a case that expects a refusal hold.
#[test]
fn mistakes_in_a_case_are_told_with_their_lines() {
    let refused = |asked: &str| told(&format!("{asked}expect = \"refused\"\n"));
    assert_eq!(refused(&WEB.replace("alice", "alcie")), ["3: the user `alcie` is not in the directory"]);
    assert_eq!(refused(&WEB.replace("web-1", "web-9")), ["4: the host `web-9` is not in the hosts file"]);
    assert_eq!(refused(&WEB.replace("web-1", "env=prd")), ["4: no host has the labels `env=prd`"]);
    assert_eq!(refused(&format!("{WEB}rule = \"prd\"\n")), ["6: there is no rule `prd`"]);
    assert_eq!(
        told(&format!("{WEB}expect = \"yes\"\nuntil = 1\n")),
        ["6: expected `refused`, `auto`, or counts such as `2 of sre, 1 of security`", "7: unknown field `until`"]
    );
    assert_eq!(told(&format!("{WEB}expect = \"1 of srs\"\n")), ["6: the group `srs` is not in the directory"]);
    let both = told(&format!("{WEB}expect = \"refused\"\nttl = \"5m\"\n"));
    assert_eq!(both, ["6: this expects a refusal and what it permits"]);
    let (policy, directory) = (compile(ACCESS, None).unwrap(), directory());
    let empty = read_cases(&Source::new("empty.toml", "# later\n"), &policy, &directory).unwrap_err();
    assert_eq!(empty.0[0].message, "there is no case in this file");
}

#[test]
fn a_case_is_asked_at_its_own_time() {
    // From 2026-03-01T15:00:00Z on.
    let cedar = "forbid (principal, action, resource) when { context.now >= 1772377200 };";
    let (policy, directory) = (compile(ACCESS, Some(cedar)).unwrap(), directory());
    for (at, expected) in [("", "1 of sre by prod"), ("at = \"2026-03-01T15:00:00Z\"\n", "refused: forbidden on")] {
        let source = Source::new("c.toml", format!("[[case]]\nname = \"c\"\n{WEB}{at}expect = \"1 of sre\"\n"));
        let cases = read_cases(&source, &policy, &directory).unwrap();
        let said = cases[0].judge(&policy, &directory, now()).in_words();
        assert!(said.starts_with(expected), "{said}");
    }
}
