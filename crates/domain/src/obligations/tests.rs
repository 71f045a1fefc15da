//! What is left of two rulings, and what certificates carry.

use super::*;

fn obligations(hosts: &[&str], ttl: &str, allow: &[Extension]) -> Obligations {
    Obligations {
        rule: "r".parse().unwrap(),
        quorum: Quorum::auto(),
        hosts: hosts.iter().map(|h| h.parse().unwrap()).collect(),
        live: None,
        login: "root".parse().unwrap(),
        max: "1h".parse().unwrap(),
        ttl: ttl.parse().unwrap(),
        allow: allow.iter().copied().collect(),
        command: None,
        realm: None,
        source: None,
        verify_required: false,
        requester_key: None,
        approver_key: None,
        extends: None,
        rests: false,
        break_glass: None,
        jumps: Jumps::default(),
    }
}

fn jumps(lines: &[&str]) -> Jumps {
    lines.iter().map(|line| line.parse::<crate::Behind>().unwrap()).collect()
}

#[test]
fn what_restricts_connecting_and_signing_adds_up() {
    let with = |source: &str, verify_required, requester_key, approver_key| Obligations {
        source: source.parse().ok(),
        verify_required,
        requester_key,
        approver_key,
        ..obligations(&["a"], "5m", &[])
    };
    let (sk, verified) = (Some(KeyStrength::Sk), Some(KeyStrength::SkVerified));
    let free = with("", false, None, None);
    let one = with("10.0.0.0/8, 192.0.2.0/24", true, sk, None);
    let other = with("10.1.0.0/16", false, verified, sk);
    assert_eq!(one.intersect(&free), Some(one.clone()));
    assert_eq!(free.intersect(&other), Some(other.clone()));
    assert_eq!(one.intersect(&other), Some(with("10.1.0.0/16", true, verified, sk)));
    let elsewhere = with("198.51.100.0/24", false, None, None);
    assert_eq!(one.intersect(&elsewhere), None, "no address is in both");
}

#[test]
fn an_extension_is_that_of_one_grant_and_rests_on_it_when_either_ruling_says_so() {
    let extending =
        |extends: &str, rests| Obligations { extends: extends.parse().ok(), rests, ..obligations(&["a"], "5m", &[]) };
    let (one, other) = ("7K3F9-QXMWT since 2026-03-01T14:02:00Z", "7K3F9-QXMWT since 2026-03-01T14:03:00Z");
    assert_eq!(extending(one, false).intersect(&extending(one, true)), Some(extending(one, true)));
    assert_eq!(extending(one, true).intersect(&extending(one, false)), Some(extending(one, true)));
    assert_eq!(extending(one, false).intersect(&extending(other, false)), None, "it counts from another time");
    assert_eq!(extending(one, false).intersect(&extending("", false)), None);
}

#[test]
fn the_intersection_is_the_stricter_of_both() {
    let approved = obligations(&["a", "b"], "5m", &[Extension::Pty, Extension::UserRc]);
    let today = obligations(&["b", "c"], "2m", &[Extension::Pty]);
    assert_eq!(approved.intersect(&today), Some(obligations(&["b"], "2m", &[Extension::Pty])));
    assert_eq!(approved.intersect(&obligations(&["c"], "2m", &[])), None);
    let in_realm = |hosts: &[&str]| Obligations { realm: "legacy".parse().ok(), ..obligations(hosts, "5m", &[]) };
    assert_eq!(in_realm(&["a", "b"]).intersect(&in_realm(&["a"])), Some(in_realm(&["a"])));
    assert_eq!(in_realm(&["a"]).intersect(&in_realm(&["a", "b"])), None, "nobody approved b");
    let live =
        |hosts: &[&str], labels: &str| Obligations { live: labels.parse().ok(), ..obligations(hosts, "5m", &[]) };
    let (then, now) = (live(&["a", "b"], "env=prod"), live(&["b", "c"], "env=prod"));
    assert_eq!(then.intersect(&now), Some(now.clone()), "what came later counts where both say so");
    assert_eq!(then.intersect(&live(&["b", "c"], "env=dev")), Some(obligations(&["b"], "5m", &[])));
    for fixed in [then.intersect(&live(&["b", "c"], "")), live(&["a", "b"], "").intersect(&now)] {
        assert_eq!(fixed, Some(obligations(&["b"], "5m", &[])), "and nowhere else");
    }
    let other_login = Obligations { login: "deploy".parse().unwrap(), ..today };
    assert_eq!(approved.intersect(&other_login), None);
}

#[test]
fn a_certificate_for_a_jump_host_forwards_and_does_nothing_else() {
    let allow = [Extension::Pty, Extension::AgentForwarding];
    let behind = |source: &str, lines: &[&str]| Obligations {
        jumps: jumps(lines),
        source: source.parse().ok(),
        command: "uptime".parse().ok(),
        ..obligations(&["db-7", "web-1"], "5m", &allow)
    };
    let carried = |of: &Obligations, pair: &str| of.carried(&pair.parse().unwrap());
    let free = behind("", &["db-7 jump@inner", "inner hop@outer"]);
    for pair in ["jump@inner", "hop@outer"] {
        let carried = carried(&free, pair).unwrap();
        assert_eq!(carried.command, Some(Command::only_says_that_it_forwards()));
        assert_eq!((carried.source, carried.allow), (None, [Extension::PortForwarding].into()));
    }
    let target = carried(&free, "root@db-7").unwrap();
    assert_eq!((target.command, target.source, target.allow), ("uptime".parse().ok(), None, allow.into()));
    for other in ["root@inner", "root@outer", "jump@db-7", "hop@inner", "jump@outer"] {
        assert_eq!(carried(&free, other), None, "{other}");
    }
    let pinned = behind("10.0.0.0/8", &["db-7 jump@inner 192.0.2.7/32", "inner hop@outer 192.0.2.8/32"]);
    for (pair, source) in [
        ("root@db-7", "192.0.2.7/32"),
        ("jump@inner", "192.0.2.8/32"),
        ("hop@outer", "10.0.0.0/8"),
        ("root@web-1", "10.0.0.0/8"),
    ] {
        assert_eq!(carried(&pinned, pair).unwrap().source, source.parse().ok(), "{pair}");
    }
    let untold = behind("10.0.0.0/8", &["db-7 jump@inner"]);
    assert_eq!(carried(&untold, "root@db-7"), None, "never less pinned than the rule says");
}

#[test]
fn only_hosts_that_are_reached_as_they_were_approved_are_left() {
    let behind = |hosts: &[&str], lines: &[&str]| Obligations { jumps: jumps(lines), ..obligations(hosts, "5m", &[]) };
    let approved = behind(&["a", "b", "c"], &["a j@x", "b j@x", "x k@y"]);
    assert_eq!(approved.intersect(&approved), Some(approved.clone()));
    // c is now behind something, b is not, and of the way to a nothing has changed.
    let today = behind(&["a", "b", "c"], &["a j@x", "c j@x", "x k@y"]);
    assert_eq!(approved.intersect(&today), Some(behind(&["a"], &["a j@x", "x k@y"])));
    for changed in [["a i@x", "x k@y"], ["a j@x", "x k@z"], ["a j@z", "z k@y"]] {
        assert_eq!(approved.intersect(&behind(&["a"], &changed)), None, "{changed:?}");
    }
    let live = |of: Obligations| Obligations { live: "env=prod".parse().ok(), ..of };
    let later = live(behind(&["d", "e", "f"], &["d j@x", "x k@y", "e j@z"]));
    assert!(approved.reaches_alike(&behind(&["a"], &["a j@x", "x k@y"])));
    for other in [behind(&["a"], &["a j@z", "x k@y"]), behind(&["a", "c"], &["a j@x", "c j@x", "x k@y"])] {
        assert!(!approved.reaches_alike(&other), "{other:?}");
    }
    let left = live(approved).intersect(&later).unwrap();
    assert_eq!(left, live(behind(&["d", "f"], &["d j@x", "x k@y"])), "nobody approved j@z");
}

#[test]
fn pinned_certificates_are_left_for_hosts_alone_of_which_is_known_what_they_see() {
    let behind = |source: &str, line: &str| Obligations {
        jumps: jumps(&[line]),
        source: source.parse().ok(),
        ..obligations(&["a"], "5m", &[])
    };
    let pinned = behind("10.0.0.0/8", "a j@x 192.0.2.0/24");
    assert_eq!(pinned.intersect(&behind("", "a j@x")), Some(pinned.clone()));
    assert_eq!(behind("", "a j@x").intersect(&pinned), Some(pinned.clone()));
    let narrower = behind("10.0.0.0/8", "a j@x 192.0.2.7/32");
    assert_eq!(pinned.intersect(&narrower), Some(narrower));
    assert_eq!(pinned.intersect(&behind("10.0.0.0/8", "a j@x 198.51.100.7/32")), None, "it has moved");
    let live = |of: &Obligations| Obligations { live: "env=prod".parse().ok(), ..of.clone() };
    let later =
        |source: &str, line: &str| live(&Obligations { hosts: ["b".parse().unwrap()].into(), ..behind(source, line) });
    let left = live(&pinned).intersect(&later("10.0.0.0/8", "b j@x 192.0.2.7/32"));
    assert_eq!(left, Some(later("10.0.0.0/8", "b j@x 192.0.2.7/32")));
    assert_eq!(live(&pinned).intersect(&later("", "b j@x")), Some(later("10.0.0.0/8", "b j@x 192.0.2.0/24")));
    assert_eq!(live(&pinned).intersect(&later("10.0.0.0/8", "b j@x 198.51.100.7/32")), None, "approved from elsewhere");
    let (free, untold) = (live(&behind("", "a j@x")), later("10.0.0.0/8", "b j@x"));
    assert_eq!(free.intersect(&untold), None, "pinned by now, and nothing says to what");
}

#[test]
fn a_review_is_owed_to_those_who_were_told_and_break_glass_is_nothing_else() {
    let glass = |review: &str| Obligations { break_glass: review.parse().ok(), ..obligations(&["a"], "5m", &[]) };
    assert_eq!(glass("security").intersect(&glass("sre")), Some(glass("security")), "owed to those who were told");
    assert_eq!(glass("security").intersect(&obligations(&["a"], "5m", &[])), None, "nothing else for break-glass");
}
