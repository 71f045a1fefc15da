//! A file's text, and the mistakes found in it.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::Fields;

/// The text of one file, under the name that mistakes show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name as the administrator knows it.
    pub name: String,
    /// All of its text.
    pub text: String,
}

impl Source {
    /// A file's name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// A file's bytes as text, which is to be UTF-8. `bytes` may be cut off after [`MOST_BYTES`] and one more.
    ///
    /// # Errors
    /// Where the first bytes are that are no text, or that there are too many.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let name = name.into();
        if !u64::try_from(bytes.len()).is_ok_and(|length| length <= MOST_BYTES) {
            return Err(SourceError::TooLarge(name));
        }
        String::from_utf8(bytes).map(|text| Self::new(name.clone(), text)).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let shown = Self::new(name, String::from_utf8_lossy(error.as_bytes()));
            let mistake = Mistake::new(&shown, at..at, "this is not UTF-8").with_help("save the file as UTF-8");
            SourceError::NotText(Box::new(mistake))
        })
    }

    fn before(&self, at: usize) -> &str {
        self.text.get(..self.text.floor_char_boundary(at)).unwrap_or_default()
    }
}

/// The largest file that is read: a hundred thousand hosts fit in.
pub const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file is no [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It cannot be meant.
    #[error("{} is larger than {} MiB; is it the right file?", .0, MOST_BYTES / 1024 / 1024)]
    TooLarge(String),
    /// It is no UTF-8.
    #[error("{}", .0.render())]
    NotText(Box<Mistake>),
}

/// One mistake in a file: where it is, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file's name.
    pub file: String,
    /// The bytes it is about.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do, when the message does not say it.
    pub help: Option<String>,
    excerpt: String,
    marked: usize,
}

impl Mistake {
    /// A mistake at these bytes of the file.
    pub fn new(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = source.before(span.start);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let excerpt = source.text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let marked_to = source.before(span.end.min(line_start + excerpt.len()));
        let marked = marked_to.get(before.len()..).map_or(0, |marked| marked.chars().count()).max(1);
        Self {
            file: source.name.clone(),
            line: before.matches('\n').count() + 1,
            span,
            column,
            message: message.into(),
            help: None,
            excerpt: excerpt.chars().map(shown).collect(),
            marked,
        }
    }

    /// The same mistake with a word on what to do.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// A mistake that the TOML reader found.
    pub fn from_toml(source: &Source, error: &toml::de::Error) -> Self {
        Self::new(source, error.span().unwrap_or(0..0), error.message())
    }

    /// `file:line:column: message`, the line, a caret under what is wrong, and the help.
    pub fn render(&self) -> String {
        let Self { file, line, column, message, excerpt, marked, .. } = self;
        let caret = format!("{:indent$}{}", "", "^".repeat(*marked), indent = column - 1);
        let help = self.help.iter().map(|help| format!("\n  help: {help}")).collect::<String>();
        format!("{file}:{line}:{column}: {message}\n  {excerpt}\n  {caret}{help}")
    }
}

/// A character as a terminal may see it.
fn shown(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// Everything that is wrong, in the order of files and lines; `Display` shows it all.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// The value if nothing was wrong with it.
    ///
    /// # Errors
    /// These mistakes, when there is one.
    pub fn unless_any<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.0.iter().enumerate() {
            let gap = if place > 0 { "\n\n" } else { "" };
            write!(f, "{gap}{}", mistake.render())?;
        }
        Ok(())
    }
}

/// Where the parts of a text start and end: each at a line that opens an entry.
fn parts(text: &str) -> Vec<(usize, usize)> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("[[") {
            parts.push((start, at));
            start = at;
        }
        at += line.len();
    }
    parts.push((start, at));
    parts
}

/// Mistakes noted down while one file is read, so that reading goes on.
#[derive(Debug)]
pub struct Notes<'s> {
    source: &'s Source,
    /// Where the line breaks are: many entries of a large file ask for their line.
    breaks: Vec<usize>,
    found: RefCell<Vec<Mistake>>,
}

impl<'s> Notes<'s> {
    /// No mistakes yet.
    pub fn new(source: &'s Source) -> Self {
        let breaks = source.text.match_indices('\n').map(|(at, _)| at).collect();
        Self { source, breaks, found: RefCell::new(Vec::new()) }
    }

    /// The file.
    pub const fn source(&self) -> &'s Source {
        self.source
    }

    /// `file:line` of this byte.
    pub fn place(&self, at: usize) -> String {
        format!("{}:{}", self.source.name, self.line(at))
    }

    /// The line of this byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.breaks.partition_point(|newline| *newline < at) + 1
    }

    /// Notes a mistake.
    pub fn note(&self, span: Range<usize>, message: impl Into<String>) {
        self.found.borrow_mut().push(Mistake::new(self.source, span, message));
    }

    /// Notes a mistake and what to do about it.
    pub fn note_with_help(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.found.borrow_mut().push(Mistake::new(self.source, span, message).with_help(help));
    }

    /// Whether there is a mistake so far.
    pub fn any(&self) -> bool {
        !self.found.borrow().is_empty()
    }

    /// The file as TOML; empty when it is none, so that what follows from a missing quote is not told as well.
    pub fn toml(&self) -> Spanned<DeTable<'s>> {
        let (table, errors) = DeTable::parse_recoverable(&self.source.text);
        if errors.is_empty() {
            return table;
        }
        let mut mistakes: Vec<_> = errors.iter().map(|error| Mistake::from_toml(self.source, error)).collect();
        // What follows on the same line follows from the first.
        mistakes.dedup_by_key(|mistake| mistake.line);
        self.found.borrow_mut().extend(mistakes);
        Spanned::new(0..0, DeTable::new())
    }

    /// Reads a file of `[[entry]]` tables into what `each` fills; it is given the top of the file, or of a part of it.
    ///
    /// As one tree, ten thousand hosts would take some 60 MB and most of the time to start: so the file is read in
    /// parts, each of an entry. Where a part is no TOML by itself (a string or array goes on over the cut, or there
    /// really is a mistake), the file is read as a whole.
    pub fn read<T: Default>(&self, each: impl Fn(Fields<'_>, &mut T)) -> T {
        let mut filled = T::default();
        let text = &self.source.text;
        for (start, end) in parts(text) {
            let Ok(part) = DeTable::parse(text.get(start..end).unwrap_or_default()) else {
                self.found.borrow_mut().clear();
                filled = T::default();
                each(Fields::top(self, self.toml().get_ref()), &mut filled);
                break;
            };
            each(Fields::part(self, part.get_ref(), start), &mut filled);
        }
        filled
    }

    /// What was noted, in the order of the file.
    pub fn into_mistakes(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|mistake| mistake.span.start);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_shows_its_line_and_points_at_its_place() {
        let source = Source::new("hosts.toml", "# größer\n\tvia = \"bastian\"\n");
        let at = source.text.find("\"bastian\"").unwrap();
        let mistake = Mistake::new(&source, at..at + 9, "no such host").with_help("add it");
        assert_eq!(
            mistake.render(),
            "hosts.toml:2:8: no such host\n   via = \"bastian\"\n         ^^^^^^^^^\n  help: add it"
        );
    }

    #[test]
    fn a_place_outside_the_text_or_inside_a_character_does_no_harm() {
        let source = Source::new("f", "ö");
        for (span, column) in [(0..1, 1), (1..2, 1), (2..9, 2), (99..100, 2)] {
            let mistake = Mistake::new(&source, span.clone(), "x");
            assert_eq!((mistake.line, mistake.column), (1, column), "{span:?}");
            assert!(mistake.render().ends_with('^'));
        }
        assert_eq!(Mistake::new(&Source::new("f", ""), 0..0, "x").render(), "f:1:1: x\n  \n  ^");
    }

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let source = |bytes: &[u8]| Source::from_bytes("access.toml", bytes.to_vec());
        assert_eq!(source("# grüße\n".as_bytes()), Ok(Source::new("access.toml", "# grüße\n")));
        for (bytes, place) in [
            (&b"# gr\xfc\xdfe\nname = 1\n"[..], (1, 5)),
            (b"a = 1\n\xc3\xa9 \xff", (2, 3)),
            (b"\xff", (1, 1)),
            (b"cut off \xc3", (1, 9)),
        ] {
            let Err(SourceError::NotText(mistake)) = source(bytes) else { panic!("{bytes:?}") };
            assert_eq!((mistake.line, mistake.column), place, "{bytes:?}");
            assert!(mistake.render().ends_with("help: save the file as UTF-8"), "{}", mistake.render());
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_told_as_such() {
        let most = usize::try_from(MOST_BYTES).unwrap();
        assert!(Source::from_bytes("hosts.toml", vec![b'#'; most]).is_ok());
        let error = Source::from_bytes("hosts.toml", vec![0xff; most + 1]).unwrap_err();
        assert_eq!(error.to_string(), "hosts.toml is larger than 16 MiB; is it the right file?");
    }

    #[test]
    fn what_could_act_on_a_terminal_is_not_shown() {
        let source = Source::new("f", "a = \"\u{1b}[31m\"");
        let notes = Notes::new(&source);
        notes.toml();
        let shown = Mistakes(notes.into_mistakes()).to_string();
        assert!(shown.contains("\u{fffd}[31m") && !shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn broken_toml_is_a_mistake_with_its_place() {
        let source = Source::new("directory.toml", "[[user]]\nname = alice\n");
        let notes = Notes::new(&source);
        assert!(notes.toml().get_ref().is_empty());
        let mistakes = notes.into_mistakes();
        assert_eq!((mistakes[0].line, mistakes[0].column), (2, 8));
    }
}
