//! Tables of fields: each row's example compiles, what a row says of being needed is so, and no field is left out.

use std::collections::BTreeSet;

use directory::{Directory, Mistakes, Source};
use policy::{Files, read_cases};

use crate::page::{Row, code};
use crate::story::{Proof, Story};
use crate::{fill, tables};

/// A file, an entry of it, and the fields of one that is complete.
type Complete = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The entries of each file.
pub(crate) const ENTRIES: &[Complete] = &[
    (
        "access.toml",
        "rule",
        &[
            ("name", "\"r\""),
            ("who", "\"sre\""),
            ("hosts", "\"*\""),
            ("logins", "\"root\""),
            ("approve", "\"auto\""),
            ("max", "\"1d\""),
            ("ttl", "\"1m\""),
        ],
    ),
    ("access.toml", "require", &[("hosts", "\"*\""), ("approve", "\"1 of sre\""), ("max", "\"1d\"")]),
    ("access.toml", "forbid", &[("who", "\"sre\""), ("logins", "\"root\"")]),
    ("access.toml", "approver", &[("group", "\"sre\""), ("hosts", "\"*\""), ("for", "\"sre\"")]),
    ("access.toml", "policy", &[("signers", "\"1 of admins\"")]),
    ("directory.toml", "user", &[("name", "\"zoe\"")]),
    ("directory.toml", "group", &[("name", "\"zoes\"")]),
    ("hosts.toml", "host", &[("name", "\"zoe-1\"")]),
    ("hosts.toml", "pool", &[("name", "\"zoe-*\"")]),
    (
        "policy-tests",
        "case",
        &[
            ("name", "\"c\""),
            ("user", "\"alice\""),
            ("ask", "\"root@web-1\""),
            ("for", "\"30m\""),
            ("expect", "\"1 of sre\""),
        ],
    ),
];

/// Fields by name, as they are written.
type Fields = Vec<(String, String)>;

/// Proves a table of these entries of a file: its columns are the field, whether each entry needs it (`yes`, `no`, or `-`
/// where it does not have it), words, and an example.
pub(crate) fn prove(story: &Story, file: &str, entries: &[&str], rows: &[Row]) -> Vec<(usize, Result<Proof, String>)> {
    let mut proofs: Vec<_> =
        rows.iter().map(|row| (row.line, prove_row(story, file, entries, row).map(|()| Proof::Run))).collect();
    let start = rows.first().map_or(0, |row| row.line);
    for (column, entry) in entries.iter().enumerate() {
        let has = |row: &&Row| row.cells.get(column + 1).is_some_and(|cell| cell != "-");
        let in_table: BTreeSet<String> = rows.iter().filter(has).filter_map(field).collect();
        match known(story, file, entry) {
            Ok(known) if known == in_table => {}
            Ok(known) => {
                proofs.push((start, Err(format!("`{entry}` of {file} has {known:?}, the table {in_table:?}"))))
            }
            Err(wrong) => proofs.push((start, Err(wrong))),
        }
    }
    proofs
}

fn field(row: &Row) -> Option<String> {
    code(row.cells.first()?).into_iter().next()
}

fn prove_row(story: &Story, file: &str, entries: &[&str], row: &Row) -> Result<(), String> {
    let field = field(row).ok_or("the first cell has no field in backticks")?;
    let examples = code(row.cells.last().map_or("", String::as_str));
    let example: Fields = examples.iter().filter_map(|example| example.split_once(" = ").map(owned)).collect();
    if example.first().is_none_or(|(name, _)| *name != field) {
        return Err(format!("the last cell has no example `{field} = ...`"));
    }
    for (column, entry) in entries.iter().enumerate() {
        let example = of_entry(&example, column);
        let compile = |fields: &Fields| compile(story, file, &written(entry, fields));
        let base = base(file, entry)?;
        let mut with = base.clone();
        with.retain(|(name, _)| example.iter().all(|(given, _)| given != name));
        let without: Fields = with.iter().chain(&example).filter(|(name, _)| *name != field).cloned().collect();
        with.extend(example.iter().cloned());
        match row.cells.get(column + 1).map(String::as_str) {
            Some("-") => {
                let more = base.into_iter().chain(example.first().cloned()).collect();
                expect(compile(&more), &format!("unknown field `{field}`"))?;
            }
            Some("yes") => {
                compile(&with).map_err(|mistakes| format!("[{entry}] {mistakes}"))?;
                expect(compile(&without), &format!("the field `{field}` is missing"))?;
            }
            Some("no") => {
                compile(&with).map_err(|mistakes| format!("[{entry}] {mistakes}"))?;
                compile(&without).map_err(|mistakes| format!("[{entry}] without it: {mistakes}"))?;
            }
            other => return Err(format!("expected `yes`, `no` or `-` for {entry}, not {other:?}")),
        }
    }
    Ok(())
}

/// Where a row has an example for each entry, the one of this column; what else stands beside it stays.
fn of_entry(example: &Fields, column: usize) -> Fields {
    let Some((field, _)) = example.first() else { return Fields::new() };
    let own: Vec<usize> = (0..example.len()).filter(|at| example[*at].0 == *field).collect();
    let chosen = own[column.min(own.len() - 1)];
    let others = example.iter().filter(|(name, _)| name != field);
    std::iter::once(&example[chosen]).chain(others).cloned().collect()
}

fn expect(compiled: Result<(), Mistakes>, told: &str) -> Result<(), String> {
    match compiled {
        Err(mistakes) if mistakes.0.iter().any(|mistake| mistake.message == told) => Ok(()),
        Err(mistakes) => Err(format!("expected `{told}`, not {mistakes}")),
        Ok(()) => Err(format!("expected `{told}`, and it compiles")),
    }
}

fn base(file: &str, entry: &str) -> Result<Fields, String> {
    let known = ENTRIES.iter().find(|(in_file, name, _)| (*in_file, *name) == (file, entry));
    let (_, _, fields) = known.ok_or_else(|| format!("no complete `{entry}` of {file} is known here"))?;
    Ok(fields.iter().copied().map(owned).collect())
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn written(entry: &str, fields: &Fields) -> String {
    let head = if entry == "policy" { format!("[{entry}]") } else { format!("[[{entry}]]") };
    let lines = fields.iter().map(|(name, value)| format!("{name} = {}\n", fill(value)));
    format!("{head}\n{}", lines.collect::<String>())
}

/// The fields of an entry, as the parser tells them to whoever misspells one.
fn known(story: &Story, file: &str, entry: &str) -> Result<BTreeSet<String>, String> {
    let mut fields = base(file, entry)?;
    fields.push(owned(("misspelt", "1")));
    told_known(compile(story, file, &written(entry, &fields)))
}

/// The entries of a file, told the same way.
pub(crate) fn known_entries(story: &Story, file: &str) -> Result<BTreeSet<String>, String> {
    told_known(compile(story, file, "[[misspelt]]\n"))
}

fn told_known(compiled: Result<(), Mistakes>) -> Result<BTreeSet<String>, String> {
    let told = compiled.err().ok_or("a misspelt field compiles")?.to_string();
    let (_, known) = told.split_once("known are ").ok_or_else(|| format!("no fields are told in {told}"))?;
    Ok(code(known.lines().next().unwrap_or_default()).into_iter().collect())
}

/// Compiles a file beside the people and hosts of the page; cases beside the example.
fn compile(story: &Story, file: &str, text: &str) -> Result<(), Mistakes> {
    let of = |dir: &str, name: &str| {
        let before = story.place.text(&format!("{dir}/{name}")).unwrap();
        Source::new(name, if name == file && dir == "guide" { format!("{before}\n{text}") } else { before })
    };
    if file == "policy-tests" {
        let example = tables::files(|name| of("policy-example", name));
        let (directory, policy) = example.understand()?;
        return read_cases(&Source::new("guide.toml", text), &policy, &directory).map(drop);
    }
    let mut files: Files = tables::files(|name| of("guide", name));
    files.access = Source::new("access.toml", if file == "access.toml" { text } else { "" });
    files.understand().map(|_: (Directory, _)| ())
}
