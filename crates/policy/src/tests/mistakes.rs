//! Every kind of mistake in `access.toml` and in hand-written Cedar, as the administrator sees it.

use std::fmt::Write as _;

use super::compile;

/// A rule that is fine, with one line put in place of another.
fn rule_with(line: &str, instead_of: &str) -> String {
    let fine = "[[rule]]\nname = \"r\"\nwho = \"sre\"\nhosts = \"env=prod\"\nlogins = \"root\"\n\
                approve = \"1 of sre\"\nmax = \"1h\"\nttl = \"5m\"\n";
    assert!(fine.contains(instead_of));
    fine.replacen(instead_of, line, 1)
}

#[test]
fn each_mistake_in_access_toml_is_told_where_it_is() {
    let cases = [
        ("nothing but a name", "[[rule]]\nname = \"r\"".to_owned()),
        ("no approve", rule_with("", "approve = \"1 of sre\"\n")),
        ("an unknown field", rule_with("approved = \"auto\"\nmax", "max")),
        ("an unknown kind of entry", "[[rules]]\nname = \"r\"".to_owned()),
        ("two rules of one name", rule_with("", "") + &rule_with("", "")),
        ("a misspelt rule", rule_with("\"R 1\"", "\"r\"")),
        ("an unknown group", rule_with("who = [\"sre\", \"sri\"]", "who = \"sre\"")),
        ("nobody", rule_with("who = []", "who = \"sre\"")),
        ("an unknown host", rule_with("[\"web-1\", \"web-7\"]", "\"env=prod\"")),
        ("labels of another form", rule_with("\"env=Prod\"", "\"env=prod\"")),
        ("a host of another form", rule_with("\"web 1\"", "\"env=prod\"")),
        ("a misspelt login", rule_with("\"Root\"", "\"root\"")),
        ("a quorum of another form", rule_with("\"sre\"", "\"1 of sre\"")),
        ("a quorum of an unknown group", rule_with("\"1 of sre, 1 of boss\"", "\"1 of sre\"")),
        ("a stage of nothing", rule_with("\"1 of sre then\"", "\"1 of sre\"")),
        ("a stage of an unknown group", rule_with("\"1 of sre then 1 of boss\"", "\"1 of sre\"")),
        (
            "an unknown group that stands in",
            rule_with("approve = \"1 of sre\"\nescalate = \"15m to boss\"", "approve = \"1 of sre\""),
        ),
        ("who stands in for itself", rule_with("\"1 of sre or sre after 5m\"", "\"1 of sre\"")),
        (
            "escalation of another form",
            rule_with("approve = \"1 of sre\"\nescalate = \"security\"", "approve = \"1 of sre\""),
        ),
        (
            "escalation at once",
            rule_with("approve = \"1 of sre\"\nescalate = \"0m to security\"", "approve = \"1 of sre\""),
        ),
        (
            "escalation where nobody is asked",
            rule_with("approve = \"auto\"\nescalate = \"15m to security\"", "approve = \"1 of sre\""),
        ),
        (
            "escalation to who is asked",
            rule_with("approve = \"1 of sre\"\nescalate = \"15m to sre\"", "approve = \"1 of sre\""),
        ),
        ("escalation of no approval", "[[require]]\nhosts = \"*\"\nescalate = \"15m to sre\"".to_owned()),
        ("signers in stages", "[policy]\nsigners = \"1 of sre then 1 of security\"".to_owned()),
        ("a window of another form", rule_with("\"1 hour\"", "\"1h\"")),
        ("no time", rule_with("max = \"0s\"", "max = \"1h\"")),
        ("a certificate of no time", rule_with("ttl = \"0s\"", "ttl = \"5m\"")),
        ("a certificate longer than the window", rule_with("ttl = \"2h\"", "ttl = \"5m\"")),
        ("an unknown extension", rule_with("ttl = \"5m\"\nallow = [\"pty\", \"sudo\"]", "ttl = \"5m\"")),
        ("no regular expression", rule_with("ttl = \"5m\"\nticket = \"INC-[0-9\"", "ttl = \"5m\"")),
        ("a regular expression that escapes", rule_with("ttl = \"5m\"\nticket = \"INC)|(?:.*\"", "ttl = \"5m\"")),
        (
            "a network with bits too many",
            rule_with("ttl = \"5m\"\nsource = [\"10.0.0.0/8\", \"10.1.2.3/8\"]", "ttl = \"5m\""),
        ),
        ("no network", rule_with("ttl = \"5m\"\nsource = \"office\"", "ttl = \"5m\"")),
        (
            "an unknown time zone",
            rule_with("ttl = \"5m\"\nwhen = \"Mon-Fri 08:00-18:00 Europe/Berln\"", "ttl = \"5m\""),
        ),
        ("no time of day", rule_with("ttl = \"5m\"\nwhen = [\"22:00-02:00 UTC\", \"nights\"]", "ttl = \"5m\"")),
        ("hours of no time", rule_with("ttl = \"5m\"\nwhen = \"Mon 08:00-08:00 UTC\"", "ttl = \"5m\"")),
        ("a pattern that no command matches", rule_with("ttl = \"5m\"\ncommands = \"ls $HOME\"", "ttl = \"5m\"")),
        (
            "an approver of an unknown group",
            "[[approver]]\ngroup = \"sri\"\nfor = [\"sre\", \"x\"]\nhosts = \"web-7\"".to_owned(),
        ),
        ("an approver without group", "[[approver]]\nwhen = \"08:00-18:00 UTC\"".to_owned()),
        ("an approver without limits", "[[approver]]\ngroup = \"sre\"".to_owned()),
        ("an approver's unknown field", "[[approver]]\ngroup = \"sre\"\nwho = \"sre\"\nhosts = \"*\"".to_owned()),
        ("commands of a requirement", "[[require]]\nhosts = \"*\"\nmax = \"1h\"\ncommands = \"ls\"".to_owned()),
        ("break-glass of another form", rule_with("ttl = \"5m\"\nbreak_glass = \"15m\"", "ttl = \"5m\"")),
        (
            "break-glass that an unknown group reviews",
            rule_with("ttl = \"5m\"\nbreak_glass = \"15m reviewed by boss\"", "ttl = \"5m\""),
        ),
        (
            "break-glass longer than the window",
            rule_with("ttl = \"5m\"\nbreak_glass = \"2h reviewed by sre\"", "ttl = \"5m\""),
        ),
        ("break-glass of no time", rule_with("ttl = \"5m\"\nbreak_glass = \"0s reviewed by sre\"", "ttl = \"5m\"")),
        ("a key for break-glass alone", rule_with("ttl = \"5m\"\nbreak_glass_key = \"sk\"", "ttl = \"5m\"")),
        ("no break-glass by a rule", rule_with("ttl = \"5m\"\nno_break_glass = true", "ttl = \"5m\"")),
        (
            "break-glass by a requirement",
            "[[require]]\nhosts = \"*\"\nmax = \"1h\"\nbreak_glass = \"15m reviewed by sre\"".to_owned(),
        ),
        ("networks, and none", rule_with("ttl = \"5m\"\nsource = []", "ttl = \"5m\"")),
        ("an unknown strength", rule_with("ttl = \"5m\"\napprover_key = \"fido\"", "ttl = \"5m\"")),
        ("no flag", rule_with("ttl = \"5m\"\nverify_required = \"yes\"", "ttl = \"5m\"")),
        ("a requirement of nothing", "[[require]]\nhosts = \"*\"".to_owned()),
        ("a requirement without hosts", "[[require]]\napprove = \"1 of sre\"".to_owned()),
        ("a forbid of everything", "[[forbid]]".to_owned()),
        ("a forbid with terms", "[[forbid]]\nwho = \"sre\"\nmax = \"1h\"".to_owned()),
    ];
    let mut told = String::new();
    for (what, access) in cases {
        let mistakes = compile(&access, None).expect_err(what);
        writeln!(told, "# {what}\n\n{mistakes}\n").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn each_mistake_in_cedar_is_told_where_it_is() {
    let cases = [
        ("not Cedar", "// fine so far\npermit (principal, action, resource) where { true };"),
        ("no semicolon", "forbid (principal, action, resource)"),
        ("a permit that is neither rule nor requirement", "permit (principal, action, resource);"),
        ("a rule and a requirement at once", "@rule(\"r\") @require(\"x\") permit (principal, action, resource);"),
        (
            "a misspelt annotation",
            "forbid (principal, action, resource);\n\
             @rule(\"r\") @quorum(\"auto\") @max(\"1h\") @tll(\"5m\")\npermit (principal, action, resource);",
        ),
        ("a rule without quorum", "@rule(\"r\") @max(\"1h\") @ttl(\"5m\") permit (principal, action, resource);"),
        ("a rule without max", "@rule(\"r\") @quorum(\"auto\") @ttl(\"5m\") permit (principal, action, resource);"),
        ("a rule without ttl", "@rule(\"r\") @quorum(\"auto\") @max(\"1h\") permit (principal, action, resource);"),
        (
            "annotations of another form",
            "@rule(\"R\") @quorum(\"many\") @max(\"1\") @ttl(\"1\") @allow(\"sudo\") @ticket(\"(\")\n\
             permit (principal, action, resource);",
        ),
        (
            "a quorum of an unknown group",
            "@require(\"x\") @quorum(\"1 of boss\") permit (principal, action, resource);",
        ),
        ("a requirement of nothing", "@require(\"x\") permit (principal, action, resource);"),
        (
            "a certificate longer than the window",
            "@rule(\"r\") @quorum(\"auto\") @max(\"1h\") @ttl(\"2h\") permit (principal, action, resource);",
        ),
        ("a forbid with terms", "@quorum(\"auto\") forbid (principal, action, resource);"),
        (
            "one rule, two quorums",
            "@rule(\"r\") @quorum(\"auto\") @max(\"1h\") @ttl(\"5m\") permit (principal, action, resource);\n\
             @rule(\"r\") @quorum(\"1 of sre\") @max(\"1h\") @ttl(\"5m\") permit (principal, action, resource);",
        ),
        (
            "what the schema does not have",
            "forbid (principal, action, resource)\nwhen { principal.lgoin == \"root\" };",
        ),
        ("what may be absent", "forbid (principal, action, resource)\nwhen { context.ticket == \"INC-1\" };"),
        ("types that do not fit", "forbid (principal, action, resource)\nwhen { context.window == \"1h\" };"),
        ("an unknown action", "forbid (principal, action == Action::\"logon\", resource);"),
        (
            "names that nobody has",
            "forbid (principal == User::\"zoe\", action, resource);\nforbid (principal in Group::\"sri\", action, resource);\n\
             forbid (principal, action, resource == Host::\"w1\");",
        ),
        ("a template", "forbid (principal == ?principal, action, resource);"),
    ];
    let mut told = String::new();
    for (what, cedar) in cases {
        let mistakes = compile("", Some(cedar)).expect_err(what);
        writeln!(told, "# {what}\n\n{mistakes}\n").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_rule_has_its_name_in_one_file() {
    let cedar = "@rule(\"r\") @quorum(\"auto\") @max(\"1h\") @ttl(\"5m\") permit (principal, action, resource);";
    let mistakes = compile(&rule_with("", ""), Some(cedar)).unwrap_err();
    assert_eq!(mistakes.0.len(), 1);
    assert_eq!(mistakes.0[0].message, "the rule `r` is already in access.toml");
}

#[test]
fn the_mistakes_of_both_files_are_told_at_once() {
    let mistakes = compile("[[forbid]]", Some("permit (principal, action, resource);")).unwrap_err();
    let files: Vec<&str> = mistakes.0.iter().map(|mistake| mistake.file.as_str()).collect();
    assert_eq!(files, ["access.toml", "extra.cedar"]);
}
