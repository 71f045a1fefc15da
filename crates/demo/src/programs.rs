//! OpenSSH's programs on this machine.

use std::path::{Path, PathBuf};

/// What the login steps need, each at its place.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) sshd: PathBuf,
    pub(crate) ssh: PathBuf,
    pub(crate) ssh_agent: PathBuf,
    pub(crate) ssh_add: PathBuf,
}

/// A program that is not here, and the packages that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

const SERVER: &str = "openssh-server (Debian, Ubuntu, Fedora), openssh (Arch, Alpine)";
const CLIENT: &str = "openssh-client (Debian, Ubuntu), openssh-clients (Fedora), openssh (Arch, Alpine)";
/// Where sshd is when it is not on an ordinary user's PATH.
const SYSTEM: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"];

impl Programs {
    /// Finds all of them, or names the first that is missing.
    pub(crate) fn find() -> Result<Self, Missing> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> = std::env::split_paths(&path).chain(SYSTEM.iter().map(PathBuf::from)).collect();
        let find = |program, package| {
            let found = places.iter().map(|place| place.join(program)).find(|file| is_program(file));
            found.ok_or(Missing { program, package })
        };
        Ok(Self {
            sshd: find("sshd", SERVER)?,
            ssh: find("ssh", CLIENT)?,
            ssh_agent: find("ssh-agent", CLIENT)?,
            ssh_add: find("ssh-add", CLIENT)?,
        })
    }
}

/// sshd runs itself again and wants its absolute path for that.
fn is_program(file: &Path) -> bool {
    file.is_absolute() && file.is_file()
}
