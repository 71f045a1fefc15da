//! An explanation as people read it, and what is not believed.

use domain::{Digest, UnixTime};
use jiff::tz::TimeZone;

use super::*;
use crate::checked::tests::{allowed, asked, check, told};
use crate::terminal::Colours;
use crate::testing::NOW;

fn terms(quorum: &str) -> Terms {
    let allowed = allowed();
    Terms {
        quorum: quorum.parse().ok(),
        max: Some(allowed.max),
        ttl: Some(allowed.ttl),
        allow: Some(allowed.allow),
        ..Terms::default()
    }
}

/// Of the request of the other tests.
fn explanation() -> Explanation {
    let required = Terms { quorum: "1 of sre".parse().ok(), tickets: vec!["INC-[0-9]+".into()], ..Terms::default() };
    let near = Near { kind: "forbid".into(), by: "access.toml:9".into(), why: "it is for games, not for root".into() };
    Explanation {
        bundle: Digest::of(b"bundle"),
        time: UnixTime::new(NOW).unwrap(),
        hosts: vec![OnHosts {
            hosts: vec!["web-1".parse().unwrap()],
            rules: vec!["prod".parse().unwrap(), "two".parse().unwrap()],
            requirements: vec![("access.toml:3".into(), required)],
            forbidden_by: None,
            near: vec![near],
            rules_for_others: 2,
        }],
        rules: vec![
            Considered {
                rule: "prod".parse().unwrap(),
                own: terms("auto"),
                whole: terms("1 of sre"),
                taken: true,
                why: "of those that the request can take it needs the fewest people".into(),
            },
            Considered {
                rule: "two".parse().unwrap(),
                own: terms("2 of sre"),
                whole: terms("2 of sre"),
                taken: false,
                why: "`prod` needs fewer people".into(),
            },
        ],
        refusal: None,
    }
}

#[test]
fn a_request_is_explained_rule_by_rule() {
    let request = check(told(&asked(), allowed())).unwrap();
    fits(&request, &explanation()).unwrap();
    let look = Look { colours: Colours::Off, zone: &TimeZone::UTC, now: UnixTime::new(NOW).unwrap() };
    insta::assert_snapshot!("explained", Explained::new(&request, explanation()).text(&look));
}

#[test]
fn an_explanation_of_another_ruling_is_not_believed() {
    let request = check(told(&asked(), allowed())).unwrap();
    let changes: [fn(&mut Explanation); 7] = [
        |told| told.bundle = Digest::of(b"other"),
        |told| told.rules[0].whole.quorum = "auto".parse().ok(),
        |told| told.rules[0].taken = false,
        |told| told.rules[1].taken = true,
        |told| told.rules[0].whole.allow = Some(Default::default()),
        |told| told.rules[0].whole.verify_required = true,
        |told| told.rules[0].whole.source = "10.0.0.0/8".parse().ok(),
    ];
    for change in changes {
        let mut told = explanation();
        change(&mut told);
        let refused = fits(&request, &told).unwrap_err();
        assert!(refused.to_string().contains("what it explains is not the ruling"), "{refused}");
    }
}
