//! Drafts from a list of users and their groups.

use std::collections::BTreeSet;

use crate::draft::Draft;
use crate::error::{ImportError, text};
use crate::todo::{At, Todo, shown};

/// Drafts users and groups from lines of `user,group` or `user,group1;group2`.
///
/// # Errors
/// A file that is too large or no text, and a line that is not of this form.
pub fn from_groups(name: &str, bytes: Vec<u8>) -> Result<Draft, ImportError> {
    let source = text(name, bytes)?;
    let mut draft = Draft::new(name);
    let lines = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text).lines().enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let at = At { file: name.to_owned(), line: number + 1 };
        let fields = fields(line).map_err(|why| ImportError::Line { file: name.to_owned(), line: at.line, why })?;
        let [user, groups] = fields.as_slice() else {
            let why = format!("{} fields; expected user,group or user,group1;group2", fields.len());
            return Err(ImportError::Line { file: name.to_owned(), line: at.line, why });
        };
        if number == 0 && is_header(user, groups) {
            continue;
        }
        member(&mut draft, user, groups, &at)?;
    }
    if !draft.users.is_empty() {
        let words = "a list of groups says nothing of rules: write who may ask for what, and who approves";
        draft.todos.push(Todo::new(words));
    }
    Ok(draft)
}

fn is_header(user: &str, groups: &str) -> bool {
    let is = |field: &str, names: &[&str]| names.iter().any(|name| field.eq_ignore_ascii_case(name));
    is(user, &["user", "username", "name"]) && is(groups, &["group", "groups"])
}

fn member(draft: &mut Draft, user: &str, groups: &str, at: &At) -> Result<(), ImportError> {
    let missing = |what: &str| ImportError::Line { file: at.file.clone(), line: at.line, why: format!("no {what}") };
    if user.is_empty() {
        return Err(missing("user before the comma; write user,group"));
    }
    let named = draft.user(user).ok_or_else(|| missing("name can be made of this user"))?;
    let entry = draft.users.entry(named.name.clone()).or_default();
    if entry.todos.is_empty() {
        entry.todos.push(Todo::new(format!("keys and login: the list does not have them ({at})")));
        if !named.exact {
            entry.todos.push(Todo::new(format!("the name is made of `{}` ({at})", shown(user))));
        }
    }
    let groups: BTreeSet<&str> = groups.split(';').map(str::trim).filter(|group| !group.is_empty()).collect();
    for group in groups {
        let of = draft.group(group).ok_or_else(|| missing("name can be made of this group"))?;
        let entry = draft.groups.entry(of.name).or_default();
        entry.members.insert(named.name.clone());
        if !of.exact && entry.todos.is_empty() {
            entry.todos.push(Todo::new(format!("the name is made of `{}` ({at})", shown(group))));
        }
    }
    Ok(())
}

/// The fields of a line, with or without quotes (RFC 4180, but one record is one line).
fn fields(line: &str) -> Result<Vec<String>, String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    if quoted {
        return Err("a quote is not closed; a record is one line".to_owned());
    }
    fields.push(field);
    Ok(fields.iter().map(|field| field.trim().to_owned()).collect())
}
