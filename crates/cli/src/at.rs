//! When something is to begin, as people say it: `22:00`, `Sat 22:00`, `2026-03-07 22:00 Europe/Berlin`.

use std::fmt;
use std::str::FromStr;

use domain::{DAYS, UnixTime, ZoneError};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _, Zoned};

/// Why a beginning was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AtError {
    /// It is not written as one.
    #[error(
        "expected a time such as 22:00, `Sat 22:00`, `2026-03-07 22:00` or 2026-03-07T22:00:00+01:00; behind the first three \
         may stand a time zone, such as Europe/Berlin"
    )]
    Grammar,
    /// There is no such zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// It is over.
    #[error("--at {given} is in the past: that was {time}; leave --at out to begin with the approval")]
    Past {
        /// As it was written.
        given: String,
        /// What it comes to.
        time: String,
    },
    /// Clocks there pass it over.
    #[error("--at {given} does not exist: on {day} clocks in {zone} go forward past it; name an hour later")]
    Skipped {
        /// As it was written.
        given: String,
        /// The day.
        day: Date,
        /// Where.
        zone: String,
    },
    /// Clocks there show it twice.
    #[error("--at {given} comes twice, as on {day} clocks in {zone} go back; say which: {first} or {second}")]
    Twice {
        /// As it was written.
        given: String,
        /// The day.
        day: Date,
        /// Where.
        zone: String,
        /// In one spelling that says it.
        first: String,
        /// And the other one.
        second: String,
    },
    /// Before 1970 or after 9999.
    #[error("--at {0} is no time that a request can name")]
    Far(String),
}

/// A beginning as it was written; what it comes to depends on when it is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct At {
    given: String,
    when: When,
}

#[derive(Debug, Clone, PartialEq)]
enum When {
    /// With its offset: the same for everybody.
    Exact(Timestamp),
    /// What a clock on the wall shows, there or here.
    Wall { day: Day, time: Time, zone: Option<TimeZone> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// The next time that clocks show it.
    Next,
    /// The next one of these days of the week.
    Of(Weekday),
    On(Date),
}

impl At {
    /// The time that is meant by who writes it now and here.
    ///
    /// # Errors
    /// When it is over, or clocks there pass it over or show it twice.
    pub(crate) fn resolve(&self, now: UnixTime, here: &TimeZone) -> Result<UnixTime, AtError> {
        let now = timestamp(now).ok_or_else(|| self.far())?;
        let at = match &self.when {
            When::Exact(at) => *at,
            When::Wall { day, time, zone } => {
                let zone = zone.as_ref().unwrap_or(here);
                self.on_the_wall(*day, *time, zone, &now.to_zoned(zone.clone()))?
            }
        };
        if at < now {
            return Err(AtError::Past { given: self.given.clone(), time: shown(at, here) });
        }
        let seconds = u64::try_from(at.as_second()).map_err(|_| self.far())?;
        UnixTime::new(seconds).map_err(|_| self.far())
    }

    fn on_the_wall(&self, day: Day, time: Time, zone: &TimeZone, now: &Zoned) -> Result<Timestamp, AtError> {
        let today = now.date();
        let later = |days: i64| today.checked_add(days.days()).map_err(|_| self.far());
        let passed = time <= now.time();
        let date = match day {
            Day::On(date) => date,
            Day::Next => later(i64::from(passed))?,
            Day::Of(weekday) => {
                let ahead = i64::from(today.weekday().until(weekday));
                later(if ahead == 0 && passed { 7 } else { ahead })?
            }
        };
        self.read(date.to_datetime(time), zone)
    }

    /// The moment in which clocks in the zone show this.
    fn read(&self, wall: DateTime, zone: &TimeZone) -> Result<Timestamp, AtError> {
        let (given, day, name) = (self.given.clone(), wall.date(), name(zone));
        let read = zone.to_ambiguous_timestamp(wall);
        match read.offset() {
            AmbiguousOffset::Unambiguous { .. } => read.unambiguous().map_err(|_| self.far()),
            AmbiguousOffset::Gap { .. } => Err(AtError::Skipped { given, day, zone: name }),
            AmbiguousOffset::Fold { .. } => {
                let spelled = |at: Result<Timestamp, _>| at.map_or_else(|_| String::new(), |at| shown(at, zone));
                let (first, second) = (spelled(read.earlier()), spelled(read.later()));
                Err(AtError::Twice { given, day, zone: name, first, second })
            }
        }
    }

    fn far(&self) -> AtError {
        AtError::Far(self.given.clone())
    }
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.seconds()).ok()?).ok()
}

/// With its offset, so that it can be given as it stands.
fn shown(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("this time zone").to_owned()
}

impl FromStr for At {
    type Err = AtError;

    fn from_str(given: &str) -> Result<Self, AtError> {
        let words: Vec<&str> = given.split(' ').collect();
        let when = match words.as_slice() {
            [one] if one.contains('T') => When::Exact(one.parse().map_err(|_| AtError::Grammar)?),
            [time] => wall(Day::Next, time, None)?,
            [first, second] => match day_of(first) {
                Some(day) => wall(day, second, None)?,
                None => wall(Day::Next, first, Some(second))?,
            },
            [day, time, zone] => wall(day_of(day).ok_or(AtError::Grammar)?, time, Some(zone))?,
            _ => return Err(AtError::Grammar),
        };
        Ok(Self { given: quoted(given), when })
    }
}

/// As it is typed again.
fn quoted(given: &str) -> String {
    if given.contains(' ') { format!("'{given}'") } else { given.to_owned() }
}

fn wall(day: Day, time: &str, zone: Option<&str>) -> Result<When, AtError> {
    let digits = time.len() == 5 && time.as_bytes().get(2) == Some(&b':');
    let time = Time::strptime("%H:%M", time).ok().filter(|_| digits).ok_or(AtError::Grammar)?;
    Ok(When::Wall { day, time, zone: zone.map(domain::zone).transpose()? })
}

fn day_of(given: &str) -> Option<Day> {
    let weekday = DAYS.iter().find(|(day, _)| *day == given).map(|(_, weekday)| Day::Of(*weekday));
    weekday.or_else(|| given.parse::<Date>().ok().filter(|date| date.to_string() == given).map(Day::On))
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        domain::zone("Europe/Berlin").unwrap()
    }

    /// In Berlin; 2026-03-02 is a Monday.
    fn meant(given: &str, now: &str) -> Result<String, String> {
        let at = given.parse::<At>().map_err(|error| error.to_string())?;
        let resolved = at.resolve(now.parse().unwrap(), &berlin());
        resolved.map(|time| time.to_string()).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn means(given: &str, now: &str, expected: &str) {
        assert_eq!(meant(given, now).as_deref(), Ok(expected), "{given} at {now}");
    }

    #[test]
    fn a_time_alone_is_the_next_one_that_clocks_here_show() {
        means("22:00", "2026-03-02T12:00:00Z", "2026-03-02T21:00:00Z");
        means("22:00", "2026-03-02T21:00:00Z", "2026-03-03T21:00:00Z");
        means("22:00 UTC", "2026-03-02T21:00:00Z", "2026-03-02T22:00:00Z");
        means("22:00 America/New_York", "2026-03-02T21:00:00Z", "2026-03-03T03:00:00Z");
    }

    #[test]
    fn a_day_of_the_week_is_the_next_of_its_kind_across_changes_of_clocks() {
        means("Sat 22:00", "2026-03-02T12:00:00Z", "2026-03-07T21:00:00Z");
        means("Mon 22:00", "2026-03-02T12:00:00Z", "2026-03-02T21:00:00Z");
        means("Mon 09:00", "2026-03-02T12:00:00Z", "2026-03-09T08:00:00Z");
        // Clocks go forward on 2026-03-29.
        means("Sun 22:00", "2026-03-28T12:00:00Z", "2026-03-29T20:00:00Z");
        means("Sat 22:00 UTC", "2026-03-02T12:00:00Z", "2026-03-07T22:00:00Z");
    }

    #[test]
    fn dates_and_offsets_are_taken_as_they_are() {
        means("2026-03-07 22:00", "2026-03-02T12:00:00Z", "2026-03-07T21:00:00Z");
        means("2026-03-07 22:00 UTC", "2026-03-02T12:00:00Z", "2026-03-07T22:00:00Z");
        means("2026-03-07T22:00:00Z", "2026-03-02T12:00:00Z", "2026-03-07T22:00:00Z");
        means("2026-03-07T22:00:00+05:30", "2026-03-02T12:00:00Z", "2026-03-07T16:30:00Z");
    }

    #[test]
    fn what_clocks_skip_or_show_twice_is_not_guessed() {
        let skipped = meant("2026-03-29 02:30", "2026-03-02T12:00:00Z").unwrap_err();
        assert_eq!(
            skipped,
            "--at '2026-03-29 02:30' does not exist: on 2026-03-29 clocks in Europe/Berlin go forward past it; name an hour later"
        );
        let twice = meant("2026-10-25 02:30", "2026-03-02T12:00:00Z").unwrap_err();
        assert!(twice.ends_with("say which: 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"), "{twice}");
        means("2026-10-25T02:30:00+01:00", "2026-03-02T12:00:00Z", "2026-10-25T01:30:00Z");
    }

    #[test]
    fn what_is_over_or_no_time_is_refused_by_name() {
        let now = "2026-03-02T12:00:00Z";
        let past = meant("2026-03-02 12:59", now).unwrap_err();
        assert!(
            past.starts_with("--at '2026-03-02 12:59' is in the past: that was 2026-03-02T12:59:00+01:00"),
            "{past}"
        );
        let zone = meant("22:00 Europe/Berln", now).unwrap_err();
        assert!(zone.starts_with("the time zone `Europe/Berln` is not in the IANA database"), "{zone}");
        for bad in [
            "",
            "tomorrow",
            "25:00",
            "9:00",
            "22",
            "Sat",
            "sat 22:00",
            "2026-3-7 22:00",
            "2026-02-30 10:00",
            "22:00 UTC x y",
        ] {
            let why = meant(bad, now).unwrap_err();
            assert!(why.starts_with("expected a time such as") || why.starts_with("the time zone"), "{bad}: {why}");
        }
    }
}
