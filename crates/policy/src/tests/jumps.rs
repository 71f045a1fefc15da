//! Hosts behind jump hosts.

use std::collections::BTreeSet;

use directory::{Directory, Source};
use domain::Amendment;

use super::{DIRECTORY, ask, now, shown};
use crate::{Files, Policy, Ruling, divergences, explain, rule, rule_again};

const HOSTS: &str = r#"
    host = [
        { name = "inner", labels = { role = "bastion" }, jump_login = "jump", egress = "192.0.2.7", via = "outer" },
        { name = "outer", labels = { role = "bastion", zone = "edge" }, jump_login = "hop", address = "198.51.100.7" },
        { name = "db-7", labels = { env = "prod" }, via = "inner" },
        { name = "db-8", labels = { env = "prod" }, via = "outer" },
        { name = "web-1", labels = { env = "prod" } },
        { name = "old-1", realm = "legacy", via = "outer" },
    ]
"#;

const RULE: &str = "[[rule]]\nname = \"r\"\nwho = [\"sre\", \"jobs\"]\nhosts = \"*\"\nlogins = [\"root\", \"hop\"]\n\
                    approve = \"1 of sre\"\nmax = \"1h\"\nttl = \"5m\"\nallow = [\"pty\"]\n";

fn files(hosts: &str, access: &str) -> Files {
    let source = Source::new;
    let (directory, hosts) = (source("directory.toml", DIRECTORY), source("hosts.toml", hosts));
    Files { directory, hosts, access: source("access.toml", access), cedar: None }
}

fn understood(hosts: &str, access: &str) -> (Directory, Policy) {
    files(hosts, access).understand().unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn ruled(access: &str, asked: &str) -> String {
    let (directory, policy) = understood(HOSTS, access);
    shown(rule(&policy, &directory, &ask(asked), now()))
}

#[test]
fn who_may_log_in_to_a_host_may_forward_through_what_is_in_front_of_it() {
    let ruled = |asked: &str| ruled(RULE, asked);
    let root = |hosts: &str| format!("r: 1 of sre; root on {hosts}; 1h/5m [pty]");
    assert_eq!(ruled("alice root@web-1 1h"), root("web-1"));
    assert_eq!(ruled("alice root@db-8 1h"), root("db-8") + "; by db-8 hop@outer");
    assert_eq!(ruled("alice root@db-7 1h"), root("db-7") + "; by db-7 jump@inner, inner hop@outer");
    let fleet = "; by db-7 jump@inner, db-8 hop@outer, inner hop@outer";
    assert_eq!(ruled("alice root@env=prod 1h"), root("db-7 db-8 web-1") + fleet);
    assert_eq!(ruled("alice root@old-1 1h"), root("old-1") + "; realm legacy; by old-1 hop@outer");
}

#[test]
fn a_request_is_not_for_the_login_that_its_own_hosts_are_reached_through() {
    let refused =
        "other hosts of this request are reached through hop@outer, which only forwards for them; ask for it by itself";
    assert_eq!(ruled(RULE, "alice hop@role=bastion 1h"), refused);
    assert_eq!(ruled(RULE, "alice hop@outer 1h"), "r: 1 of sre; hop on outer; 1h/5m [pty]");
}

#[test]
fn what_is_forbidden_on_a_jump_host_is_forbidden_behind_it() {
    let with = |forbid: &str, asked: &str| ruled(&format!("{RULE}[[forbid]]\n{forbid}\n"), asked);
    for (forbid, what) in [
        ("hosts = \"zone=edge\"", "db-7"),
        ("hosts = \"role=bastion\"\nwho = \"sre\"", "db-8"),
        ("hosts = \"outer\"\nlogins = [\"hop\"]", "db-8"),
    ] {
        let asked = format!("alice root@{what} 1h");
        assert!(with(forbid, &asked).starts_with("forbidden on `"), "{forbid}");
    }
    assert!(
        with("hosts = \"outer\"\nlogins = [\"root\"]", "alice root@db-8 1h").starts_with("r: "),
        "of another login"
    );
    assert!(with("hosts = \"outer\"\nwho = \"jobs\"", "alice root@db-8 1h").starts_with("r: "), "of other people");
}

#[test]
fn what_is_required_on_a_jump_host_is_required_behind_it_but_for_extensions() {
    let with =
        |require: &str| ruled(&format!("{RULE}[[require]]\nhosts = \"zone=edge\"\n{require}\n"), "alice root@db-7 10m");
    let way = "; by db-7 jump@inner, inner hop@outer";
    let quorum = with("approve = \"1 of security\"\nmax = \"10m\"");
    assert_eq!(quorum, format!("r: 1 of security, 1 of sre; root on db-7; 10m/5m [pty]{way}"));
    assert_eq!(with("allow = [\"port-forwarding\"]"), format!("r: 1 of sre; root on db-7; 1h/5m [pty]{way}"));
    let refused = "what is required on the jump host `outer` allows no port-forwarding there, so that nothing behind it can be \
                   reached; ask an administrator";
    assert_eq!(with("allow = [\"pty\"]"), refused);
}

#[test]
fn a_host_behind_sees_the_addresses_of_the_one_in_front_of_it() {
    let pinned = RULE.to_owned() + "source = \"10.0.0.0/8\"\n";
    assert_eq!(
        ruled(&pinned, "alice root@db-7 1h"),
        "r: 1 of sre; root on db-7; 1h/5m [pty]; from 10.0.0.0/8; by db-7 jump@inner 192.0.2.7/32, inner hop@outer 198.51.100.7/32"
    );
    let required = RULE.to_owned() + "[[require]]\nhosts = \"db-8\"\nsource = \"10.0.0.0/8\"\n";
    assert!(ruled(&required, "alice root@db-8 1h").ends_with("; from 10.0.0.0/8; by db-8 hop@outer 198.51.100.7/32"));
    assert!(ruled(&required, "alice root@db-7 1h").ends_with("; by db-7 jump@inner, inner hop@outer"), "not pinned");
}

#[test]
fn certificates_are_pinned_behind_jump_hosts_alone_of_which_is_known_what_hosts_see() {
    let named = HOSTS.replace("address = \"198.51.100.7\"", "address = \"outer.example.com\"");
    let program = RULE.to_owned() + "source = \"10.0.0.0/8\"\n";
    let of_web = |hosts: &str| RULE.to_owned() + &format!("[[require]]\nhosts = {hosts:?}\nsource = \"10.0.0.0/8\"\n");
    for (access, why) in [
        (program.as_str(), "the rule `r` pins certificates for `db-7`"),
        (&of_web("db-8"), "a requirement pins certificates for `db-8`"),
        (&of_web("zone=edge"), "a requirement pins certificates for `db-7`"),
    ] {
        let mistakes =
            files(&named, access).understand().err().map(|mistakes| mistakes.to_string()).unwrap_or_default();
        let expected = format!(
            "hosts.toml:4:18: {why} to networks, and nothing says where its connections through `outer` come from"
        );
        assert!(mistakes.starts_with(&expected), "{mistakes}");
        assert!(
            mistakes.contains("help: say which addresses hosts behind it see: egress = \"192.0.2.7/32\""),
            "{mistakes}"
        );
    }
    let (directory, policy) = understood(&named, &of_web("web-1"));
    assert!(
        shown(rule(&policy, &directory, &ask("alice root@db-8 1h"), now())).starts_with("r: "),
        "nothing is pinned there"
    );
    // Should one get into force all the same, nothing leaves that is less pinned than the rule says.
    let (directory, _) = understood(&named, RULE);
    let policy = Policy::compile(&files(&named, &program).access, None, &directory).unwrap();
    let refused = shown(rule(&policy, &directory, &ask("alice root@db-8 1h"), now()));
    assert!(refused.contains("does not say where connections to `db-8` through `outer` come from"), "{refused}");
}

#[test]
fn a_program_that_is_pinned_is_pinned_on_the_way_too() {
    let pinned = DIRECTORY.replace("login = \"backup\"", "login = \"backup\", source = \"10.20.0.0/16\"");
    let of = |hosts: &str| Files { directory: Source::new("directory.toml", pinned.clone()), ..files(hosts, RULE) };
    let (directory, policy) = of(HOSTS).understand().unwrap();
    let ruling = shown(rule(&policy, &directory, &ask("backup root@db-8 1h"), now()));
    assert!(ruling.ends_with("; from 10.20.0.0/16; by db-8 hop@outer 198.51.100.7/32"), "{ruling}");
    let named = HOSTS.replace("address = \"198.51.100.7\"", "address = \"outer.example.com\"");
    let mistakes = of(&named).understand().err().unwrap().to_string();
    assert!(mistakes.contains("directory.toml, for `backup` under the rule `r`, pins certificates"), "{mistakes}");
}

#[test]
fn hosts_behind_one_that_was_removed_are_refused_and_others_are_not() {
    let (directory, policy) = understood(HOSTS, RULE);
    let without = directory.amended(&[Amendment::parse("remove-host", "outer").unwrap()]);
    let again = |host: &str| {
        let hosts = BTreeSet::from([host.parse().unwrap()]);
        shown(rule_again(&policy, &without, &ask("alice root@env=prod 1h"), &"r".parse().unwrap(), &hosts, now()))
    };
    assert!(again("web-1").starts_with("r: "));
    for host in ["db-7", "db-8"] {
        let refused = format!(
            "`{host}` is reached through the jump host `outer`, which was removed or stopped; ask an administrator"
        );
        assert_eq!(again(host), refused);
    }
}

#[test]
fn another_way_is_a_difference_and_is_explained_as_it_was_ruled() {
    let (directory, policy) = understood(HOSTS, RULE);
    let asked = ask("alice root@db-7 1h");
    let Ruling::Permitted(was) = rule(&policy, &directory, &asked, now()) else { panic!("refused") };
    let explained = explain(&policy, &directory, &asked, now());
    assert_eq!(explained.ruling, Ruling::Permitted(was.clone()));
    assert_eq!(explained.rules.len(), 1);
    let (moved, _) = understood(&HOSTS.replace("via = \"inner\"", "via = \"outer\""), RULE);
    let differs = divergences(&was, &rule(&policy, &moved, &asked, now()));
    let told: Vec<String> = differs.iter().map(|d| format!("{}: {d}", d.what())).collect();
    assert_eq!(told, ["jumps: reached by db-7 hop@outer, not db-7 jump@inner, inner hop@outer"]);
}
