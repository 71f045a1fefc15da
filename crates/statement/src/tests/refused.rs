//! What is no statement, each refused by its name.

use super::examples::example;
use crate::{ActStatement, Canonical, FetchStatement, RequestStatement, RulingText, StatementError};

fn refused<T: Canonical + std::fmt::Debug>(text: &str) -> StatementError {
    T::parse(text).expect_err(text)
}

/// The example with one thing replaced, refused as this kind.
fn changed<T: Canonical + std::fmt::Debug>(name: &str, from: &str, to: &str) -> StatementError {
    let text = example(name);
    assert!(text.contains(from), "{from}");
    refused::<T>(&text.replacen(from, to, 1))
}

#[test]
fn another_kind_or_version_is_refused() {
    for first in ["hallpass-request v2", "hallpass-login v1", "hallpass-request", "hallpass-request  v1", "", "\u{7}"] {
        let error = changed::<RequestStatement>("request", "hallpass-request v1", first);
        assert!(matches!(error, StatementError::FirstLine { expected: "hallpass-request", .. }), "{first}: {error}");
    }
    let error = changed::<RequestStatement>("request", "hallpass-request v1", "\u{1b}[2J");
    assert_eq!(error.to_string(), "expected a text that starts with `hallpass-request v1`, found `\\u{1b}[2J`");
}

#[test]
fn lines_that_are_missing_doubled_moved_or_misspelt_are_refused() {
    let expects = |from: &str, to: &str, at: usize, wanted: &str| {
        let error = changed::<RequestStatement>("request", from, to);
        assert!(
            matches!(error, StatementError::Field { line, field } if line == at && field == wanted),
            "{from:?} -> {to:?}: {error:?}"
        );
    };
    expects("start: -\n", "", 8, "start");
    expects("start: -\n", "start: -\nstart: -\n", 9, "window");
    expects("start: -\nwindow: 30m\n", "window: 30m\nstart: -\n", 8, "start");
    expects("start: -", "start:-", 8, "start");
    expects("start: -", "Start: -", 8, "start");
    expects("start: -", " start: -", 8, "start");
    expects("extends: -\n", "extends: -", 17, "extends");
    expects("extends: -\n", "", 17, "extends");
}

#[test]
fn nothing_may_follow_the_last_field() {
    for extra in ["\n", " ", "more: -\n", "extends: -\n"] {
        let error = refused::<RequestStatement>(&format!("{}{extra}", example("request")));
        assert!(matches!(error, StatementError::Trailing { line: 18 }), "{extra:?}: {error:?}");
    }
}

#[test]
fn values_that_a_field_does_not_take_are_refused_with_the_reason() {
    for (from, to, wanted) in [
        ("requester: alice", "requester: Alice", "requester"),
        ("requester: alice", "requester: ", "requester"),
        ("requester: alice", "requester: alice\r", "requester"),
        ("access: root@web-1.example.com", "access: root@WEB-1.example.com", "access"),
        ("window: 30m", "window: -5m", "window"),
        ("window: 30m", "window: 9999999999999h", "window"),
        ("uses: -", "uses: 0", "uses"),
        ("command: -", "command: sh -c 'id'", "command"),
        ("reason: INC-42 disk full", "reason: -", "reason"),
        ("reason: INC-42 disk full", "reason: disk full ", "reason"),
        ("reason: INC-42 disk full", "reason: e\u{301}", "reason"),
        ("reason: INC-42 disk full", "reason: \u{202e}lluf ksid", "reason"),
        ("reason: INC-42 disk full", "reason: \u{378}", "reason"),
        ("connecting-key: ssh-ed25519 ", "connecting-key: ssh-ed25519-cert-v01@openssh.com ", "connecting-key"),
        ("break-glass: -", "break-glass: no", "break-glass"),
        ("time: 2026", "time: 1926", "time"),
        ("seen: 4710", "seen: -4710", "seen"),
    ] {
        let error = changed::<RequestStatement>("request", from, to);
        assert!(matches!(error, StatementError::Value { field, .. } if field == wanted), "{to}: {error:?}");
    }
    let error = changed::<RequestStatement>("request", "break-glass: -", "break-glass: no");
    assert_eq!(error.to_string(), "line 16: the value of `break-glass` is refused");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "expected `yes` or `-`");
}

#[test]
fn other_spellings_of_accepted_values_are_refused() {
    for (from, to) in [
        ("access: root@", "access: "),
        ("window: 30m", "window: 1800s"),
        ("uses: -", "uses: +3"),
        ("uses: -", "uses: 03"),
        ("extends: -", "extends: 7k3f9-qxmwt since 2026-03-01T14:02:00Z"),
        ("extends: -", "extends: 7K3F9QXMWT since 2026-03-01T14:02:00Z"),
        ("seen: 4710", "seen: 04710"),
        ("IeZJ\n", "IeZJ alice@laptop\n"),
        ("access: root@web-1.example.com", "access: root@role=web,env=prod"),
    ] {
        let error = changed::<RequestStatement>("request", from, to);
        assert!(matches!(error, StatementError::NotCanonical { .. }), "{to}: {error:?}");
    }
    let error = changed::<RequestStatement>("request", "window: 30m", "window: 1800s");
    assert_eq!(error.to_string(), "line 9 is not in its canonical spelling, which is `window: 30m`");
}

#[test]
fn texts_and_values_have_a_longest_length() {
    let long = "x".repeat(1025);
    let error = changed::<RequestStatement>("request", "reason: INC-42 disk full", &format!("reason: {long}"));
    assert!(matches!(error, StatementError::ValueTooLong { field: "reason", bytes: 1025, .. }), "{error:?}");
    let error = changed::<RequestStatement>("request", "disk full", &"x".repeat(10 << 20));
    assert!(matches!(error, StatementError::TooLong { most: 65_536, .. }), "{error:?}");
}

#[test]
fn a_fetch_lists_1_to_256_pairs_sorted_and_once() {
    let pair = "pair: root@web-1.example.com\n";
    let with = |pairs: &str| FetchStatement::parse(&example("fetch").replace(pair, pairs));
    let many = |count: usize| (0..count).map(|place| format!("pair: root@h{place:03}\n")).collect::<String>();
    assert_eq!(with(&many(256)).unwrap().pairs.iter().len(), 256);
    for wrong in [many(257), String::new()] {
        assert!(matches!(with(&wrong), Err(StatementError::Value { field: "pair", .. })));
    }
    for wrong in ["pair: b@h\npair: a@h\n", "pair: a@h\npair: a@h\n", "pair: a@i\npair: a@h\n"] {
        assert!(matches!(with(wrong), Err(StatementError::Order { line: 8, field: "pair" })), "{wrong}");
    }
    // By login and then by host, although `-` comes before `@`.
    assert!(with("pair: a@h\npair: a-b@h\n").is_ok());
    assert!(with("pair: a-b@h\npair: a@h\n").is_err());
}

#[test]
fn an_act_fits_its_target() {
    let with = |verb: &str, target: &str| {
        let text =
            example("act").replace("give-back", verb).replace("target: 7K3F9-QXMWT", &format!("target: {target}"));
        ActStatement::parse(&text)
    };
    assert!(with("cancel", "7K3F9-QXMWT").is_ok());
    assert!(with("resume", "-").is_ok());
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    assert!(with("rebind", &format!("7K3F9-QXMWT {KEY}")).is_ok());
    let commented = with("rebind", &format!("7K3F9-QXMWT {KEY} alice@laptop"));
    assert!(matches!(commented, Err(StatementError::NotCanonical { .. })), "{commented:?}");
    for (verb, target) in [
        ("cancel", "-"),
        ("give-back", "-"),
        ("resume", "7K3F9-QXMWT"),
        ("cancel", "alice"),
        ("stop", "-"),
        ("stop", "rule x"),
        ("lift", "all"),
        ("rebind", "7K3F9-QXMWT"),
        ("rebind", "7K3F9-QXMWT ssh-dss AAAA"),
        ("rebind", KEY),
    ] {
        assert!(matches!(with(verb, target), Err(StatementError::Value { field: "target", .. })), "{verb} {target}");
    }
    assert!(matches!(with("halt", "-"), Err(StatementError::Value { field: "verb", .. })));
}

#[test]
fn a_ruling_keeps_its_order_and_its_realm_whole() {
    for (from, to, wanted) in [
        ("allow: pty", "allow: pty, agent-forwarding", "canonical"),
        ("allow: pty", "allow: pty, pty", "canonical"),
        ("allow: pty", "allow: everything", "`allow` is refused"),
        ("quorum: 1 of sre", "quorum: 01 of sre", "`quorum` is refused"),
        ("host: web-1.example.com\n", "", "`host` is refused"),
        ("host: web-1.example.com\n", "host: b\nhost: a\n", "sorted"),
        ("realm: -", "realm: legacy", "`realm-hosts` is refused"),
        ("live: -", "live: role=web,env=prod", "canonical"),
        ("live: -", "live: web-2", "`live` is refused"),
        ("realm-hosts: -", "realm-hosts: 3", "`realm-hosts` is refused"),
    ] {
        let error = changed::<RulingText>("ruling", from, to).to_string();
        assert!(error.contains(wanted), "{to}: {error}");
    }
}
