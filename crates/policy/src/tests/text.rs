//! What `access.toml` becomes.

use super::compile;
use crate::{SAMPLE_ACCESS, cedar};
use directory::{Directory, Notes, Source};

const EVERYTHING: &str = r#"
    [[rule]]
    name = "prod-oncall"
    who = ["sre", "security"]
    hosts = ["env=prod,role=web", "db-1", "*"]
    logins = ["root", "self"]
    approve = "1 of sre"
    max = "1h"
    ttl = "5m"
    allow = ["pty", "port-forwarding"]
    ticket = "^\"INC\"\\d+$"
    when = ["Mon-Fri 08:00-18:00 Europe/Berlin", "Sat 22:00-02:00 UTC"]
    commands = ["systemctl restart *", "journalctl ..."]
    source = ["10.0.0.0/8", "2001:db8::/32"]
    verify_required = true
    requester_key = "sk"
    approver_key = "sk-verified"
    extend = "1 of security"
    break_glass = "15m reviewed by security"
    break_glass_key = "sk-verified"
    [[require]]
    hosts = "data=pii"
    allow = []
    no_break_glass = true
    [[forbid]]
    logins = "nobody"
"#;

#[test]
fn the_text_in_force_is_readable() {
    insta::assert_snapshot!(compile(EVERYTHING, None).unwrap().cedar_text());
}

#[test]
fn compiled_rules_speak_only_of_what_the_schema_has() {
    let policy = compile(EVERYTHING, None).unwrap();
    let source = Source::new("access.toml", policy.cedar_text());
    let notes = Notes::new(&source);
    let validator = cedar::validator(&notes).unwrap();
    assert_eq!(policy.statements.len(), 8);
    for statement in &policy.statements {
        cedar::validate(&notes, &validator, statement, &(0..0));
    }
    assert_eq!(notes.into_mistakes(), []);
}

#[test]
fn a_text_is_split_at_semicolons_outside_strings_and_comments() {
    let text = "// one; \"two\n@forbid(\"a;b\\\";//c\") forbid (x);\n\n permit\n(y) // z;\n; rest";
    let parts: Vec<&str> = cedar::split(text).into_iter().filter_map(|range| text.get(range)).collect();
    assert_eq!(parts, ["@forbid(\"a;b\\\";//c\") forbid (x);", "permit\n(y) // z;\n;", "rest"]);
    for none in ["", "\n \n", "// only words"] {
        assert!(cedar::split(none).is_empty());
    }
}

#[test]
fn the_sample_is_fine_as_it_is_and_with_its_examples() {
    assert_eq!(compile(SAMPLE_ACCESS, None).unwrap().cedar_text(), "");
    let is_code = |line: &str| line.starts_with('[') || line.split(' ').nth(1) == Some("=");
    let lines = SAMPLE_ACCESS.lines().map(|line| match line.strip_prefix("# ") {
        Some(code) if is_code(code) => code,
        _ => line,
    });
    let uncommented = lines.collect::<Vec<_>>().join("\n");
    let groups = "group = [{ name = \"sre\" }, { name = \"security\" }, { name = \"contractors\" },\n\
                  { name = \"admins\", members = [\"alice\", \"bob\"] }]";
    let users = "user = [{ name = \"alice\", keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ\"] },\n\
                 { name = \"bob\", keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0wJEqlXWXmHhnBxNVLHT1Z2fZ4a0mLhMnuRHbD1fIo\"] }]\n";
    let groups = format!("{users}{groups}");
    let directory = Directory::parse(&Source::new("d", groups), &Source::new("h", "")).unwrap();
    let policy = crate::Policy::compile(&Source::new("access.toml", uncommented), None, &directory).unwrap();
    assert_eq!(policy.statements.len(), 3);
    assert_eq!(policy.signers().unwrap().to_string(), "2 of admins");
    assert!(policy.approving.limits(&"sre".parse().unwrap()));
}
