//! Reading every file of the configuration, and telling every mistake in all of them at once.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ca::{Bundle, FromFiles};
use directory::{Directory, MOST_BYTES, Mistake, Mistakes, Source, SourceError};
use domain::RealmName;
use ledger::SignedText;
use policy::AsRead;

use crate::config::Config;
use crate::error::chain;
use crate::keys;
use crate::layout::Layout;
use crate::notify::Receiver;

/// What is wrong with the files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CheckError {
    /// Files that cannot be read or used.
    pub problems: Vec<String>,
    /// Mistakes in the files that can.
    pub mistakes: Mistakes,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes = self.mistakes.0.iter().map(Mistake::render);
        let all: Vec<String> = self.problems.iter().cloned().chain(mistakes).collect();
        f.write_str(&all.join("\n\n"))?;
        let (count, noun) = (all.len(), if all.len() == 1 { "mistake" } else { "mistakes" });
        write!(f, "\n\n{count} {noun}. Nothing was changed; `hallpassd check` shows what is left after correcting")
    }
}

/// Files without mistakes.
pub(crate) struct Checked {
    pub(crate) config: Config,
    pub(crate) files: FromFiles,
    pub(crate) receivers: Vec<Receiver>,
}

/// Checks everything that `serve` will use, except for what only a passphrase can open.
pub(crate) fn all(layout: &Layout) -> Result<Checked, CheckError> {
    let mut found = Found::default();
    if !layout.config().is_file() {
        // With another path than was meant, everything beside it is missing too.
        let config = layout.config().display();
        found.problems.push(format!("there is no file {config}; give the hallpassd.toml that `hallpassd init` made"));
        return Err(found.into_error());
    }
    let config = found.config(layout);
    let realms = keys::realm_files(layout).map_err(|error| found.problems.push(chain(&error))).ok();
    found.problems.extend(keys::unusable(layout, realms.as_ref()).iter().map(|error| chain(error)));
    let realms: Option<BTreeSet<RealmName>> = realms.map(|files| files.into_keys().collect());
    let bundle = found.bundle(layout, realms.as_ref());
    let receivers = found.receivers(layout, config.as_ref());
    match (config, bundle) {
        (Some(config), Some(bundle)) if found.is_empty() => {
            let signatures = found.signatures(layout);
            let files = FromFiles { bundle, signatures };
            if found.is_empty() { Ok(Checked { config, files, receivers }) } else { Err(found.into_error()) }
        }
        _ => Err(found.into_error()),
    }
}

/// Checks what SIGHUP loads anew; `realms` are those whose keys the server has loaded.
pub(crate) fn bundle(layout: &Layout, realms: &BTreeSet<RealmName>) -> Result<FromFiles, CheckError> {
    let mut found = Found::default();
    match found.bundle(layout, Some(realms)) {
        Some(bundle) if found.is_empty() => {
            let signatures = found.signatures(layout);
            if found.is_empty() { Ok(FromFiles { bundle, signatures }) } else { Err(found.into_error()) }
        }
        _ => Err(found.into_error()),
    }
}

/// Where a host says that it is of this realm; what is only a comment does not.
fn realm_of_a_host(hosts: &str, realm: &RealmName) -> Option<Range<usize>> {
    let quoted = format!("\"{realm}\"");
    let mut end = 0;
    hosts.split_inclusive('\n').find_map(|line| {
        end += line.len();
        let (key, value) = line.split_once('=')?;
        let value = value.trim_start();
        let start = end - value.len();
        (key.trim() == "realm" && value.starts_with(&quoted)).then(|| start..start + quoted.len())
    })
}

#[derive(Default)]
struct Found {
    problems: Vec<String>,
    mistakes: Vec<Mistake>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.mistakes.is_empty()
    }

    fn into_error(self) -> CheckError {
        CheckError { problems: self.problems, mistakes: Mistakes(self.mistakes) }
    }

    fn config(&mut self, layout: &Layout) -> Option<Config> {
        let source = self.read(layout.config())?;
        Config::parse(&source).map_err(|mistakes| self.mistakes.extend(mistakes)).ok()
    }

    fn receivers(&mut self, layout: &Layout, config: Option<&Config>) -> Vec<Receiver> {
        let entries = config.into_iter().flat_map(|config| config.notify.iter().cloned());
        let prepared = entries.map(|entry| Receiver::prepare(entry, layout.root()));
        prepared.filter_map(|receiver| receiver.map_err(|error| self.problems.push(chain(&error))).ok()).collect()
    }

    fn bundle(&mut self, layout: &Layout, realms: Option<&BTreeSet<RealmName>>) -> Option<Bundle> {
        let (directory, hosts) = (self.read(&layout.directory()), self.read(&layout.hosts()));
        let access = self.read(&layout.access());
        let cedar = layout.cedar();
        let cedar = if cedar.exists() { Some(self.read(&cedar)) } else { None };
        let read = AsRead::new([directory, hosts, access], cedar);
        let files = read.files();
        match Bundle::load(files) {
            Ok(bundle) => {
                self.realms(bundle.directory(), realms, &files.hosts);
                Some(bundle)
            }
            Err(mistakes) => {
                self.mistakes.extend(read.own(mistakes));
                let (directory, _) = Directory::parse_all(&files.directory, &files.hosts);
                self.realms(&directory, realms, &files.hosts);
                None
            }
        }
    }

    /// What the bundle's signers signed: whether it counts is for the bundle before to say.
    fn signatures(&mut self, layout: &Layout) -> Vec<SignedText> {
        let directory = layout.signatures();
        let listed = match fs::read_dir(&directory) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.problems.push(format!("{} cannot be read: {error}", directory.display()));
                return Vec::new();
            }
        };
        let mut paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "signed"));
        paths.sort();
        let mut signatures = Vec::new();
        for path in paths {
            let Some(source) = self.read(&path) else { continue };
            match statement::read_signed(&source.text) {
                Ok((text, signature)) => signatures.push(SignedText { text, signature }),
                Err(error) => self.problems.push(format!("{}: {error}; remove it, or sign anew", path.display())),
            }
        }
        signatures
    }

    /// A realm without a user CA would refuse every request for its hosts, so that it is told before.
    fn realms(&mut self, directory: &Directory, with_keys: Option<&BTreeSet<RealmName>>, hosts: &Source) {
        // Which realms have keys may be unknown, and that was told.
        let Some(with_keys) = with_keys else { return };
        for realm in directory.realms().filter(|realm| !with_keys.contains(*realm)) {
            let at = realm_of_a_host(&hosts.text, realm).unwrap_or(0..0);
            let help = format!("make it with `hallpassd realm {realm} --config FILE` and restart the server");
            let mistake = Mistake::new(hosts, at, format!("the realm `{realm}` has no user CA"));
            self.mistakes.push(mistake.with_help(help));
        }
    }

    fn read(&mut self, path: &Path) -> Option<Source> {
        let name = path.display().to_string();
        match bytes(path).map(|bytes| Source::from_bytes(name.clone(), bytes)) {
            Ok(Ok(source)) => return Some(source),
            Ok(Err(SourceError::NotText(mistake))) => self.mistakes.push(*mistake),
            Ok(Err(too_large)) => self.problems.push(too_large.to_string()),
            Err(error) => self.problems.push(format!("{name} cannot be read: {error}")),
        }
        None
    }
}

/// A file as a whole, or as much of it as shows that it is too large.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
