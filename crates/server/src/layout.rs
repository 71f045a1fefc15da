//! Where the files of a server are: all in one directory, beside its configuration.

use std::path::{Path, PathBuf};

use domain::RealmName;

/// The directory of a server.
///
/// ```text
/// hallpassd.toml  directory.toml  hosts.toml  access.toml  access.cedar (if there)  ca.pub
/// keys/{user_ca,host_ca,ledger,tls.pem}   realms/{NAME.key,NAME.pub}   store/   signatures/{NAME.signed} (if there)
/// ```
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    config: PathBuf,
}

impl Layout {
    /// The layout of a new directory.
    pub(crate) fn of_directory(root: &Path) -> Self {
        Self { root: root.to_owned(), config: root.join("hallpassd.toml") }
    }

    /// The layout around a configuration file.
    pub(crate) fn of_config(config: &Path) -> Self {
        let parent = config.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self { root: parent.unwrap_or(Path::new(".")).to_owned(), config: config.to_owned() }
    }

    /// What paths in the configuration start from.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root.join("directory.toml")
    }

    pub(crate) fn hosts(&self) -> PathBuf {
        self.root.join("hosts.toml")
    }

    pub(crate) fn access(&self) -> PathBuf {
        self.root.join("access.toml")
    }

    pub(crate) fn cedar(&self) -> PathBuf {
        self.root.join("access.cedar")
    }

    /// Where a bundle's signers put what they signed.
    pub(crate) fn signatures(&self) -> PathBuf {
        self.root.join("signatures")
    }

    pub(crate) fn ca_pub(&self) -> PathBuf {
        self.root.join("ca.pub")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    pub(crate) fn user_ca(&self) -> PathBuf {
        self.keys().join("user_ca")
    }

    pub(crate) fn host_ca(&self) -> PathBuf {
        self.keys().join("host_ca")
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.keys().join("ledger")
    }

    pub(crate) fn tls(&self) -> PathBuf {
        self.keys().join("tls.pem")
    }

    pub(crate) fn realms(&self) -> PathBuf {
        self.root.join("realms")
    }

    pub(crate) fn realm(&self, realm: &RealmName) -> PathBuf {
        self.realms().join(format!("{realm}.key"))
    }

    pub(crate) fn realm_pub(&self, realm: &RealmName) -> PathBuf {
        self.realms().join(format!("{realm}.pub"))
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }
}
