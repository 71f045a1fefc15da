//! The files of a bundle, read together: rules can only be understood beside the people and hosts that they speak of.

use std::collections::BTreeMap;

use directory::{Directory, Mistake, Mistakes, Notes, Source};

use crate::{Policy, pins};

/// The files of a bundle, as read.
#[derive(Debug, Clone)]
pub struct Files {
    /// `directory.toml`
    pub directory: Source,
    /// `hosts.toml`
    pub hosts: Source,
    /// `access.toml`
    pub access: Source,
    /// `access.cedar`, hand-written, where there is one.
    pub cedar: Option<Source>,
}

impl Files {
    /// The names of a bundle's files; of these the last may be absent.
    pub const NAMES: [&'static str; 4] = ["directory.toml", "hosts.toml", "access.toml", "access.cedar"];

    /// A bundle's files from their bytes by name, as the store and the API have them.
    ///
    /// # Errors
    /// In words: a file that is missing, of another name, or not text.
    pub fn of(mut contents: BTreeMap<String, Vec<u8>>) -> Result<Self, String> {
        let mut take = |name: &str| {
            let bytes = contents.remove(name);
            bytes.map(|bytes| Source::from_bytes(name, bytes).map_err(|error| error.to_string())).transpose()
        };
        let [directory, hosts, access, cedar] = Self::NAMES.map(|name| (name, take(name)));
        let needed = |(name, source): (&str, Result<Option<Source>, String>)| {
            source?.ok_or_else(|| format!("a bundle needs the file {name}; add it"))
        };
        let (directory, hosts, access, cedar) = (needed(directory)?, needed(hosts)?, needed(access)?, cedar.1?);
        match contents.keys().next() {
            None => Ok(Self { directory, hosts, access, cedar }),
            Some(other) => Err(format!("{} is no file of a bundle; leave it out", other.escape_default())),
        }
    }

    /// The files by their names in a bundle, whatever their paths are: what its digest is of.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let [directory, hosts, access, cedar] = Self::NAMES;
        let named = [
            (directory, Some(&self.directory)),
            (hosts, Some(&self.hosts)),
            (access, Some(&self.access)),
            (cedar, self.cedar.as_ref()),
        ];
        let present = named.into_iter().filter_map(|(role, source)| Some((role, source?)));
        present.map(|(role, source)| (role.to_owned(), source.text.clone().into_bytes())).collect()
    }

    /// Parses and compiles the files.
    ///
    /// # Errors
    /// Every mistake in all of them at once. Of rules that speak of files which are no TOML, only whether they are TOML
    /// themselves: all names in them would be unknown.
    pub fn understand(&self) -> Result<(Directory, Policy), Mistakes> {
        let (directory, Mistakes(mut mistakes)) = Directory::parse_all(&self.directory, &self.hosts);
        let unread = |source: &Source| !not_toml(source).is_empty();
        if !mistakes.is_empty() && (unread(&self.directory) || unread(&self.hosts)) {
            mistakes.extend(not_toml(&self.access));
            return Err(Mistakes(mistakes));
        }
        match Policy::compile(&self.access, self.cedar.as_ref(), &directory) {
            Ok(policy) => {
                if mistakes.is_empty() {
                    mistakes.extend(pins::untold(&self.hosts, &policy, &directory));
                }
                Mistakes(mistakes).unless_any((directory, policy))
            }
            Err(Mistakes(in_rules)) => {
                mistakes.extend(in_rules);
                Err(Mistakes(mistakes))
            }
        }
    }
}

/// The files of a bundle as far as they can be read; what cannot was told where it was tried.
#[derive(Debug, Clone)]
pub struct AsRead {
    files: Files,
    /// Whether what rules speak of is known: only when `directory.toml` and `hosts.toml` could be read.
    speaks_of_known: bool,
}

impl AsRead {
    /// `directory.toml`, `hosts.toml`, `access.toml` and, where there is one, `access.cedar`; each `None` if it cannot be
    /// read.
    pub fn new([directory, hosts, access]: [Option<Source>; 3], cedar: Option<Option<Source>>) -> Self {
        let speaks_of_known = directory.is_some() && hosts.is_some();
        let or_empty = |source: Option<Source>| source.unwrap_or_else(|| Source::new("", ""));
        let files = Files {
            directory: or_empty(directory),
            hosts: or_empty(hosts),
            access: or_empty(access),
            cedar: cedar.map(or_empty),
        };
        Self { files, speaks_of_known }
    }

    /// The files; what could not be read is empty in them.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// Of the mistakes in them, those that do not only follow from a file that could not be read.
    pub fn own(&self, Mistakes(mut mistakes): Mistakes) -> Vec<Mistake> {
        let Files { directory: _, hosts: _, access, cedar } = &self.files;
        let of_rules = |file: &str| file == access.name || cedar.as_ref().is_some_and(|cedar| cedar.name == file);
        mistakes.retain(|mistake| self.speaks_of_known || !of_rules(&mistake.file));
        mistakes
    }
}

/// What keeps a file from being TOML.
fn not_toml(source: &Source) -> Vec<Mistake> {
    let notes = Notes::new(source);
    notes.toml();
    notes.into_mistakes()
}
