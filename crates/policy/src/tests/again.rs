//! What policy says today of what was approved.

use std::collections::BTreeSet;

use domain::HostName;

use super::{ask, compile, directory, now, shown};
use crate::rule_again;

/// Asked for an hour on all of prod with a ticket.
const ASKED: &str = "alice root@env=prod 1h ticket=INC-1";

fn again(access: &str, asked: &str, hosts: &[&str]) -> String {
    let hosts: BTreeSet<HostName> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let policy = compile(access, None).unwrap();
    shown(rule_again(&policy, &directory(), &ask(asked), &"r".parse().unwrap(), &hosts, now()))
}

fn rule(changes: &[(&str, &str)]) -> String {
    let fine = "[[rule]]\nname = \"r\"\nwho = \"sre\"\nhosts = \"env=prod\"\nlogins = \"root\"\n\
                approve = \"1 of sre\"\nmax = \"1h\"\nttl = \"5m\"\n";
    changes.iter().fold(fine.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn only_the_hosts_to_be_opened_are_looked_at() {
    assert_eq!(again(&rule(&[]), ASKED, &["web-1"]), "r: 1 of sre; root on web-1; 1h/5m []");
    assert_eq!(again(&rule(&[]), ASKED, &["web-1", "db-1"]), "r: 1 of sre; root on db-1 web-1; 1h/5m []");
    let forbidden = rule(&[]) + "[[forbid]]\nhosts = \"db-1\"";
    assert_eq!(again(&forbidden, ASKED, &["web-1"]), "r: 1 of sre; root on web-1; 1h/5m []");
    assert!(again(&forbidden, ASKED, &["web-1", "db-1"]).starts_with("forbidden on `db-1`"));
}

#[test]
fn a_host_that_the_request_does_not_mean_is_never_opened() {
    let gone = "none of the hosts asked for is part of this request any longer; make a new request";
    assert_eq!(again(&rule(&[("\"env=prod\"", "\"*\"")]), ASKED, &["stage-1", "nowhere"]), gone);
    assert_eq!(again(&rule(&[]), "alice root@web-1 1h", &["db-1"]), gone);
}

#[test]
fn a_shorter_window_today_cuts_and_does_not_refuse() {
    assert_eq!(again(&rule(&[("\"1h\"", "\"10m\"")]), ASKED, &["web-1"]), "r: 1 of sre; root on web-1; 10m/5m []");
}

#[test]
fn another_rule_does_not_stand_in_for_the_one_that_was_approved() {
    let other = rule(&[("\"r\"", "\"other\"")]);
    let refusal = "the rule `r` does not apply to this request; these do: other";
    assert_eq!(again(&other, ASKED, &["web-1"]), refusal);
}

#[test]
fn requirements_and_tickets_of_today_count() {
    let stricter = rule(&[]) + "[[require]]\nhosts = \"*\"\napprove = \"1 of security\"\nticket = \"INC-[0-9]+\"";
    assert_eq!(again(&stricter, ASKED, &["web-1"]), "r: 1 of security, 1 of sre; root on web-1; 1h/5m []");
    let refusal = "this needs a ticket that matches INC-[0-9]+; give one with --ticket";
    assert_eq!(again(&stricter, "alice root@env=prod 1h", &["web-1"]), refusal);
}

#[test]
fn a_plain_host_still_stands_for_its_whole_realm() {
    let legacy = rule(&[("env=prod", "age=old")]);
    let expected = "r: 1 of sre; root on old-1 old-2; 1h/5m []; realm legacy";
    assert_eq!(again(&legacy, "alice root@old-1 1h", &["old-1"]), expected);
}
