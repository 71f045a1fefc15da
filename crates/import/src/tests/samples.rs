//! The samples as drafted, every kind of guess among them.

use super::{drafts, keys, read_back};
use crate::{ImportError, Log, MOST_BYTES, from_groups, from_teleport};

/// Reviewed texts: a change of what is drafted shows as a change of a file in `snapshots/`.
#[test]
fn drafts_are_as_reviewed() {
    for (name, draft) in drafts() {
        let files = draft.files();
        insta::assert_snapshot!(name, [files.directory, files.hosts, files.access].join("%%\n"));
    }
}

#[test]
fn a_draft_reads_back_and_grants_nothing_yet() {
    for (name, draft) in drafts() {
        let files = draft.files();
        let (directory, policy) = read_back(&files);
        let counts = draft.counts();
        assert_eq!((counts.users, counts.hosts), (directory.users().count(), directory.hosts().count()), "{name}");
        assert_eq!(counts.groups, directory.groups().count(), "{name}");
        assert_eq!(files.access.matches("[[rule]]").count() > 0, name != "groups", "{name}");
        assert!(!policy.cedar_text().contains("auto"), "{name}: nobody is let in without being asked");
        if let Some(approvers) = directory.group(&"todo-approvers".parse().unwrap()) {
            assert!(approvers.members.is_empty(), "{name}");
        }
    }
}

#[test]
fn the_same_people_on_the_same_logins_share_a_rule() {
    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ alice@x\n";
    let both = |login: &'static str| [("web-1", login), ("web-2", login), ("web-3", login)];
    let paths: Vec<String> =
        ["root", "deploy", "alice"].into_iter().flat_map(both).map(|(host, login)| format!("{host}/{login}")).collect();
    let files: Vec<_> = paths.iter().map(|path| (path.as_str(), A)).collect();
    let access = keys(&files).unwrap().files().access;
    assert_eq!(access.matches("[[rule]]").count(), 1, "{access}");
    assert!(access.contains("logins = [\"self\", \"deploy\", \"root\"]"), "{access}");
    assert!(access.contains("hosts = [\"web-1\", \"web-2\", \"web-3\"]"), "{access}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let groups = |text: &[u8]| from_groups("g.csv", text.to_vec()).unwrap_err().to_string();
    let roles = |text: &str| from_teleport("r.yaml", text.as_bytes().to_vec()).unwrap_err().to_string();
    let logged = |text: &[u8]| Log::read("a.log", text).unwrap_err().to_string();
    for (told, expected) in [
        (groups(b"alice,sre\nb\xffb,sre\n"), "g.csv:2: not UTF-8"),
        (groups(b"alice\n"), "g.csv:1: 1 fields"),
        (groups(b"alice,sre\n,sre\n"), "g.csv:2: no user"),
        (groups(b"alice,\"sre\n"), "g.csv:1: a quote is not closed"),
        (groups(b"a,b,c\n"), "g.csv:1: 3 fields"),
        (
            roles("kind: role\nmetadata: {name: x}\n---\nkind: role\nmetadata: {name: x}\n"),
            "r.yaml:4: the role `x` is there twice",
        ),
        (roles("a: [\n"), "r.yaml:"),
        (logged(b"ok\nok\n\xff\n"), "a.log:3: not UTF-8"),
        (logged(&[b'x'; 100_000]), "a.log:1: the line is longer than 64 KiB"),
        (groups(&vec![b'x'; usize::try_from(MOST_BYTES).unwrap() + 1]), "g.csv: more than 16 MiB"),
    ] {
        assert!(told.starts_with(expected), "{told}");
    }
    let broken = keys(&[("h/root", "\n\u{fffd}\n")]).unwrap().files().access;
    assert!(broken.contains("there is no key (h/root:2)"), "one bad line is told, and the others are read: {broken}");
    assert!(matches!(Log::read("f", std::io::BufReader::new(Broken)), Err(ImportError::Read { .. })));
}

struct Broken;

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }
}

#[test]
fn a_long_log_is_streamed_and_counted() {
    let line = "Mar  1 14:02:00 web-1 sshd[1]: Accepted publickey for root from 192.0.2.7 port 1 ssh2: ED25519 \
                SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n";
    let text = line.repeat(50_000);
    let log = Log::read("auth.log", text.as_bytes()).unwrap();
    assert_eq!(log.logins().map(|(_, times)| times).collect::<Vec<_>>(), [50_000]);
    let different: String = (0..=100_000).map(|n| line.replace("web-1", &format!("web-{n}"))).collect();
    assert!(matches!(Log::read("auth.log", different.as_bytes()), Err(ImportError::TooManyLogins { .. })));
}

#[test]
fn two_foreign_names_never_become_one() {
    let draft = from_groups("g.csv", b"Alice,Ops\nalice,ops\nALICE,OPS\n".to_vec()).unwrap();
    let (directory, _) = read_back(&draft.files());
    assert_eq!(
        directory.users().map(|user| user.name.to_string()).collect::<Vec<_>>(),
        ["alice", "alice-2", "alice-3"]
    );
    for group in directory.groups() {
        assert_eq!(group.members.len(), 1, "{}", group.name);
    }
}
