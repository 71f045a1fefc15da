//! Errors as people read them: what happened, and what caused it.

use std::error::Error;
use std::fmt::Write as _;

/// An error with everything that caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a String does not fail.
        let _infallible = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
