//! The files of a middling company: 1,000 users, 10,000 hosts and a page of rules.

use std::fmt::Write as _;

use crate::failure::Failure;
use crate::taker::{Key, Taker};

/// How many users there are; the first of them take certificates.
pub(crate) const USERS: usize = 1_000;
/// How many hosts there are.
pub(crate) const HOSTS: usize = 10_000;
/// How many users take certificates, each under a grant of their own.
pub(crate) const TAKERS: usize = 64;
/// The login that they take.
const LOGIN: &str = "deploy";
/// People of one team.
const TEAM: usize = 50;

/// One rule lets those on call in at once; the others are there because a real policy has them.
pub(crate) const ACCESS: &str = r#"
[[rule]]
name = "oncall-deploys"
who = "oncall"
hosts = "role=web"
logins = ["deploy"]
approve = "auto"
max = "8h"
ttl = "5m"
allow = ["pty"]

[[rule]]
name = "staging"
who = "staff"
hosts = "env=staging"
logins = ["self"]
approve = "auto"
max = "8h"
ttl = "5m"
allow = ["pty"]

[[rule]]
name = "prod-root"
who = "oncall"
hosts = "env=prod"
logins = ["root"]
approve = "1 of oncall"
max = "1h"
ttl = "5m"
allow = ["pty"]

[[rule]]
name = "databases"
who = ["team-01", "team-02"]
hosts = "role=db"
logins = ["postgres"]
approve = "2 of oncall"
max = "30m"
ttl = "5m"

[[require]]
hosts = "env=prod,role=db"
approve = "1 of team-03"
ticket = "^INC-[0-9]+$"

[[forbid]]
who = "team-19"
hosts = "env=prod"
"#;

/// The users with grants, without them yet.
pub(crate) fn takers() -> Result<Vec<Taker>, Failure> {
    let taker = |place| {
        let user = user(place).parse().map_err(Failure::broken("no user's name"))?;
        let login = LOGIN.parse().map_err(Failure::broken("no login"))?;
        // Spread over the inventory; every second host is a web server.
        let host = host(place * 150).parse().map_err(Failure::broken("no host's name"))?;
        Taker::new(user, login, host)
    };
    (0..TAKERS).map(taker).collect()
}

/// `directory.toml`: the takers first, on call; everybody in a team.
pub(crate) fn directory(takers: &[Taker]) -> Result<String, Failure> {
    let mut text = String::new();
    for place in 0..USERS {
        let key = match takers.get(place) {
            Some(taker) => taker.user_key.public().clone(),
            None => Key::generate()?.public().clone(),
        };
        let name = user(place);
        let _ = writeln!(text, "[[user]]\nname = \"{name}\"\nkeys = [\"{key} {name}@laptop\"]\nlogin = \"{name}\"\n");
    }
    group(&mut text, "staff", 0..USERS);
    group(&mut text, "oncall", 0..takers.len());
    for team in 0..USERS / TEAM {
        group(&mut text, &format!("team-{team:02}"), team * TEAM..(team + 1) * TEAM);
    }
    Ok(text)
}

/// `hosts.toml`.
pub(crate) fn hosts() -> String {
    (0..HOSTS).fold(String::new(), |mut text, place| {
        let (name, env) = (host(place), if place % 4 < 3 { "prod" } else { "staging" });
        let role = if place % 2 == 0 { "web" } else { "db" };
        let address = format!("10.{}.{}.1", place / 250, place % 250);
        let _ = writeln!(
            text,
            "[[host]]\nname = \"{name}\"\naliases = [\"h{place:05}\"]\naddress = \"{address}\"\n\
             labels = {{ env = \"{env}\", role = \"{role}\" }}\n"
        );
        text
    })
}

fn user(place: usize) -> String {
    format!("user-{place:04}")
}

fn host(place: usize) -> String {
    format!("host-{place:05}.example.com")
}

fn group(text: &mut String, name: &str, members: std::ops::Range<usize>) {
    let members: Vec<String> = members.map(|place| format!("\"{}\"", user(place))).collect();
    let _ = writeln!(text, "[[group]]\nname = \"{name}\"\nmembers = [{}]\n", members.join(", "));
}
