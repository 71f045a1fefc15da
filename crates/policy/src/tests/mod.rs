//! The policy as a whole: rulings as tables, mistakes, slices, speed.

mod again;
mod approvers;
mod cases;
mod compare;
mod difference;
mod explain;
mod exposure;
mod extend;
mod glass;
mod hand_written;
mod jumps;
mod lint;
mod live;
mod mistakes;
mod people;
mod programs;
mod restrictions;
mod rulings;
mod size;
mod slices;
mod stages;
mod text;
mod when;
mod who;

use directory::{Directory, Mistakes, Source};
use domain::{Access, Extends, Extension, KeyStrength, Owes, UnixTime};

use crate::{Ask, Extending, Keys, Policy, Ruling, rule};

/// Carol is in two groups, alice has two accounts, mallory is disabled, erin has no login; bob has a FIDO key, and nobody
/// else a key.
const DIRECTORY: &str = r#"
    user = [
        { name = "alice", login = "al" }, { name = "alice-2", owner = "alice", login = "al" },
        { name = "bob", login = "bob", keys = ["sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAINrQDu7N2IkpkiIyoiS/LY7UF4WXpg98hm+pgpBoKTLBAAAABHNzaDo="] },
        { name = "carol", login = "carol" }, { name = "dave", login = "dave" },
        { name = "erin" }, { name = "mallory", login = "mallory", disabled = true },
        { name = "backup", kind = "service", owner = "bob", login = "backup" },
    ]
    group = [
        { name = "sre", members = ["alice", "alice-2", "bob", "carol", "mallory"] },
        { name = "security", members = ["carol", "dave"] }, { name = "contractors", members = ["erin"] },
        { name = "jobs", members = ["backup"] }, { name = "nobody" }, { name = "lonely", members = ["alice"] },
    ]
"#;

/// Three scoped hosts; two plain ones in the realm `legacy`, one in `museum`.
const HOSTS: &str = r#"
    host = [
        { name = "web-1", aliases = ["w1"], labels = { env = "prod", role = "web" } },
        { name = "db-1", labels = { env = "prod", role = "db", data = "pii" } },
        { name = "stage-1", labels = { env = "stage", role = "web" } },
        { name = "old-1", realm = "legacy", labels = { age = "old", role = "mail" } },
        { name = "old-2", realm = "legacy", labels = { age = "old", role = "print" } },
        { name = "older-1", realm = "museum", labels = { age = "old" } },
    ]
"#;

fn directory() -> Directory {
    Directory::parse(&Source::new("directory.toml", DIRECTORY), &Source::new("hosts.toml", HOSTS)).unwrap()
}

fn compile(access: &str, cedar: Option<&str>) -> Result<Policy, Mistakes> {
    let cedar = cedar.map(|text| Source::new("extra.cedar", text));
    Policy::compile(&Source::new("access.toml", access), cedar.as_ref(), &directory())
}

fn now() -> UnixTime {
    "2026-03-01T14:02:00Z".parse().unwrap()
}

/// `USER [LOGIN@]TARGET WINDOW [ticket=T] [rule=R] [command=C] [glass=first|owed] [keys=SIGNED/CONNECTING] [extends=SINCE/START]`; words of a command have `_`
/// between them.
fn ask(words: &str) -> Ask {
    let mut words = words.split_whitespace();
    let requester = words.next().unwrap().parse().unwrap();
    let Access { login, target } = words.next().unwrap().parse().unwrap();
    let window = words.next().unwrap().parse().unwrap();
    let mut ask = Ask {
        requester,
        login,
        target,
        window,
        command: None,
        ticket: None,
        rule: None,
        break_glass: None,
        keys: None,
        extends: None,
    };
    for (key, value) in words.map(|word| word.split_once('=').unwrap()) {
        match key {
            "ticket" => ask.ticket = Some(value.parse().unwrap()),
            "rule" => ask.rule = Some(value.parse().unwrap()),
            "glass" => ask.break_glass = Some(if value == "owed" { Owes::Review } else { Owes::Nothing }),
            "command" => ask.command = Some(value.replace('_', " ").parse().unwrap()),
            "keys" => {
                let (signed, connecting) = value.split_once('/').unwrap();
                ask.keys = Some(Keys { signed: signed.parse().ok(), connecting: connecting.parse().ok() });
            }
            "extends" => {
                let (since, start) = value.split_once('/').unwrap();
                let what = Extends { id: "7K3F9-QXMWT".parse().unwrap(), since: since.parse().unwrap() };
                ask.extends = Some(Extending { what, start: start.parse().ok() });
            }
            other => panic!("{other}?"),
        }
    }
    ask
}

/// `RULE: QUORUM; LOGIN on HOSTS; MAX/TTL [EXTENSIONS]`, or the refusal as people see it.
fn shown(ruling: Ruling) -> String {
    let permitted = match ruling {
        Ruling::Refused(refusal) => return refusal.to_string(),
        Ruling::Permitted(permitted) => permitted,
    };
    let hosts: Vec<&str> = permitted.hosts.iter().map(|host| host.as_str()).collect();
    let allow: Vec<&str> = permitted.allow.iter().map(|extension: &Extension| extension.as_str()).collect();
    let realm = permitted.realm.map(|realm| format!("; realm {realm}")).unwrap_or_default();
    let command = permitted.command.map(|command| format!("; only {command}")).unwrap_or_default();
    let source = permitted.source.map(|source| format!("; from {source}")).unwrap_or_default();
    let verify = if permitted.verify_required { "; verify" } else { "" };
    let key = |who: &str, key: Option<KeyStrength>| key.map(|key| format!("; {who} {key}")).unwrap_or_default();
    let keys = key("asked", permitted.requester_key) + &key("approved", permitted.approver_key);
    let live = permitted.live.map(|live| format!("; live {live}")).unwrap_or_default();
    let extends = if permitted.extends.is_some() { "; extends" } else { "" };
    let rests = if permitted.rests { "; rests" } else { "" };
    let glass = permitted.break_glass.map(|group| format!("; reviewed by {group}")).unwrap_or_default();
    let jumps: Vec<String> = permitted.jumps.iter().map(|behind| behind.to_string()).collect();
    let jumps = if jumps.is_empty() { String::new() } else { format!("; by {}", jumps.join(", ")) };
    format!(
        "{}: {}; {} on {}; {}/{} [{}]{command}{realm}{source}{verify}{keys}{live}{extends}{rests}{glass}{jumps}",
        permitted.rule,
        permitted.quorum,
        permitted.login,
        hosts.join(" "),
        permitted.max,
        permitted.ttl,
        allow.join(" ")
    )
}

/// Each request against what the policy says of it.
fn table(access: &str, cedar: Option<&str>, cases: &[(&str, &str)]) {
    table_at("2026-03-01T14:02:00Z", access, cedar, cases);
}

/// The same at another time.
fn table_at(time: &str, access: &str, cedar: Option<&str>, cases: &[(&str, &str)]) {
    let policy = compile(access, cedar).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let directory = directory();
    for (asked, expected) in cases {
        assert_eq!(
            shown(rule(&policy, &directory, &ask(asked), time.parse().unwrap())),
            *expected,
            "{asked} at {time}"
        );
    }
}
