//! What the directory answers.

use domain::{GroupName, UserName};

use super::{KEY_1, KEY_2, parse};
use crate::{Approves, BindingSource, Directory, Kind, Right, SAMPLE_DIRECTORY, SAMPLE_HOSTS};

fn directory() -> Directory {
    let users = format!(
        r#"
        [[user]]
        name = "alice"
        keys = ["{KEY_1} alice@laptop"]
        login = "al"
        email = "alice@example.com"
        [[user]]
        name = "alice-admin"
        owner = "alice"
        email = "admins@example.com"
        [[user]]
        name = "bob"
        disabled = true
        email = "bob@example.com"
        keys = ["{KEY_2}"]
        [[user]]
        name = "bob-2"
        owner = "bob"
        [[user]]
        name = "backup"
        kind = "service"
        owner = "alice"
        [[user]]
        name = "gate"
        kind = "service"
        owner = "alice"
        approves = true
        source = ["10.0.0.0/8", "192.0.2.7"]
        [[user]]
        name = "bobs-gate"
        kind = "service"
        owner = "bob"
        approves = true
        [[group]]
        name = "sre"
        members = ["alice", "alice-admin", "bob", "bob-2", "backup"]
        rights = ["admin"]
        [[group]]
        name = "auditors"
        members = ["alice"]
        rights = ["audit"]
        "#
    );
    let hosts = r#"
        [[host]]
        name = "web-1.example.com"
        aliases = ["web-1"]
        address = "2001:db8::1"
        port = 2222
        labels = { env = "prod", role = "web" }
        via = "jump"
        [[host]]
        name = "bastion-eu"
        aliases = ["jump"]
        labels = { env = "prod", role = "bastion" }
        jump_login = "jump"
        [[host]]
        name = "old-2"
        realm = "legacy"
        [[host]]
        name = "old-1"
        realm = "legacy"
        labels = { env = "test" }
    "#;
    parse(&users, hosts).unwrap()
}

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn names<'h>(hosts: impl Iterator<Item = &'h crate::Host>) -> Vec<&'h str> {
    hosts.map(|host| host.name.as_str()).collect()
}

#[test]
fn the_person_behind_a_user_is_its_owner_or_itself() {
    let directory = directory();
    for (name, owner) in
        [("alice", Some("alice")), ("alice-admin", Some("alice")), ("backup", Some("alice")), ("x", None)]
    {
        assert_eq!(directory.owner_of(&user(name)).map(UserName::as_str), owner, "{name}");
    }
    assert_eq!(directory.user(&user("backup")).unwrap().kind, Kind::Service(Approves::Nothing));
}

#[test]
fn who_is_disabled_takes_all_accounts_along() {
    let directory = directory();
    for (name, disabled) in [("alice", false), ("bob", true), ("bob-2", true), ("nobody", true)] {
        assert_eq!(directory.is_disabled(&user(name)), disabled, "{name}");
    }
}

#[test]
fn a_key_names_its_user_even_a_disabled_one() {
    let directory = directory();
    let binding = directory.binding(&KEY_1.parse().unwrap()).unwrap();
    assert_eq!((binding.user.name.as_str(), binding.source), ("alice", BindingSource::Directory));
    assert!(directory.binding(&KEY_2.parse().unwrap()).unwrap().user.disabled);
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(directory.binding(&other.parse().unwrap()), None);
}

#[test]
fn rights_come_from_groups_and_not_to_the_disabled() {
    let directory = directory();
    for (name, admin, audit) in
        [("alice", true, true), ("alice-admin", true, false), ("bob", false, false), ("bob-2", false, false)]
    {
        assert_eq!(directory.has_right(&user(name), Right::Admin), admin, "{name}");
        assert_eq!(directory.has_right(&user(name), Right::Audit), audit, "{name}");
    }
}

#[test]
fn mail_goes_to_a_user_or_else_to_the_person_behind() {
    let directory = directory();
    let address = |name| directory.address_of(&user(name)).map(domain::EmailAddress::as_str);
    assert_eq!(address("alice"), Some("alice@example.com"));
    assert_eq!(address("alice-admin"), Some("admins@example.com"));
    assert_eq!(address("backup"), Some("alice@example.com"));
    assert_eq!((address("bob"), address("bob-2"), address("nobody")), (None, None, None), "the disabled get none");
}

#[test]
fn people_decide_and_programs_that_are_marked() {
    let directory = directory();
    for (name, decides, is_person) in [
        ("alice", true, true),
        ("alice-admin", true, true),
        ("backup", false, false),
        ("gate", true, false),
        ("bob", false, false),
        ("bobs-gate", false, false),
        ("nobody", false, false),
    ] {
        assert_eq!(directory.decides(&user(name)), decides, "{name}");
        assert_eq!(directory.is_enabled_person(&user(name)), is_person, "{name}");
    }
    let source = directory.user(&user("gate")).and_then(|gate| gate.source.as_ref());
    assert_eq!(source.map(ToString::to_string).as_deref(), Some("10.0.0.0/8, 192.0.2.7/32"));
}

#[test]
fn users_belong_to_the_groups_that_name_them() {
    let directory = directory();
    let sre: GroupName = "sre".parse().unwrap();
    assert!(directory.member(&user("backup"), &sre));
    assert!(!directory.member(&user("alice"), &"ops".parse().unwrap()));
    assert_eq!(directory.groups_of(&user("alice")).map(GroupName::as_str).collect::<Vec<_>>(), ["auditors", "sre"]);
}

#[test]
fn a_host_answers_to_its_name_and_its_aliases() {
    let directory = directory();
    let host = directory.host("web-1").unwrap();
    assert_eq!(host.name.as_str(), "web-1.example.com");
    assert_eq!((host.address.as_str(), host.port.get()), ("2001:db8::1", 2222));
    assert_eq!(host.via.as_ref().unwrap().as_str(), "bastion-eu", "the jump host by canonical name");
    let jump = directory.host("bastion-eu").unwrap();
    assert_eq!((jump.address.as_str(), jump.port.get()), ("bastion-eu", 22), "what is absent has its default");
    let jumps = directory.jump_hosts(host).unwrap();
    assert_eq!(jumps, [(jump, &"jump".parse().unwrap())]);
    assert_eq!(directory.jump_hosts(jump), Ok(Vec::new()));
    assert!(directory.host("web-2").is_none() && directory.host("WEB-1").is_none());
}

#[test]
fn where_connections_through_a_jump_host_come_from_is_said_or_its_address() {
    let from = |more: &str| {
        let hosts = format!("[[host]]\nname = \"b\"\njump_login = \"jump\"\n{more}");
        let directory = parse("", &hosts).unwrap();
        directory.host("b").unwrap().comes_from().map(|networks| networks.to_string())
    };
    assert_eq!(from(""), None, "a name says nothing of addresses");
    assert_eq!(from("address = \"192.0.2.7\"").as_deref(), Some("192.0.2.7/32"));
    assert_eq!(from("address = \"2001:db8::7\"").as_deref(), Some("2001:db8::7/128"));
    let both = "address = \"192.0.2.7\"\negress = [\"10.0.0.0/30\", \"10.1.0.1\"]";
    assert_eq!(from(both).as_deref(), Some("10.0.0.0/30, 10.1.0.1/32"));
}

#[test]
fn labels_and_realms_select_hosts_in_the_order_of_names() {
    let directory = directory();
    for (selector, expected) in [
        ("env=prod", &["bastion-eu", "web-1.example.com"][..]),
        ("env=prod,role=web", &["web-1.example.com"]),
        ("env=test,role=web", &[]),
        ("team=x", &[]),
    ] {
        assert_eq!(names(directory.select(&selector.parse().unwrap())), expected, "{selector}");
    }
    assert_eq!(names(directory.realm_hosts(&"legacy".parse().unwrap())), ["old-1", "old-2"]);
    assert_eq!(directory.realms().count(), 1);
}

#[test]
fn the_samples_are_fine_as_they_are_and_with_their_examples() {
    assert_eq!(parse(SAMPLE_DIRECTORY, SAMPLE_HOSTS).unwrap().users().count(), 0);
    let directory = parse(&uncommented(SAMPLE_DIRECTORY), &uncommented(SAMPLE_HOSTS)).unwrap();
    assert_eq!((directory.users().count(), directory.hosts().count()), (3, 3));
}

/// The sample with its examples in force: lines of code lose their `# `, sentences stay comments.
fn uncommented(sample: &str) -> String {
    let is_code = |line: &str| line.starts_with("[[") || line.split(' ').nth(1) == Some("=");
    let lines = sample.lines().map(|line| match line.strip_prefix("# ") {
        Some(code) if is_code(code) => code,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}
