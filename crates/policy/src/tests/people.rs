//! Who may ask, and who may approve.

use domain::Span;

use super::{compile, directory, now};
use crate::{Asked, Matter, approvers, candidates, deciders};

#[test]
fn approvers_are_other_people_of_the_groups() {
    let directory = directory();
    for (quorum, requester, expected) in [
        ("1 of sre", "bob", "alice alice-2 carol"),
        ("1 of sre", "alice-2", "bob carol"),
        ("1 of sre", "backup", "alice alice-2 carol"),
        ("1 of security, 2 of sre", "carol", "alice alice-2 bob dave"),
        ("1 of jobs", "alice", ""),
        ("1 of lonely", "alice-2", ""),
        ("auto", "alice", ""),
    ] {
        let (requester, hosts) = (requester.parse().unwrap(), [].into());
        let matter = Matter { requester: &requester, hosts: &hosts };
        let asked = Asked { matter, quorum: &quorum.parse().unwrap(), approver_key: None, waited: Span::ZERO };
        let policy = compile("", None).unwrap();
        let people = approvers(&policy, &directory, asked, now());
        assert_eq!(people, deciders(&directory, asked));
        let names: Vec<&str> = people.iter().map(|name| name.as_str()).collect();
        assert_eq!(names.join(" "), expected, "{quorum} for {requester}");
    }
}

#[test]
fn candidates_are_the_logins_that_rules_open_whatever_ticket_they_take() {
    let access = r#"
        [[rule]]
        name = "root"
        who = "sre"
        hosts = "env=prod"
        logins = "root"
        approve = "1 of security"
        max = "1h"
        ttl = "5m"
        [[rule]]
        name = "own"
        who = ["sre", "contractors"]
        hosts = "*"
        logins = ["self", "deploy"]
        approve = "auto"
        max = "8h"
        ttl = "5m"
        [[require]]
        hosts = "data=pii"
        ticket = "INC-[0-9]+"
        [[forbid]]
        who = "contractors"
        hosts = "env=prod"
    "#;
    let (policy, directory) = (compile(access, None).unwrap(), directory());
    for (user, host, expected) in [
        ("alice", "web-1", &["self: own auto 8h", "deploy: own auto 8h", "root: root 1 of security 1h"][..]),
        (
            "alice",
            "db-1",
            &[
                "self: own auto 8h INC-[0-9]+",
                "deploy: own auto 8h INC-[0-9]+",
                "root: root 1 of security 1h INC-[0-9]+",
            ],
        ),
        ("erin", "stage-1", &["deploy: own auto 8h"]),
        ("erin", "web-1", &[]),
        ("mallory", "web-1", &[]),
    ] {
        let found = candidates(&policy, &directory, &user.parse().unwrap(), directory.host(host).unwrap(), now());
        let shown = found.iter().map(|candidate| {
            let tickets = candidate.tickets.iter().map(|ticket| format!(" {ticket}")).collect::<String>();
            format!("{}: {} {} {}{tickets}", candidate.login, candidate.rule, candidate.quorum, candidate.max)
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{user} on {host}");
    }
}
