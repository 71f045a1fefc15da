//! The commands on copies of the example of docs/policy.md.

use std::fs;
use std::path::Path;

use crate::testing::{Script, context, public_key};
use crate::{Exit, run};

/// As seen from the directory in which cargo runs the tests of this crate.
const EXAMPLE: &str = "../../docs/policy-example";
const FILES: [&str; 3] = ["directory.toml", "hosts.toml", "access.toml"];

struct Copy {
    dir: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in FILES {
            fs::copy(Path::new(EXAMPLE).join(name), dir.path().join(name)).unwrap();
        }
        for seed in 1..=2 {
            let line = format!("{} erin@laptop-{seed}\n", public_key(seed));
            fs::write(dir.path().join(format!("erin-{seed}.pub")), line).unwrap();
        }
        Self { dir }
    }

    fn texts(&self) -> [String; 3] {
        FILES.map(|name| fs::read_to_string(self.dir.path().join(name)).unwrap())
    }

    /// What a command says; `DIR` stands for the copy on the way in and out.
    async fn run(&self, line: &str) -> (Exit, String) {
        let script = Script::answering(&[]);
        let path = self.dir.path().to_str().unwrap();
        let all: Vec<String> =
            format!("hallpass admin {line}").split(' ').map(|word| word.replace("DIR", path)).collect();
        let exit = run(all, &context(&[("HOME", "/nowhere")], &script)).await;
        (exit, [script.out(), script.notes()].concat().replace(path, "DIR"))
    }

    async fn done(&self, line: &str) -> String {
        let (exit, said) = self.run(line).await;
        assert_eq!(exit, Exit::Done, "{said}");
        said
    }
}

#[tokio::test]
async fn a_user_is_added_and_what_that_changes_is_shown() {
    let copy = Copy::new();
    let said = copy.done("user add erin --key DIR/erin-1.pub --group sre --login erin --dir DIR").await;
    insta::assert_snapshot!("user-add", said);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let [directory, hosts, access] = copy.texts();
    let [directory_before, hosts_before, access_before] = Copy::new().texts();
    assert_eq!((hosts, access), (hosts_before, access_before));
    let lost: Vec<String> =
        lines(&directory_before).into_iter().filter(|line| !lines(&directory).contains(line)).collect();
    assert_eq!(lost, ["members = [\"alice\", \"bob\", \"carol\"]"]);
    assert!(copy.done("policy check DIR --deny-warnings").await.starts_with("No mistakes"));
}

#[tokio::test]
async fn a_program_is_added_with_who_answers_for_it() {
    let copy = Copy::new();
    let add = "user add backup --key DIR/erin-1.pub --key DIR/erin-2.pub --kind service --dir DIR";
    let (exit, said) = copy.run(add).await;
    assert!(exit == Exit::Failed && said.contains("the service `backup` has no owner"), "{said}");
    let said = copy.done(&format!("{add} --owner alice --source 10.0.0.0/8,192.0.2.7 --approves --group sre")).await;
    insta::assert_snapshot!("user-add-program", said);
    let directory = &copy.texts()[0];
    assert!(
        directory.contains("approves = true\nsource = [\n  \"10.0.0.0/8\",\n  \"192.0.2.7/32\",\n]\n"),
        "{directory}"
    );
    insta::assert_snapshot!("user-keys", copy.done("user keys backup --dir DIR").await);
}

#[tokio::test]
async fn a_key_is_added_beside_those_that_are_there() {
    let copy = Copy::new();
    insta::assert_snapshot!("user-keys-add", copy.done("user keys alice --add DIR/erin-1.pub --dir DIR").await);
    let keys = copy.done("user keys alice --dir DIR").await;
    assert!(keys.contains("alice@example.com") && keys.contains("erin@laptop-1"), "{keys}");
}

#[tokio::test]
async fn hosts_are_added_and_listed() {
    let copy = Copy::new();
    let add = "host add web-2.example.com --alias web-2 --address 192.0.2.7 --port 2222 --label env=prod,role=web";
    let add = format!("{add} --via bastion-eu --dir DIR");
    let (exit, said) = copy.run(&add).await;
    assert!(exit == Exit::Failed && said.contains("the jump host `bastion-eu` is not a host of this file"), "{said}");
    let jump = "host add bastion-eu --jump-login jump --egress 192.0.2.8,198.51.100.0/30 --dir DIR";
    insta::assert_snapshot!("host-add-jump", copy.done(jump).await);
    insta::assert_snapshot!("host-add", copy.done(&add).await);
    insta::assert_snapshot!("host-list", copy.done("host list env=prod --dir DIR").await);
    assert_eq!(copy.done("host list env=moon --dir DIR").await, "No such host.\n");
}

#[tokio::test]
async fn what_would_be_wrong_is_refused_and_nothing_is_written() {
    let copy = Copy::new();
    fs::write(
        copy.dir.path().join("alice.pub"),
        fs::read_to_string(copy.dir.path().join("directory.toml"))
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix("keys = [\""))
            .unwrap()
            .trim_end_matches("\"]"),
    )
    .unwrap();
    fs::write(copy.dir.path().join("two.pub"), format!("{}\n{}\n", public_key(1), public_key(2))).unwrap();
    fs::write(
        copy.dir.path().join("private"),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n",
    )
    .unwrap();
    let before = copy.texts();
    let mut told = String::new();
    for line in [
        "user add alice --key DIR/erin-1.pub --dir DIR",
        "user add erin --key DIR/alice.pub --dir DIR",
        "user add erin --key DIR/erin-1.pub --group srs --dir DIR",
        "user add erin --key DIR/two.pub --dir DIR",
        "user add erin --key DIR/private --dir DIR",
        "user add erin --key DIR/gone.pub --dir DIR",
        "user add erin --key DIR/erin-1.pub --approves --dir DIR",
        "user add erin --key DIR/erin-1.pub --source 10.0.0.0/8 --dir DIR",
        "user keys erin --dir DIR",
        "user keys erin --add DIR/erin-1.pub --dir DIR",
        "user keys bob --add DIR/alice.pub --dir DIR",
        "host add web-1 --dir DIR",
        "host add web-9 --via web-8 --dir DIR",
    ] {
        let (exit, said) = copy.run(line).await;
        assert_eq!(exit, Exit::Failed, "{said}");
        told += &format!("$ hallpass admin {line}\n{said}\n");
        assert_eq!(copy.texts(), before, "{line}");
    }
    insta::assert_snapshot!("refused", told);
}

#[tokio::test]
async fn programs_read_the_same() {
    let copy = Copy::new();
    let mut all = String::new();
    for line in [
        "user add erin --key DIR/erin-1.pub --group security --dir DIR --json",
        "user keys erin --dir DIR --json",
        "host add web-2 --label env=stage --dir DIR --json",
        "host list env=stage --dir DIR --json",
    ] {
        all += &copy.done(line).await;
    }
    insta::assert_snapshot!("json", all);
}
