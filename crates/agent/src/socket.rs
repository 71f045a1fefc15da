//! The helper's socket: in a directory that only its user can enter, and one helper per socket.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Why there is no socket to serve.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path names no directory to put the socket into.
    #[error("{} is no path for a socket; give one such as /run/user/1000/hallpass/agent.sock", .0.display())]
    NoDirectory(PathBuf),
    /// The directory could not be made or looked at.
    #[error("the directory {} for the client helper's socket cannot be used", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Others could enter the directory, or it is somebody else's.
    #[error("the directory {path} must be yours alone; run: chmod 700 {path}", path = .0.display())]
    NotPrivate(PathBuf),
    /// Another helper has this socket.
    #[error("a client helper already serves {}", .0.display())]
    Running(PathBuf),
    /// The lock file beside the socket could not be used.
    #[error("the lock file {} cannot be used", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The socket could not be bound.
    #[error("the socket {} cannot be bound", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// A bound socket, mode 0600 in a directory of mode 0700; removed on drop.
#[derive(Debug)]
pub struct HelperSocket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    // The lock ends with the file, also when the process dies.
    _lock: File,
}

impl HelperSocket {
    /// Binds the socket inside a tokio runtime; makes its directory where it is missing, and replaces a socket that a
    /// helper left behind.
    ///
    /// # Errors
    /// [`SocketError::Running`] when a helper serves it; the others say what is wrong with the place.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        make_directory(path.parent().ok_or_else(|| SocketError::NoDirectory(path.to_owned()))?)?;
        let lock = lock(path)?;
        let bind = || {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(path)?;
            std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        let listener = bind().map_err(|cause| SocketError::Bind { path: path.to_owned(), cause })?;
        Ok(Self { listener, path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for HelperSocket {
    fn drop(&mut self) {
        // One that stays behind is replaced by the next helper.
        drop(std::fs::remove_file(&self.path));
    }
}

fn make_directory(path: &Path) -> Result<(), SocketError> {
    let failed = |cause| SocketError::Directory { path: path.to_owned(), cause };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let found = std::fs::symlink_metadata(path).map_err(failed)?;
    let private = found.is_dir() && found.mode() & 0o077 == 0 && found.uid() == nix::unistd::geteuid().as_raw();
    if private { Ok(()) } else { Err(SocketError::NotPrivate(path.to_owned())) }
}

fn lock(socket: &Path) -> Result<File, SocketError> {
    let path = socket.with_added_extension("lock");
    let failed = |cause| SocketError::Lock { path: path.clone(), cause };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SocketError::Running(socket.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn only_its_user_reaches_the_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hallpass/agent.sock");
        let socket = HelperSocket::bind(&path).unwrap();
        assert_eq!(mode(socket.path()), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_directory_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(HelperSocket::bind(&open.join("agent.sock")), Err(SocketError::NotPrivate(_))));
        let private = dir.path().join("private");
        std::fs::create_dir(&private).unwrap();
        std::fs::set_permissions(&private, Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&private, dir.path().join("link")).unwrap();
        assert!(matches!(HelperSocket::bind(&dir.path().join("link/agent.sock")), Err(SocketError::NotPrivate(_))));
    }

    #[tokio::test]
    async fn one_helper_serves_a_socket_and_a_stale_one_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hallpass/agent.sock");
        let first = HelperSocket::bind(&path).unwrap();
        assert!(matches!(HelperSocket::bind(&path), Err(SocketError::Running(_))));
        drop(first);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a socket left behind by a helper that was killed");
        assert!(HelperSocket::bind(&path).is_ok());
    }

    #[tokio::test]
    async fn a_directory_where_the_socket_belongs_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hallpass/agent.sock");
        drop(HelperSocket::bind(&path).unwrap());
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(HelperSocket::bind(&path), Err(SocketError::Bind { .. })));
    }
}
