//! What clocks on walls go by: days of the week, and time zones that are the same on every machine.

use std::sync::LazyLock;

use jiff::civil::Weekday;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The zones of the IANA database as compiled in: so that every server and client says the same, whatever its system has.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The days of the week as they are written, Monday first.
pub const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// Why a time zone was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// There is none of this name.
    #[error("the time zone `{0}` is not in the IANA database; write one such as Europe/Berlin, or UTC")]
    Unknown(String),
    /// It is written otherwise.
    #[error("the time zone `{given}` is written `{name}`")]
    Spelling {
        /// As it was given.
        given: String,
        /// As it is written.
        name: String,
    },
}

/// The zone of this name, in its one spelling.
///
/// # Errors
/// When there is none, or it is spelled otherwise.
pub fn zone(given: &str) -> Result<TimeZone, ZoneError> {
    let shown = || given.chars().take(64).collect();
    let zone = ZONES.get(given).map_err(|_| ZoneError::Unknown(shown()))?;
    match zone.iana_name() {
        Some(name) if name == given => Ok(zone),
        Some(name) => Err(ZoneError::Spelling { given: shown(), name: name.to_owned() }),
        None => Err(ZoneError::Unknown(shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_one_spelling() {
        assert_eq!(zone("Europe/Berlin").unwrap().iana_name(), Some("Europe/Berlin"));
        assert_eq!(zone("Mars/Base").unwrap_err(), ZoneError::Unknown("Mars/Base".to_owned()));
        let (given, name) = ("europe/berlin".to_owned(), "Europe/Berlin".to_owned());
        assert_eq!(zone("europe/berlin").unwrap_err(), ZoneError::Spelling { given, name });
    }
}
