//! Where in a file its fields stand, for warnings that come after it was read.

use std::collections::HashMap;
use std::ops::Range;

use directory::{Fields, Notes, Source};

/// The fields of `access.toml` that warnings point at.
const OF_ENTRIES: [&str; 12] = [
    "name",
    "who",
    "hosts",
    "logins",
    "approve",
    "escalate",
    "requester_key",
    "approver_key",
    "break_glass",
    "break_glass_key",
    "group",
    "for",
];

/// The places of the fields in a file without mistakes.
#[derive(Default)]
pub(super) struct Places {
    /// By where the table starts: each item of each field.
    fields: HashMap<(usize, &'static str), Vec<Range<usize>>>,
    /// By kind and name.
    names: HashMap<(&'static str, String), Range<usize>>,
}

impl Places {
    /// Where the fields of `access.toml` are.
    pub(super) fn of_access(source: &Source) -> Self {
        Notes::new(source).read(|top, places: &mut Self| {
            for kind in ["rule", "require", "forbid", "approver"] {
                top.tables(kind).iter().for_each(|table| places.fields(table));
            }
        })
    }

    /// Where the users and groups of `directory.toml` are.
    pub(super) fn of_directory(source: &Source) -> Self {
        Notes::new(source).read(|top, places: &mut Self| {
            for kind in ["user", "group"] {
                let names = top.tables(kind).into_iter().filter_map(|table| table.optional::<String>("name"));
                places.names.extend(names.map(|name| ((kind, name.get_ref().clone()), name.span())));
            }
        })
    }

    fn fields(&mut self, table: &Fields<'_>) {
        for field in OF_ENTRIES {
            let items = table.list::<String>(field).unwrap_or_default();
            self.fields.insert((table.span().start, field), items.iter().map(toml::Spanned::span).collect());
        }
    }

    /// An item of a field of the entry that starts there.
    pub(super) fn field(&self, entry: usize, field: &'static str, item: usize) -> Option<Range<usize>> {
        self.fields.get(&(entry, field)).and_then(|items| items.get(item)).cloned()
    }

    /// The name of a user or group.
    pub(super) fn named(&self, kind: &'static str, name: &str) -> Option<Range<usize>> {
        self.names.get(&(kind, name.to_owned())).cloned()
    }
}
