//! Times of day and patterns of commands: what is open when, and what refuses otherwise.

use std::collections::BTreeSet;

use super::{ask, compile, directory, shown, table, table_at};
use crate::rule_again;

fn rule(name: &str, more: &str) -> String {
    format!(
        "[[rule]]\nname = {name:?}\nwho = \"sre\"\nhosts = \"env=prod\"\nlogins = \"root\"\napprove = \"1 of sre\"\n\
         max = \"1h\"\nttl = \"5m\"\n{more}\n"
    )
}

const OFFICE: &str = "when = \"Mon-Fri 08:00-18:00 Europe/Berlin\"";
const ASKED: &str = "alice root@web-1 1h";
const OPEN: &str = "r: 1 of sre; root on web-1; 1h/5m []";
/// A Monday, in winter: 13:00 in Berlin.
const MONDAY_NOON: &str = "2026-03-02T12:00:00Z";
const MONDAY_NIGHT: &str = "2026-03-02T23:00:00Z";
const SATURDAY: &str = "2026-03-07T12:00:00Z";

#[test]
fn a_rule_is_open_in_its_hours_and_says_when_it_opens_next() {
    table_at(MONDAY_NOON, &rule("r", OFFICE), None, &[(ASKED, OPEN)]);
    let closed = |opens: &str| format!("no rule lets `alice` ask for this at this time; one does from {opens} on");
    table_at(MONDAY_NIGHT, &rule("r", OFFICE), None, &[(ASKED, &closed("2026-03-03T07:00:00Z"))]);
    table_at(SATURDAY, &rule("r", OFFICE), None, &[(ASKED, &closed("2026-03-09T07:00:00Z"))]);
    // Clocks went forward on Sunday.
    table_at("2026-03-28T12:00:00Z", &rule("r", OFFICE), None, &[(ASKED, &closed("2026-03-30T06:00:00Z"))]);
    let named = "alice root@web-1 1h rule=r";
    let closed = "the rule `r` is closed at this time; it opens at 2026-03-03T07:00:00Z";
    table_at(MONDAY_NIGHT, &rule("r", OFFICE), None, &[(named, closed)]);
    let stranger = "no rule lets `dave` ask for this login on `web-1`; `hallpass ls` shows what you may ask for";
    table_at(MONDAY_NIGHT, &rule("r", OFFICE), None, &[("dave root@web-1 1h", stranger)]);
}

#[test]
fn of_several_times_any_counts() {
    let when = "when = [\"Mon-Fri 08:00-18:00 Europe/Berlin\", \"Sat 10:00-14:00 UTC\"]";
    table_at(SATURDAY, &rule("r", when), None, &[(ASKED, OPEN)]);
    let closed = "no rule lets `alice` ask for this at this time; one does from 2026-03-07T10:00:00Z on";
    table_at("2026-03-06T20:00:00Z", &rule("r", when), None, &[(ASKED, closed)]);
}

#[test]
fn another_rule_is_taken_while_one_is_closed() {
    let access = rule("r", OFFICE) + &rule("night", "").replace("1 of sre", "2 of sre");
    table_at(MONDAY_NOON, &access, None, &[(ASKED, OPEN)]);
    table_at(MONDAY_NIGHT, &access, None, &[(ASKED, "night: 2 of sre; root on web-1; 1h/5m []")]);
}

#[test]
fn a_prohibition_holds_in_its_hours_and_says_until_when() {
    let access = rule("r", "") + "[[forbid]]\nhosts = \"*\"\nwhen = \"Fri 16:00-08:00 UTC\"\n";
    table_at("2026-03-06T15:59:59Z", &access, None, &[(ASKED, OPEN)]);
    let forbidden = "forbidden on `web-1` by access.toml:10 at this time; it is allowed from 2026-03-07T08:00:00Z on";
    table_at("2026-03-06T16:00:00Z", &access, None, &[(ASKED, forbidden)]);
    table_at("2026-03-07T08:00:00Z", &access, None, &[(ASKED, OPEN)]);
    let always = access.clone() + "[[forbid]]\nhosts = \"web-1\"\n";
    let forbidden = "forbidden on `web-1` by access.toml:10; no approval can change that";
    table_at("2026-03-06T16:00:00Z", &always, None, &[(ASKED, forbidden)]);
}

#[test]
fn when_it_opens_is_told_past_other_times_that_do_not_open_it() {
    let access = rule("r", OFFICE) + "[[forbid]]\nhosts = \"*\"\nwhen = \"00:00-12:00 UTC\"\n";
    let forbidden = "forbidden on `web-1` by access.toml:10 at this time; it is allowed from 2026-03-03T12:00:00Z on";
    table_at("2026-03-03T05:00:00Z", &access, None, &[(ASKED, forbidden)]);
}

#[test]
fn a_requirement_is_added_in_its_hours_alone() {
    let access = rule("r", "") + "[[require]]\nhosts = \"*\"\nwhen = \"20:00-06:00 UTC\"\nticket = \"INC-.*\"\n";
    table_at(MONDAY_NOON, &access, None, &[(ASKED, OPEN)]);
    let ticket = "this needs a ticket that matches INC-.*; give one with --ticket";
    table_at(MONDAY_NIGHT, &access, None, &[(ASKED, ticket), ("alice root@web-1 1h ticket=INC-1", OPEN)]);
}

#[test]
fn a_rule_that_closed_since_issues_nothing_more() {
    let policy = compile(&rule("r", OFFICE), None).unwrap();
    let hosts = BTreeSet::from(["web-1".parse().unwrap()]);
    let again = |time: &str| {
        let now = time.parse().unwrap();
        shown(rule_again(&policy, &directory(), &ask(ASKED), &"r".parse().unwrap(), &hosts, now))
    };
    assert_eq!(again("2026-03-02T16:59:59Z"), OPEN);
    assert_eq!(again("2026-03-02T17:00:00Z"), "the rule `r` is closed at this time; it opens at 2026-03-03T07:00:00Z");
}

#[test]
fn hand_written_cedar_asks_for_the_same_times_and_patterns() {
    let cedar = "@forbid(\"frozen\") forbid (principal, action, resource)\n\
                 when { context.when.contains(\"Fri 16:00-24:00 UTC\") };\n\
                 @rule(\"by-hand\") @quorum(\"auto\") @max(\"1h\") @ttl(\"5m\") permit (principal, action, resource)\n\
                 when { context[\"commands\"].contains(\"restic *\") && !context.when.contains(\"Sun 00:00-24:00 UTC\") };";
    let asked = "dave root@web-1 1h command=restic_check";
    let open = "by-hand: auto; root on web-1; 1h/5m []; only restic check";
    table_at("2026-03-06T15:00:00Z", "", Some(cedar), &[(asked, open)]);
    let frozen = "forbidden on `web-1` by frozen at this time; it is allowed from 2026-03-07T00:00:00Z on";
    table_at("2026-03-06T16:00:00Z", "", Some(cedar), &[(asked, frozen)]);
    let sunday = "no rule lets `dave` ask for this at this time; one does from 2026-03-09T00:00:00Z on";
    table_at("2026-03-08T16:00:00Z", "", Some(cedar), &[(asked, sunday)]);
}

#[test]
fn what_cannot_be_told_of_times_and_patterns_is_a_mistake() {
    let told = |condition: &str| {
        let cedar = format!("@forbid(\"x\") forbid (principal, action, resource) when {{ {condition} }};");
        compile("", Some(&cedar)).expect_err(condition).to_string()
    };
    for (condition, why) in [
        ("context.when.contains(\"Mon-Fri 08:00-18:00 Europe/Berln\")", "not in the IANA database"),
        ("context.when.contains(\"weekdays\")", "expected days, hours and a time zone"),
        ("context.commands.contains(\"ls $HOME\")", "no command has the word"),
        ("context.when.contains(context.login)", "write times of day out"),
        ("context.when.containsAny([\"08:00-18:00 UTC\"])", "write times of day out"),
        ("context.when == [\"08:00-18:00 UTC\"]", "write times of day out"),
        ("[\"08:00-18:00 UTC\"].containsAll(context.when)", "write times of day out"),
        ("{ a: context.when }.a.contains(\"08:00-18:00 UTC\")", "write times of day out"),
        ("context.commands.isEmpty()", "write patterns of commands out"),
        ("if context.window > 5 then context.commands.contains(\"\") else false", "expected words"),
    ] {
        let told = told(condition);
        assert!(told.contains(why) && told.contains("extra.cedar:1"), "{condition}: {told}");
    }
}

#[test]
fn a_rule_with_commands_opens_for_those_alone_and_never_for_a_shell() {
    let access = rule("r", "commands = [\"systemctl restart *\", \"journalctl ...\"]");
    let only = "no rule lets `alice` ask for this on `web-1`; rules there take one of these commands: journalctl ..., systemctl \
                restart *; ask for one with -- COMMAND";
    table(
        &access,
        None,
        &[
            ("alice root@web-1 1h command=systemctl_restart_nginx", &format!("{OPEN}; only systemctl restart nginx")),
            ("alice root@web-1 1h command=journalctl_-u_nginx_-f", &format!("{OPEN}; only journalctl -u nginx -f")),
            (ASKED, only),
            ("alice root@web-1 1h command=systemctl_restart", only),
            ("alice root@web-1 1h command=systemctl_restart_nginx_now", only),
            ("alice root@web-1 1h command=systemctl", only),
        ],
    );
    let shell = access + &rule("shell", "").replace("1 of sre", "2 of sre");
    table(
        &shell,
        None,
        &[
            ("alice root@web-1 1h command=journalctl", &format!("{OPEN}; only journalctl")),
            (ASKED, "shell: 2 of sre; root on web-1; 1h/5m []"),
        ],
    );
}

#[test]
fn times_and_patterns_are_conditions_in_cedar() {
    let more =
        "when = [\"Mon-Fri 08:00-18:00 Europe/Berlin\", \"22:00-02:00 UTC\"]\ncommands = \"systemctl restart *\"";
    let text = compile(&rule("r", more), None).unwrap().cedar_text().to_owned();
    let expected = "when { context.login == \"root\" }\n\
                    when { context.when.contains(\"Mon-Fri 08:00-18:00 Europe/Berlin\") || context.when.contains(\"22:00-02:00 UTC\") }\n\
                    when { context.commands.contains(\"systemctl restart *\") };\n";
    assert!(text.ends_with(&(expected.to_owned() + "\n")), "{text}");
}
