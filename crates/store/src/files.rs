//! The store's directory: database, lock file, copies before migrations.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Where the files of a store are.
pub(crate) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(crate) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join("hallpass.db")
    }

    /// The copy that is made before a store of this schema is migrated.
    pub(crate) fn copy_of(&self, schema: u64) -> PathBuf {
        self.directory.join(format!("hallpass.db.schema-{schema}"))
    }

    /// Makes the directory, for its owner only.
    pub(crate) fn make_directory(&self) -> Result<(), OpenError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
        made.map_err(|source| file_error(&self.directory, source))
    }

    /// Makes the empty database file, for its owner only; SQLite gives its companions the same mode.
    pub(crate) fn make_database(&self) -> Result<(), OpenError> {
        let path = self.database();
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Err(OpenError::Exists(path)),
            Err(source) => Err(file_error(&path, source)),
        }
    }

    /// Says clearly what SQLite would only call "unable to open".
    pub(crate) fn check_database(&self) -> Result<(), OpenError> {
        let path = self.database();
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(_) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Err(OpenError::Missing(path)),
            Err(source) => Err(file_error(&path, source)),
        }
    }

    /// Takes the store for this process, until the file is dropped.
    pub(crate) fn lock(&self) -> Result<File, OpenError> {
        let path = self.directory.join("hallpass.lock");
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = open.map_err(|source| file_error(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(file_error(&path, source)),
        }
    }

    /// Makes directory entries durable.
    pub(crate) fn sync_directory(&self) -> Result<(), OpenError> {
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|source| file_error(&self.directory, source))
    }
}

pub(crate) fn file_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::File { path: path.to_owned(), source }
}
