//! Quorums read back, and what adding them does.

use super::*;

fn quorum(text: &str) -> Quorum {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn quorums_read_back_in_canonical_order() {
    let two = quorum("2 of sre, 1 of security");
    assert_eq!((two.to_string().as_str(), two.people(), two.stages()), ("1 of security, 2 of sre", 3, 1));
    let stages = quorum("1 of b,1 of a then 2 of sre or duty after 1h30m then 1 of a");
    assert_eq!(stages.to_string(), "1 of a, 1 of b then 2 of sre or duty after 1h30m then 1 of a");
    assert_eq!((stages.people(), stages.stages()), (5, 3));
    assert_eq!(stages.stage(1).to_string(), "2 of sre or duty after 1h30m");
    assert!(quorum("auto").is_auto() && stages.stage(3).is_auto());
    // Groups may have the names of the words.
    let words = "1 of a, 1 of then then 1 of or or after after 1m then 1 of of";
    assert_eq!(quorum(words).to_string(), words);
}

#[test]
fn what_is_no_quorum_is_refused() {
    for bad in [
        "",
        "sre",
        "0 of sre",
        "-1 of sre",
        "+1 of sre",
        "1 of",
        "1 of sre,",
        ", 1 of sre",
        "99999 of sre",
        "01 of sre",
        "1 of sre then",
        "then 1 of sre",
        "1 of sre then then 1 of a",
        "auto then 1 of sre",
        "1 of sre then auto",
        "1 of sre or duty",
        "1 of sre or duty after",
        "1 of sre or duty after soon",
        "1 of sre or duty after 5m 1 of a",
        "1 of sre after 5m",
    ] {
        assert!(bad.parse::<Quorum>().is_err(), "{bad}");
    }
    let name = |name: &str| name.parse::<GroupName>().unwrap();
    assert_eq!("1 of a, 2 of a".parse::<Quorum>(), Err(QuorumError::Twice(name("a"))));
    assert_eq!("1 of a or b after 0m".parse::<Quorum>(), Err(QuorumError::AtOnce(name("b"))));
    assert_eq!("1 of a or a after 5m".parse::<Quorum>(), Err(QuorumError::Itself(name("a"))));
}

#[test]
fn adding_a_quorum_never_takes_a_slot_away() {
    let both = |one: &str, other: &str| quorum(one).and(&quorum(other)).to_string();
    assert_eq!(both("2 of sre", "1 of sre, 1 of security"), "1 of security, 2 of sre");
    assert_eq!(both("auto", "1 of a then 1 of b"), "1 of a then 1 of b");
    assert_eq!(both("1 of a then 1 of b", "1 of b"), "1 of a, 1 of b then 1 of b");
    assert_eq!(both("1 of a or d after 5m", "2 of a or d after 9m, 1 of b"), "2 of a or d after 9m, 1 of b");
    assert_eq!(both("1 of a or d after 5m", "1 of a"), "1 of a", "it waits for nobody else then");
    assert_eq!(both("1 of a or d after 5m", "1 of a or e after 5m"), "1 of a");
    assert_eq!(both("1 of a or d after 5m", "1 of b"), "1 of a or d after 5m, 1 of b");
}

#[test]
fn a_quorum_asks_no_more_than_one_that_has_its_slots_in_its_order() {
    let no_more = |one: &str, other: &str| quorum(one).asks_no_more_than(&quorum(other));
    for (one, other, back) in [
        ("auto", "1 of a", false),
        ("1 of a", "2 of a", false),
        ("1 of a, 1 of b", "1 of a then 1 of b", false),
        ("1 of b", "1 of a then 1 of b", false),
        ("2 of a", "1 of a then 1 of a", false),
        ("1 of a then 1 of b", "1 of c then 1 of a then 2 of b", false),
        ("1 of a or d after 5m", "1 of a", false),
        ("1 of a or d after 5m", "1 of a or d after 9m", false),
        ("1 of a then 1 of b", "1 of a then 1 of b", true),
    ] {
        assert!(no_more(one, other), "{one} asks no more than {other}");
        assert_eq!(no_more(other, one), back, "{other} asks no more than {one}");
    }
    assert!(!no_more("1 of a then 1 of b", "1 of b then 1 of a"));
    assert!(!no_more("1 of a or d after 5m", "1 of a or e after 5m"));
}

#[test]
fn others_stand_in_for_every_group_but_their_own() {
    let duty = StandIn::new("duty".parse().unwrap(), "15m".parse().unwrap()).unwrap();
    let escalated = quorum("1 of sre, 1 of x or y after 5m then 1 of duty").escalating(&duty);
    assert_eq!(escalated.to_string(), "1 of sre or duty after 15m, 1 of x or y after 5m then 1 of duty");
    let after = |waited: &str| {
        let groups = escalated.groups_after(waited.parse().unwrap());
        groups.into_iter().map(GroupName::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((after("4m").as_str(), after("5m").as_str()), ("duty sre x", "duty sre x y"));
    assert_eq!(escalated.longest_wait().to_string(), "15m");
    let at = |seconds| UnixTime::new(seconds).unwrap();
    assert_eq!(escalated.escalates(at(1000), at(0)), Some(at(1300)));
    assert_eq!(escalated.escalates(at(1000), at(1300)), Some(at(1900)));
    assert_eq!(escalated.escalates(at(1000), at(1900)), None);
}
