//! What receivers outside are told of, and when the end of something counts as near.

use std::fmt;
use std::str::FromStr;

use crate::{Span, UnixTime};

/// Something that happens and that receivers may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Somebody asked.
    Submit,
    /// Somebody decided.
    Decision,
    /// Others stand in by now for those who were asked.
    Escalation,
    /// It waits, or its window is open, and that is over soon.
    Expiry,
    /// Somebody asked for break-glass.
    BreakGlass,
    /// Somebody reviewed a break-glass.
    Review,
    /// Somebody stopped something.
    Stop,
    /// Somebody says that a stop may end.
    Lift,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Submit,
        Self::Decision,
        Self::Escalation,
        Self::Expiry,
        Self::BreakGlass,
        Self::Review,
        Self::Stop,
        Self::Lift,
    ];

    /// The spelling, in configuration and store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Decision => "decision",
            Self::Escalation => "escalation",
            Self::Expiry => "expiry",
            Self::BreakGlass => "break-glass",
            Self::Review => "review",
            Self::Stop => "stop",
            Self::Lift => "lift",
        }
    }
}

/// Not an event that receivers are told of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `submit`, `decision`, `escalation`, `expiry`, `break-glass`, `review`, `stop` or `lift`")]
pub struct UnknownEvent;

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(given: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.into_iter().find(|event| event.as_str() == given).ok_or(UnknownEvent)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long before its end a request that waits is told of, at most.
const LAST_CALL: u64 = 10 * 60;
/// How long before its end a window is told of.
const CLOSING: u64 = 5 * 60;
/// Windows that are no longer than this end without a word.
const SHORT: u64 = 15 * 60;

/// From when on a request that waits until then ends soon: ten minutes before, or in the last quarter of a short wait.
pub fn wait_ends_soon(submitted: UnixTime, until: UnixTime) -> UnixTime {
    let quarter = until.since(submitted).seconds() / 4;
    until.before(Span::from_seconds(quarter.min(LAST_CALL)).unwrap_or(Span::ZERO))
}

/// From when on a window ends soon: five minutes before. `None` for windows of up to a quarter of an hour.
pub fn window_ends_soon(not_before: UnixTime, not_after: UnixTime) -> Option<UnixTime> {
    let long = not_after.since(not_before).seconds() > SHORT;
    long.then(|| not_after.before(Span::from_seconds(CLOSING).unwrap_or(Span::ZERO)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::new(seconds).unwrap()
    }

    #[test]
    fn every_event_has_one_spelling() {
        for event in Event::ALL {
            assert_eq!(event.to_string().parse(), Ok(event));
        }
        assert_eq!("Submit".parse::<Event>(), Err(UnknownEvent));
    }

    #[test]
    fn a_wait_ends_soon_ten_minutes_before_or_in_its_last_quarter() {
        assert_eq!(wait_ends_soon(at(1000), at(1000 + 3600)), at(1000 + 3000));
        assert_eq!(wait_ends_soon(at(1000), at(1000 + 400)), at(1000 + 300));
        assert_eq!(wait_ends_soon(at(1000), at(1000 + 86_400)), at(1000 + 85_800));
    }

    #[test]
    fn only_the_end_of_a_long_window_is_told() {
        assert_eq!(window_ends_soon(at(0), at(900)), None);
        assert_eq!(window_ends_soon(at(0), at(901)), Some(at(601)));
        assert_eq!(window_ends_soon(at(100), at(3700)), Some(at(3400)));
    }
}
