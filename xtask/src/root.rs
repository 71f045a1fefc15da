//! Where the project is.

use std::path::{Path, PathBuf};

/// The directory with the workspace's Cargo.toml.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// A path below [`root`].
pub(crate) fn at(relative: &str) -> PathBuf {
    root().join(relative)
}
