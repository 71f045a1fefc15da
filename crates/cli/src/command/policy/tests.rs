//! The commands on the example of docs/policy.md, and on files that are wrong.

use std::fs;
use std::path::Path;

use crate::testing::{Script, context};
use crate::{Exit, run};

/// As seen from the directory in which cargo runs the tests of this crate.
const EXAMPLE: &str = "../../docs/policy-example";

/// The exit code, standard output, and standard error below it.
async fn told(arguments: &[&str]) -> (Exit, String) {
    let script = Script::answering(&[]);
    let all = [&["hallpass", "admin", "policy"], arguments].concat();
    let exit = run(all, &context(&[("HOME", "/nowhere")], &script)).await;
    (exit, [script.out(), script.notes()].concat())
}

/// What `hallpass admin policy` says on the example; it is done in each.
async fn on_example(arguments: &[&str]) -> String {
    let (exit, told) = told(arguments).await;
    assert_eq!(exit, Exit::Done, "{told}");
    told
}

/// A copy of the example in which a text stands in place of another.
fn changed(file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policy-tests")).unwrap();
    for name in ["directory.toml", "hosts.toml", "access.toml", "policy-tests/prod.toml", "policy-tests/stage.toml"] {
        let text = fs::read_to_string(Path::new(EXAMPLE).join(name)).unwrap();
        assert!(name != file || text.contains(from), "{name} has no {from}");
        let text = if name == file { text.replacen(from, to, 1) } else { text };
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// The commands on a changed copy, its path left out of what they say.
async fn on(dir: &tempfile::TempDir, arguments: &[&str]) -> (Exit, String) {
    let path = dir.path().to_str().unwrap();
    let arguments: Vec<&str> =
        arguments.iter().map(|argument| if *argument == "DIR" { path } else { argument }).collect();
    let (exit, told) = told(&arguments).await;
    (exit, told.replace(path, "DIR"))
}

#[tokio::test]
async fn the_example_says_what_the_guide_says() {
    insta::assert_snapshot!("check", on_example(&["check", EXAMPLE, "--deny-warnings"]).await);
    insta::assert_snapshot!("show", on_example(&["show", EXAMPLE, "--cedar"]).await);
    insta::assert_snapshot!("test", on_example(&["test", EXAMPLE]).await);
    insta::assert_snapshot!("who-can", on_example(&["who-can", "root@db-1", "--dir", EXAMPLE]).await);
    insta::assert_snapshot!("can", on_example(&["can", "alice", "--dir", EXAMPLE]).await);
    let nobody = on_example(&["who-can", "root@stage-1", "--dir", EXAMPLE]).await;
    assert_eq!(nobody, "Nobody may ask for root@stage-1.\n");
}

#[tokio::test]
async fn programs_read_the_same() {
    let mut all = String::new();
    for arguments in [
        &["check", EXAMPLE, "--json"][..],
        &["show", EXAMPLE, "--cedar", "--json"],
        &["test", EXAMPLE, "--json"],
        &["who-can", "root@db-1", "--dir", EXAMPLE, "--json"],
        &["can", "dave", "--dir", EXAMPLE, "--json"],
    ] {
        all += &on_example(arguments).await;
    }
    insta::assert_snapshot!("json", all);
}

#[tokio::test]
async fn mistakes_fail_and_warnings_only_where_they_count() {
    let misspelt = changed("access.toml", "approve = \"1 of sre\"", "approve = \"1 of srs\"");
    let (exit, said) = on(&misspelt, &["check", "DIR"]).await;
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!("check-mistake", said);
    for command in [&["show", "DIR", "--cedar"][..], &["test", "DIR"], &["can", "alice", "--dir", "DIR"]] {
        let (exit, said) = on(&misspelt, command).await;
        assert!(exit == Exit::Failed && said.contains("DIR/access.toml:6:11: the group `srs`"), "{said}");
    }
    let doubtful = changed("access.toml", "hosts = \"data=pii\"", "hosts = \"data=pi\"");
    let (exit, said) = on(&doubtful, &["check", "DIR"]).await;
    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!("check-warning", said);
    assert_eq!(on(&doubtful, &["check", "DIR", "--deny-warnings"]).await, (Exit::Failed, said));
}

#[tokio::test]
async fn a_case_that_does_not_hold_fails_with_its_place() {
    let loosened = changed("access.toml", "approve = \"1 of sre\"", "approve = \"auto\"");
    let (exit, said) = on(&loosened, &["test", "DIR"]).await;
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!("test-failed", said);
    let misspelt = changed("policy-tests/prod.toml", "user = \"alice\"", "user = \"alcie\"");
    let (exit, said) = on(&misspelt, &["test", "DIR"]).await;
    assert!(exit == Exit::Failed && said.contains("DIR/policy-tests/prod.toml:3:8: the user `alcie`"), "{said}");
}

#[tokio::test]
async fn a_difference_is_told_in_words_and_by_the_exit_code() {
    let loosened = changed("access.toml", "approve = \"1 of sre\"", "approve = \"auto\"");
    let path = loosened.path().join("directory.toml");
    let people = fs::read_to_string(&path).unwrap().replace("\"carol\"]", "\"carol\", \"dave\"]");
    fs::write(path, people).unwrap();
    let (exit, said) = on(&loosened, &["diff", EXAMPLE, "DIR"]).await;
    assert_eq!(exit, Exit::Failed);
    let guide = fs::read_to_string("../../docs/policy.md").unwrap();
    assert!(
        guide.contains(&format!("policy-example changed\n{said}```\n")),
        "the guide has something else than\n{said}"
    );
    let (exit, said) = on(&loosened, &["diff", "DIR", EXAMPLE, "--json"]).await;
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!("diff-json", said);
    assert_eq!(on_example(&["diff", EXAMPLE, EXAMPLE]).await, "No difference.\n");
    let commented = changed("hosts.toml", "[[host]]", "# Ours.\n[[host]]");
    let said = on(&commented, &["diff", EXAMPLE, "DIR"]).await;
    assert_eq!(said, (Exit::Done, "No difference in what they mean; only how it is written differs.\n".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_compared_is_no_difference() {
    let misspelt = changed("access.toml", "approve = \"1 of sre\"", "approve = \"1 of srs\"");
    let (exit, said) = on(&misspelt, &["diff", EXAMPLE, "DIR"]).await;
    assert_eq!(exit, Exit::Usage);
    assert!(said.starts_with("hallpass: nothing was compared\n  because: the files cannot be used"), "{said}");
    let (exit, said) = on(&misspelt, &["diff", EXAMPLE, "DIR", "--json"]).await;
    assert!(
        exit == Exit::Usage && said.contains("\"reason\":\"MISTAKES\"") && said.contains("\"exit_code\":2"),
        "{said}"
    );
}

#[tokio::test]
async fn no_cases_are_no_success() {
    let dir = changed("access.toml", "", "");
    fs::remove_dir_all(dir.path().join("policy-tests")).unwrap();
    let (exit, said) = on(&dir, &["test", "DIR"]).await;
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!("no-cases", said);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_with_the_others() {
    let dir = changed("access.toml", "", "");
    fs::remove_file(dir.path().join("hosts.toml")).unwrap();
    fs::write(dir.path().join("directory.toml"), b"# M\xfcller\n").unwrap();
    fs::write(dir.path().join("access.cedar"), [0xff]).unwrap();
    let (exit, said) = on(&dir, &["check", "DIR"]).await;
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!("unusable", said);
    let (exit, said) = told(&["who-can", "root@web-9", "--dir", EXAMPLE]).await;
    assert!(exit == Exit::Failed && said.contains("the host `web-9` is not in the inventory"), "{said}");
}
