//! Why nothing could be drafted.

use std::io;

use directory::Source;

use crate::MOST_BYTES;
use crate::todo::shown;

/// Why a file could not be read for a draft, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is larger than any that is meant.
    #[error("{}: more than {} MiB; split the file", shown(.0), MOST_BYTES >> 20)]
    TooLarge(String),
    /// Bytes that are no text.
    #[error("{}:{line}: not UTF-8; convert the file, or remove the line", shown(.file))]
    NotUtf8 {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// A line longer than any that is meant.
    #[error("{}:{line}: the line is longer than 64 KiB; is this the right file?", shown(.file))]
    LongLine {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// A line that is not of its format.
    #[error("{}:{line}: {why}", shown(.file))]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// More different logins than a draft can be of use for.
    #[error("{}: more than {most} different logins; give the log of fewer hosts or days", shown(.file))]
    TooManyLogins {
        /// The file.
        file: String,
        /// As many as are counted.
        most: usize,
    },
    /// The file cannot be read to its end.
    #[error("{} cannot be read", shown(.file))]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// The text of a file.
///
/// # Errors
/// More than [`MOST_BYTES`], and the first line that is no text.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<Source, ImportError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        return Err(ImportError::TooLarge(name.to_owned()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            let line = before.filter(|byte| **byte == b'\n').count() + 1;
            Err(ImportError::NotUtf8 { file: name.to_owned(), line })
        }
    }
}
