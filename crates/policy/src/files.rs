//! The files of a bundle, read together: rules can only be understood beside the people and hosts that they speak of.

use directory::{Directory, Mistake, Mistakes, Notes, Source};

use crate::Policy;

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
            Ok(policy) => Mistakes(mistakes).unless_any((directory, policy)),
            Err(Mistakes(in_rules)) => {
                mistakes.extend(in_rules);
                Err(Mistakes(mistakes))
            }
        }
    }
}

/// What keeps a file from being TOML.
fn not_toml(source: &Source) -> Vec<Mistake> {
    let notes = Notes::new(source);
    notes.toml();
    notes.into_mistakes()
}
