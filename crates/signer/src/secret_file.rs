//! Files that only their owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Most bytes of a file that is read; an OpenSSH private key of any kind is smaller.
const LONGEST: usize = 64 * 1024;

/// Why a file with a secret was not read or made.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It is not there, or may not be read.
    #[error("{} could not be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("{} is not a file; give the path of a file", .0.display())]
    NotAFile(PathBuf),
    /// Others can read it.
    #[error(
        "{} can be read or changed by others (mode {mode:04o}) and is not used; run: chmod 600 {}",
        path.display(),
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// More than any key file.
    #[error("{} is longer than 64 KiB; this is not the file of a key or passphrase", .0.display())]
    TooLong(PathBuf),
    /// Something is there already, and is kept.
    #[error("{} exists already and is not overwritten; move it away, or choose another path", .0.display())]
    Exists(PathBuf),
    /// The disk is full, or the directory may not be written to.
    #[error("{} could not be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// Who may be able to read a file that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner, by its mode.
    Owner,
    /// Whoever the place lets in: systemd hands out credentials through an access list, which shows in the group's bits.
    ThePlaces,
}

/// Reads a file that only its owner can read, such as a TLS key, which is no key of OpenSSH's.
///
/// # Errors
/// When it cannot be read, or others could.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    read(path, Readers::Owner)
}

/// Makes a file with mode 0600 that was not there before, and has it on disk before it returns.
///
/// # Errors
/// When something is there already, or it cannot be written.
pub fn create_secret(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    create(path, bytes)
}

/// Reads a whole file. Its mode is that of the file once opened, so that nobody can exchange it in between; a symbolic
/// link is followed, since what it points to is checked.
pub(crate) fn read(path: &Path, readers: Readers) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let failed = |cause| SecretFileError::Read { path: path.to_owned(), cause };
    // Asked before opening too, as opening a pipe would wait for its other end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(SecretFileError::NotAFile(path.to_owned()));
    }
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let mode = found.permissions().mode() & 0o7777;
    if !found.is_file() {
        return Err(SecretFileError::NotAFile(path.to_owned()));
    }
    if readers == Readers::Owner && mode & 0o077 != 0 {
        return Err(SecretFileError::Exposed { path: path.to_owned(), mode });
    }
    let length = usize::try_from(found.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| SecretFileError::TooLong(path.to_owned()))?;
    // Room for all at once: growing would leave copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(vec![0; length]);
    file.read_exact(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    let failed = |cause| SecretFileError::Write { path: path.to_owned(), cause };
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(SecretFileError::Exists(path.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
    written.map_err(|cause| {
        // Half a key file would be in the way of the next attempt; if it cannot go either, that attempt says so.
        drop(fs::remove_file(path));
        failed(cause)
    })
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}
