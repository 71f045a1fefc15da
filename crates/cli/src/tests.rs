//! Whole commands, as far as they go without a server.

use std::path::Path;
use std::sync::Arc;

use domain::HostName;

use crate::config::{self, Server};
use crate::places::Places;
use crate::state::ServerState;
use crate::testing::{Script, context, public_key};
use crate::{Exit, run};

struct Home {
    dir: tempfile::TempDir,
    script: Arc<Script>,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), script: Script::answering(&[]) }
    }

    /// With a server that knows these hosts, and at whose address nobody listens.
    fn with_hosts(hosts: &[&str]) -> Self {
        let home = Self::new();
        let places = home.places();
        let server = Server {
            name: "work".parse().unwrap(),
            address: "127.0.0.1:1".into(),
            origin: "ca.example.com".parse().unwrap(),
            ledger_key: domain::Digest::of(b"ledger"),
            user: None,
            key: None,
        };
        config::add(places.config(), &server).unwrap();
        let hosts: Vec<HostName> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        ServerState::at(places.server(&server.name))
            .keep_hosts(hosts.iter().map(|host| (host, &[][..], None)))
            .unwrap();
        home
    }

    fn places(&self) -> Places {
        Places::of(&context(&[("HOME", self.path())], &self.script).environment).unwrap()
    }

    fn path(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    async fn run(&self, line: &str) -> Exit {
        self.run_with(line, &[]).await
    }

    async fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Exit {
        let variables = [&[("HOME", self.path())], variables].concat();
        run(line.split(' '), &context(&variables, &self.script)).await
    }
}

#[tokio::test]
async fn a_host_of_others_is_left_alone_in_silence() {
    let home = Home::with_hosts(&["web-1"]);
    for line in ["web-2 root", "WEB-1 root", "web-1 Root", "-x root", "x;y root", "web-1 ro'ot"] {
        assert_eq!(home.run(&format!("hallpass ensure -- {line}")).await, Exit::Failed, "{line}");
    }
    let inside = home.run_with("hallpass ensure -- web-1 root", &[("HALLPASS_SSH", "1")]).await;
    assert_eq!((inside, home.script.notes()), (Exit::Failed, String::new()));
}

#[tokio::test]
async fn a_host_of_ours_that_is_not_ready_gets_one_line_with_the_next_step() {
    let home = Home::with_hosts(&["web-1"]);
    assert_eq!(home.run("hallpass ensure -- web-1 root").await, Exit::Failed);
    let said = home.script.notes();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("hallpass login work"), "{said}");
}

#[tokio::test]
async fn failures_are_told_to_people_and_to_programs() {
    let home = Home::new();
    assert_eq!(home.run("hallpass status --json").await, Exit::Failed);
    assert!(home.script.notes().starts_with("hallpass: no server is known yet"), "{}", home.script.notes());
    let object: serde_json::Value = serde_json::from_str(&home.script.out()).unwrap();
    assert_eq!(object["schema"], 1);
    assert_eq!(object["error"]["reason"], "CONFIGURATION");
    assert_eq!(object["error"]["exit_code"], 1);
}

#[tokio::test]
async fn a_text_that_hides_something_is_a_usage_mistake() {
    let home = Home::with_hosts(&[]);
    let line = "hallpass request root@web-1 --for 30m -m rea\u{202e}son";
    assert_eq!(home.run(line).await, Exit::Usage);
    let said = home.script.notes();
    assert!(said.contains("U+202E") && !said.contains('\u{202e}'), "{said}");
}

#[tokio::test]
async fn a_server_that_is_new_is_never_trusted_silently() {
    let home = Home::new();
    assert_eq!(home.run("hallpass login ca.example.com#abc").await, Exit::Failed);
    assert!(home.script.notes().contains("64 hexadecimal digits"), "{}", home.script.notes());
    assert!(!home.places().config().exists());
}

#[tokio::test]
async fn completions_and_manual_come_from_the_definitions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        assert_eq!(home.run(&format!("hallpass completions {shell}")).await, Exit::Done);
    }
    assert!(home.script.out().contains("connecting-key"));
    let pages = home.dir.path().join("pages");
    std::fs::create_dir(&pages).unwrap();
    assert_eq!(home.run(&format!("hallpass man {}", pages.display())).await, Exit::Done);
    assert!(pages.join("hallpass.1").exists() && pages.join("hallpass-request.1").exists());
}

#[tokio::test]
async fn help_is_an_answer_and_a_mistake_is_not() {
    let home = Home::new();
    assert_eq!(home.run("hallpass --help").await, Exit::Done);
    assert!(home.script.out().contains("Exit codes: 0 done"));
    assert_eq!(home.run("hallpass frobnicate").await, Exit::Usage);
    assert!(home.script.notes().contains("frobnicate"));
}

#[test]
fn a_run_can_move_between_threads() {
    fn moves<F: Future + Send>(_: F) -> usize {
        size_of::<F>()
    }
    let context = context(&[], &Script::answering(&[]));
    // Commands are on the heap: whoever awaits a run pays for no large future.
    assert!(moves(run(["hallpass"], &context)) < 4096);
}

#[test]
fn certificates_of_a_key_are_removed_with_it() {
    let home = Home::new();
    let places = home.places();
    let file = |name: &str| places.ssh().join(name);
    let write = |name: &str, text: &str| crate::ssh_files::write(&file(name), text).unwrap();
    write("root@web-1.pub", &format!("{}\n", public_key(1)));
    write("root@web-1-cert.pub", "a certificate\n");
    write("root@web-2.pub", &format!("{}\n", public_key(2)));
    crate::ssh_files::remove_all_of(&places, &public_key(1)).unwrap();
    let there = |name: &str| Path::exists(&file(name));
    assert!(!there("root@web-1.pub") && !there("root@web-1-cert.pub") && there("root@web-2.pub"));
}

#[tokio::test]
async fn a_damaged_session_ends_like_any_other() {
    let home = Home::with_hosts(&[]);
    let session = home.places().server(&"work".parse().unwrap()).join("session");
    std::fs::write(&session, "rubbish").unwrap();
    assert_eq!(home.run("hallpass logout").await, Exit::Done);
    assert!(!session.exists());
    assert!(home.script.notes().contains("damaged"), "{}", home.script.notes());
}

#[test]
fn no_server_sends_plain_ssh_elsewhere_for_a_host_of_another() {
    let home = Home::new();
    let places = home.places();
    let host = |name: &str, alias: &str| wire::Host {
        name: name.parse().unwrap(),
        aliases: vec![alias.parse().unwrap()],
        address: "192.0.2.1".to_owned(),
        port: 22,
        labels: [].into(),
        via: None,
        realm: None,
        logins: Vec::new(),
        jump_login: None,
    };
    let keep = |server: &str, hosts: &[wire::Host]| -> Vec<String> {
        let left_out = crate::ssh_files::keep_hosts(&places, &server.parse().unwrap(), hosts).unwrap();
        left_out.into_iter().map(ToString::to_string).collect()
    };
    let behind = wire::Host { via: Some("web-1".parse().unwrap()), ..host("db-7", "d7") };
    let jump = wire::Host { jump_login: Some("jump".parse().unwrap()), ..host("web-1", "w1") };
    assert!(keep("jumping", &[behind, jump]).is_empty());
    let jumping = places.ssh().join("hosts.jumping");
    let kept = std::fs::read_to_string(&jumping).unwrap();
    assert!(kept.contains("\nHost d7\n") && kept.contains("    ProxyJump jump@web-1\n"), "{kept}");
    std::fs::remove_file(jumping).unwrap();
    let first = [host("web-1", "w1")];
    assert!(keep("first", &first).is_empty());
    let kept = std::fs::read_to_string(places.ssh().join("hosts.first")).unwrap();
    for name in ["web-1", "w1"] {
        let block = format!("\nHost {name}\n    HostName 192.0.2.1\n    HostKeyAlias {name}\n    Port 22\n");
        assert!(kept.contains(&block), "a name's key is its own: {kept}");
    }
    assert_eq!(keep("second", &[host("w1", "web-1"), host("db-1", "web-1")]), ["w1", "web-1", "web-1"]);
    let second = std::fs::read_to_string(places.ssh().join("hosts.second")).unwrap();
    assert!(second.contains("\nHost db-1\n") && !second.contains("web-1") && !second.contains("w1"), "{second}");
    assert!(keep("first", &first).is_empty(), "its own file stands in nobody's way");
}
