//! The warnings so far, each at its place.

use std::ops::Range;

use directory::{Mistake, Source};

use super::places::Places;
use crate::Files;
use crate::access::Entry;
use crate::cedar::Statement;

/// The warnings so far.
pub(super) struct Warnings<'a> {
    files: &'a Files,
    access: Places,
    directory: Places,
    found: Vec<Mistake>,
}

impl<'a> Warnings<'a> {
    /// None yet.
    pub(super) fn about(files: &'a Files) -> Self {
        let (access, directory) = (Places::of_access(&files.access), Places::of_directory(&files.directory));
        Self { files, access, directory, found: Vec::new() }
    }

    /// About a user or group.
    pub(super) fn in_directory(&mut self, (kind, name): (&'static str, &str), message: String, help: &str) {
        let at = self.directory.named(kind, name).unwrap_or(0..0);
        self.push(&self.files.directory, at, message, Some(help));
    }

    /// About an item of a list in an entry, or about the one that stands there.
    pub(super) fn in_entry(&mut self, entry: &Entry, field: &'static str, item: usize, message: String, help: &str) {
        self.in_access(&entry.span, field, item, message, help);
    }

    /// About the first of these fields that the entry has.
    pub(super) fn in_first_field(&mut self, entry: &Entry, fields: [&'static str; 2], message: String, help: &str) {
        let at = fields.iter().find_map(|field| self.access.field(entry.span.start, field, 0));
        self.push(&self.files.access, at.unwrap_or_else(|| entry.span.clone()), message, Some(help));
    }

    /// About an item of a list in the table that starts there.
    pub(super) fn in_access(
        &mut self,
        table: &Range<usize>,
        field: &'static str,
        item: usize,
        message: String,
        help: &str,
    ) {
        let at = self.access.field(table.start, field, item).unwrap_or_else(|| table.clone());
        self.push(&self.files.access, at, message, Some(help));
    }

    /// About a hand-written statement.
    pub(super) fn in_cedar(&mut self, statement: &Statement, message: String) {
        let source = self.files.cedar.as_ref().unwrap_or(&self.files.access);
        self.push(source, statement.place.clone(), message, None);
    }

    fn push(&mut self, source: &Source, at: Range<usize>, message: String, help: Option<&str>) {
        let warning = Mistake::new(source, at, message);
        self.found.push(match help {
            Some(help) => warning.with_help(help),
            None => warning,
        });
    }

    /// By file, then by line.
    pub(super) fn in_order(mut self) -> Vec<Mistake> {
        let files = [&self.files.directory, &self.files.hosts, &self.files.access].into_iter();
        let order: Vec<&str> = files.chain(&self.files.cedar).map(|source| source.name.as_str()).collect();
        self.found.sort_by_key(|w| (order.iter().position(|file| *file == w.file), w.span.start));
        self.found
    }
}
