//! Tables: columns aligned by what a terminal shows, coloured only where colours are.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::terminal::Colours;

/// How a cell looks where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As text is.
    Plain,
    /// It counts now.
    Good,
    /// It waits for somebody.
    Waiting,
    /// It ended against the requester.
    Bad,
    /// It is over.
    Dim,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Waiting => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Dim => Style::new().dimmed(),
        }
    }
}

/// Text with its tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl ToString, tone: Tone) -> Self {
        Self { text: text.to_string(), tone }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// Rows under a header.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new(header: [&'static str; N]) -> Self {
        Self { header, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// The table as lines; columns are two spaces apart, and no line ends with a space.
    pub(crate) fn render(&self, colours: Colours) -> String {
        let mut widths = self.header.map(UnicodeWidthStr::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let mut out = String::new();
        let header = self.header.map(|text| (text, Style::new().bold()));
        line(&mut out, &header, &widths, colours);
        for row in &self.rows {
            line(&mut out, &row.each_ref().map(|cell| (cell.text.as_str(), cell.tone.style())), &widths, colours);
        }
        out
    }
}

fn line<const N: usize>(out: &mut String, cells: &[(&str, Style); N], widths: &[usize; N], colours: Colours) {
    let last = cells.iter().rposition(|(text, _)| !text.is_empty()).unwrap_or_default();
    for (place, ((text, style), width)) in cells.iter().zip(widths).enumerate().take(last + 1) {
        out.push_str(&painted(text, *style, colours));
        if place < last {
            let _never_fails = write!(out, "{:1$}", "", width + 2 - text.width());
        }
    }
    out.push('\n');
}

/// A text with its tone, outside of a table.
pub(crate) fn toned(text: &str, tone: Tone, colours: Colours) -> String {
    painted(text, tone.style(), colours)
}

fn painted(text: &str, style: Style, colours: Colours) -> String {
    match colours {
        Colours::On if !text.is_empty() => format!("{style}{text}{style:#}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new(["HOST", "LOGIN", "WHY"]);
        table.row(["web-1".into(), "root".into(), "ディスク".into()]);
        table.row(["a-much-longer-name".into(), Cell::new("x", Tone::Good), "".into()]);
        table.row(["é".into(), "".into(), "z".into()]);
        table
    }

    #[test]
    fn columns_are_aligned_by_what_is_shown() {
        assert_eq!(
            table().render(Colours::Off),
            "HOST                LOGIN  WHY\n\
             web-1               root   ディスク\n\
             a-much-longer-name  x\n\
             é                          z\n"
        );
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = table().render(Colours::On);
        assert!(coloured.contains("\u{1b}[32mx\u{1b}[0m"), "{coloured:?}");
        let plain: String = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(plain, table().render(Colours::Off));
    }
}
