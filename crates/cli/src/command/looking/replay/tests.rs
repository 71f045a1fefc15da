//! Requests of the example of docs/policy.md, ruled on again.

use std::path::Path;

use domain::{Obligations, Quorum};
use jiff::tz::TimeZone;
use policy::Ruling;
use statement::{RequestStatement, Verified};

use super::*;
use crate::checked::tests::{asked, check, told};
use crate::terminal::Colours;
use crate::testing::NOW;

/// As seen from the directory in which cargo runs the tests of this crate.
const EXAMPLE: &str = "../../docs/policy-example";

fn request(user: &str, access: &str) -> RequestStatement {
    RequestStatement { requester: user.parse().unwrap(), access: access.parse().unwrap(), ..asked() }
}

/// A request with what the example rules on it, and with this change of that.
fn past(rules: &Loaded, said: &RequestStatement, change: impl FnOnce(&mut Obligations)) -> Checked {
    let at = UnixTime::new(NOW).unwrap();
    let Ruling::Permitted(mut allowed) =
        rule(&rules.policy, &rules.directory, &ask(&signed(said), domain::Owes::Nothing), at)
    else {
        panic!("{} is refused {}", said.requester, said.access)
    };
    change(&mut allowed);
    check(told(said, allowed)).unwrap()
}

fn signed(said: &RequestStatement) -> Verified<RequestStatement> {
    let sent = told(said, crate::checked::tests::allowed()).statement;
    statement::verify(sent.text(), sent.signature()).unwrap()
}

fn replayed(rules: &Arc<Loaded>, requests: Vec<Checked>) -> Told {
    // In two parts, as two cores would have them.
    let part = || Replayed { rules: Arc::clone(rules), same: 0, differing: BTreeMap::new() };
    let (mut one, mut other) = (part(), part());
    for (place, request) in requests.into_iter().enumerate() {
        if place % 2 == 0 { one.take(request) } else { other.take(request) }
    }
    one.join(other);
    Told::new(&one, UnixTime::new(NOW - 86_400).unwrap(), 0)
}

fn shown(told: &Told) -> String {
    told.text(&Look { colours: Colours::Off, zone: &TimeZone::UTC, now: UnixTime::new(NOW).unwrap() })
}

#[test]
fn by_the_files_that_ruled_nothing_differs() {
    let rules = Arc::new(load(Path::new(EXAMPLE)).unwrap());
    let same = ["root@web-1.example.com", "self@web-1.example.com"]
        .map(|access| past(&rules, &request("alice", access), |_| {}));
    let told = replayed(&rules, same.into());
    assert_eq!((told.same, told.differences.len()), (2, 0));
    assert_eq!(shown(&told), "Past requests since 2026-02-28 14:02: 2. Nothing differs.\n");
}

#[test]
fn what_differs_in_the_same_way_is_one_line() {
    let rules = Arc::new(load(Path::new(EXAMPLE)).unwrap());
    let web = request("alice", "root@web-1.example.com");
    let stricter = |allowed: &mut Obligations| allowed.quorum = Quorum::auto();
    let mut requests: Vec<Checked> = (0..3).map(|_| past(&rules, &web, stricter)).collect();
    requests.push(past(&rules, &web, |_| {}));
    requests.push(past(&rules, &request("bob", "root@web-1.example.com"), |allowed| {
        allowed.max = "30m".parse().unwrap();
        allowed.ttl = "1m".parse().unwrap();
    }));
    // Of a user, and of a host, whom the files do not know.
    let (zoe, host) = (request("zoe", "root@web-1.example.com"), request("alice", "root@gone-1"));
    let any = crate::checked::tests::allowed();
    let on = |host: &str| Obligations { hosts: [host.parse().unwrap()].into(), ..any.clone() };
    requests.push(check(told(&zoe, on("web-1.example.com"))).unwrap());
    requests.push(check(told(&host, on("gone-1"))).unwrap());
    let told = replayed(&rules, requests);
    assert_eq!((told.requests, told.same, told.refused, told.looser, told.stricter, told.other), (7, 1, 2, 1, 3, 0));
    insta::assert_snapshot!("differs", shown(&told));
    let json: serde_json::Value = serde_json::from_str(&crate::json::line(&told).unwrap()).unwrap();
    let first = &json["differences"][0];
    assert_eq!((&first["times"], &first["course"]), (&3.into(), &"stricter".into()));
    assert_eq!(first["differences"][0]["what"], "quorum");
}

#[test]
fn what_does_not_stand_up_to_checking_is_told() {
    let rules = Arc::new(load(Path::new(EXAMPLE)).unwrap());
    let none = Replayed { rules, same: 0, differing: BTreeMap::new() };
    let told = shown(&Told::new(&none, UnixTime::new(NOW).unwrap(), 2));
    assert!(told.ends_with("Not compared, as they do not stand up to checking: 2.\n"), "{told}");
}
