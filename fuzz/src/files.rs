//! The administrator's files.

use directory::{Directory, Mistakes, Source};
use policy::{Ask, Files, Ruling, lint, read_cases, rule};

use crate::Target;

pub(crate) const TARGETS: [Target; 3] = [
    Target { name: "directory", run: directory, seeds: directories },
    Target { name: "access", run: access, seeds: policies },
    Target { name: "cases", run: cases, seeds: tables },
];

/// Stands between two files.
const BETWEEN: &str = "\n%%\n";

const USERS: &str = r#"
[[user]]
name = "alice"
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ alice@laptop"]
login = "alice"
[[user]]
name = "backup"
kind = "service"
owner = "alice"
disabled = true
[[group]]
name = "sre"
members = ["alice"]
rights = ["admin", "audit"]
"#;

const HOSTS: &str = r#"
[[host]]
name = "web-1.example.com"
aliases = ["web-1"]
address = "192.0.2.10"
port = 22
labels = { env = "prod", role = "web" }
via = "bastion-eu"
[[host]]
name = "bastion-eu"
jump_login = "jump"
egress = ["192.0.2.7/32", "2001:db8::/64"]
[[host]]
name = "old-1"
realm = "legacy"
"#;

const ACCESS: &str = r#"
[[rule]]
name = "prod-oncall"
who = ["sre"]
hosts = "env=prod"
logins = ["root", "self"]
approve = "1 of sre"
max = "1h"
ttl = "5m"
allow = ["pty"]
[[require]]
hosts = "role=web"
approve = "auto"
ticket = "^INC-[0-9]+$"
[[forbid]]
hosts = "bastion-eu"
"#;

const CEDAR: &str = r#"
@rule("nightly") @quorum("auto") @max("10m") @ttl("1m") @allow("")
permit (principal == User::"backup", action, resource in Label::"role=web")
when { context.window <= 600 };
@forbid("not by night")
forbid (principal, action, resource) when { context.window > 86400 };
"#;

const CASES: &str = r#"
[[case]]
name = "one approval"
user = "alice"
ask = "root@web-1"
for = "30m"
ticket = "INC-42"
rule = "prod-oncall"
at = "2026-03-01T14:02:00Z"
expect = "1 of sre"
takes = "prod-oncall"
max = "1h"
ttl = "5m"
allow = ["pty"]
approved_by = ["alice"]
not_approved_by = "backup"
[[case]]
name = "no"
user = "backup"
ask = "env=prod"
for = "1m"
command = "uptime -p"
expect = "refused"
because = "disabled"
"#;

fn directory(data: &[u8]) -> bool {
    let Some((users, hosts)) = two_files(data) else { return false };
    told(Directory::parse(&Source::new("directory.toml", users), &Source::new("hosts.toml", hosts))).is_some()
}

/// `access.toml`, and perhaps Cedar beside it. What compiles must also rule.
fn access(data: &[u8]) -> bool {
    let Some((access, cedar)) = two_files(data) else { return false };
    let file = |name: &str, text: &str| Source::new(name, text);
    let cedar = (!cedar.is_empty()).then(|| file("extra.cedar", cedar));
    let (directory, hosts, access) = (file("d", USERS), file("h", HOSTS), file("access.toml", access));
    let files = Files { directory, hosts, access, cedar };
    let Some(((directory, policy), ask)) = told(files.understand()).zip(ask()) else { return false };
    let Ok(now) = "2026-03-01T14:02:00Z".parse() else { return false };
    if let Ruling::Permitted(obligations) = rule(&policy, &directory, &ask, now) {
        assert!(obligations.ttl <= obligations.max && ask.window <= obligations.max);
    }
    assert!(lint(&files, &policy, &directory, now).iter().all(|warning| !warning.render().is_empty()));
    true
}

/// `policy-tests/*.toml`, beside an `access.toml` that is always the same.
fn cases(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let file = |name: &str, text: &str| Source::new(name, text);
    let (directory, hosts, access) = (file("d", USERS), file("h", HOSTS), file("access.toml", ACCESS));
    let Ok((directory, policy)) = (Files { directory, hosts, access, cedar: None }).understand() else { return false };
    let source = Source::new("cases.toml", text);
    let (Some(cases), Ok(now)) = (told(read_cases(&source, &policy, &directory)), "2026-03-01T14:02:00Z".parse())
    else {
        return false;
    };
    for case in cases {
        let judged = case.judge(&policy, &directory, now);
        assert!(judged.wrong.iter().all(|wrong| !wrong.render().is_empty()) && !case.asked().is_empty());
    }
    true
}

fn ask() -> Option<Ask> {
    Some(Ask {
        requester: "alice".parse().ok()?,
        login: "root".parse().ok()?,
        target: "web-1.example.com".parse().ok()?,
        window: "30m".parse().ok()?,
        command: None,
        ticket: "INC-42".parse().ok(),
        rule: None,
        break_glass: None,
        keys: None,
        extends: None,
    })
}

fn two_files(data: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(data).ok()?;
    Some(text.split_once(BETWEEN).unwrap_or((text, "")))
}

/// What is wrong is told, at whatever place in whatever text.
fn told<T>(parsed: Result<T, Mistakes>) -> Option<T> {
    let told = parsed.map_err(|mistakes| mistakes.to_string());
    assert_ne!(told.as_ref().err().map(String::as_str), Some(""));
    told.ok()
}

fn directories() -> Vec<Vec<u8>> {
    vec![[USERS, HOSTS].join(BETWEEN).into_bytes(), b"".to_vec()]
}

fn tables() -> Vec<Vec<u8>> {
    vec![CASES.as_bytes().to_vec()]
}

fn policies() -> Vec<Vec<u8>> {
    vec![[ACCESS, CEDAR].join(BETWEEN).into_bytes(), ACCESS.as_bytes().to_vec()]
}
