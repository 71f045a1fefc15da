//! How domain values stand in columns: read with a check, never trusted.

use std::str::FromStr;

use domain::{Digest, UnixTime};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

/// A value read from a column.
pub(crate) struct Column<T>(pub(crate) T);

impl FromSql for Column<UnixTime> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let seconds = u64::column_result(value)?;
        UnixTime::new(seconds).map(Self).map_err(FromSqlError::other)
    }
}

impl FromSql for Column<Digest> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(|bytes| Self(Digest::new(bytes)))
    }
}

/// A value read from its text.
pub(crate) struct Parsed<T>(pub(crate) T);

impl<T: FromStr> FromSql for Parsed<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}
