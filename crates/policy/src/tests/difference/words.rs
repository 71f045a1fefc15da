//! What differs, in words, and how long it takes to find out.

use std::fmt::Write as _;
use std::time::Instant;

use super::{Bundle, between};
use crate::Difference;

const PEOPLE: &str = r#"
    user = [
        { name = "alice", login = "al" }, { name = "bob", login = "bob" }, { name = "carol", login = "carol" },
        { name = "dave", login = "dave" }, { name = "erin", login = "erin" },
        { name = "backup", kind = "service", owner = "bob", login = "backup" },
    ]
    group = [
        { name = "sre", members = ["alice", "bob", "carol"], rights = ["audit"] },
        { name = "security", members = ["carol", "dave"], rights = ["admin"] },
        { name = "eng", members = ["alice", "bob", "carol", "dave", "erin"] },
    ]
"#;
const PLACES: &str = r#"
    host = [
        { name = "web-1", labels = { env = "prod", role = "web" } }, { name = "web-2", labels = { env = "prod", role = "web" } },
        { name = "db-1", labels = { env = "prod", role = "db" } }, { name = "test-1", labels = { env = "test" } },
        { name = "old-1", realm = "legacy" }, { name = "old-2", realm = "legacy" },
    ]
"#;
const RULES: &str = r#"
    [[rule]]
    name = "prod"
    who = "sre"
    hosts = "env=prod"
    logins = ["root", "self"]
    approve = "2 of sre"
    max = "1h"
    ttl = "5m"
    allow = ["pty"]
    [[rule]]
    name = "legacy"
    who = "security"
    hosts = ["old-1", "old-2"]
    logins = "root"
    approve = "1 of security"
    max = "1h"
    ttl = "5m"
    [[require]]
    hosts = "role=db"
    ticket = "INC-[0-9]+"
    [[forbid]]
    who = "security"
    hosts = "env=test"
"#;

fn said(found: &Difference) -> String {
    let access = found.access.iter().map(|change| format!("{} {change}\n", change.effect.mark()));
    let files = found.files.iter().map(|change| format!("    {} {}\n", change.effect.mark(), change.words));
    access.chain(files).chain(found.unseen.iter().map(|unseen| format!("not compared: {unseen}\n"))).collect()
}

/// What is changed in which file, and what is said of it.
#[test]
fn changes_are_told_in_words() {
    let changes: &[(&str, &[(&str, &str)])] = &[
        ("fewer people are asked", &[("2 of sre", "1 of sre")]),
        ("more people are asked", &[("1 of security", "2 of security")]),
        ("nobody is asked", &[("2 of sre", "auto")]),
        ("others are asked", &[("2 of sre", "1 of security")]),
        ("longer, and with more", &[("max = \"1h\"", "max = \"8h\""), ("[\"pty\"]", "[\"pty\", \"port-forwarding\"]")]),
        ("longer, and with less", &[("max = \"1h\"", "max = \"8h\""), ("[\"pty\"]", "[]")]),
        (
            "break-glass is permitted",
            &[("\"2 of sre\"", "\"2 of sre\"\n    break_glass = \"15m reviewed by security\"")],
        ),
        (
            "break-glass is ruled out",
            &[("ticket = \"INC-[0-9]+\"", "ticket = \"INC-[0-9]+\"\n    no_break_glass = true")],
        ),
        ("for more people", &[("who = \"sre\"", "who = \"eng\"")]),
        ("on more hosts", &[("hosts = \"env=prod\"", "hosts = [\"env=prod\", \"env=test\"]")]),
        ("on fewer hosts", &[("hosts = \"env=prod\"", "hosts = \"role=web\"")]),
        ("a rule is called something else", &[("name = \"prod\"", "name = \"production\"")]),
        ("a requirement is gone", &[("[[require]]\n    hosts = \"role=db\"\n    ticket = \"INC-[0-9]+\"\n", "")]),
        ("a prohibition covers more", &[("who = \"security\"\n    hosts = \"env=test\"", "hosts = \"role=web\"")]),
        (
            "somebody joins",
            &[("[\"alice\", \"bob\", \"carol\"], rights", "[\"alice\", \"bob\", \"carol\", \"erin\"], rights")],
        ),
        (
            "somebody leaves, and too few are left",
            &[("[\"alice\", \"bob\", \"carol\"], rights", "[\"alice\", \"bob\"], rights")],
        ),
        ("somebody is disabled", &[("login = \"carol\"", "login = \"carol\", disabled = true")]),
        ("somebody's login is another", &[("login = \"al\"", "login = \"alice\"")]),
        ("another account gets a right", &[("rights = [\"audit\"]", "rights = [\"audit\", \"admin\"]")]),
        (
            "a host comes",
            &[(
                "{ name = \"db-1\"",
                "{ name = \"web-3\", labels = { env = \"prod\" }, port = 2222 }, { name = \"db-1\"",
            )],
        ),
        (
            "a host is renamed, its name an alias",
            &[("{ name = \"web-2\"", "{ name = \"web-02\", aliases = [\"web-2\"]")],
        ),
        (
            "a host moves and is labelled otherwise",
            &[(
                "name = \"web-1\", labels = { env = \"prod\"",
                "name = \"web-1\", address = \"192.0.2.1\", labels = { env = \"test\"",
            )],
        ),
        (
            "a realm grows",
            &[
                ("{ name = \"old-2\", realm", "{ name = \"old-3\", realm = \"legacy\" }, { name = \"old-2\", realm"),
                ("\"old-2\"]", "\"old-2\", \"old-3\"]"),
            ],
        ),
        (
            "a realm grows by a host without the rule",
            &[("{ name = \"old-2\", realm", "{ name = \"old-3\", realm = \"legacy\" }, { name = \"old-2\", realm")],
        ),
        (
            "a pool comes",
            &[("    host = [", "    pool = [{ name = \"web-*\", labels = { env = \"prod\" } }]\n    host = [")],
        ),
        (
            "approvals are for some hosts only",
            &[("[[forbid]]", "[[approver]]\n    group = \"sre\"\n    hosts = \"role=web\"\n    [[forbid]]")],
        ),
        (
            "certificates and keys are restricted",
            &[(
                "max = \"1h\"",
                "max = \"1h\"\n    source = \"10.0.0.0/8\"\n    verify_required = true\n    approver_key = \"sk\"",
            )],
        ),
        ("only comments", &[("[[forbid]]", "# Nobody.\n    [[forbid]]")]),
    ];
    let mut told = String::new();
    for (what, edits) in changes {
        let edited = |text: &str| edits.iter().fold(text.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        let new = Bundle::new(&edited(PEOPLE), &edited(PLACES), &edited(RULES), None);
        let found = between(&Bundle::new(PEOPLE, PLACES, RULES, None), &new);
        writeln!(told, "# {what}\n\n{}", said(&found)).unwrap();
    }
    insta::assert_snapshot!(told);
}

/// `now` is a Sunday.
#[test]
fn what_becomes_of_other_times_and_of_commands_is_told() {
    let rules = format!(
        "{RULES}\n[[rule]]\nname = \"office\"\nwho = \"security\"\nhosts = \"role=web\"\nlogins = \"root\"\napprove = \"auto\"\n\
         max = \"1h\"\nttl = \"5m\"\nwhen = \"Mon-Fri 08:00-18:00 UTC\"\n\
         [[rule]]\nname = \"restarts\"\nwho = \"security\"\nhosts = \"role=web\"\nlogins = \"root\"\napprove = \"auto\"\n\
         max = \"10m\"\nttl = \"1m\"\ncommands = [\"systemctl restart app-*\"]\n"
    );
    let old = Bundle::new(PEOPLE, PLACES, &rules, None);
    let told = |people: &str, rules: &str| said(&between(&old, &Bundle::new(people, PLACES, rules, None)));

    let joins = PEOPLE.replace("[\"carol\", \"dave\"]", "[\"carol\", \"dave\", \"erin\"]");
    let joined = told(&joins, &rules);
    for expected in [
        "+ at other times, such as 2026-03-02T08:00:00Z: erin gains root on 2 hosts (role=web): auto, by `office`, up to 1h\n",
        "+ to run `systemctl restart app-*`: erin gains root on 2 hosts (role=web): auto, by `restarts`, up to 10m\n",
    ] {
        assert!(joined.contains(expected), "{joined}");
    }
    assert!(!joined.contains("not compared"), "{joined}");

    let wider = told(PEOPLE, &rules.replace("app-*\"]", "app-*\", \"journalctl ...\"]"));
    assert!(
        wider.contains("+ to run `journalctl ...`: dave gains root on 2 hosts (role=web): auto, by `restarts`"),
        "{wider}"
    );
    assert!(!wider.contains("app-*`:"), "that one is open as before: {wider}");

    let longer = told(PEOPLE, &rules.replace("Mon-Fri 08", "Mon-Sat 08"));
    assert!(longer.contains("+ at other times, such as 2026-03-07T08:00:00Z: "), "{longer}");
    assert!(!longer.contains("2026-03-02"), "on Mondays it is as it was: {longer}");

    let any_command = told(PEOPLE, &rules.replace("commands = [\"systemctl restart app-*\"]\n", ""));
    assert!(any_command.contains("auto, by `restarts`"), "a shell is open now: {any_command}");

    // What an approver may do at other times only.
    let limited = |hours: &str| format!("{rules}[[approver]]\ngroup = \"sre\"\nwhen = \"Mon-Fri {hours} UTC\"\n");
    let (few, more) = (limited("08:00-12:00"), limited("08:00-18:00"));
    let [few, more] = [few, more].map(|rules| Bundle::new(PEOPLE, PLACES, &rules, None));
    let told = said(&between(&few, &more));
    assert!(
        told.contains("+ at other times, such as 2026-03-02T12:00:00Z: ") && told.contains("may approve too"),
        "{told}"
    );
}

#[test]
fn who_signs_bundles_is_told() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let people = PEOPLE.replace("name = \"dave\"", &format!("name = \"dave\", keys = [\"{key}\"]"));
    let bundle = |signers: &str| Bundle::new(&people, PLACES, &format!("{signers}{RULES}"), None);
    let (none, one) = (bundle(""), bundle("[policy]\nsigners = \"1 of security\"\n"));
    let other = bundle("[policy]\nsigners = \"1 of eng\"\n");
    let told = |old: &Bundle, new: &Bundle| said(&between(old, new)).trim().to_owned();
    assert_eq!(told(&none, &one), "- whose signatures the next bundle needs: 1 of security is new");
    assert_eq!(told(&one, &none), "+ whose signatures the next bundle needs: 1 of security is gone");
    assert_eq!(told(&one, &other), "+ whose signatures the next bundle needs: 1 of security becomes 1 of eng");
    let lift = bundle("[policy]\nlift = \"1 of eng\"\n");
    assert_eq!(told(&none, &lift), "+ who lifts a stop: 1 of eng is new", "so far it took the right admin");

    let keys = [key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0wJEqlXWXmHhnBxNVLHT1Z2fZ4a0mLhMnuRHbD1fIo"];
    let people = PEOPLE
        .replace("name = \"dave\"", &format!("name = \"dave\", keys = [\"{}\"]", keys[0]))
        .replace("name = \"erin\"", &format!("name = \"erin\", keys = [\"{}\"]", keys[1]));
    let policy = format!("[policy]\nsigners = \"1 of security\"\nlift = \"1 of security\"\n{RULES}");
    let joined = people.replace("members = [\"carol\", \"dave\"]", "members = [\"carol\", \"dave\", \"erin\"]");
    let (few, more) = (Bundle::new(&people, PLACES, &policy, None), Bundle::new(&joined, PLACES, &policy, None));
    for (old, new, words) in [
        (&few, &more, ["+ erin now signs bundles", "+ erin now lifts stops"]),
        (&more, &few, ["- erin no longer signs bundles", "- erin no longer lifts stops"]),
    ] {
        let told = told(old, new);
        assert!(words.iter().all(|words| told.contains(words)), "{told}");
    }
}

#[test]
fn hand_written_cedar_is_compared_as_far_as_it_is_asked() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "a rule for any login",
            "",
            "@rule(\"any\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\") permit (principal == User::\"erin\", action, resource == Host::\"web-1\");",
        ),
        (
            "a rule by time",
            "",
            "@rule(\"day\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\") permit (principal == User::\"erin\", action, resource == Host::\"web-1\") when { context.login == \"app\" && context.now < 1900000000 };",
        ),
        (
            "a login by pattern",
            "",
            "@rule(\"apps\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\") permit (principal == User::\"erin\", action, resource == Host::\"web-1\") when { context.login like \"app-*\" };",
        ),
        (
            "another layout",
            "@forbid(\"x\") forbid (principal, action, resource) when { context has command };",
            "// Why.\n@forbid(\"x\")\nforbid (principal, action, resource)\nwhen { context has command };",
        ),
        (
            "a window",
            "@require(\"x\") @quorum(\"1 of sre\") permit (principal, action, resource) when { context.window > 1800 };",
            "",
        ),
    ];
    let mut told = String::new();
    for (what, old, new) in cases {
        let bundle = |cedar: &str| Bundle::new(PEOPLE, PLACES, RULES, Some(cedar));
        writeln!(told, "# {what}\n\n{}", said(&between(&bundle(old), &bundle(new)))).unwrap();
    }
    insta::assert_snapshot!(told);
}

/// Ten thousand hosts, a thousand users and five rules, as a company has them.
#[test]
fn a_large_directory_is_compared_by_what_rules_tell_apart() {
    let (mut people, mut places) = (String::new(), String::new());
    for user in 0..1_000 {
        writeln!(people, "[[user]]\nname = \"u{user}\"\nlogin = \"u{user}\"").unwrap();
    }
    for group in 0..20 {
        let members: Vec<String> =
            (0..1_000).filter(|user| user % 20 == group).map(|user| format!("u{user}")).collect();
        writeln!(people, "[[group]]\nname = \"g{group}\"\nmembers = {members:?}").unwrap();
    }
    for host in 0..10_000 {
        let (env, role) = (["prod", "stage", "test"][host % 3], host % 40);
        writeln!(places, "[[host]]\nname = \"h{host}\"\nlabels = {{ env = \"{env}\", role = \"r{role}\" }}").unwrap();
    }
    let rules = |quorum: &str| -> String {
        let rule = |number: usize| {
            format!(
                "[[rule]]\nname = \"r{number}\"\nwho = [\"g{number}\", \"g{}\"]\nhosts = \"env={}\"\nlogins = [\"root\", \"self\"]\n\
                 approve = {quorum:?}\nmax = \"1h\"\nttl = \"5m\"\n",
                number + 5,
                ["prod", "stage", "test"][number % 3]
            )
        };
        (0..5).map(rule).collect()
    };
    let old = Bundle::new(&people, &places, &rules("2 of g1"), None);
    let new = Bundle::new(&people, &places, &rules("1 of g1"), None);
    let joins = Bundle::new(
        &people.replacen("members = [\"u1\"", "members = [\"u0\", \"u1\"", 1),
        &places,
        &rules("2 of g1"),
        None,
    );
    let start = Instant::now();
    let found = between(&old, &new);
    println!("1,000 users, 10,000 hosts, other quorums: {:?}, {} lines", start.elapsed(), found.access.len());
    assert_eq!(found.access.len(), 5);
    assert!(found.access[0].to_string().contains("2 of g1 becomes 1 of g1"), "{}", found.access[0]);
    let start = Instant::now();
    let found = between(&old, &joins);
    println!(
        "1,000 users, 10,000 hosts, somebody more in a group: {:?}, {} lines",
        start.elapsed(),
        found.access.len()
    );
    assert_eq!(found.unseen, []);
    let gains: Vec<String> =
        found.access.iter().filter(|change| change.before.is_empty()).map(ToString::to_string).collect();
    assert_eq!(gains, ["u0 gains root and self on 3333 hosts (env=stage): 2 of g1, by `r1`, up to 1h"]);
}
