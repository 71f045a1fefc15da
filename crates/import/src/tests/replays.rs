//! Past logins under rules.

use directory::{Directory, Source};
use domain::UnixTime;
use policy::Policy;

use super::{log, sample};
use crate::{Outcome, replay};

const DIRECTORY: &str = r#"
    user = [
        { name = "alice", login = "alice", keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"] },
        { name = "bob" },
    ]
    group = [{ name = "sre", members = ["alice", "bob"] }]
"#;
const HOSTS: &str = r#"host = [{ name = "web-1" }, { name = "web-2.example.com", aliases = ["web-2"] }]"#;
const ACCESS: &str = r#"
    rule = [
        { name = "root", who = "sre", hosts = "web-1", logins = "root", approve = "1 of sre", max = "1h", ttl = "5m" },
        { name = "own", who = "sre", hosts = "web-2", logins = "self", approve = "auto", max = "1h", ttl = "5m" },
    ]
"#;

fn replayed(text: &str) -> Vec<String> {
    let directory = Directory::parse(&Source::new("d", DIRECTORY), &Source::new("h", HOSTS)).unwrap();
    let policy = Policy::compile(&Source::new("a", ACCESS), None, &directory).unwrap();
    let each = replay(&log(text), &directory, &policy, UnixTime::EPOCH).into_iter().map(|replayed| {
        let user = replayed.user.map_or_else(|| "-".to_owned(), |user| user.to_string());
        let outcome = match replayed.outcome {
            Outcome::Ruled { rule, quorum, approvers } => format!("{rule}: {quorum} {approvers:?}"),
            Outcome::Refused(why) => why,
        };
        format!("{}@{} {user} x{}: {outcome}", replayed.login.login, replayed.login.host, replayed.times)
    });
    each.collect()
}

#[test]
fn each_login_is_told_its_rule_or_why_there_is_none() {
    let text = sample("auth.log").replace("WEB_2", "WEB-2");
    assert_eq!(
        replayed(&text),
        [
            "alice@WEB-2 alice x1: own: auto {}",
            "root@web-1 alice x2: root: 1 of sre {UserName(bob)}",
            "root@web-1 - x1: only a key or a certificate says who it was",
        ]
    );
}

#[test]
fn what_the_files_do_not_have_is_refused() {
    let line = |host: &str, login: &str| {
        let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        format!(
            "Mar  1 14:02:00 {host} sshd[1]: Accepted publickey for {login} from ::1 port 1 ssh2: ED25519-CERT {key} \
             ID hallpass:7K3F9QXMWT:bob:1772373720 (serial 1) CA ED25519 {key}\n"
        )
    };
    let unknown = line("web-1", "root").replace(":bob:", ":nobody-here:");
    assert!(replayed(&unknown)[0].starts_with("root@web-1 - x1: no user of directory.toml has this key"));
    for (host, login, told) in [
        ("web-1", "root", "root@web-1 bob x1: root: 1 of sre {UserName(alice)}"),
        ("db-1", "root", "root@db-1 bob x1: hosts.toml does not have this host"),
        ("web-1", "Root", "Root@web-1 bob x1: no rule can have this login"),
        ("web-1", "deploy", "deploy@web-1 bob x1: no rule lets `bob` ask for this login on `web-1`"),
    ] {
        let found = replayed(&line(host, login));
        assert!(found[0].starts_with(told), "{found:?}");
    }
}
