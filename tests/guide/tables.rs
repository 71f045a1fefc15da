//! Rows of tables, by what the mark before the table says they are.

use std::collections::BTreeSet;

use directory::Source;
use policy::{Files, lint};

use crate::page::{Row, code};
use crate::place::root;
use crate::story::{Proof, Story};
use crate::{commands, fields, given};

type Proofs = Vec<(usize, Result<Proof, String>)>;

/// Proves each row, and that no row is missing.
pub(crate) fn prove(story: &Story, mark: &str, rows: &[Row]) -> Proofs {
    let start = rows.first().map_or(0, |row| row.line);
    let mut proofs = match mark.split(' ').collect::<Vec<_>>()[..] {
        ["fields", file, ref entries @ ..] => return fields::prove(story, file, entries, rows),
        ["commands"] => {
            return each(rows, |row| first_code(row).and_then(|line| commands::parsed(&line)), || Proof::Parsed);
        }
        ["entries", ..] => each(rows, |row| first_code(row).map(drop), || Proof::Run),
        ["cedar"] => each(rows, |row| cedar_row(story, row), || Proof::Run),
        ["warnings"] => each(rows, |row| warning_row(story, row), || Proof::Run),
        ["import"] => each(rows, |row| import_row(story, row), || Proof::Run),
        _ => return vec![(start, Err(format!("nothing says how to prove a table of `{mark}`")))],
    };
    if let Err(wrong) = complete(story, mark, rows) {
        proofs.push((start, Err(wrong)));
    }
    proofs
}

fn each(rows: &[Row], prove: impl Fn(&Row) -> Result<(), String>, proof: impl Fn() -> Proof) -> Proofs {
    rows.iter().map(|row| (row.line, prove(row).map(|()| proof()))).collect()
}

/// What the first cells name is exactly what there is.
fn complete(story: &Story, mark: &str, rows: &[Row]) -> Result<(), String> {
    let named = rows.iter().filter_map(|row| first_code(row).ok());
    let in_first: BTreeSet<String> = rows.iter().filter_map(|row| row.cells.first().cloned()).collect();
    let texts = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::to_owned).collect::<BTreeSet<String>>();
    let (in_table, there) = match mark.split_once(' ') {
        Some((_, files)) => {
            let named = named.map(|name| name.trim_matches(['[', ']']).to_owned()).collect();
            let mut known = BTreeSet::new();
            for file in files.split(' ') {
                known.extend(fields::known_entries(story, file)?);
            }
            (named, known)
        }
        None if mark == "cedar" => (rows.iter().flat_map(|row| code(&row.cells[0])).collect(), attributes()),
        None if mark == "warnings" => (in_first, texts(&mut given::WARNINGS.iter().map(|(row, _)| *row))),
        None => (named.collect(), texts(&mut given::IMPORTS.iter().map(|(row, ..)| *row))),
    };
    if in_table == there { Ok(()) } else { Err(format!("there is {there:?}, and the table has {in_table:?}")) }
}

fn first_code(row: &Row) -> Result<String, String> {
    row.cells.first().and_then(|cell| code(cell).into_iter().next()).ok_or_else(|| "the first cell has no code".into())
}

fn last_code(row: &Row) -> Result<String, String> {
    row.cells.last().and_then(|cell| code(cell).into_iter().next()).ok_or_else(|| "the last cell has no code".into())
}

/// The files of a bundle, each as it is given.
pub(crate) fn files(source: impl Fn(&str) -> Source) -> Files {
    let [directory, hosts, access, _] = Files::NAMES.map(|name| (name != "access.cedar").then(|| source(name)));
    let (Some(directory), Some(hosts), Some(access)) = (directory, hosts, access) else { unreachable!() };
    Files { directory, hosts, access, cedar: None }
}

/// The example of a row is a condition that compiles, and is about what the row names.
fn cedar_row(story: &Story, row: &Row) -> Result<(), String> {
    let condition = last_code(row)?;
    for named in code(&row.cells[0]) {
        let (of, name) = named.split_once('.').unwrap_or((&named, ""));
        if !condition.contains(&named) && !condition.contains(&format!("{of} has {name}")) {
            return Err(format!("the example says nothing of `{named}`"));
        }
    }
    let mut files = files(|name| Source::new(name, story.place.text(&format!("policy-example/{name}")).unwrap()));
    let forbid = format!("forbid (principal, action == Action::\"login\", resource) when {{ {condition} }};");
    files.cedar = Some(Source::new("access.cedar", forbid));
    files.understand().map(drop).map_err(|mistakes| mistakes.to_string())
}

/// What the schema lets a condition speak of.
fn attributes() -> BTreeSet<String> {
    let schema = std::fs::read_to_string(root().join("crates/policy/src/schema.cedarschema")).unwrap();
    let mut of = "";
    let mut found: BTreeSet<String> = ["principal", "resource"].map(str::to_owned).into();
    for line in schema.lines().map(str::trim) {
        match line.split_once(':') {
            _ if line.starts_with("//") => {}
            _ if line.starts_with("entity User") => of = "principal",
            _ if line.starts_with("entity Host") => of = "resource",
            Some(("context", _)) => of = "context",
            Some((name, kind)) if kind.ends_with(',') && !["principal", "resource"].contains(&name) => {
                found.insert(format!("{of}.{}", name.trim_end_matches('?')));
            }
            _ => {}
        }
    }
    found
}

/// The example, with what the row is about done to it, is warned of in the words of the row.
fn warning_row(story: &Story, row: &Row) -> Result<(), String> {
    let told = last_code_whole(row)?;
    let (_, edits) = given::WARNINGS.iter().find(|(of, _)| *of == row.cells[0]).ok_or("nothing is done to show it")?;
    let files = files(|name| {
        let text = story.place.text(&format!("policy-example/{name}")).unwrap();
        let mine = edits.iter().filter(|(file, ..)| *file == name);
        let text = mine.fold(text, |text, (_, from, to)| {
            assert!(text.contains(from), "{name} has no {from}");
            text.replacen(from, to, 1)
        });
        Source::new(name, text)
    });
    let (directory, policy) = files.understand().map_err(|mistakes| mistakes.to_string())?;
    let now = "2026-03-02T12:00:00Z".parse().unwrap();
    let messages: Vec<String> = lint(&files, &policy, &directory, now).into_iter().map(|w| w.message).collect();
    if messages.contains(&told) {
        Ok(())
    } else {
        Err(format!("the warnings are other ones:\n{}", messages.join("\n")))
    }
}

/// The code of the last cell, which may have backticks of its own.
fn last_code_whole(row: &Row) -> Result<String, String> {
    let cell = row.cells.last().map_or("", String::as_str);
    if cell.starts_with('`') { last_code(row) } else { Err("the last cell is no code".into()) }
}

/// Something is drafted from what the row says is read.
fn import_row(story: &Story, row: &Row) -> Result<(), String> {
    let named = first_code(row)?;
    let (_, from, drafted) = given::IMPORTS.iter().find(|(of, ..)| *of == named).ok_or("there is nothing to read")?;
    let option = named.split(' ').next().unwrap_or_default();
    let out = format!("drafted{option}");
    let words = ["admin", "policy", "import", option, from, "--out", &out].map(str::to_owned);
    let said = story.place.hallpass(&words);
    if said.code == Some(0) && said.text.contains(drafted) { Ok(()) } else { Err(said.text) }
}
