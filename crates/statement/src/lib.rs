//! The canonical texts that people sign.
