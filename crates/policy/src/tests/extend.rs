//! Extensions: the approvals they take, and how long they may be.

use super::{compile, table};

fn rule(more: &str) -> String {
    format!(
        "[[rule]]\nname = \"r\"\nwho = \"sre\"\nhosts = \"env=prod\"\nlogins = \"root\"\napprove = \"1 of sre\"\n\
         max = \"1h\"\nttl = \"5m\"\n{more}\n"
    )
}

fn require(more: &str) -> String {
    format!("[[require]]\nhosts = \"data=pii\"\n{more}\n")
}

/// Open for half an hour, and asked to go on from its end, in a quarter of an hour.
const EXTENDS: &str = "extends=2026-03-01T13:47:00Z/2026-03-01T14:17:00Z";

#[test]
fn an_extension_takes_what_a_new_request_takes_unless_the_rule_says_so() {
    let extending = format!("alice root@web-1 30m {EXTENDS}");
    let asked = extending.as_str();
    table(&rule(""), None, &[(asked, "r: 1 of sre; root on web-1; 1h/5m []; extends")]);
    let auto = rule("extend = \"auto\"");
    table(
        &auto,
        None,
        &[
            (asked, "r: auto; root on web-1; 1h/5m []; extends; rests"),
            ("alice root@web-1 30m", "r: 1 of sre; root on web-1; 1h/5m []"),
        ],
    );
    let other = rule("extend = \"1 of security\"");
    table(&other, None, &[(asked, "r: 1 of security; root on web-1; 1h/5m []; extends; rests")]);
}

#[test]
fn what_a_rule_says_of_extensions_is_about_its_own_quorum_alone() {
    let extending = format!("alice root@db-1 30m {EXTENDS}");
    let asked = extending.as_str();
    let rests = "; root on db-1; 1h/5m []; extends; rests";
    let of_rule = rule("extend = \"auto\"") + &require("approve = \"1 of security\"");
    table(&of_rule, None, &[(asked, &format!("r: 1 of security{rests}"))]);
    let of_both = rule("extend = \"auto\"") + &require("approve = \"1 of security\"\nextend = \"auto\"");
    table(&of_both, None, &[(asked, &format!("r: auto{rests}"))]);
    let of_requirement = rule("") + &require("approve = \"1 of security\"\nextend = \"auto\"");
    table(&of_requirement, None, &[(asked, &format!("r: 1 of sre{rests}"))]);
    let only_of_extensions = rule("extend = \"auto\"") + &require("extend = \"1 of security\"");
    table(
        &only_of_extensions,
        None,
        &[(asked, &format!("r: 1 of security{rests}")), ("alice root@db-1 30m", "r: 1 of sre; root on db-1; 1h/5m []")],
    );
}

#[test]
fn the_longest_window_counts_from_the_first_second_of_all() {
    let fits = "r: 1 of sre; root on web-1; 1h/5m []; extends";
    let too_long = |left: &str| {
        format!(
            "the rule `r` allows 1h in all, which 7K3F9-QXMWT with its extensions counts from 2026-03-01T13:47:00Z; {left}"
        )
    };
    let late = "extends=2026-03-01T13:47:00Z/2026-03-01T14:50:00Z";
    table(
        &rule(""),
        None,
        &[
            (&format!("alice root@web-1 30m {EXTENDS}"), fits),
            (&format!("alice root@web-1 31m {EXTENDS}"), &too_long("at most 30m more: ask for that, or anew")),
            ("alice root@web-1 45m extends=2026-03-01T13:47:00Z/-", fits),
            (
                "alice root@web-1 46m extends=2026-03-01T13:47:00Z/-",
                &too_long("at most 45m more: ask for that, or anew"),
            ),
            (&format!("alice root@web-1 1m {late}"), &too_long("nothing is left of that: ask anew")),
            (
                &format!("alice root@web-1 2h {EXTENDS}"),
                "a window of 2h is longer than the 1h that the rule `r` allows; ask for 1h or less",
            ),
        ],
    );
}

#[test]
fn hand_written_rules_say_so_with_an_annotation() {
    let cedar = |extend: &str| {
        format!(
            "@rule(\"r\") @quorum(\"1 of sre\") @max(\"1h\") @ttl(\"5m\") @extend({extend:?})\n\
             permit (principal in Group::\"sre\", action, resource);"
        )
    };
    let asked = format!("alice root@web-1 30m {EXTENDS}");
    table("", Some(&cedar("auto")), &[(&asked, "r: auto; root on web-1; 1h/5m []; extends; rests")]);
    let unknown = compile("", Some(&cedar("1 of ghosts"))).unwrap_err().to_string();
    assert!(unknown.contains("the group `ghosts` of @extend is not in the directory"), "{unknown}");
    assert!(compile("", Some(&cedar("soon"))).is_err());
    let unknown = compile(&rule("extend = \"1 of ghosts\""), None).unwrap_err().to_string();
    assert!(unknown.contains("the group `ghosts` is not in the directory"), "{unknown}");
}
