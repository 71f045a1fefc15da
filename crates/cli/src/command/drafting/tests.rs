//! Drafts and replays as an administrator runs them: files in, files out, no server.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::testing::{Script, context};
use crate::{Exit, run};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const LOGIN: &str = "Mar  1 14:02:00 web-1 sshd[1]: Accepted publickey for root from 192.0.2.7 port 1 ssh2: ED25519 \
                     SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE\n";

struct Place(TempDir);

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `hallpass admin policy ...`, with `@` for this place: its exit, output and notes.
    async fn run(&self, line: &str) -> (Exit, String, String) {
        let (script, home) = (Script::answering(&[]), self.path().to_str().unwrap());
        let line = format!("hallpass admin policy {}", line.replace('@', home));
        let exit = run(line.split(' '), &context(&[("HOME", home)], &script)).await;
        (exit, script.out(), script.notes())
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path().join(dir)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn what_was_imported_is_what_past_logins_are_tried_on() {
    let authorized = format!("{KEY} alice@laptop\n");
    let log = format!("{}{}", LOGIN, LOGIN.replace("web-1", "web-2"));
    let place =
        Place::with(&[("keys/web-1/root/.ssh/authorized_keys", &authorized), ("auth.log", &log), ("out/x", "")]);
    let (exit, out, notes) = place.run("import --authorized-keys @/keys --out @/out").await;
    assert_eq!((exit, notes.as_str()), (Exit::Done, ""));
    assert!(out.starts_with("Drafted users: 1, groups: 2, hosts: 1, rules: 1. Left to decide: "), "{out}");
    assert_eq!(place.names("out"), ["access.toml", "directory.toml", "hosts.toml", "x"]);

    let (exit, out, _) = place.run("replay --sshd-log @/auth.log --with @/out").await;
    assert_eq!(exit, Exit::Done);
    assert!(
        out.contains("this takes 1 of `todo-approvers`, and only 0 there may approve"),
        "nobody decided yet: {out}"
    );

    let directory = place.path().join("out/directory.toml");
    let decided = fs::read_to_string(&directory).unwrap().replace("members = []", "members = [\"bob\"]");
    fs::write(&directory, decided + "[[user]]\nname = \"bob\"\n").unwrap();
    let (_, out, _) = place.run("replay --sshd-log @/auth.log --with @/out --json").await;
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let (first, second) = (&told["logins"][0], &told["logins"][1]);
    assert_eq!(
        (&first["user"], &first["rule"], &first["quorum"]),
        (&"alice".into(), &"root".into(), &"1 of todo-approvers".into())
    );
    assert_eq!(
        (&first["approvers"][0], &first["times"], &first["why"]),
        (&"bob".into(), &1.into(), &serde_json::Value::Null)
    );
    assert!(second["why"].as_str().unwrap().starts_with("hosts.toml does not have this host"), "{out}");
}

#[tokio::test]
async fn what_is_there_is_never_written_over() {
    for there in ["directory.toml", "hosts.toml", "access.toml"] {
        let place = Place::with(&[("groups.csv", "alice,sre\n"), (&format!("out/{there}"), "mine")]);
        let (exit, out, notes) = place.run("import --groups @/groups.csv --out @/out").await;
        assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
        assert!(notes.contains(there) && notes.contains("nothing was written"), "{notes}");
        assert_eq!(place.names("out"), [there]);
        assert_eq!(fs::read_to_string(place.path().join("out").join(there)).unwrap(), "mine");
    }
}

#[tokio::test]
async fn what_cannot_be_read_says_so_and_writes_nothing() {
    let place = Place::with(&[
        ("empty/notes.txt", ""),
        ("bad.yaml", "a: ["),
        ("bad.csv", "alice\n"),
        ("none.csv", "user,group\n"),
        ("other.txt", "user,group\nalice,sre\n"),
        ("out/x", ""),
    ]);
    fs::File::create(place.path().join("huge.csv")).unwrap().set_len(100 << 20).unwrap();
    fs::write(place.path().join("bytes.log"), b"ok\n\xff\n").unwrap();
    for (from, told) in [
        ("--authorized-keys @/empty", "no authorized_keys is below"),
        ("--authorized-keys @/missing", "missing cannot be read"),
        ("--groups @/bad.csv", "bad.csv:1: 1 fields; expected user,group"),
        ("--groups @/huge.csv", "huge.csv: more than 16 MiB; split the file"),
        ("--teleport @/bad.yaml", "no YAML"),
        ("--sshd-log @/bytes.log", "bytes.log:2: not UTF-8"),
        ("--teleport @/other.txt", "other.txt:1: no role is in this file; give what `tctl get roles` prints"),
        ("--groups @/none.csv", "none.csv has nothing to draft from"),
        ("--sshd-log @/other.txt", "other.txt has nothing to draft from"),
    ] {
        let (exit, _, notes) = place.run(&format!("import {from} --out @/out")).await;
        assert_eq!(exit, Exit::Failed, "{from}");
        assert!(notes.contains(told), "{notes}");
        assert_eq!(place.names("out"), ["x"], "{from}");
    }
    let (exit, _, notes) = place.run("replay --sshd-log @/bytes.log --with @/out").await;
    assert!(exit == Exit::Failed && notes.contains("directory.toml cannot be read"), "{notes}");
}

#[tokio::test]
async fn what_a_log_says_cannot_act_on_the_terminal() {
    let log = LOGIN.replace("web-1", "web\u{1b}[31m");
    let place = Place::with(&[("auth.log", &log), ("out/x", "")]);
    let (exit, out, _) = place.run("import --sshd-log @/auth.log --out @/out").await;
    assert!(exit == Exit::Done && out.contains("root@web") && !out.contains('\u{1b}'), "{out:?}");
    let (_, out, _) = place.run("replay --sshd-log @/auth.log --with @/out").await;
    assert!(out.contains("root@web") && !out.contains('\u{1b}'), "{out:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_in_a_copy_of_hosts_files_lead_nowhere() {
    let place = Place::with(&[("keys/web-1/root", &format!("{KEY} alice\n")), ("out/x", "")]);
    std::os::unix::fs::symlink(place.path(), place.path().join("keys/loop")).unwrap();
    let (exit, out, _) = place.run("import --authorized-keys @/keys --out @/out --json").await;
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &told["hosts"], &told["users"]), (Exit::Done, &1.into(), &1.into()));
}
