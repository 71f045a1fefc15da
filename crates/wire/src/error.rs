//! Why a message was refused.

/// Why a message was refused before anybody looked at what it means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field that must be there is not.
    #[error("the message has no `{0}`; is the other side of another version?")]
    Missing(&'static str),
    /// A field is over its bound.
    #[error("`{field}` has {bytes} bytes; {most} are allowed")]
    TooLong {
        /// The field.
        field: &'static str,
        /// What came.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// A field of fixed size has another.
    #[error("`{field}` has {bytes} bytes; it must have {exactly}")]
    Size {
        /// The field.
        field: &'static str,
        /// What came.
        bytes: usize,
        /// What it must be.
        exactly: usize,
    },
    /// A field does not read as what it stands for.
    #[error("`{field}` is refused: {why}")]
    Field {
        /// The field.
        field: &'static str,
        /// What its parser said.
        why: String,
    },
}

/// A field by its parser.
pub(crate) fn parsed<T: std::str::FromStr>(field: &'static str, given: &str) -> Result<T, WireError>
where
    T::Err: std::fmt::Display,
{
    given.parse().map_err(|why: T::Err| WireError::Field { field, why: why.to_string() })
}

/// A field where the empty text means that there is none.
pub(crate) fn optional<T: std::str::FromStr>(field: &'static str, given: &str) -> Result<Option<T>, WireError>
where
    T::Err: std::fmt::Display,
{
    if given.is_empty() { Ok(None) } else { parsed(field, given).map(Some) }
}

/// A field of many.
pub(crate) fn each<T: std::str::FromStr, C: FromIterator<T>>(
    field: &'static str,
    given: &[String],
) -> Result<C, WireError>
where
    T::Err: std::fmt::Display,
{
    given.iter().map(|one| parsed(field, one)).collect()
}

/// A field of unix seconds.
pub(crate) fn time(field: &'static str, seconds: u64) -> Result<domain::UnixTime, WireError> {
    domain::UnixTime::new(seconds).map_err(|why| WireError::Field { field, why: why.to_string() })
}

/// A field of seconds that last.
pub(crate) fn span(field: &'static str, seconds: u64) -> Result<domain::Span, WireError> {
    domain::Span::from_seconds(seconds).map_err(|why| WireError::Field { field, why: why.to_string() })
}

/// A field of exactly `N` bytes.
pub(crate) fn exactly<const N: usize>(field: &'static str, given: &[u8]) -> Result<[u8; N], WireError> {
    given.try_into().map_err(|_| WireError::Size { field, bytes: given.len(), exactly: N })
}

/// A TCP port.
pub(crate) fn port(field: &'static str, given: u32) -> Result<u16, WireError> {
    u16::try_from(given)
        .ok()
        .filter(|port| *port != 0)
        .ok_or(WireError::Field { field, why: "expected a port from 1 to 65535".to_owned() })
}

/// Text that has no grammar of its own: bounded, and without what could act on a terminal.
pub(crate) fn shown(field: &'static str, given: String, most: usize) -> Result<String, WireError> {
    if given.len() > most {
        return Err(WireError::TooLong { field, bytes: given.len(), most });
    }
    if given.chars().any(char::is_control) {
        return Err(WireError::Field { field, why: "it holds control characters".to_owned() });
    }
    Ok(given)
}
