//! A TOML table read field by field: what is wrong is noted, and reading goes on.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use domain::{Network, Networks};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Notes;

/// The fields of one table. Each is asked for by name; what nobody asked for is a mistake at [`Fields::finish`].
#[derive(Debug)]
pub struct Fields<'a> {
    notes: &'a Notes<'a>,
    table: &'a DeTable<'a>,
    /// Where in the file the text starts that the table was read from.
    offset: usize,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// The top of a file.
    pub const fn top(notes: &'a Notes<'a>, table: &'a DeTable<'a>) -> Self {
        Self::part(notes, table, 0)
    }

    /// The top of a part of a file, which starts there.
    pub(crate) const fn part(notes: &'a Notes<'a>, table: &'a DeTable<'a>, offset: usize) -> Self {
        Self { notes, table, offset, span: offset..offset, asked: RefCell::new(Vec::new()) }
    }

    /// Where the table starts: its header.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether a field is there, whatever it holds.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of a field is, when the field is there.
    pub fn place_of(&self, key: &str) -> Option<Range<usize>> {
        self.table.get(key).map(|value| self.place(value))
    }

    /// A text field that may be absent.
    pub fn optional<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Spanned<T>> {
        self.value(key).and_then(|value| self.parse(value))
    }

    /// A text field that must be there.
    pub fn required<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Spanned<T>> {
        self.present(key).and_then(|value| self.parse(value))
    }

    /// An array of texts, or one text; `None` when absent.
    pub fn list<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Vec<Spanned<T>>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Array(items) => Some(items.iter().filter_map(|item| self.parse(item)).collect()),
            _ => Some(self.parse(value).into_iter().collect()),
        }
    }

    /// As [`Fields::list`], but when it is there, it holds something: an empty list could be read as none or as any.
    pub fn filled_list<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<Vec<Spanned<T>>> {
        if let Some(value) =
            self.table.get(key).filter(|value| value.get_ref().as_array().is_some_and(|a| a.is_empty()))
        {
            self.notes.note(self.place(value), format!("the list `{key}` is empty"));
        }
        self.list(key)
    }

    /// As [`Fields::filled_list`], and it must be there.
    pub fn required_list<T: FromStr<Err: Display>>(&self, key: &'static str) -> Vec<Spanned<T>> {
        self.present(key);
        self.filled_list(key).unwrap_or_default()
    }

    /// Networks, one or a list; when the field is there, it names one.
    pub fn networks(&self, key: &'static str) -> Option<Networks> {
        let listed = self.filled_list::<Network>(key)?;
        let place = listed.first().map_or_else(|| self.span(), Spanned::span);
        Networks::listed(listed.into_iter().map(Spanned::into_inner).collect()).unwrap_or_else(|error| {
            self.notes.note(place, error.to_string());
            None
        })
    }

    /// `true` or `false`; absent is `false`.
    pub fn flag(&self, key: &'static str) -> bool {
        match self.value(key).map(|value| (value.get_ref(), value)) {
            Some((DeValue::Boolean(flag), _)) => *flag,
            Some((_, other)) => {
                self.notes.note(self.place(other), "expected true or false");
                false
            }
            None => false,
        }
    }

    /// A whole number that may be absent.
    pub fn number<T: FromStr>(&self, key: &'static str, expected: &str) -> Option<T> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) if digits.radix() == 10 => digits.as_str().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.notes.note(self.place(value), format!("expected {expected}"));
        }
        number
    }

    /// The tables of `[[key]]`, in file order.
    pub fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let form = format!("[[{key}]]");
        let DeValue::Array(items) = value.get_ref() else {
            self.notes.note(self.place(value), format!("expected tables, each under its own {form}"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.inner(item, &form)).collect()
    }

    /// The table of `[key]` or `key = { ... }`, when there is one.
    pub fn table(&self, key: &'static str) -> Option<Self> {
        self.inner(self.value(key)?, &format!("[{key}] or {key} = {{ ... }}"))
    }

    /// Every field as `key = "text"` under names that the file chooses.
    pub fn pairs(&self) -> Vec<(Spanned<String>, Spanned<String>)> {
        let texts = self.table.iter().filter_map(|(key, value)| {
            let key = Spanned::new(self.place(key), key.get_ref().clone().into_owned());
            self.parse(value).map(|value| (key, value))
        });
        texts.collect()
    }

    /// Notes every field that nobody asked for.
    pub fn finish(self) {
        let asked = self.asked.take();
        for (key, _) in self.table.iter().filter(|(key, _)| !asked.contains(&key.get_ref().as_ref())) {
            let name: String = key.get_ref().chars().take(64).flat_map(char::escape_default).collect();
            let known = asked.join("`, `");
            self.notes.note_with_help(
                self.place(key),
                format!("unknown field `{name}`"),
                format!("known are `{known}`"),
            );
        }
    }

    /// Where in the file something is.
    fn place<T>(&self, what: &Spanned<T>) -> Range<usize> {
        self.offset + what.span().start..self.offset + what.span().end
    }

    fn present(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.value(key);
        if value.is_none() {
            self.notes.note(self.span(), format!("the field `{key}` is missing"));
        }
        value
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table.get(key)
    }

    fn inner(&self, value: &'a Spanned<DeValue<'a>>, form: &str) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => {
                Some(Self { span: self.place(value), ..Self::part(self.notes, table, self.offset) })
            }
            _ => {
                self.notes.note(self.place(value), format!("expected a table: {form}"));
                None
            }
        }
    }

    fn parse<T: FromStr<Err: Display>>(&self, value: &Spanned<DeValue<'_>>) -> Option<Spanned<T>> {
        let parsed = match value.get_ref() {
            DeValue::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
            _ => Err("expected a text in quotes".to_owned()),
        };
        match parsed {
            Ok(parsed) => Some(Spanned::new(self.place(value), parsed)),
            Err(message) => {
                self.notes.note(self.place(value), message);
                None
            }
        }
    }
}
