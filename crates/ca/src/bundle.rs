//! The bundle: policy, directory and hosts as loaded, one content-addressed unit (invariant 11).

use std::collections::BTreeMap;

use directory::{Directory, Mistake, Mistakes, Notes, Source};
use domain::Digest;
use policy::Policy;

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

/// Policy, directory and hosts that were loaded together.
pub struct Bundle {
    digest: Digest,
    kept: store::Bundle,
    directory: Directory,
    policy: Policy,
}

impl Bundle {
    /// Parses and compiles the files.
    ///
    /// # Errors
    /// Every mistake in all of them at once. Of rules that speak of files which are no TOML, only whether they are TOML
    /// themselves: all names in them would be unknown.
    pub fn load(files: &Files) -> Result<Self, Mistakes> {
        let (directory, Mistakes(mut mistakes)) = Directory::parse_all(&files.directory, &files.hosts);
        let unread = |source: &Source| !not_toml(source).is_empty();
        if !mistakes.is_empty() && (unread(&files.directory) || unread(&files.hosts)) {
            mistakes.extend(not_toml(&files.access));
            return Err(Mistakes(mistakes));
        }
        match Policy::compile(&files.access, files.cedar.as_ref(), &directory) {
            Ok(policy) if mistakes.is_empty() => {
                let kept = kept(files);
                Ok(Self { digest: kept.digest(), kept, directory, policy })
            }
            Ok(_) => Err(Mistakes(mistakes)),
            Err(Mistakes(in_rules)) => {
                mistakes.extend(in_rules);
                Err(Mistakes(mistakes))
            }
        }
    }

    /// What rulings and entries name.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The files, as the store keeps them.
    pub(crate) const fn kept(&self) -> &store::Bundle {
        &self.kept
    }

    /// Users, groups, hosts.
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The rules.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// What keeps a file from being TOML.
fn not_toml(source: &Source) -> Vec<Mistake> {
    let notes = Notes::new(source);
    notes.toml();
    notes.into_mistakes()
}

/// The files by their role, whatever their paths are.
fn kept(files: &Files) -> store::Bundle {
    let named = [
        ("directory.toml", Some(&files.directory)),
        ("hosts.toml", Some(&files.hosts)),
        ("access.toml", Some(&files.access)),
        ("access.cedar", files.cedar.as_ref()),
    ];
    let present = named.into_iter().filter_map(|(role, source)| Some((role, source?)));
    let files: BTreeMap<_, _> =
        present.map(|(role, source)| (role.to_owned(), source.text.clone().into_bytes())).collect();
    store::Bundle { files }
}
