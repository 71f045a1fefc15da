//! Times in whole seconds, durations such as `1h30m`, and the clock that everything asks.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

/// The latest time that a statement can name, 9999-12-30T22:00:00Z: it is in the year 9999 in every zone.
const LATEST: u64 = 253_402_207_200;

/// Why a time was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as 2026-03-01T14:02:00Z, in UTC, between 1970 and 9999")]
pub struct TimeError;

/// Seconds since 1970-01-01T00:00:00Z, up to the year 9999. In text RFC 3339 UTC, in whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// 1970-01-01T00:00:00Z, the earliest time.
    pub const EPOCH: Self = Self(0);

    /// A time from unix seconds.
    ///
    /// # Errors
    /// After the year 9999.
    pub const fn new(seconds: u64) -> Result<Self, TimeError> {
        if seconds > LATEST { Err(TimeError) } else { Ok(Self(seconds)) }
    }

    /// Unix seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// This time and a while later; `None` past the year 9999.
    pub fn after(self, span: Span) -> Option<Self> {
        self.0.checked_add(span.seconds()).and_then(|s| Self::new(s).ok())
    }

    /// This time less a while; 1970 at the earliest.
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long it is from `earlier` to this time; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl FromStr for UnixTime {
    type Err = TimeError;

    /// Takes the one canonical spelling, `2026-03-01T14:02:00Z`.
    fn from_str(given: &str) -> Result<Self, TimeError> {
        let parsed: Timestamp = given.parse().map_err(|_| TimeError)?;
        let time = u64::try_from(parsed.as_second()).map_err(|_| TimeError).and_then(Self::new)?;
        if time.to_string() == given { Ok(time) } else { Err(TimeError) }
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = i64::try_from(self.0).ok().and_then(|s| Timestamp::from_second(s).ok());
        match shown {
            Some(timestamp) => write!(f, "{timestamp}"),
            None => f.write_str("9999-12-30T22:00:00Z"),
        }
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixTime({self})")
    }
}

/// Why a duration was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a duration such as 45s, 10m, 1h30m or 2d, at most 366 days")]
pub struct SpanError;

/// A length of time in whole seconds, at most 366 days; in text `1h30m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    const MAX: u64 = 366 * 86_400;
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of seconds.
    ///
    /// # Errors
    /// Above 366 days.
    pub const fn from_seconds(seconds: u64) -> Result<Self, SpanError> {
        if seconds > Self::MAX { Err(SpanError) } else { Ok(Self(seconds)) }
    }

    /// Whole seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// What is left of it after `other`; nothing when that is as long or longer.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Span {
    type Err = SpanError;

    /// Takes numbers with the units `d`, `h`, `m`, `s`, each once and in this order.
    fn from_str(given: &str) -> Result<Self, SpanError> {
        let (mut total, mut number, mut last) = (0u64, None::<u64>, u64::MAX);
        for byte in given.bytes() {
            let unit = match byte {
                b'0'..=b'9' => {
                    let digit = u64::from(byte - b'0');
                    let grown = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit));
                    number = Some(grown.ok_or(SpanError)?);
                    continue;
                }
                b'd' => 86_400,
                b'h' => 3_600,
                b'm' => 60,
                b's' => 1,
                _ => return Err(SpanError),
            };
            let count = number.take().ok_or(SpanError)?;
            if unit >= last {
                return Err(SpanError);
            }
            last = unit;
            total = count.checked_mul(unit).and_then(|s| total.checked_add(s)).ok_or(SpanError)?;
        }
        if given.is_empty() || number.is_some() {
            return Err(SpanError);
        }
        Self::from_seconds(total)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (unit, letter) in [(86_400, 'd'), (3_600, 'h'), (60, 'm')] {
            if rest >= unit {
                write!(f, "{}{letter}", rest / unit)?;
                rest %= unit;
            }
        }
        if rest > 0 || self.0 == 0 {
            write!(f, "{rest}s")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({self})")
    }
}

/// Where time comes from: the one source that everything asks, so that tests can move it.
pub trait Clock: Send + Sync {
    /// Wall time.
    ///
    /// # Errors
    /// When the clock shows a time that cannot be: before 1970 or after 9999.
    fn wall(&self) -> Result<UnixTime, TimeError>;

    /// Milliseconds since the machine started, sleep included; never goes back.
    fn since_boot_ms(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_time_has_one_spelling(seconds in 0..=LATEST) {
            let time = UnixTime::new(seconds).unwrap();
            prop_assert_eq!(time.to_string().parse::<UnixTime>(), Ok(time));
        }

        #[test]
        fn every_span_reads_back(seconds in 0..=Span::MAX) {
            let span = Span::from_seconds(seconds).unwrap();
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }
    }

    #[test]
    fn the_latest_time_reads_back() {
        let latest = UnixTime::new(LATEST).unwrap();
        assert_eq!(latest.to_string(), "9999-12-30T22:00:00Z");
        assert_eq!(latest.to_string().parse(), Ok(latest));
        assert_eq!(UnixTime::new(LATEST + 1), Err(TimeError));
    }

    #[test]
    fn times_with_other_spellings_are_refused() {
        assert_eq!("2026-03-01T14:02:00Z".parse::<UnixTime>().unwrap().seconds(), 1_772_373_720);
        for bad in [
            "2026-03-01",
            "2026-03-01T14:02:00+00:00",
            "2026-03-01T14:02:00.5Z",
            "2026-03-01 14:02:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(bad.parse::<UnixTime>(), Err(TimeError), "{bad}");
        }
    }

    #[test]
    fn spans_read_as_people_write_them() {
        for (given, seconds) in [("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("0s", 0), ("90m", 5400)] {
            assert_eq!(given.parse::<Span>().map(Span::seconds), Ok(seconds), "{given}");
        }
        for bad in ["", "10", "m", "-5m", "5m1h", "1h1h", "1.5h", "99999999999999999999h", "400d", "1 h", "5M"] {
            assert_eq!(bad.parse::<Span>(), Err(SpanError), "{bad}");
        }
    }
}
