//! The guides, proven: every code block and every row of a table in docs/policy.md is run, or understood by the programs at
//! least, and so are the commands and files of the other pages.
//!
//! ```text
//! page: blocks, tables, commands --> story --> toml: compiled; cedar: compared; console: run and compared
//!                                      \-----> tables: each row's example, and that no row is missing
//! ```
//!
//! What a block is stands behind its fence, what a table is in a comment before it; neither shows on the page. `cargo xtask
//! test` runs this as a step of its own, for its counts.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "all of it is a test, whose pages say how much of them was proven"
)]

mod commands;
mod fields;
mod given;
mod page;
mod place;
mod story;
mod tables;
mod transcript;
mod wrong;

use std::collections::BTreeSet;

use page::Page;
use story::{Manner, Outcome, Story, tell};

/// Keys in pages are cut short.
pub(crate) fn fill(text: &str) -> String {
    let key = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let fido = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIE0wJEqlXWXmHhnBxNVLHT1Z2fZ4a0mLhMnuRHbD1fIoAAAABHNzaDo=";
    text.replace("sk-ssh-ed25519@openssh.com AAAA...", &format!("sk-ssh-ed25519@openssh.com {fido}"))
        .replace("ssh-ed25519 AAAA...", &format!("ssh-ed25519 {key}"))
}

fn prove(name: &str, manner: Manner) {
    let text = std::fs::read_to_string(place::root().join(name)).unwrap();
    let Outcome { run, parsed, shown, findings } = tell(&Page::read(name, &text), manner);
    println!("{name}: {run} blocks and rows run, {parsed} parsed, {shown} shown");
    assert!(findings.is_empty(), "{}", findings.join("\n\n"));
    assert!(run + parsed > 0, "{name} has nothing that could be proven");
}

#[test]
fn every_block_and_row_of_the_policy_guide_is_proven() {
    prove("docs/policy.md", Manner::Guide);
}

#[test]
fn every_entry_has_a_table_of_its_fields() {
    let text = std::fs::read_to_string(place::root().join("docs/policy.md")).unwrap();
    let marks = || text.lines().filter_map(|line| line.strip_prefix("<!-- table: ")?.strip_suffix(" -->"));
    for (file, entry, _) in fields::ENTRIES {
        let mut tables = marks().filter_map(|mark| mark.strip_prefix(&format!("fields {file} ")));
        assert!(tables.any(|entries| entries.split(' ').any(|name| name == *entry)), "{entry} of {file}");
    }
    let known = |file: &str| fields::known_entries(&Story::new(), file).unwrap();
    for file in ["access.toml", "directory.toml", "hosts.toml"] {
        let here = fields::ENTRIES.iter().filter(|(of, ..)| *of == file).map(|(_, entry, _)| (*entry).to_owned());
        assert_eq!(here.collect::<BTreeSet<String>>(), known(file), "{file}");
        let mut entries = marks().filter_map(|mark| mark.strip_prefix("entries "));
        assert!(entries.any(|files| files.split(' ').any(|name| name == file)), "{file}");
    }
}

#[test]
fn the_row_of_rights_names_every_right() {
    let text = std::fs::read_to_string(place::root().join("docs/policy.md")).unwrap();
    let row = text.lines().find(|line| line.starts_with("| `rights` |")).unwrap();
    for right in directory::Right::ALL {
        assert!(page::code(row).iter().any(|code| code == right.as_str()), "{}", right.as_str());
    }
}

#[test]
fn commands_and_files_of_the_other_pages_are_proven() {
    for name in ["README.md", "docs/getting-started.md", "docs/hosts.md", "docs/operations.md"] {
        prove(name, Manner::Others);
    }
}
