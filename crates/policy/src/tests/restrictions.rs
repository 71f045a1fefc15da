//! Networks, verified logins, and the keys that sign.

use super::{compile, table};

fn rule(name: &str, more: &str) -> String {
    format!(
        "[[rule]]\nname = {name:?}\nwho = \"sre\"\nhosts = \"env=prod\"\nlogins = \"root\"\napprove = \"1 of sre\"\n\
         max = \"1h\"\nttl = \"5m\"\n{more}\n"
    )
}

fn require(hosts: &str, more: &str) -> String {
    format!("[[require]]\nhosts = {hosts:?}\n{more}\n")
}

const ON_WEB: &str = "r: 1 of sre; root on web-1; 1h/5m []";
const ON_DB: &str = "r: 1 of sre; root on db-1; 1h/5m []";

#[test]
fn networks_of_rule_and_requirements_intersect() {
    let access = rule("r", "source = [\"10.0.0.0/8\", \"2001:db8::/32\"]")
        + &require("data=pii", "source = [\"10.1.0.0/16\", \"192.0.2.0/24\"]");
    table(
        &access,
        None,
        &[
            ("alice root@web-1 1h", &format!("{ON_WEB}; from 10.0.0.0/8, 2001:db8::/32")),
            ("alice root@db-1 1h", &format!("{ON_DB}; from 10.1.0.0/16")),
            ("alice root@env=prod 1h", "r: 1 of sre; root on db-1 web-1; 1h/5m []; from 10.1.0.0/16"),
        ],
    );
}

#[test]
fn networks_with_nothing_in_common_refuse() {
    let access = rule("r", "source = \"10.0.0.0/8\"") + &require("data=pii", "source = \"192.0.2.0/24\"");
    let refused = "the rule `r` and what is required beside it name networks that have nothing in common, so a certificate \
                   could be used from nowhere; ask an administrator";
    table(&access, None, &[("alice root@db-1 1h", refused)]);
    let other = rule("anywhere", "").replace("1 of sre", "2 of sre");
    table(
        &(access + &other),
        None,
        &[("alice root@db-1 1h", "anywhere: 2 of sre; root on db-1; 1h/5m []; from 192.0.2.0/24")],
    );
}

#[test]
fn verified_logins_take_a_fido_connecting_key() {
    let access = rule("r", "") + &require("data=pii", "verify_required = true");
    let refused = "the rule `r` takes a FIDO key that verifies its user at each login, and the connecting key is none; make \
                   one with ssh-keygen -t ed25519-sk -O verify-required, and name it with --connecting-key FILE.pub";
    table(
        &access,
        None,
        &[
            ("alice root@web-1 1h keys=-/-", ON_WEB),
            ("alice root@db-1 1h keys=-/-", refused),
            ("alice root@db-1 1h keys=sk-verified/-", refused),
            ("alice root@db-1 1h keys=-/sk", &format!("{ON_DB}; verify")),
            ("alice root@db-1 1h", &format!("{ON_DB}; verify")),
        ],
    );
}

#[test]
fn of_two_key_strengths_the_stronger_counts() {
    let access = rule("r", "requester_key = \"sk\"\napprover_key = \"sk-verified\"")
        + &require("data=pii", "requester_key = \"sk-verified\"\napprover_key = \"sk\"");
    let weak = "the rule `r` takes requests that are signed with a FIDO key; sign with a key of kind ed25519-sk or ecdsa-sk \
                (--key)";
    let unverified = "the rule `r` takes requests that are signed with a verified FIDO key; sign with a FIDO key that asks \
                      for its PIN or a finger (--key); one is made by: ssh-keygen -t ed25519-sk -O verify-required";
    table(
        &access,
        None,
        &[
            ("alice root@web-1 1h keys=-/-", weak),
            ("alice root@web-1 1h keys=sk/-", &format!("{ON_WEB}; asked sk; approved sk-verified")),
            ("alice root@db-1 1h keys=sk/-", unverified),
            ("alice root@db-1 1h keys=sk-verified/-", &format!("{ON_DB}; asked sk-verified; approved sk-verified")),
        ],
    );
}

#[test]
fn a_rule_that_takes_another_key_is_passed_over() {
    let access = rule("fido", "requester_key = \"sk\"") + &rule("plain", "").replace("1 of sre", "2 of sre");
    table(
        &access,
        None,
        &[
            ("alice root@web-1 1h keys=sk/-", "fido: 1 of sre; root on web-1; 1h/5m []; asked sk"),
            ("alice root@web-1 1h keys=-/-", "plain: 2 of sre; root on web-1; 1h/5m []"),
        ],
    );
}

#[test]
fn restrictions_are_annotations_in_cedar() {
    let more = "source = [\"192.0.2.7\", \"10.0.0.0/8\"]\nverify_required = true\nrequester_key = \"sk\"\n\
                approver_key = \"sk-verified\"";
    let text = compile(&rule("r", more), None).unwrap().cedar_text().to_owned();
    let expected = "@source(\"10.0.0.0/8, 192.0.2.7/32\")\n@verify_required(\"true\")\n@requester_key(\"sk\")\n\
                    @approver_key(\"sk-verified\")\n";
    assert!(text.contains(expected), "{text}");
    let by_hand = format!("@require(\"x\") {expected} permit (principal, action, resource);");
    let found = format!("{ON_WEB}; from 10.0.0.0/8, 192.0.2.7/32; verify; asked sk; approved sk-verified");
    table(&rule("r", ""), Some(&by_hand), &[("alice root@web-1 1h", &found)]);
}
