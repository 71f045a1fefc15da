//! Conditions on approvers: who may approve what, and when.

use std::collections::BTreeSet;

use domain::{Obligations, UserName};

use super::{ask, compile, directory};
use crate::{Asked, Hopeless, Policy, Ruling, approvers, open_slots, rule, slot, unfillable, who_can};

const MONDAY_NOON: &str = "2026-03-02T12:00:00Z";
const MONDAY_NIGHT: &str = "2026-03-02T23:00:00Z";

fn policy(quorum: &str, more: &str) -> Policy {
    let access = format!(
        "[[rule]]\nname = \"r\"\nwho = [\"sre\", \"jobs\"]\nhosts = \"*\"\nlogins = \"root\"\napprove = {quorum:?}\n\
         max = \"1h\"\nttl = \"5m\"\n{more}"
    );
    compile(&access, None).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn given(policy: &Policy, asked: &str, at: &str) -> Obligations {
    match rule(policy, &directory(), &ask(asked), at.parse().unwrap()) {
        Ruling::Permitted(given) => given,
        Ruling::Refused(refusal) => panic!("{asked}: {refusal}"),
    }
}

/// Who may approve, and what stays open when all of them do.
fn who(policy: &Policy, asked: &str, at: &str) -> String {
    let (given, requester, directory) = (given(policy, asked, at), ask(asked).requester, directory());
    let asked = Asked::new(&requester, &given);
    let may = approvers(policy, &directory, asked, at.parse().unwrap());
    let open = open_slots(policy, &directory, asked, &may, at.parse().unwrap());
    let words = |names: Vec<&str>| names.join(" ");
    let (may, open) = (may.iter().map(UserName::as_str).collect(), open.iter().map(|group| group.as_str()).collect());
    format!("{}; open {}", words(may), words(open)).trim_end().to_owned()
}

#[test]
fn members_of_a_group_approve_only_where_one_of_its_entries_holds() {
    let day = policy("1 of sre", "[[approver]]\ngroup = \"sre\"\nwhen = \"Mon-Fri 08:00-18:00 Europe/Berlin\"");
    assert_eq!(who(&day, "bob root@web-1 1h", MONDAY_NOON), "alice alice-2 carol; open");
    assert_eq!(who(&day, "bob root@web-1 1h", MONDAY_NIGHT), "; open sre");

    let stage = policy("1 of sre", "[[approver]]\ngroup = \"sre\"\nhosts = [\"env=stage\", \"role=db\"]");
    assert_eq!(who(&stage, "bob root@stage-1 1h", MONDAY_NOON), "alice alice-2 carol; open");
    assert_eq!(who(&stage, "bob root@db-1 1h", MONDAY_NOON), "alice alice-2 carol; open");

    let jobs = policy("1 of sre", "[[approver]]\ngroup = \"sre\"\nfor = \"jobs\"\nhosts = \"*\"");
    assert_eq!(who(&jobs, "backup root@web-1 1h", MONDAY_NOON), "alice alice-2 carol; open");
    let others = policy("1 of security", "[[approver]]\ngroup = \"sre\"\nfor = \"jobs\"");
    assert_eq!(who(&others, "bob root@web-1 1h", MONDAY_NOON), "carol dave; open", "a group without an entry");
}

#[test]
fn who_is_in_another_group_can_still_fill_its_slot() {
    let night = policy("1 of sre, 1 of security", "[[approver]]\ngroup = \"sre\"\nwhen = \"00:00-06:00 UTC\"");
    // Carol is in both, and fills the slot of security alone.
    assert_eq!(who(&night, "bob root@web-1 1h", MONDAY_NOON), "carol dave; open sre");
    assert_eq!(who(&night, "bob root@web-1 1h", "2026-03-02T05:00:00Z"), "alice alice-2 carol dave; open");
}

#[test]
fn several_entries_are_alternatives_and_each_host_takes_one() {
    let more = "[[approver]]\ngroup = \"sre\"\nhosts = \"env=stage\"\n\
                [[approver]]\ngroup = \"sre\"\nhosts = \"env=prod\"\nwhen = \"20:00-08:00 UTC\"\n";
    let policy = policy("1 of sre", more);
    assert_eq!(who(&policy, "bob root@role=web 1h", MONDAY_NIGHT), "alice alice-2 carol; open");
    assert_eq!(who(&policy, "bob root@role=web 1h", MONDAY_NOON), "; open sre", "web-1 is in prod");
    assert_eq!(who(&policy, "bob root@stage-1 1h", MONDAY_NOON), "alice alice-2 carol; open");
}

#[test]
fn why_a_slot_is_closed_is_told() {
    let more = "[[approver]]\ngroup = \"sre\"\nfor = \"sre\"\nhosts = \"env=prod\"\nwhen = \"Mon-Fri 08:00-18:00 Europe/Berlin\"";
    let (policy, directory) = (policy("1 of sre", more), directory());
    let told = |requester: &str, host: &str, at: &str| {
        let (requester, hosts) = (requester.parse().unwrap(), BTreeSet::from([host.parse().unwrap()]));
        let matter = crate::Matter { requester: &requester, hosts: &hosts };
        slot(&policy, &directory, &"sre".parse().unwrap(), matter, at.parse().unwrap())
            .map_or_else(|closed| closed.to_string(), |()| "open".to_owned())
    };
    assert_eq!(told("bob", "web-1", MONDAY_NOON), "open");
    let later = "members of `sre` may not approve this at that time; they may from 2026-03-03T07:00:00Z on";
    assert_eq!(told("bob", "web-1", MONDAY_NIGHT), later);
    let never = "members of `sre` may not approve this: what they may is said by access.toml:9; somebody of another group \
                 must, or an administrator changes it";
    assert_eq!(told("backup", "web-1", MONDAY_NOON), never);
    assert_eq!(told("bob", "stage-1", MONDAY_NOON), never);
    assert_eq!(
        told("nobody", "web-1", MONDAY_NOON).split(':').next(),
        Some("whether members of `sre` may approve this cannot be evaluated")
    );
    assert_eq!(told("bob", "gone-1", MONDAY_NOON), never, "a host that is gone");
}

#[test]
fn a_request_is_refused_when_no_time_has_approvers_and_taken_when_another_has() {
    let directory = directory();
    let refused =
        |policy: &Policy, asked: &str| match rule(policy, &directory, &ask(asked), MONDAY_NIGHT.parse().unwrap()) {
            Ruling::Refused(refusal) => refusal.to_string(),
            Ruling::Permitted(_) => "permitted".to_owned(),
        };
    let prod = policy("1 of sre", "[[approver]]\ngroup = \"sre\"\nhosts = \"env=prod\"\nwhen = \"08:00-18:00 UTC\"");
    let nobody = "this takes 1 of `sre`, and only 0 there may approve; ask an administrator";
    assert_eq!(refused(&prod, "bob root@stage-1 1h"), nobody);
    assert_eq!(refused(&prod, "bob root@web-1 1h"), "permitted", "an approval can come in the morning");
    let given = given(&prod, "bob root@web-1 1h", MONDAY_NIGHT);
    assert_eq!(unfillable(&prod, &directory, Asked::new(&"bob".parse().unwrap(), &given)), []);
    let ways =
        who_can(&prod, &directory, &"root@web-1".parse().unwrap(), domain::Span::ZERO, MONDAY_NIGHT.parse().unwrap());
    let bob = ways.unwrap().into_iter().find(|way| way.requester.as_str() == "bob").unwrap();
    assert!(bob.approvers.is_empty());
    let told = "members of `sre` may not approve this at that time; they may from 2026-03-03T08:00:00Z on";
    assert!(matches!(&bob.hopeless, Some(why @ Hopeless::Closed(_)) if why.to_string() == told), "{:?}", bob.hopeless);
}

#[test]
fn only_who_has_a_fido_key_may_approve_what_takes_one() {
    let directory = directory();
    let policy = policy("1 of sre", "approver_key = \"sk\"\n");
    let refused = rule(&policy, &directory, &ask("bob root@web-1 1h"), MONDAY_NOON.parse().unwrap());
    let Ruling::Refused(refusal) = refused else { panic!("nobody else has a key") };
    assert_eq!(refusal.to_string(), "this takes 1 of `sre`, and only 0 there may approve; ask an administrator");
    assert_eq!(who(&policy, "alice root@web-1 1h", MONDAY_NOON), "bob; open");
}

#[test]
fn each_entry_is_a_statement_in_cedar() {
    let more = "[[approver]]\ngroup = \"sre\"\nfor = [\"sre\", \"jobs\"]\nhosts = [\"env=prod,role=web\", \"stage-1\"]\n\
                when = \"Mon-Fri 08:00-18:00 Europe/Berlin\"";
    let text = policy("1 of sre", more).cedar_text().to_owned();
    let (_, approvers) = text.split_once("@approver").unwrap();
    insta::assert_snapshot!(format!("@approver{approvers}"));
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(include_str!("../approve.cedarschema")).unwrap();
    let set: cedar_policy::PolicySet = format!("@approver{approvers}").parse().unwrap();
    let validated = cedar_policy::Validator::new(schema).validate(&set, cedar_policy::ValidationMode::Strict);
    assert!(validated.validation_passed(), "{validated}");
}
