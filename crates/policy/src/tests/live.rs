//! Hosts that get the labels of a request later.

use std::collections::BTreeSet;

use super::{ask, compile, directory, now, shown, table};
use crate::{Ruling, divergences, rule, rule_again};

fn access(hosts: &str, more: &str) -> String {
    format!(
        "[[rule]]\nname = \"r\"\nwho = \"sre\"\nhosts = {hosts:?}\nlogins = \"root\"\napprove = \"1 of sre\"\n\
         max = \"1h\"\nttl = \"5m\"\n{more}\n"
    )
}

const LIVE: &str = "live_hosts = true";

#[test]
fn labels_are_in_the_ruling_of_a_rule_with_live_hosts_and_of_no_other() {
    let prod = "r: 1 of sre; root on db-1 web-1; 1h/5m []";
    let live = format!("{prod}; live env=prod");
    table(
        &access("*", LIVE),
        None,
        &[
            ("alice root@env=prod 1h", &live),
            ("alice root@web-1 1h", "r: 1 of sre; root on web-1; 1h/5m []"),
            ("alice root@role=mail 1h", "r: 1 of sre; root on old-1 old-2; 1h/5m []; realm legacy"),
        ],
    );
    table(&access("*", ""), None, &[("alice root@env=prod 1h", prod)]);
    table(&access("*", "live_hosts = false"), None, &[("alice root@env=prod 1h", prod)]);
    let both = access("*", "").replace("1 of sre", "2 of sre").replace("\"r\"", "\"two\"") + &access("*", LIVE);
    table(
        &both,
        None,
        &[("alice root@env=prod 1h", &live), ("alice root@env=prod 1h rule=two", &prod.replace("r: 1", "two: 2"))],
    );
}

#[test]
fn it_is_an_annotation_that_no_requirement_has() {
    let text = compile(&access("*", LIVE), None).unwrap().cedar_text().to_owned();
    assert!(text.contains("@ttl(\"5m\")\n@live_hosts(\"true\")\n"), "{text}");
    for wrong in [
        "@require(\"x\") @live_hosts(\"true\") permit (principal, action, resource);",
        "@forbid(\"x\") @live_hosts(\"true\") forbid (principal, action, resource);",
        "@rule(\"y\") @quorum(\"auto\") @max(\"1h\") @ttl(\"5m\") @live_hosts(\"yes\") permit (principal, action, resource);",
    ] {
        let mistakes = compile(&access("*", ""), Some(wrong)).err().unwrap().to_string();
        assert!(mistakes.contains("live_hosts") || mistakes.contains("no annotation but"), "{mistakes}");
    }
    let required = access("*", "") + "[[require]]\nhosts = \"*\"\nmax = \"1h\"\nlive_hosts = true\n";
    let mistakes = compile(&required, None).err().unwrap().to_string();
    assert!(mistakes.contains("unknown field `live_hosts`"), "{mistakes}");
}

#[test]
fn a_host_that_got_the_labels_is_judged_with_what_is_required_there() {
    let again = |access: &str, hosts: &[&str]| {
        let hosts: BTreeSet<_> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let policy = compile(access, None).unwrap();
        let asked = ask("alice root@role=web 1h");
        shown(rule_again(&policy, &directory(), &asked, &"r".parse().unwrap(), &hosts, now()))
    };
    let usual = access("*", LIVE);
    assert_eq!(again(&usual, &["stage-1"]), "r: 1 of sre; root on stage-1; 1h/5m []; live role=web");
    assert_eq!(again(&usual, &["db-1", "web-1"]), "r: 1 of sre; root on web-1; 1h/5m []; live role=web");
    let required = usual.clone() + "[[require]]\nhosts = \"stage-1\"\napprove = \"1 of security\"\n";
    let stricter = "r: 1 of security, 1 of sre; root on stage-1; 1h/5m []; live role=web";
    assert_eq!(again(&required, &["stage-1"]), stricter);
    assert_eq!(again(&required, &["web-1"]), "r: 1 of sre; root on web-1; 1h/5m []; live role=web");
    let forbidden = usual + "[[forbid]]\nhosts = \"stage-1\"\n";
    assert!(again(&forbidden, &["stage-1"]).starts_with("forbidden on `stage-1`"));
    assert_eq!(
        again(&access("env=prod", LIVE), &["stage-1"]),
        "no rule lets `alice` ask for this login on `stage-1`; `hallpass ls` shows what you may ask for"
    );
}

#[test]
fn that_later_hosts_count_is_a_difference() {
    let ruled = |more: &str| {
        let policy = compile(&access("*", more), None).unwrap();
        rule(&policy, &directory(), &ask("alice root@env=prod 1h"), now())
    };
    let permitted = |ruling: Ruling| match ruling {
        Ruling::Permitted(obligations) => obligations,
        Ruling::Refused(why) => panic!("{why}"),
    };
    for (was, now, what) in [("", LIVE, "also on hosts that get"), (LIVE, "", "not on hosts that get")] {
        let found = divergences(&permitted(ruled(was)), &ruled(now));
        assert!(matches!(found.as_slice(), [one] if one.to_string().starts_with(what)), "{found:?}");
    }
}
