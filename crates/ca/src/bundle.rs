//! The bundle: policy, directory and hosts as loaded, one content-addressed unit (invariant 11).

use std::collections::BTreeMap;

use directory::{Directory, Mistakes};
use domain::Digest;
use policy::{Files, Policy};

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
    /// Every mistake in all of them at once.
    pub fn load(files: &Files) -> Result<Self, Mistakes> {
        let (directory, policy) = files.understand()?;
        let kept = kept(files);
        Ok(Self { digest: kept.digest(), kept, directory, policy })
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
