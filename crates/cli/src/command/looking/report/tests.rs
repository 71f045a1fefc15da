//! The report on the example of docs/policy.md.

use std::path::Path;

use domain::{Approval, Nonce};
use jiff::tz::TimeZone;
use statement::{BreakGlass, DecisionStatement, RequestStatement, sign_with};
use wire::SignedText;

use super::*;
use crate::app::{Look, Report as _};
use crate::checked::tests::{allowed, asked, check, told};
use crate::command::policy::load;
use crate::terminal::Colours;
use crate::testing::{NOW, private_key};

/// As seen from the directory in which cargo runs the tests of this crate.
const EXAMPLE: &str = "../../docs/policy-example";

/// A request under this rule, decided by this user after so many seconds.
fn decided(user: &str, rule: &str, by: &str, verdict: Approval, after: u64) -> Checked {
    let said = RequestStatement { requester: user.parse().unwrap(), ..asked() };
    let mut request = told(&said, domain::Obligations { rule: rule.parse().unwrap(), ..allowed() });
    let undecided = check(request.clone()).unwrap();
    let header = statement::Header { nonce: Nonce::new([2; 16]), ..said.header.clone() };
    let approver: UserName = by.parse().unwrap();
    let decision = DecisionStatement {
        header,
        approver: approver.clone(),
        id: request.id,
        request: *undecided.request.digest(),
        ruling: undecided.ruling_digest,
        allows: undecided.ruling.in_words().clone(),
        verdict,
        comment: None,
    };
    let signed = sign_with(&decision, &private_key(2)).unwrap();
    let statement = SignedText::new(signed.text.into_bytes(), signed.signature.into_bytes()).unwrap();
    let time = UnixTime::new(NOW + after).unwrap();
    request.decisions = vec![wire::Decision { statement, approver, time, verdict }];
    check(request).unwrap()
}

/// A break-glass of alice's, two days ago, that nobody has reviewed.
fn broken() -> Checked {
    let said = RequestStatement { break_glass: Some(BreakGlass), ..asked() };
    let allowed =
        domain::Obligations { quorum: domain::Quorum::auto(), break_glass: "security".parse().ok(), ..allowed() };
    let since = UnixTime::new(NOW - 2 * 86_400).unwrap();
    let request = wire::Request { review: Some(wire::Review::Owed(since)), ..told(&said, allowed) };
    check(request).unwrap()
}

fn shown() -> shown::Shown {
    let (mut one, mut other) = (Past::default(), Past::default());
    for place in 0..12 {
        one.take(decided("alice", "prod-oncall", "bob", Approval::Approve, 2 + place));
        other.take(decided("bob", "prod-oncall", "alice", Approval::Approve, 60));
    }
    other.take(decided("alice", "a-rule-of-once", "carol", Approval::Deny, 7200));
    one.join(other);
    let rules = load(Path::new(EXAMPLE)).unwrap();
    let now = UnixTime::new(NOW).unwrap();
    let owed = [broken()];
    let findings = Findings::new(&one, &owed, (&rules.policy, &rules.directory), now);
    shown::Shown::new(&findings, UnixTime::new(NOW - 90 * 86_400).unwrap(), 1)
}

#[test]
fn the_report_shows_what_nobody_uses_and_who_approves_without_reading() {
    let look = Look { colours: Colours::Off, zone: &TimeZone::UTC, now: UnixTime::new(NOW).unwrap() };
    insta::assert_snapshot!("report", shown().text(&look));
}

#[test]
fn programs_get_the_same_as_values_and_as_json() {
    let csv = shown().csv();
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == 4), "{csv}");
    for line in
        ["rules,prod-oncall,requests,24", "approvers,bob,rubber_stamp,true", "approvers,alice,rubber_stamp,false"]
    {
        assert!(csv.lines().any(|told| told == line), "{line} in\n{csv}");
    }
    let json: serde_json::Value = serde_json::from_str(&crate::json::line(&shown()).unwrap()).unwrap();
    assert_eq!((&json["requests"], &json["unsound"]), (&25.into(), &1.into()));
    let owed = &json["reviews_owed"][0];
    assert_eq!((&owed["requester"], &owed["reviewed_by"]), (&"alice".into(), &"security".into()));
    assert!(csv.lines().any(|told| told == "reviews_owed,7K3F9-QXMWT,reviewed_by,security"), "{csv}");
    assert_eq!(json["pairs"][0]["users"], serde_json::json!(["alice", "bob"]));
    let unused = json["rules"].as_array().unwrap().iter().filter(|rule| rule["last_used"].is_null());
    assert!(unused.count() > 0 && json["exposure_complete"] == true, "{json}");
}
