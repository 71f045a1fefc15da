//! The grammar that all texts share: a first line, then `field: value` lines in fixed order, each ended by LF.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Display, Write as _};
use std::str::FromStr;

use domain::Digest;

/// Most bytes of a text that somebody signs.
pub(crate) const LONGEST: usize = 64 * 1024;
/// Most bytes of one value.
const LONGEST_VALUE: usize = 1024;
/// What stands for an absent value.
const ABSENT: &str = "-";

/// Why a text is not a statement or ruling. Texts are refused, never repaired: people sign what they see.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// More than any such text can need.
    #[error("the text has {bytes} bytes; {most} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// Another kind of text, another version, or no such text at all.
    #[error("expected a text that starts with `{expected} v1`, found `{found}`")]
    FirstLine {
        /// The kind that was wanted.
        expected: &'static str,
        /// The first line, shortened and escaped.
        found: String,
    },
    /// A line is missing or out of order.
    #[error("line {line} should be `{field}: ...`, ended by a newline")]
    Field {
        /// The line's number, from 1.
        line: usize,
        /// The field that belongs there.
        field: &'static str,
    },
    /// A value is over 1 KiB.
    #[error("line {line}: the value of `{field}` has {bytes} bytes; 1024 are allowed")]
    ValueTooLong {
        /// The line's number, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// The value's length.
        bytes: usize,
    },
    /// A value is not what its field takes; the source says why.
    #[error("line {line}: the value of `{field}` is refused")]
    Value {
        /// The line's number, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A list is not sorted or has the same value twice.
    #[error("line {line}: the `{field}` lines must be sorted, each value once")]
    Order {
        /// The number of the first line that is out of order, from 1.
        line: usize,
        /// The field.
        field: &'static str,
    },
    /// Something follows the last field.
    #[error("line {line}: nothing may follow the last field")]
    Trailing {
        /// The line's number, from 1.
        line: usize,
    },
    /// Every value is accepted, but one could be written in another way, and is.
    #[error("line {line} is not in its canonical spelling, which is `{canonical}`")]
    NotCanonical {
        /// The number of the first line that differs, from 1.
        line: usize,
        /// How that line is written, shortened and escaped.
        canonical: String,
    },
}

/// A text with exactly one spelling: what is accepted re-encodes to the same bytes.
pub trait Canonical: Fields {
    /// The text.
    fn encode(&self) -> String {
        let mut writer = Writer(format!("{} v1\n", Self::NAME));
        self.write(&mut writer);
        writer.0
    }

    /// Reads the text.
    ///
    /// # Errors
    /// When it is not of this kind, or is not what [`encode`](Self::encode) makes.
    fn parse(text: &str) -> Result<Self, StatementError> {
        if text.len() > Self::LONGEST {
            return Err(StatementError::TooLong { bytes: text.len(), most: Self::LONGEST });
        }
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        if first.strip_suffix(" v1") != Some(Self::NAME) {
            return Err(StatementError::FirstLine { expected: Self::NAME, found: shown(first) });
        }
        let mut lines = Lines { rest, line: 1 };
        let parsed = Self::read(&mut lines)?;
        if !lines.rest.is_empty() {
            return Err(StatementError::Trailing { line: lines.line + 1 });
        }
        let canonical = parsed.encode();
        if canonical == text { Ok(parsed) } else { Err(first_difference(text, &canonical)) }
    }

    /// SHA-256 of the text: the name of this statement or ruling.
    fn digest(&self) -> Digest {
        Digest::of(self.encode().as_bytes())
    }
}

impl<T: Fields> Canonical for T {}

/// The fields of one kind of text. Only this crate can name it, so no other kind of text can be made.
pub trait Fields: Sized {
    /// The first line without its version.
    const NAME: &'static str;
    /// Most bytes of the text.
    const LONGEST: usize = LONGEST;

    /// Writes the fields in their order.
    fn write(&self, out: &mut Writer);

    /// Reads the fields in the same order.
    ///
    /// # Errors
    /// When a line is missing, out of order or has a value that its field does not take.
    fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError>;
}

/// Writes `field: value` lines.
#[derive(Debug)]
pub struct Writer(String);

impl Writer {
    /// Writes a value that is there.
    pub(crate) fn value(&mut self, field: &str, value: &impl Display) {
        // Writing to a `String` does not fail.
        let _never_fails = writeln!(self.0, "{field}: {value}");
    }

    /// Writes a value that may be absent.
    pub(crate) fn optional(&mut self, field: &str, value: Option<&impl Display>) {
        match value {
            Some(value) => self.value(field, value),
            None => self.value(field, &ABSENT),
        }
    }

    /// Writes one line for each value.
    pub(crate) fn list<'v, T: Display + 'v>(&mut self, field: &str, values: impl IntoIterator<Item = &'v T>) {
        values.into_iter().for_each(|value| self.value(field, value));
    }
}

/// Reads `field: value` lines.
#[derive(Debug)]
pub struct Lines<'a> {
    rest: &'a str,
    /// The number of the line that was read last.
    line: usize,
}

impl<'a> Lines<'a> {
    /// Reads a value that must be there.
    pub(crate) fn value<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &mut self,
        field: &'static str,
    ) -> Result<T, StatementError> {
        let value = self.raw(field)?;
        value.parse().map_err(|source| self.refused(field, source))
    }

    /// Reads a value that may be absent.
    pub(crate) fn optional<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, StatementError> {
        match self.raw(field)? {
            ABSENT => Ok(None),
            value => value.parse().map(Some).map_err(|source| self.refused(field, source)),
        }
    }

    /// Reads as many lines of this field as there are.
    pub(crate) fn list<T: FromStr<Err: Error + Send + Sync + 'static> + Ord>(
        &mut self,
        field: &'static str,
    ) -> Result<BTreeSet<T>, StatementError> {
        let mut values = BTreeSet::new();
        while self.rest.strip_prefix(field).is_some_and(|rest| rest.starts_with(": ")) {
            let value: T = self.value(field)?;
            if values.last().is_some_and(|last| *last >= value) {
                return Err(StatementError::Order { line: self.line, field });
            }
            values.insert(value);
        }
        Ok(values)
    }

    /// Refuses the value that was read last.
    pub(crate) fn refused(&self, field: &'static str, why: impl Error + Send + Sync + 'static) -> StatementError {
        StatementError::Value { line: self.line, field, source: why.into() }
    }

    fn raw(&mut self, field: &'static str) -> Result<&'a str, StatementError> {
        self.line += 1;
        let missing = StatementError::Field { line: self.line, field };
        let Some((line, rest)) = self.rest.split_once('\n') else { return Err(missing) };
        let Some(value) = line.strip_prefix(field).and_then(|line| line.strip_prefix(": ")) else {
            return Err(missing);
        };
        if value.len() > LONGEST_VALUE {
            return Err(StatementError::ValueTooLong { line: self.line, field, bytes: value.len() });
        }
        self.rest = rest;
        Ok(value)
    }
}

fn first_difference(text: &str, canonical: &str) -> StatementError {
    let differs = text.lines().zip(canonical.lines()).enumerate().find(|(_, (given, wanted))| given != wanted);
    let (place, wanted) = differs.map_or((0, ""), |(place, (_, wanted))| (place, wanted));
    StatementError::NotCanonical { line: place + 1, canonical: shown(wanted) }
}

/// Outside text in an error: enough of it to be recognised, and nothing that could act on a terminal.
pub(crate) fn shown(given: &str) -> String {
    given.chars().take(64).flat_map(char::escape_default).collect()
}
