//! Hand-written Cedar beside the rules, and what happens when a statement fails.

use super::rulings::ONE_RULE;
use super::table;

#[test]
fn hand_written_cedar_stands_beside_the_rules() {
    let cedar = r#"
        // Programs may run one command, by day and without being asked.
        @rule("nightly") @quorum("auto") @max("10m") @ttl("1m") @allow("")
        permit (principal in Group::"jobs", action == Action::"login", resource)
        when { context.login == "backup" && context has command && context.command like "restic *" };

        @require("long windows are looked at") @quorum("1 of security")
        permit (principal, action, resource) when { context.window > 1800 };

        @forbid("the print server: it is haunted")
        forbid (principal, action, resource == Host::"old-2");

        forbid (principal, action, resource in Label::"role=web") when { context.login == "nobody" };
    "#;
    table(
        &ONE_RULE.replace("\"self\"", "\"nobody\""),
        Some(cedar),
        &[
            (
                "backup backup@web-1 10m command=restic",
                "no rule lets `backup` ask for this login on `web-1`; `hallpass ls` shows what you may ask for",
            ),
            ("alice root@web-1 30m", "prod-oncall: 1 of sre; root on web-1; 1h/5m [pty]"),
            ("alice root@web-1 31m", "prod-oncall: 1 of security, 1 of sre; root on web-1; 1h/5m [pty]"),
            (
                "alice root@old-1 10m",
                "no rule lets `alice` ask for this login on `old-1`; `hallpass ls` shows what you may ask for",
            ),
            (
                "alice root@old-2 10m",
                "no rule lets `alice` ask for this login on `old-1`; `hallpass ls` shows what you may ask for",
            ),
            ("alice nobody@web-1 10m", "forbidden on `web-1` by extra.cedar:13; no approval can change that"),
        ],
    );
}

#[test]
fn a_statement_that_fails_refuses_and_is_never_skipped() {
    let overflow = "9223372036854775807 + context.window > 0";
    let failing = [
        format!("forbid (principal, action, resource) when {{ {overflow} }};"),
        format!("@require(\"r\") @quorum(\"1 of sre\") permit (principal, action, resource) when {{ {overflow} }};"),
        format!(
            "@rule(\"x\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\") permit (principal, action, resource) \
             when {{ {overflow} }};"
        ),
    ];
    for cedar in failing {
        table(
            ONE_RULE,
            Some(&cedar),
            &[(
                "alice root@web-1 30m",
                "the policy cannot be evaluated for this request, so nothing is allowed: error while evaluating policy \
                 `extra.cedar:1#1`: integer overflow while attempting to add the values `9223372036854775807` and `1800`; an \
                 administrator must mend it",
            )],
        );
    }
}
