//! Who asks for what, and what the policy says.

use super::table;

pub(super) const ONE_RULE: &str = r#"
    [[rule]]
    name = "prod-oncall"
    who = "sre"
    hosts = "env=prod"
    logins = ["root", "self"]
    approve = "1 of sre"
    max = "1h"
    ttl = "5m"
    allow = ["pty"]
"#;

#[test]
fn a_rule_opens_its_logins_on_its_hosts_to_its_people() {
    table(
        ONE_RULE,
        None,
        &[
            ("alice root@web-1 30m", "prod-oncall: 1 of sre; root on web-1; 1h/5m [pty]"),
            ("alice root@w1 30m", "prod-oncall: 1 of sre; root on web-1; 1h/5m [pty]"),
            ("alice web-1 1h", "prod-oncall: 1 of sre; al on web-1; 1h/5m [pty]"),
            ("alice al@web-1 1h", "prod-oncall: 1 of sre; al on web-1; 1h/5m [pty]"),
            ("alice root@env=prod 30m", "prod-oncall: 1 of sre; root on db-1 web-1; 1h/5m [pty]"),
            ("alice root@web-1 30m command=uptime", "prod-oncall: 1 of sre; root on web-1; 1h/5m [pty]; only uptime"),
            (
                "alice bob@web-1 30m",
                "no rule lets `alice` ask for this login on `web-1`; `hallpass ls` shows what you may ask for",
            ),
            (
                "alice root@stage-1 30m",
                "no rule lets `alice` ask for this login on `stage-1`; `hallpass ls` shows what you may ask for",
            ),
            (
                "dave root@web-1 30m",
                "no rule lets `dave` ask for this login on `web-1`; `hallpass ls` shows what you may ask for",
            ),
            (
                "alice root@role=web 30m",
                "no rule lets `alice` ask for this login on `stage-1`; `hallpass ls` shows what you may ask for",
            ),
        ],
    );
}

#[test]
fn what_does_not_exist_is_refused_by_name() {
    table(
        ONE_RULE,
        None,
        &[
            ("zoe root@web-1 30m", "the user `zoe` is not in the directory; ask an administrator to add it"),
            ("mallory root@web-1 30m", "the user `mallory` is disabled; ask an administrator"),
            (
                "alice root@web-9 30m",
                "the host `web-9` is not in the inventory; `hallpass ls` shows the hosts there are",
            ),
            (
                "alice root@env=test 30m",
                "no host has the labels `env=test`; `hallpass ls` shows the hosts and their labels",
            ),
            ("erin web-1 30m", "the directory maps `self` to no login for `erin`; name the login, as in root@HOST"),
        ],
    );
}

#[test]
fn a_window_fits_the_rule_or_is_refused() {
    table(
        ONE_RULE,
        None,
        &[
            ("alice root@web-1 1h", "prod-oncall: 1 of sre; root on web-1; 1h/5m [pty]"),
            (
                "alice root@web-1 1h1s",
                "a window of 1h1s is longer than the 1h that the rule `prod-oncall` allows; ask for 1h or less",
            ),
            ("alice root@web-1 0s", "a window of no time opens nothing; ask for longer than 0s"),
        ],
    );
}

const THREE_PATHS: &str = r#"
    [[rule]]
    name = "two-people"
    who = "sre"
    hosts = "*"
    logins = "root"
    approve = "2 of sre"
    max = "1d"
    ttl = "10m"
    allow = ["pty", "port-forwarding"]
    [[rule]]
    name = "one-of-security"
    who = ["sre", "security"]
    hosts = ["env=prod", "stage-1"]
    logins = "root"
    approve = "1 of security"
    max = "1h"
    ttl = "5m"
    [[rule]]
    name = "one-of-sre"
    who = "sre"
    hosts = "env=prod"
    logins = "root"
    approve = "1 of sre"
    max = "4h"
    ttl = "5m"
    [[rule]]
    name = "with-ticket"
    who = "sre"
    hosts = "web-1"
    logins = "root"
    approve = "auto"
    max = "30m"
    ttl = "1m"
    ticket = "INC-[0-9]+"
"#;

#[test]
fn the_path_with_the_fewest_people_is_taken_and_a_tie_goes_to_the_first() {
    table(
        THREE_PATHS,
        None,
        &[
            ("alice root@web-1 30m", "one-of-security: 1 of security; root on web-1; 1h/5m []"),
            ("alice root@web-1 30m ticket=INC-42", "with-ticket: auto; root on web-1; 30m/1m []"),
            ("alice root@web-1 2h ticket=INC-42", "one-of-sre: 1 of sre; root on web-1; 4h/5m []"),
            ("alice root@web-1 20h", "two-people: 2 of sre; root on web-1; 1d/10m [port-forwarding pty]"),
            // Dave is not in sre; carol is all of security but dave.
            ("dave root@web-1 30m", "one-of-security: 1 of security; root on web-1; 1h/5m []"),
            (
                "dave root@web-1 2h",
                "a window of 2h is longer than the 1h that the rule `one-of-security` allows; ask for 1h or less",
            ),
        ],
    );
}

#[test]
fn a_rule_chosen_by_name_is_taken_when_it_applies() {
    table(
        THREE_PATHS,
        None,
        &[
            ("alice root@web-1 30m rule=one-of-sre", "one-of-sre: 1 of sre; root on web-1; 4h/5m []"),
            (
                "alice root@web-1 30m rule=two-people",
                "two-people: 2 of sre; root on web-1; 1d/10m [port-forwarding pty]",
            ),
            (
                "dave root@web-1 30m rule=one-of-sre",
                "the rule `one-of-sre` does not apply to this request; these do: one-of-security",
            ),
            (
                "alice root@web-1 30m rule=with-ticket",
                "this needs a ticket that matches INC-[0-9]+; give one with --ticket",
            ),
            (
                "alice root@stage-1 30m rule=none",
                "the rule `none` does not apply to this request; these do: one-of-security, two-people",
            ),
        ],
    );
}

#[test]
fn one_rule_covers_all_hosts_of_a_request() {
    table(
        THREE_PATHS,
        None,
        &[
            ("alice root@env=prod 30m ticket=INC-1", "one-of-security: 1 of security; root on db-1 web-1; 1h/5m []"),
            ("alice root@role=web 30m", "one-of-security: 1 of security; root on stage-1 web-1; 1h/5m []"),
        ],
    );
    let apart = r#"
        [[rule]]
        name = "web"
        who = "sre"
        hosts = "web-1"
        logins = "root"
        approve = "auto"
        max = "1h"
        ttl = "5m"
        [[rule]]
        name = "db"
        who = "sre"
        hosts = "db-1"
        logins = "root"
        approve = "auto"
        max = "1h"
        ttl = "5m"
    "#;
    let refusal = "no single rule covers all of these hosts; ask for them one by one, or by narrower labels";
    table(apart, None, &[("alice root@env=prod 30m", refusal)]);
}

const REQUIRE_AND_FORBID: &str = r#"
    [[rule]]
    name = "prod"
    who = ["sre", "contractors", "security"]
    hosts = "env=prod"
    logins = ["root", "deploy"]
    approve = "1 of sre"
    max = "4h"
    ttl = "10m"
    allow = ["pty", "agent-forwarding", "user-rc"]
    [[require]]
    hosts = "data=pii"
    approve = "1 of security, 2 of sre"
    ticket = "^(INC|CHG)-[0-9]+$"
    max = "1h"
    ttl = "2m"
    allow = ["pty", "agent-forwarding", "x11-forwarding"]
    [[require]]
    who = "contractors"
    hosts = "role=web"
    allow = ["pty"]
    [[forbid]]
    who = "contractors"
    hosts = "data=pii"
    [[forbid]]
    logins = "deploy"
    hosts = "db-1"
"#;

#[test]
fn requirements_add_to_every_path_that_touches_their_hosts() {
    table(
        REQUIRE_AND_FORBID,
        None,
        &[
            ("alice root@web-1 2h", "prod: 1 of sre; root on web-1; 4h/10m [agent-forwarding pty user-rc]"),
            (
                "alice root@db-1 1h ticket=INC-7",
                "prod: 1 of security, 2 of sre; root on db-1; 1h/2m [agent-forwarding pty]",
            ),
            (
                "alice root@env=prod 1h ticket=CHG-7",
                "prod: 1 of security, 2 of sre; root on db-1 web-1; 1h/2m [agent-forwarding pty]",
            ),
            ("erin root@web-1 2h", "prod: 1 of sre; root on web-1; 4h/10m [pty]"),
            ("alice root@db-1 1h", "this needs a ticket that matches ^(INC|CHG)-[0-9]+$; give one with --ticket"),
            (
                "alice root@db-1 1h ticket=XINC-7",
                "the ticket does not match ^(INC|CHG)-[0-9]+$; give one that does with --ticket",
            ),
            (
                "alice root@env=prod 2h ticket=INC-7",
                "a window of 2h is longer than the 1h that the rule `prod` allows; ask for 1h or less",
            ),
        ],
    );
}

#[test]
fn a_requirement_alone_opens_nothing() {
    let only = "[[require]]\nhosts = \"*\"\napprove = \"auto\"\nmax = \"1h\"\nttl = \"5m\"";
    let refusal = "no rule lets `alice` ask for this login on `web-1`; `hallpass ls` shows what you may ask for";
    table(only, None, &[("alice root@web-1 30m", refusal)]);
}

#[test]
fn what_is_forbidden_no_rule_opens() {
    table(
        REQUIRE_AND_FORBID,
        None,
        &[
            ("erin root@db-1 30m", "forbidden on `db-1` by access.toml:22; no approval can change that"),
            ("erin root@env=prod 30m", "forbidden on `db-1` by access.toml:22; no approval can change that"),
            ("alice deploy@db-1 30m", "forbidden on `db-1` by access.toml:25; no approval can change that"),
            ("alice deploy@web-1 1h", "prod: 1 of sre; deploy on web-1; 4h/10m [agent-forwarding pty user-rc]"),
        ],
    );
}

#[test]
fn a_ticket_matches_as_a_whole() {
    let alternatives = r#"
        [[rule]]
        name = "r"
        who = "sre"
        hosts = "*"
        logins = "root"
        approve = "auto"
        max = "1h"
        ttl = "5m"
        ticket = "INC-[0-9]+|none"
    "#;
    let mismatch = "the ticket does not match INC-[0-9]+|none; give one that does with --ticket";
    table(
        alternatives,
        None,
        &[
            ("alice root@web-1 30m ticket=none", "r: auto; root on web-1; 1h/5m []"),
            ("alice root@web-1 30m ticket=nonesuch", mismatch),
            ("alice root@web-1 30m ticket=INC-4x", mismatch),
            ("alice root@web-1 30m ticket=XINC-4", mismatch),
        ],
    );
}

#[test]
fn a_plain_host_stands_for_its_whole_realm() {
    let all = r#"
        [[rule]]
        name = "old"
        who = "sre"
        hosts = ["age=old", "web-1"]
        logins = "root"
        approve = "1 of sre"
        max = "1h"
        ttl = "5m"
        [[require]]
        hosts = "role=print"
        approve = "1 of security"
    "#;
    let mixed = "these hosts belong to the realm legacy and the realm museum, and one request can be for one realm or \
                 for scoped hosts; ask for them one by one";
    table(
        all,
        None,
        &[
            ("alice root@old-1 30m", "old: 1 of security, 1 of sre; root on old-1 old-2; 1h/5m []; realm legacy"),
            ("alice root@role=mail 30m", "old: 1 of security, 1 of sre; root on old-1 old-2; 1h/5m []; realm legacy"),
            ("alice root@older-1 30m", "old: 1 of sre; root on older-1; 1h/5m []; realm museum"),
            ("alice root@age=old 30m", mixed),
        ],
    );
    let one_of_two = all.replace("age=old", "old-1");
    table(
        &one_of_two,
        None,
        &[(
            "alice root@old-1 30m",
            "no rule lets `alice` ask for this login on `old-2`; `hallpass ls` shows what you may ask for",
        )],
    );
}

#[test]
fn a_quorum_that_nobody_can_fill_is_told_at_once() {
    let rules = |approve: &str| {
        format!(
            "[[rule]]\nname = \"r\"\nwho = [\"sre\", \"jobs\"]\nhosts = \"*\"\nlogins = \"root\"\n\
             approve = \"{approve}\"\nmax = \"1h\"\nttl = \"5m\""
        )
    };
    let few = |needed: u32, group: &str, available: usize| {
        format!("this takes {needed} of `{group}`, and only {available} there may approve; ask an administrator")
    };
    for (approve, asked, expected) in [
        // Of sre, alice is one person with two accounts, and mallory is disabled.
        ("3 of sre", "alice root@web-1 30m", few(3, "sre", 2)),
        ("2 of sre", "alice-2 root@web-1 30m", "r: 2 of sre; root on web-1; 1h/5m []".to_owned()),
        ("1 of lonely", "alice-2 root@web-1 30m", few(1, "lonely", 0)),
        ("1 of nobody", "alice root@web-1 30m", few(1, "nobody", 0)),
        // Bob owns the program that asks.
        ("3 of sre", "backup root@web-1 30m", few(3, "sre", 2)),
    ] {
        table(&rules(approve), None, &[(asked, &expected)]);
    }
}
