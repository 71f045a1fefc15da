//! The file of revoked certificates, for `RevokedKeys` of hosts: written anew, as a whole, whenever the list changes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ca::Ca;

use crate::error::chain;

/// Why the file could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokedFileError {
    /// There is no list.
    #[error("the list of revoked certificates cannot be made")]
    List(#[source] Box<ca::Error>),
    /// The file.
    #[error("{} cannot be written; hosts go on with the list that they have", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// The file, and which list is in it.
pub(crate) struct RevokedFile {
    path: PathBuf,
    written: Option<u64>,
}

impl RevokedFile {
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self { path, written: None }
    }

    /// Writes the list, unless it is in the file already.
    ///
    /// # Errors
    /// [`RevokedFileError`]: then the file is as it was.
    pub(crate) fn keep_up(&mut self, ca: &Ca) -> Result<(), RevokedFileError> {
        let list = ca.revocations().map_err(|error| RevokedFileError::List(Box::new(error)))?;
        if self.written == Some(list.number) {
            return Ok(());
        }
        replace(&self.path, &list.krl).map_err(|error| RevokedFileError::Write(self.path.clone(), error))?;
        self.written = Some(list.number);
        Ok(())
    }

    /// The same where nobody waits for it: a failure is told to the log, and tried again.
    pub(crate) fn try_to_keep_up(&mut self, ca: &Ca) {
        if let Err(error) = self.keep_up(ca) {
            tracing::error!(error = chain(&error), "revoked certificates are not in the file yet");
        }
    }
}

/// A reader sees the old file or the new one: `sshd` refuses every key when it reads half a list.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_added_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
