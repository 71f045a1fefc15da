//! The project's own Rust files.

use std::path::Path;

use crate::failure::Failure;
use crate::root::{at, root};

/// One source file.
pub(crate) struct File {
    /// Below the project's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Everything written by hand; what is generated stays in the target directory.
pub(super) fn load() -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for place in ["crates", "src", "tests", "xtask", "fuzz"] {
        collect(&at(place), &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<File>) -> Result<(), Failure> {
    if !directory.is_dir() {
        return Ok(());
    }
    let unreadable = |path: &Path, source| Failure::File { path: path.to_owned(), source };
    for entry in std::fs::read_dir(directory).map_err(|e| unreadable(directory, e))? {
        let path = entry.map_err(|e| unreadable(directory, e))?.path();
        if path.is_dir() {
            let generated = path.file_name().is_some_and(|name| name == "target");
            if !generated {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
            let below = path.strip_prefix(root()).unwrap_or(&path);
            files.push(File { path: below.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}
