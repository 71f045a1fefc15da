//! Every kind of mistake, as the administrator sees it.

use std::fmt::Write as _;

use super::{KEY_1, KEY_2, parse};

const IN_DIRECTORY: &[(&str, &str)] = &[
    ("not TOML", "[[user]]\nname = alice"),
    ("a misspelt name", "[[user]]\nname = \"Alice\""),
    ("no name", "[[user]]\nkeys = []\n[[group]]\nmembers = []"),
    ("unknown fields", "colour = 1\n[[user]]\nname = \"a\"\nkey = \"x\"\n[[group]]\nname = \"g\"\nmember = \"a\""),
    ("a table of another form", "user = \"alice\"\n[group]\nname = \"sre\"\nmembers = \"nobody\""),
    (
        "values of other types",
        "[[user]]\nname = 7\n[[user]]\nname = \"b\"\nkeys = [1]\ndisabled = \"yes\"\nkind = \"robot\"",
    ),
    ("two users of one name", "[[user]]\nname = \"a\"\n[[user]]\nname = \"b\"\n[[user]]\nname = \"a\""),
    ("an unknown owner", "[[user]]\nname = \"a\"\nowner = \"b\""),
    ("its own owner", "[[user]]\nname = \"a\"\nowner = \"a\""),
    ("owners in a circle", "[[user]]\nname = \"a\"\nowner = \"b\"\n[[user]]\nname = \"b\"\nowner = \"a\""),
    (
        "an owner that is a service",
        "[[user]]\nname = \"a\"\n[[user]]\nname = \"s\"\nkind = \"service\"\nowner = \"a\"\n[[user]]\nname = \"b\"\nowner = \"s\"",
    ),
    (
        "a person as if it were a program",
        "[[user]]\nname = \"a\"\napproves = true\nsource = \"10.0.0.0/8\"\n[[user]]\nname = \"b\"\nkind = \"person\"\napproves = false",
    ),
    (
        "networks of another form",
        "[[user]]\nname = \"a\"\n[[user]]\nname = \"s\"\nkind = \"service\"\nowner = \"a\"\nsource = []\napproves = \"yes\"\n\
         [[user]]\nname = \"t\"\nkind = \"service\"\nowner = \"a\"\nsource = [\"10.1.2.3/8\", \"office\"]",
    ),
    ("a service without owner", "[[user]]\nname = \"backup\"\nkind = \"service\""),
    ("a login called self", "[[user]]\nname = \"a\"\nlogin = \"self\""),
    ("no mail address", "[[user]]\nname = \"a\"\nemail = \"a@example.com, b@example.com\""),
    ("no key", "[[user]]\nname = \"a\"\nkeys = [\"hello\", \"ssh-dss AAAAB3Nz a@b\"]"),
    ("an unknown member", "[[user]]\nname = \"a\"\n[[group]]\nname = \"g\"\nmembers = [\"a\", \"b\"]"),
    (
        "groups in groups, in a circle",
        "[[group]]\nname = \"g\"\nmembers = [\"h\"]\n[[group]]\nname = \"h\"\nmembers = [\"g\"]",
    ),
    ("two groups of one name", "[[group]]\nname = \"g\"\n[[group]]\nname = \"g\""),
    ("an unknown right", "[[group]]\nname = \"g\"\nrights = [\"root\"]"),
];

const IN_HOSTS: &[(&str, &str)] = &[
    ("a misspelt host", "[[host]]\nname = \"Web_1\""),
    (
        "two hosts of one name",
        "[[host]]\nname = \"a\"\n[[host]]\nname = \"b\"\naliases = [\"a\", \"c\"]\n[[host]]\nname = \"c\"",
    ),
    (
        "no port",
        "[[host]]\nname = \"a\"\nport = 0\n[[host]]\nname = \"b\"\nport = 65536\n[[host]]\nname = \"c\"\nport = \"ssh\"",
    ),
    ("no address", "[[host]]\nname = \"a\"\naddress = \"192.0.2.1:22\""),
    (
        "labels of another form",
        "[[host]]\nname = \"a\"\nlabels = { env = \"Prod\", role = 1 }\n[[host]]\nname = \"b\"\nlabels = \"env=prod\"",
    ),
    ("an unknown jump host", "[[host]]\nname = \"a\"\nvia = \"bastian\""),
    ("its own jump host", "[[host]]\nname = \"a\"\naliases = [\"b\"]\nvia = \"b\""),
    (
        "jump hosts in a circle",
        "[[host]]\nname = \"a\"\nvia = \"b\"\n[[host]]\nname = \"b\"\nvia = \"c\"\njump_login = \"j\"\n\
         [[host]]\nname = \"c\"\nvia = \"b\"\njump_login = \"j\"",
    ),
    (
        "a jump host without a login that only forwards",
        "[[host]]\nname = \"a\"\nvia = \"b\"\n[[host]]\nname = \"b\"\n[[pool]]\nname = \"c-*\"\nvia = \"b\"",
    ),
    ("a jump host that is plain", "[[host]]\nname = \"a\"\nrealm = \"old\"\njump_login = \"j\""),
    ("a jump host with a misspelt login", "[[host]]\nname = \"a\"\njump_login = \"J\""),
    ("where connections come from, of no jump host", "[[host]]\nname = \"a\"\negress = \"192.0.2.7\""),
    (
        "where connections come from, of another form",
        "[[host]]\nname = \"a\"\njump_login = \"j\"\negress = \"192.0.2.7/24\"",
    ),
    ("a misspelt realm", "[[host]]\nname = \"a\"\nrealm = \"Old Ones\""),
    ("an unknown field", "[[host]]\nname = \"a\"\nlabel = \"env=prod\""),
];

#[test]
fn each_mistake_is_told_where_it_is() {
    let mut told = String::new();
    for (what, text) in IN_DIRECTORY {
        let mistakes = parse(text, "").expect_err(what);
        writeln!(told, "# {what}\n\n{mistakes}\n").unwrap();
    }
    for (what, text) in IN_HOSTS {
        let mistakes = parse("", text).expect_err(what);
        writeln!(told, "# {what}\n\n{mistakes}\n").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_key_is_bound_to_one_user() {
    let text = format!(
        "[[user]]\nname = \"a\"\nkeys = [\"{KEY_1} laptop\"]\n[[user]]\nname = \"b\"\nkeys = [\"{KEY_2}\", \"{KEY_1} desk\"]"
    );
    insta::assert_snapshot!(parse(&text, "").unwrap_err());
}

#[test]
fn the_mistakes_of_both_files_are_told_at_once_and_in_order() {
    let mistakes = parse("[[group]]\nname = \"g\"\nmembers = [\"x\"]\nrights = [\"y\"]", "[[host]]\n[[host]]\nvia = 1");
    let places: Vec<_> =
        mistakes.unwrap_err().0.into_iter().map(|m| format!("{}:{}:{}", m.file, m.line, m.column)).collect();
    assert_eq!(
        places,
        ["directory.toml:3:12", "directory.toml:4:11", "hosts.toml:1:1", "hosts.toml:2:1", "hosts.toml:3:7"]
    );
}

#[test]
fn a_file_that_cannot_be_cut_at_its_entries_reads_as_a_whole() {
    let hosts = "[[host]]\nname = \"a\"\naliases = [\n[[]]\n]\n[[host]]\nname = \"b\"\nrole = \"\"\"\n[[host]]\nname = \"c\"\n\"\"\"";
    let mistakes = parse("", hosts).unwrap_err();
    let told: Vec<_> = mistakes.0.iter().map(|m| format!("{}:{}: {}", m.line, m.column, m.message)).collect();
    assert_eq!(told, ["4:1: expected a text in quotes", "8:1: unknown field `role`"]);
}

#[test]
fn broken_toml_late_in_a_file_is_told_alone_and_in_its_place() {
    let mistakes = parse("", "[[host]]\nname = \"A\"\n[[host]]\nname = \"b\"\nport = = 2\n").unwrap_err();
    assert_eq!(mistakes.0.iter().map(|m| (m.line, m.column)).collect::<Vec<_>>(), [(5, 8)], "{mistakes}");
}

#[test]
fn tables_under_an_entry_belong_to_it() {
    let hosts = "[[host]]\nname = \"a\"\n[host.labels]\nenv = \"prod\"\n\n  [[host]]\n  name = \"b\"\n";
    let directory = parse("", hosts).unwrap();
    let labels = |name: &str| directory.host(name).unwrap().labels.len();
    assert_eq!((labels("a"), labels("b")), (1, 0));
    let mistakes = parse("", "[[host]]\nname = \"a\"\n[[host.labels]]\nenv = \"prod\"\n").unwrap_err();
    assert_eq!(mistakes.0[0].line, 3, "{mistakes}");
}
