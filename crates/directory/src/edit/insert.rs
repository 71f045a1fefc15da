//! Where in a file something goes.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Source;

/// Text that goes before this byte.
#[derive(Debug)]
pub(super) struct Insertion {
    at: usize,
    text: String,
}

/// The text with everything inserted, each at its place in the text as it was.
pub(super) fn apply(text: &str, mut insertions: Vec<Insertion>) -> String {
    insertions.sort_by_key(|insertion| insertion.at);
    let (mut edited, mut copied) = (String::with_capacity(text.len()), 0);
    for Insertion { at, text: inserted } in insertions {
        edited.push_str(text.get(copied..at).unwrap_or_default());
        edited.push_str(&inserted);
        copied = at;
    }
    edited + text.get(copied..).unwrap_or_default()
}

/// The entries of `[[kind]]`.
pub(super) fn entries<'t>(top: &'t DeTable<'t>, kind: &str) -> impl Iterator<Item = &'t Spanned<DeValue<'t>>> {
    let all = top.get(kind).and_then(|value| value.get_ref().as_array());
    all.into_iter().flat_map(|array| array.iter())
}

/// What an entry is called.
pub(super) fn name_of<'t>(entry: &'t Spanned<DeValue<'t>>) -> Option<&'t str> {
    entry.get_ref().as_table()?.get("name")?.get_ref().as_str()
}

/// The entry of this name.
pub(super) fn named<'t>(top: &'t DeTable<'t>, kind: &str, name: &str) -> Option<&'t Spanned<DeValue<'t>>> {
    entries(top, kind).find(|entry| name_of(entry) == Some(name))
}

/// One more entry after the last of its kind, or at the end of the file.
pub(super) fn with_entry(
    source: &Source,
    top: &DeTable<'_>,
    kind: &str,
    fields: &[(&str, Option<String>)],
) -> Vec<Insertion> {
    let text = &source.text;
    let fields: Vec<String> =
        fields.iter().filter_map(|(field, value)| Some(format!("{field} = {}", value.as_ref()?))).collect();
    let last = entries(top, kind).last();
    if let Some(array) = top.get(kind).filter(|_| last.is_none_or(|entry| is_inline(text, entry))) {
        // A list on lines of its own inside of an inline table is TOML since 1.1; on one line it always was.
        let entry = format!("{{ {} }}", fields.join(", ").lines().map(str::trim).collect::<Vec<_>>().join(" "));
        return to_array(text, array, &entry);
    }
    let newline = newline(text);
    let entry = format!("[[{kind}]]\n{}", fields.join("\n")).replace('\n', newline);
    let at = last.map_or(text.len(), |last| end_of_line(text, extent(last)));
    let before = text.get(..at).unwrap_or_default();
    let gap = match before {
        "" => String::new(),
        before if before.ends_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    let end = if at == text.len() { newline } else { "" };
    vec![Insertion { at, text: format!("{gap}{entry}{end}") }]
}

/// One more item of a list in an entry, which may be absent, or one text.
pub(super) fn to_list(text: &str, entry: &Spanned<DeValue<'_>>, field: &str, item: &str) -> Vec<Insertion> {
    let Some(table) = entry.get_ref().as_table() else { return Vec::new() };
    match (table.get(field), table.get("name")) {
        (Some(list), _) if list.get_ref().is_array() => to_array(text, list, item),
        (Some(one), _) => vec![
            Insertion { at: one.span().start, text: "[".to_owned() },
            Insertion { at: one.span().end, text: format!(", {item}]") },
        ],
        (None, Some(name)) if is_inline(text, entry) => {
            vec![Insertion { at: name.span().end, text: format!(", {field} = [{item}]") }]
        }
        (None, Some(name)) => {
            let at = end_of_line(text, name.span().end);
            vec![Insertion { at, text: format!("{}{field} = [{item}]", newline(text)) }]
        }
        (None, None) => Vec::new(),
    }
}

/// One more item at the end of an array, on a line of its own where the last one has one.
fn to_array(text: &str, array: &Spanned<DeValue<'_>>, item: &str) -> Vec<Insertion> {
    let items = array.get_ref().as_array().and_then(|items| items.iter().last());
    let Some(last) = items.map(Spanned::span) else {
        return vec![Insertion { at: array.span().start + 1, text: item.to_owned() }];
    };
    let comma = comma_after(text, last.end);
    let line_end = end_of_line(text, comma.map_or(last.end, |comma| comma + 1));
    let line = line_of(text, last.start);
    let indent = text.get(line..last.start).unwrap_or_default();
    let closes_later = array.span().end > line_end;
    if !indent.chars().all(char::is_whitespace)
        || !closes_later
        || comma.is_some_and(|comma| line_of(text, comma) > last.end)
    {
        return vec![Insertion { at: last.end, text: format!(", {item}") }];
    }
    let own_line = format!("{}{indent}{item}", newline(text));
    if comma.is_some() {
        return vec![Insertion { at: line_end, text: format!("{own_line},") }];
    }
    vec![Insertion { at: last.end, text: ",".to_owned() }, Insertion { at: line_end, text: own_line }]
}

/// The comma after an item, past blanks and comments.
fn comma_after(text: &str, at: usize) -> Option<usize> {
    let mut comment = false;
    for (offset, c) in text.get(at..)?.char_indices() {
        match c {
            '\n' => comment = false,
            _ if comment => {}
            '#' => comment = true,
            ',' => return Some(at + offset),
            c if c.is_whitespace() => {}
            _ => return None,
        }
    }
    None
}

/// Whether an entry is written as `{ ... }`.
fn is_inline(text: &str, entry: &Spanned<DeValue<'_>>) -> bool {
    text.get(entry.span().start..).is_some_and(|rest| rest.starts_with('{'))
}

/// Where everything of an entry ends: a table's own place is its header alone.
fn extent(value: &Spanned<DeValue<'_>>) -> usize {
    let Range { end, .. } = value.span();
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| key.span().end.max(extent(value))).fold(end, usize::max)
        }
        DeValue::Array(items) => items.iter().map(extent).fold(end, usize::max),
        _ => end,
    }
}

/// Where the line starts that has this byte.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the line ends that has this byte, its newline not counted.
fn end_of_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    at + line.strip_suffix('\r').filter(|_| line.len() < rest.len()).unwrap_or(line).len()
}

/// How the lines of a file end.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}
