//! The examples of the crate's documentation, and what is said of texts there.

use std::num::NonZeroU32;

use domain::{Span, UnixTime};

use crate::{
    ActStatement, Canonical as _, DecisionStatement, FetchStatement, Header, LoginStatement, NotFresh,
    RequestStatement, RulingText, RulingTextError, ServerId, Statement as _,
};

/// The example of a kind, from the crate's documentation.
pub(super) fn example(name: &str) -> String {
    let docs: String = include_str!("../lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect();
    let (_, from) = docs.split_once(&format!("```text\nhallpass-{name} v1\n")).expect("an example");
    let (rest, _) = from.split_once("```\n").expect("the end of the example");
    format!("hallpass-{name} v1\n{rest}")
}

pub(super) fn header() -> Header {
    LoginStatement::parse(&example("login")).unwrap().header
}

#[test]
fn the_documented_examples_are_canonical_and_belong_together() {
    let login = LoginStatement::parse(&example("login")).unwrap();
    assert_eq!(login.user.as_str(), "alice");
    let request = RequestStatement::parse(&example("request")).unwrap();
    assert_eq!(request.header().seen.as_ref().unwrap().size, 4710);
    let ruling = RulingText::parse(&example("ruling")).unwrap();
    assert_eq!(*ruling.request(), request.digest());
    let decision = DecisionStatement::parse(&example("decision")).unwrap();
    assert_eq!((decision.request, decision.ruling), (request.digest(), ruling.digest()));
    assert_eq!(decision.allows, *ruling.in_words());
    let fetch = FetchStatement::parse(&example("fetch")).unwrap();
    assert_eq!((fetch.id, fetch.pairs.iter().len()), (decision.id, 1));
    let act = ActStatement::parse(&example("act")).unwrap();
    assert_eq!(act.act.request(), Some(decision.id));
    assert_eq!(act.encode(), example("act"));
}

#[test]
fn a_statement_is_fresh_for_a_minute_either_way() {
    let header = header();
    let at = |offset: i64| UnixTime::new(header.time.seconds().checked_add_signed(offset).unwrap()).unwrap();
    let span = |seconds| Span::from_seconds(seconds).unwrap();
    for offset in [-60, 0, 60] {
        assert_eq!(header.fresh(at(offset)), Ok(()));
    }
    assert_eq!(header.fresh(at(61)), Err(NotFresh::TooOld(span(61))));
    assert_eq!(header.fresh(at(-61)), Err(NotFresh::TooEarly(span(61))));
    assert_eq!(
        header.fresh(at(75)).unwrap_err().to_string(),
        "the statement is 1m15s old; 1m is allowed. Check this machine's clock, then sign anew"
    );
}

#[test]
fn a_statement_is_meant_for_one_server_by_name_and_ledger_key() {
    let header = header();
    assert_eq!(header.meant_for(&header.server), Ok(()));
    let other_name = ServerId { name: "ca.example.com".parse().unwrap(), ..header.server.clone() };
    assert_eq!(header.meant_for(&other_name).unwrap_err().0, header.server);
    let other_key = ServerId { ledger_key: domain::Digest::of(b""), ..header.server.clone() };
    assert_eq!(header.meant_for(&other_key).unwrap_err().0, header.server);
}

/// The example's ruling with other values.
fn ruling_with(changes: &[(&str, &str)]) -> RulingText {
    let changed = changes.iter().fold(example("ruling"), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    RulingText::parse(&changed).unwrap()
}

#[test]
fn a_ruling_says_in_words_what_it_allows() {
    let host = "host: web-1.example.com\n";
    let free = [("source: 10.0.0.0/8\n", ""), ("approver-key: sk", "approver-key: -")];
    let words = |changes: &[(&str, &str)]| ruling_with(&[&free[..], changes].concat()).in_words().to_string();
    let rest = ", for at most 1h, certificates of 5m";
    assert_eq!(words(&[]), format!("root on web-1.example.com{rest}, with pty"));
    assert_eq!(
        words(&[("allow: pty", "allow: port-forwarding, pty"), (host, "host: a.example\nhost: b.example\n")]),
        format!("root on 2 hosts (a.example, b.example){rest}, with port-forwarding, pty")
    );
    assert_eq!(
        words(&[("allow: pty", "allow: -"), ("command: -", "command: /usr/bin/uptime -p")]),
        format!("root on web-1.example.com, only to run `/usr/bin/uptime -p`{rest}, without extensions")
    );
    assert_eq!(
        words(&[("realm: -", "realm: legacy"), ("realm-hosts: -", "realm-hosts: 12")]),
        format!("root on ALL 12 hosts of realm legacy{rest}, with pty")
    );
    let extends = ("extends: -", "extends: 7K3F9-QXMWT since 2026-03-01T13:32:00Z");
    let counted = "for at most 1h from 2026-03-01T13:32:00Z on, as it extends 7K3F9-QXMWT";
    assert_eq!(words(&[extends]), format!("root on web-1.example.com, {counted}, certificates of 5m, with pty"));
    assert_eq!(
        words(&[extends, ("rests: -", "rests: yes")]),
        format!("root on web-1.example.com, {counted} and rests on its approvals, certificates of 5m, with pty")
    );
    let quorum = "quorum: 1 of sre or duty after 15m then 1 of security";
    assert_eq!(
        words(&[("quorum: 1 of sre", quorum)]),
        format!("root on web-1.example.com{rest}, with pty, approved by 1 of sre or duty after 15m then 1 of security")
    );
    assert_eq!(
        words(&[("live: -", "live: env=prod"), (host, "host: a.example\nhost: b.example\n")]),
        format!("root on 2 hosts (a.example, b.example), including future hosts{rest}, with pty")
    );
    assert_eq!(
        ruling_with(&[
            ("verify-required: -", "verify-required: yes"),
            ("requester-key: -", "requester-key: sk-verified")
        ])
        .in_words()
        .as_str(),
        format!(
            "root on web-1.example.com{rest}, with pty, only from 10.0.0.0/8, each login verified by the FIDO key, \
             asked with a verified FIDO key, approved with a FIDO key"
        )
    );
}

#[test]
fn break_glass_is_said_before_anything_else_with_who_reviews_it() {
    let with = |quorum: &str| {
        let changes = [("quorum: 1 of sre", quorum), ("break-glass: -", "break-glass: reviewed by security")];
        changes.iter().fold(example("ruling"), |text, (from, to)| text.replace(from, to))
    };
    let words = |quorum: &str| RulingText::parse(&with(quorum)).unwrap().in_words().to_string();
    let (free, owed) = (words("quorum: auto"), words("quorum: 1 of security"));
    let begins = "root on web-1.example.com, AT ONCE, without approval, to be reviewed by security, for at most 1h";
    assert!(free.starts_with(begins), "{free}");
    assert!(owed.starts_with("root on web-1.example.com, as BREAK-GLASS, to be reviewed by security, for"), "{owed}");
    for quorum in ["quorum: 1 of sre", "quorum: 2 of security", "quorum: 1 of security, 1 of sre"] {
        assert!(RulingText::parse(&with(quorum)).is_err(), "{quorum}");
    }
    let extends = with("quorum: auto").replace("extends: -", "extends: 7K3F9-QXMWT since 2026-03-01T13:32:00Z");
    let refused = RulingText::parse(&extends).unwrap_err();
    assert_eq!(
        std::error::Error::source(&refused).map(ToString::to_string),
        Some(RulingTextError::BreakGlassExtends.to_string())
    );
}

#[test]
fn the_longest_ruling_still_fits_into_words_and_limits() {
    let label = "x".repeat(63);
    let hosts: String = (0..RulingText::MAX_HOSTS)
        .map(|place| format!("host: h{place:04}{}.{label}.{label}.{}\n", "x".repeat(58), "x".repeat(61)))
        .collect();
    let command = format!("command: /bin/{}", "y".repeat(145));
    let networks: String =
        (0xf000..0xf0c8).map(|place| format!("source: 2001:db8:ffff:ffff:ffff:ffff:ffff:{place:x}/128\n")).collect();
    // As long as jump hosts are spelled out.
    let jumps: String = (1..=3).map(|n| format!("jump: h{n} j@bastion-number-0{n} 192.0.2.{n}/32\n")).collect();
    let every = "agent-forwarding, port-forwarding, pty, user-rc, x11-forwarding";
    let longest = |others: &[(&str, &str)]| {
        let all: [(&str, &str); 11] = [
            ("host: web-1.example.com\n", &hosts),
            ("live: -", "live: env=prod,role=web"),
            ("command: -", &command),
            ("source: 10.0.0.0/8\n", &networks),
            ("verify-required: -", "verify-required: yes"),
            ("requester-key: -", "requester-key: sk-verified"),
            ("approver-key: sk", "approver-key: sk-verified"),
            ("allow: pty", &format!("allow: {every}")),
            ("login: root", &format!("login: {}", "z".repeat(32))),
            ("max: 1h", "max: 365d23h59m59s"),
            ("ttl: 5m", "ttl: 365d23h59m59s"),
        ];
        ruling_with(&[&all[..], others].concat())
    };
    let extension = |quorum: &str| {
        longest(&[
            ("extends: -", "extends: 7K3F9-QXMWT since 2026-03-01T13:32:00Z"),
            ("rests: -", "rests: yes"),
            ("quorum: 1 of sre", quorum),
        ])
    };
    // The longest that is spelled out, and one that is not.
    let spelled = extension(&format!("quorum: 1 of {} then 1 of {}", "q".repeat(64), "r".repeat(20)));
    assert!(spelled.in_words().as_str().contains(&format!(", approved by 1 of {}", "q".repeat(64))));
    let ruling = extension(&format!("quorum: 1 of {0} or {1} after 5m then 1 of {0}", "q".repeat(64), "r".repeat(64)));
    let words = ruling.in_words().as_str();
    assert!(words.contains(" and 4095 more), including future hosts, only to run `/bin/yyy"), "{words}");
    assert!(words.contains(" and 199 more, each login verified"), "{words}");
    assert!(
        words.contains(", approved by the quorum of the ruling in 2 stages, with others who stand in, "),
        "{words}"
    );
    assert_eq!(RulingText::parse(&ruling.encode()).unwrap(), ruling);
    // Break-glass takes one person at most, and extends nothing.
    for quorum in ["auto".to_owned(), format!("1 of {}", "q".repeat(64))] {
        let reviewed = format!("break-glass: reviewed by {}", "q".repeat(64));
        let glass = longest(&[("quorum: 1 of sre", &format!("quorum: {quorum}")), ("break-glass: -", &reviewed)]);
        let words = glass.in_words().as_str();
        assert!(words.contains(", to be reviewed by qqq") && words.contains(", only to run `/bin/yyy"), "{words}");
        assert!(words.contains(" and 199 more, each login verified"), "{words}");
        assert_eq!(RulingText::parse(&glass.encode()).unwrap(), glass);
    }
    let brief =
        ", including future hosts, through 3 jump hosts of the ruling, only to run the command of the request, ";
    let reviewed = format!("break-glass: reviewed by {}\n{jumps}", "q".repeat(64));
    for (others, brief) in [
        (
            &[
                ("extends: -", "extends: 7K3F9-QXMWT since 2026-03-01T13:32:00Z"),
                ("rests: -", "rests: yes"),
                ("quorum: 1 of sre", &format!("quorum: 1 of {} then 1 of {}", "q".repeat(64), "r".repeat(20))),
                ("break-glass: -\n", &format!("break-glass: -\n{jumps}")),
            ][..],
            brief,
        ),
        (
            &[("quorum: 1 of sre", &format!("quorum: 1 of {}", "q".repeat(64))), ("break-glass: -\n", &reviewed)],
            ", through 3 jump hosts of the ruling, only to run the command of the request, ",
        ),
    ] {
        let behind = longest(others);
        assert!(behind.in_words().as_str().contains(brief), "{}", behind.in_words());
        assert_eq!(RulingText::parse(&behind.encode()).unwrap(), behind);
    }
    let longer = ruling_with(&[("command: -", &format!("command: /bin/{}", "y".repeat(1000)))]);
    assert!(longer.in_words().as_str().contains(", only to run the command of the request, "));
}

#[test]
fn a_ruling_says_what_is_in_front_of_its_hosts() {
    let with = |jumps: &str| RulingText::parse(&(example("ruling") + jumps));
    let through = |jumps: &str| {
        let words = with(jumps).unwrap().in_words().to_string();
        words.strip_prefix("root on web-1.example.com, ").unwrap().split(", for at most").next().unwrap().to_owned()
    };
    let inner = "jump: web-1.example.com jump@inner 192.0.2.7/32\n";
    assert_eq!(through(inner), "through inner as jump");
    let outer = "jump: inner hop@outer 192.0.2.8/32\n";
    assert_eq!(through(&(outer.to_owned() + inner)), "through 2 jump hosts (outer as hop, inner as jump)");
    let long = "i".repeat(63);
    assert_eq!(through(&inner.replace("inner", &long)), "through the jump host of the ruling");
    let both = outer.to_owned() + inner;
    assert_eq!(through(&both.replace("inner", &long)), "through 2 jump hosts of the ruling");
    let words = with(inner).unwrap().in_words().to_string();
    assert!(words.contains(", only from 10.0.0.0/8, then only from jump hosts, "), "{words}");
    let twice = "jump: web-1.example.com jump@inner 192.0.2.8/32\n";
    for (wrong, why) in [
        (inner.replace(" 192.0.2.7/32", ""), "from where web-1.example.com is reached"),
        (inner.to_owned() + outer, "must be sorted"),
        (inner.to_owned() + twice, "canonical"),
        (inner.replace("jump@", ""), "expected HOST LOGIN@JUMP-HOST"),
    ] {
        let refused = told(&with(&wrong).unwrap_err());
        assert!(refused.contains(why), "{wrong}: {refused}");
    }
}

/// An error with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error} ")).collect()
}

#[test]
fn networks_of_a_ruling_are_in_order_and_apart() {
    let with = |networks: &str| RulingText::parse(&example("ruling").replace("source: 10.0.0.0/8\n", networks));
    assert!(with("").is_ok_and(|ruling| ruling.obligations().source.is_none()));
    assert!(with("source: 10.0.0.0/8\nsource: 192.0.2.0/24\n").is_ok());
    for bad in [
        "source: 192.0.2.0/24\nsource: 10.0.0.0/8\n",
        "source: 10.0.0.0/8\nsource: 10.1.0.0/16\n",
        "source: 10.0.0.1\n",
        "source: -\n",
    ] {
        assert!(with(bad).is_err(), "{bad}");
    }
    let verify = |value: &str| {
        RulingText::parse(&example("ruling").replace("verify-required: -", &format!("verify-required: {value}")))
    };
    assert!(verify("yes").is_ok_and(|ruling| ruling.obligations().verify_required));
    assert!(verify("no").is_err());
}

#[test]
fn a_ruling_without_hosts_or_with_half_a_realm_cannot_be_made() {
    let ruling = RulingText::parse(&example("ruling")).unwrap();
    let with = |change: &dyn Fn(&mut domain::Obligations), count| {
        let mut obligations = ruling.obligations().clone();
        change(&mut obligations);
        RulingText::new(*ruling.request(), *ruling.bundle(), obligations, count)
    };
    let realm = |o: &mut domain::Obligations| o.realm = Some("legacy".parse().unwrap());
    assert_eq!(with(&|_| {}, None), Ok(ruling.clone()));
    assert_eq!(with(&|o| o.hosts.clear(), None), Err(RulingTextError::NoHosts));
    assert_eq!(with(&realm, None), Err(RulingTextError::RealmHosts));
    assert_eq!(with(&|_| {}, NonZeroU32::new(1)), Err(RulingTextError::RealmHosts));
    assert!(with(&realm, NonZeroU32::new(1)).is_ok());
    let live_realm = |o: &mut domain::Obligations| {
        realm(o);
        o.live = "env=prod".parse().ok();
    };
    assert_eq!(with(&live_realm, NonZeroU32::new(1)), Err(RulingTextError::LiveRealm));
    assert_eq!(with(&|o| o.rests = true, None), Err(RulingTextError::Rests));
    let many = |o: &mut domain::Obligations| {
        o.hosts = (0..=RulingText::MAX_HOSTS).map(|place| format!("h{place}").parse().unwrap()).collect();
    };
    assert_eq!(with(&many, None), Err(RulingTextError::TooManyHosts(4097)));
}
