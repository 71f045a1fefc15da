//! Pages that are wrong are found out: what proves the guide can fail.

use crate::page::Page;
use crate::story::{Manner, Outcome, tell};

const PEOPLE: &str = "```toml directory.toml\n[[user]]\nname = \"alice\"\n[[group]]\nname = \"sre\"\n```\n";
const RULE: &str = "```toml access.toml\n[[forbid]]\nwho = \"sre\"\n```\n";

fn told(manner: Manner, page: &str) -> Outcome {
    tell(&Page::read("page", page), manner)
}

fn refused(page: &str, line: usize, words: &str) {
    let Outcome { findings, .. } = told(Manner::Guide, page);
    let all = findings.join("\n");
    assert_eq!(findings.len(), 1, "{page}: {all}");
    assert!(all.starts_with(&format!("page:{line}: ")) && all.contains(words), "{page}: {all}");
}

#[test]
fn what_holds_is_counted() {
    let cedar = "```cedar\n@forbid(\"access.toml:1\")\nforbid (principal in Group::\"sre\", action == Action::\"login\", resource);\n```\n";
    let commands = "```sh parsed\nhallpass approve 7K3F9-QXMWT\n```\nand `hallpass ls`, and `hallpassd check`\n";
    let Outcome { run, parsed, shown, findings } =
        told(Manner::Others, &format!("{PEOPLE}{RULE}{cedar}{commands}```text shown\nanything\n```\n"));
    assert_eq!((run, parsed, shown, findings), (3, 1, 1, Vec::new()));
}

#[test]
fn blocks_without_a_mark_and_blocks_that_are_only_shown_are_told() {
    refused("```\nhallpass ls\n```\n", 1, "nothing says how to prove a block of ``");
    refused("```toml\n[[rule]]\n```\n", 1, "nothing says how to prove a block of `toml`");
    refused("```text shown\nanything\n```\n", 1, "nothing says how to prove");
    refused("\n| a |\n|---|\n| b |\n", 2, "a table without a mark");
    refused("<!-- table: whatever -->\n| a |\n|---|\n| b |\n", 4, "nothing says how to prove a table of `whatever`");
}

#[test]
fn files_and_cedar_that_are_wrong_are_told() {
    refused("```toml access.toml\n[[forbid]]\nwho = \"sre\"\n```\n", 1, "the group `sre` is not in the directory");
    refused("```cedar access.cedar\npermit (principal, action, resource);\n```\n", 1, "a permit is either");
    refused(
        &format!("{PEOPLE}{RULE}```cedar\nforbid (principal, action, resource);\n```\n"),
        11,
        "becomes something else",
    );
    refused(
        "```toml policy-tests\n[[case]]\nname = \"n\"\nuser = \"alice\"\nask = \"root@web-1\"\nfor = \"1h\"\nexpect = \"auto\"\n```\n",
        1,
        "expected `auto`",
    );
}

#[test]
fn commands_and_what_they_print_are_compared() {
    refused("```sh parsed\nhallpass request root@web-1 --for 30m\n```\n", 1, "--message");
    refused("say `hallpass aprove ID`\n", 1, "aprove");
    refused("```sh parsed\nls\n```\n", 1, "no command of ours");
    refused("```console\n$ hallpass admin policy check policy-example\nFine.\n```\n", 1, "No mistakes, no warnings.");
    refused(
        "```console fails\n$ hallpass admin policy check policy-example\nNo mistakes, no warnings.\n```\n",
        1,
        "Some(0)",
    );
    refused("<!-- files: changed from policy-example\naccess.toml: nothing => x\n-->\n", 1, "has no nothing");
}

#[test]
fn rows_that_are_wrong_or_missing_are_told() {
    let table = |rows: &str| {
        format!("{PEOPLE}<!-- table: fields directory.toml group -->\n| f | n | t | e |\n|---|---|---|---|\n{rows}")
    };
    let (name, members) = ("| `name` | yes | | `name = \"g\"` |\n", "| `members` | no | | `members = [\"alice\"]` |\n");
    let rights = "| `rights` | no | | `rights = [\"admin\"]` |\n";
    assert_eq!(told(Manner::Guide, &table(&[name, members, rights].concat())).findings, Vec::<String>::new());
    refused(&table(&[name, members].concat()), 10, "has {\"members\", \"name\", \"rights\"}");
    refused(
        &table(&[name, &members.replace("no", "yes"), rights].concat()),
        11,
        "expected `the field `members` is missing`",
    );
    refused(&table(&[&name.replace("yes", "no"), members, rights].concat()), 10, "without it");
    refused(&table(&[name, members, &rights.replace("admin", "admn")].concat()), 12, "rights");
    refused(&table(&[name, members, &rights.replace("rights = [\"admin\"]", "x")].concat()), 12, "no example");
}
