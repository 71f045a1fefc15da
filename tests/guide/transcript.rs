//! `$ COMMAND` and what it prints: run, and compared.

use crate::commands;
use crate::place::Place;

/// Runs each command of a block. A line `...` stands for any lines.
pub(crate) fn run(place: &Place, text: &str, code: i32) -> Result<(), String> {
    let (before, commands) = text.split_once("$ ").ok_or("no line of this block starts with `$ `")?;
    if !before.is_empty() {
        return Err("something stands before the first command".into());
    }
    for command in commands.split("\n$ ") {
        let (line, shown) = command.split_once('\n').unwrap_or((command, ""));
        let words = commands::words(line);
        let Some(("hallpass", rest)) = words.split_first().map(|(program, rest)| (program.as_str(), rest)) else {
            return Err(format!("`{line}` is no command of hallpass"));
        };
        let said = place.hallpass(rest);
        let (told, shown): (Vec<&str>, Vec<&str>) = (lines(&said.text), lines(shown));
        if said.code != Some(code) || !matches(&told, &shown) {
            return Err(format!("`{line}` ended with {:?}, and printed\n{}", said.code, said.text));
        }
    }
    Ok(())
}

/// Spaces at the ends of lines and empty lines at the end are nothing to see.
fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

fn matches(told: &[&str], shown: &[&str]) -> bool {
    match shown.split_first() {
        None => told.is_empty(),
        Some((&"...", rest)) => (0..=told.len()).any(|skipped| matches(&told[skipped..], rest)),
        Some((line, rest)) => told.split_first().is_some_and(|(first, told)| first == line && matches(told, rest)),
    }
}

#[test]
fn a_line_of_dots_stands_for_any_lines() {
    assert!(matches(&["a", "b", "c"], &["a", "...", "c"]));
    assert!(matches(&["a", "c"], &["a", "...", "c"]));
    assert!(!matches(&["a", "b"], &["a"]));
    assert!(!matches(&["a"], &["a", "b"]));
    assert!(!matches(&["a", "b", "d"], &["a", "...", "c"]));
}
