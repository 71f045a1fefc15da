//! Programs as users: where their certificates may be used from, and what they may approve.

use std::collections::BTreeSet;

use directory::{Directory, Source};
use domain::{Span, UserName};

use super::{ask, now, shown};
use crate::people::{Asked, approvers, deciders};
use crate::{Files, Matter, Policy, Read, Ruling, difference, explain, lint, rule, unsigned};

const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0wJEqlXWXmHhnBxNVLHT1Z2fZ4a0mLhMnuRHbD1fIo",
];

/// Alice has the program `ci`, which is as this says.
fn understood(ci: &str, access: &str) -> (Directory, Policy, Files) {
    let [one, two] = KEYS;
    let directory = format!(
        "user = [{{ name = \"alice\", keys = [\"{one}\"] }}, {{ name = \"bob\" }},\n\
         {{ name = \"ci\", kind = \"service\", owner = \"alice\", keys = [\"{two}\"]{ci} }}]\n\
         group = [{{ name = \"dev\", members = [\"alice\", \"bob\", \"ci\"] }}, {{ name = \"gates\", members = [\"ci\"] }}]\n"
    );
    let hosts =
        "host = [{ name = \"web-1\", labels = { env = \"prod\" } }, { name = \"db-1\", labels = { data = \"pii\" } }]";
    let files = Files {
        directory: Source::new("directory.toml", directory),
        hosts: Source::new("hosts.toml", hosts),
        access: Source::new("access.toml", access),
        cedar: None,
    };
    let (directory, policy) = files.understand().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    (directory, policy, files)
}

fn rule_for_dev(name: &str, more: &str) -> String {
    format!(
        "[[rule]]\nname = {name:?}\nwho = \"dev\"\nhosts = \"*\"\nlogins = \"root\"\nmax = \"1h\"\nttl = \"5m\"\n{more}\n"
    )
}

fn ruled(ci: &str, access: &str, asked: &str) -> String {
    let (directory, policy, _) = understood(ci, access);
    shown(rule(&policy, &directory, &ask(asked), now()))
}

#[test]
fn certificates_of_a_program_are_for_its_own_networks_alone() {
    let access = rule_for_dev("r", "approve = \"auto\"")
        + &rule_for_dev("office", "approve = \"1 of dev\"\nsource = [\"10.1.0.0/16\", \"192.0.2.0/24\"]")
        + "[[require]]\nhosts = \"data=pii\"\nsource = \"10.0.0.0/9\"\n";
    let pinned = ", source = [\"10.0.0.0/8\", \"2001:db8::/32\"]";
    for (asked, expected) in [
        ("ci root@web-1 1h", "r: auto; root on web-1; 1h/5m []; from 10.0.0.0/8, 2001:db8::/32"),
        ("ci root@web-1 1h rule=office", "office: 1 of dev; root on web-1; 1h/5m []; from 10.1.0.0/16"),
        ("ci root@db-1 1h", "r: auto; root on db-1; 1h/5m []; from 10.0.0.0/9"),
        ("alice root@web-1 1h", "r: auto; root on web-1; 1h/5m []"),
    ] {
        assert_eq!(ruled(pinned, &access, asked), expected, "{asked}");
    }
}

#[test]
fn a_program_that_is_pinned_elsewhere_is_refused_and_told_why() {
    let office = rule_for_dev("office", "approve = \"auto\"\nsource = \"10.1.0.0/16\"");
    let pinned = ", source = \"192.0.2.7\"";
    assert_eq!(
        ruled(pinned, &office, "ci root@web-1 1h"),
        "`ci` is pinned to 192.0.2.7/32 in directory.toml, and the rule `office` with what is required beside it takes other \
         networks, so a certificate could be used from nowhere; ask an administrator"
    );
    let other = office + &rule_for_dev("any", "approve = \"1 of dev\"");
    assert_eq!(
        ruled(pinned, &other, "ci root@web-1 1h"),
        "any: 1 of dev; root on web-1; 1h/5m []; from 192.0.2.7/32",
        "a rule that it could not use is passed over"
    );
}

#[test]
fn where_a_program_is_pinned_is_part_of_the_explanation() {
    let (directory, policy, _) = understood(", source = \"192.0.2.7\"", &rule_for_dev("r", "approve = \"auto\""));
    let told = explain(&policy, &directory, &ask("ci root@web-1 1h"), now());
    let required: Vec<_> = told.hosts.iter().flat_map(|(_, found)| &found.requirements).collect();
    assert_eq!(required.len(), 1);
    assert_eq!(required[0].0, "ci in directory.toml");
    assert_eq!(required[0].1.source.as_ref().map(ToString::to_string).as_deref(), Some("192.0.2.7/32"));
    let Ruling::Permitted(given) = told.ruling else { panic!("refused") };
    assert_eq!(told.rules[0].whole.source, given.source);
}

#[test]
fn a_program_approves_only_when_it_is_marked_and_never_for_its_owner() {
    let by = |ci: &str, requester: &str| {
        let (directory, policy, _) = understood(ci, "");
        let (requester, hosts): (UserName, _) =
            (requester.parse().unwrap(), BTreeSet::from(["web-1".parse().unwrap()]));
        let quorum = "1 of dev, 1 of gates".parse().unwrap();
        let matter = Matter { requester: &requester, hosts: &hosts };
        let asked = Asked { matter, quorum: &quorum, approver_key: None, waited: Span::ZERO };
        let may = approvers(&policy, &directory, asked, now());
        assert_eq!(may, deciders(&directory, asked));
        let left = crate::people::unfillable(&policy, &directory, asked);
        let names: Vec<&str> = may.iter().map(UserName::as_str).collect();
        (names.join(" "), left.len())
    };
    let (marked, unmarked) = (", approves = true", "");
    assert_eq!(by(unmarked, "bob"), ("alice".into(), 1));
    assert_eq!(by(marked, "bob"), ("alice ci".into(), 1), "alice and her program are one person: one slot");
    assert_eq!(by(marked, "alice"), ("bob".into(), 1), "her own request");
    assert_eq!(by(marked, "ci"), ("bob".into(), 1), "nor may she approve what her program asks");
}

#[test]
fn programs_sign_no_bundles_whatever_they_approve() {
    let (directory, ..) = understood(", approves = true", "");
    let by = |names: &[&str]| -> BTreeSet<UserName> { names.iter().map(|name| name.parse().unwrap()).collect() };
    let open = |signers: &str, names: &[&str]| unsigned(&directory, &signers.parse().unwrap(), &by(names)).len();
    assert_eq!(open("1 of dev", &["alice"]), 0);
    assert_eq!(open("1 of dev", &["ci"]), 1);
    assert_eq!(open("1 of gates", &["ci"]), 1);
}

#[test]
fn a_quorum_of_programs_is_warned_of_unless_one_is_marked() {
    let access = rule_for_dev("r", "approve = \"1 of gates\"");
    let warnings = |ci: &str| {
        let (directory, policy, files) = understood(ci, &access);
        let found = lint(&files, &policy, &directory, now());
        found.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>().join("\n")
    };
    assert!(warnings("").contains("nobody can have this approved"), "{}", warnings(""));
    let marked = warnings(", approves = true");
    assert!(marked.contains("`alice`, `ci` can never have this approved"), "only its owner's are left: {marked}");
}

#[test]
fn what_changes_about_a_program_is_told_with_what_it_means() {
    let access = rule_for_dev("r", "approve = \"1 of gates\"");
    let between = |old: &str, new: &str| {
        let ((old, was, _), (new, is, _)) = (understood(old, &access), understood(new, &access));
        let found = difference(Read { directory: &old, policy: &was }, Read { directory: &new, policy: &is }, now());
        let access = found.access.iter().map(|change| format!("{} {change}", change.effect.mark()));
        let files = found.files.iter().map(|change| format!("{} {}", change.effect.mark(), change.words));
        access.chain(files).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(
        [
            between("", ", approves = true"),
            between(", approves = true", ""),
            between("", ", source = \"10.0.0.0/8\""),
            between(", source = \"10.0.0.0/8\"", ", source = \"10.0.0.0/9\""),
        ]
        .join("\n---\n")
    );
}
