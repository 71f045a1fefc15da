//! Times of day in a time zone: when something holds.
//!
//! A schedule holds while a clock on the wall there shows a time in it. So of an hour that is skipped when clocks go
//! forward nothing holds, and an hour that is repeated when they go back holds twice.

use std::fmt;
use std::str::FromStr;

use domain::{DAYS, UnixTime, ZoneError};
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// How far ahead a change is looked for: every schedule has one within a week, and clocks change less often.
const DAYS_AHEAD: i64 = 15;

/// Why a schedule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScheduleError {
    #[error("expected days, hours and a time zone, such as `Mon-Fri 08:00-18:00 Europe/Berlin` or `22:00-02:00 UTC`")]
    Grammar,
    #[error("`{0}` are no days; write them as `Mon-Fri` or `Mon,Wed,Sat-Sun`")]
    Days(String),
    #[error("`{0}` are no hours; write them as `08:00-18:00`, with two digits each, until 24:00 at the latest")]
    Hours(String),
    #[error("`{0}` is no time at all; for a whole day write 00:00-24:00")]
    Empty(String),
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

/// Hours of some or all days of the week, `Mon-Fri 08:00-18:00 Europe/Berlin`. Hours that go over midnight belong to the
/// day on which they begin.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    text: String,
    days: [bool; 7],
    from: Minute,
    until: Minute,
    zone: TimeZone,
}

/// Minutes since midnight, up to 24:00.
type Minute = i64;

impl Schedule {
    /// As it was written; in Cedar it goes by this.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it holds in this second.
    pub(crate) fn holds(&self, now: UnixTime) -> bool {
        let local = self.zone.to_datetime(timestamp(now));
        let minute = Minute::from(local.hour()) * 60 + Minute::from(local.minute());
        let today = local.date().weekday();
        if self.from < self.until {
            self.on(today) && (self.from..self.until).contains(&minute)
        } else {
            (self.on(today) && minute >= self.from) || (self.on(today.previous()) && minute < self.until)
        }
    }

    /// The first second after `now` in which it begins or ends; `None` when it never does.
    pub(crate) fn changes_after(&self, now: UnixTime) -> Option<UnixTime> {
        let (holds, start) = (self.holds(now), timestamp(now));
        let end = start.checked_add((DAYS_AHEAD * 24).hours()).ok()?;
        let clocks_change = self.zone.following(start).map(|change| change.timestamp()).take_while(|at| *at <= end);
        let candidates = self.ends(self.zone.to_datetime(start)).into_iter().chain(clocks_change);
        let seconds = candidates.filter_map(|at| UnixTime::new(u64::try_from(at.as_second()).ok()?).ok());
        seconds.filter(|at| *at > now && self.holds(*at) != holds).min()
    }

    /// The beginnings and ends of its hours on the days around: both, where an hour is repeated.
    fn ends(&self, local: DateTime) -> Vec<Timestamp> {
        let midnight = |day: i64| local.date().to_datetime(Time::midnight()).checked_add(day.days()).ok();
        let days = (-1..=DAYS_AHEAD).filter_map(midnight);
        let ends = days.flat_map(|day| [self.from, self.until].map(|minute| day.checked_add(minute.minutes()).ok()));
        let read = ends.flatten().map(|end| self.zone.to_ambiguous_timestamp(end));
        read.flat_map(|end| [end.earlier().ok(), end.later().ok()]).flatten().collect()
    }

    fn on(&self, day: Weekday) -> bool {
        DAYS.iter().zip(self.days).any(|((_, other), on)| on && *other == day)
    }
}

/// The first time from `now` on in which one of these holds, or there is none of them.
pub(crate) fn opens(any_of: &[Schedule], now: UnixTime) -> UnixTime {
    if any_of.is_empty() || any_of.iter().any(|schedule| schedule.holds(now)) {
        return now;
    }
    any_of.iter().filter_map(|schedule| schedule.changes_after(now)).min().unwrap_or(now)
}

/// Every time that Hallpass knows is a timestamp of jiff's.
fn timestamp(time: UnixTime) -> Timestamp {
    i64::try_from(time.seconds()).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX)
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(given: &str) -> Result<Self, ScheduleError> {
        let words: Vec<&str> = given.split(' ').collect();
        let (days, hours, zone) = match words.as_slice() {
            [days, hours, zone] => (days_of(days).ok_or_else(|| ScheduleError::Days((*days).to_owned()))?, hours, zone),
            [hours, zone] => ([true; 7], hours, zone),
            _ => return Err(ScheduleError::Grammar),
        };
        let (from, until) = hours_of(hours).ok_or_else(|| ScheduleError::Hours((*hours).to_owned()))?;
        if from == until {
            return Err(ScheduleError::Empty((*hours).to_owned()));
        }
        Ok(Self { text: given.to_owned(), days, from, until, zone: domain::zone(zone)? })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `Mon-Fri`, `Sat`, `Fri-Mon`, or some of these with commas between them.
fn days_of(given: &str) -> Option<[bool; 7]> {
    let place = |name: &str| DAYS.iter().position(|(day, _)| *day == name);
    let mut days = [false; 7];
    for part in given.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let length = (last + 7 - first) % 7;
        for day in first..=first + length {
            *days.get_mut(day % 7)? = true;
        }
    }
    Some(days)
}

fn hours_of(given: &str) -> Option<(Minute, Minute)> {
    let (from, until) = given.split_once('-')?;
    let (from, until) = (minute_of(from)?, minute_of(until)?);
    (from < 24 * 60).then_some((from, until))
}

/// `HH:MM`, up to 24:00.
fn minute_of(given: &str) -> Option<Minute> {
    let (hours, minutes) = given.split_once(':')?;
    let number = |digits: &str, most: Minute| {
        let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|number: &Minute| two && *number <= most)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 59)?).filter(|minute| *minute <= 24 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn at(text: &str) -> UnixTime {
        text.parse().unwrap()
    }

    #[track_caller]
    fn holds(text: &str, times: &[(&str, bool)]) {
        let schedule = schedule(text);
        for (time, expected) in times {
            assert_eq!(schedule.holds(at(time)), *expected, "{text} at {time}");
        }
    }

    #[test]
    fn the_first_minute_counts_and_the_last_does_not() {
        holds(
            "Mon-Fri 08:00-18:00 Europe/Berlin",
            &[
                ("2026-03-02T06:59:59Z", false),
                ("2026-03-02T07:00:00Z", true),
                ("2026-03-02T16:59:59Z", true),
                ("2026-03-02T17:00:00Z", false),
                ("2026-03-06T12:00:00Z", true),
                ("2026-03-07T12:00:00Z", false),
                ("2026-07-01T05:59:59Z", false),
                ("2026-07-01T06:00:00Z", true),
            ],
        );
        holds("00:00-24:00 UTC", &[("2026-03-07T00:00:00Z", true), ("2026-03-07T23:59:59Z", true)]);
        holds(
            "Sat 00:00-24:00 UTC",
            &[("2026-03-06T23:59:59Z", false), ("2026-03-07T23:59:59Z", true), ("2026-03-08T00:00:00Z", false)],
        );
        holds(
            "Fri-Mon,Wed 00:00-24:00 UTC",
            &[("2026-03-08T12:00:00Z", true), ("2026-03-10T12:00:00Z", false), ("2026-03-11T12:00:00Z", true)],
        );
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        // 2026-03-06 is a Friday.
        holds(
            "Fri 22:00-02:00 UTC",
            &[
                ("2026-03-06T01:59:59Z", false),
                ("2026-03-06T21:59:59Z", false),
                ("2026-03-06T22:00:00Z", true),
                ("2026-03-07T01:59:59Z", true),
                ("2026-03-07T02:00:00Z", false),
                ("2026-03-07T22:00:00Z", false),
            ],
        );
        holds("22:00-00:00 UTC", &[("2026-03-06T23:59:59Z", true), ("2026-03-07T00:00:00Z", false)]);
    }

    /// In Berlin clocks go from 02:00 to 03:00 on 2026-03-29 at 01:00Z, and from 03:00 to 02:00 on 2026-10-25 at 01:00Z.
    #[test]
    fn a_skipped_hour_never_holds_and_a_repeated_one_holds_twice() {
        holds(
            "Sun 02:00-03:00 Europe/Berlin",
            &[("2026-03-29T00:59:59Z", false), ("2026-03-29T01:00:00Z", false), ("2026-03-22T01:00:00Z", true)],
        );
        holds("Sun 01:00-02:30 Europe/Berlin", &[("2026-03-29T00:59:59Z", true), ("2026-03-29T01:00:00Z", false)]);
        holds("Sun 02:30-05:00 Europe/Berlin", &[("2026-03-29T00:59:59Z", false), ("2026-03-29T01:00:00Z", true)]);
        holds(
            "Sun 02:00-03:00 Europe/Berlin",
            &[
                ("2026-10-24T23:59:59Z", false),
                ("2026-10-25T00:00:00Z", true),
                ("2026-10-25T00:59:59Z", true),
                ("2026-10-25T01:00:00Z", true),
                ("2026-10-25T01:59:59Z", true),
                ("2026-10-25T02:00:00Z", false),
            ],
        );
        holds(
            "Sat 22:00-02:30 Europe/Berlin",
            &[
                ("2026-10-25T00:29:59Z", true),
                ("2026-10-25T00:30:00Z", false),
                ("2026-10-25T01:00:00Z", true),
                ("2026-10-25T01:30:00Z", false),
            ],
        );
    }

    #[test]
    fn the_next_change_is_the_first_that_every_minute_looked_at_finds() {
        let around = [
            ("Europe/Berlin", "2026-03-27T00:00:00Z"),
            ("Europe/Berlin", "2026-10-23T00:00:00Z"),
            ("America/New_York", "2026-03-06T00:00:00Z"),
            ("America/New_York", "2026-10-30T00:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-03T00:00:00Z"),
            ("Asia/Beirut", "2026-03-27T00:00:00Z"),
            ("Asia/Kolkata", "2026-01-01T00:00:00Z"),
            ("UTC", "2026-01-01T00:00:00Z"),
        ];
        let hours = [
            "08:00-18:00",
            "22:00-02:00",
            "Sun 02:00-03:00",
            "Sat,Sun 02:30-01:45",
            "Sun 00:00-24:00",
            "Sat 22:00-02:30",
        ];
        for (zone, from) in around {
            for hours in hours {
                let schedule = schedule(&format!("{hours} {zone}"));
                let (from, minutes) = (at(from).seconds(), 10 * 24 * 60);
                let every = |minute: u64| UnixTime::new(from + minute * 60).unwrap();
                let mut next = None;
                for minute in (0..minutes).rev() {
                    let now = every(minute);
                    if schedule.holds(every(minute + 1)) != schedule.holds(now) {
                        next = Some(every(minute + 1));
                    }
                    if let Some(next) = next.filter(|_| minute % 17 == 0) {
                        assert_eq!(schedule.changes_after(now), Some(next), "{schedule} after {now}");
                    }
                }
                assert!(next.is_some(), "{schedule}");
            }
        }
        assert_eq!(schedule("00:00-24:00 UTC").changes_after(at("2026-03-01T00:00:00Z")), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_what_to_write() {
        let told = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
        for bad in ["", "08:00-18:00", "Mon 08:00-18:00 Europe/Berlin x", "Mon  08:00-18:00 UTC"] {
            assert!(told(bad).starts_with("expected days, hours"), "{bad}: {}", told(bad));
        }
        for bad in ["mon", "Mon-", "Mon-Fry", "Monday", "Mon,,Tue", ""] {
            assert!(told(&format!("{bad} 08:00-18:00 UTC")).contains("are no days"), "{bad}");
        }
        for bad in
            ["8:00-18:00", "08:00", "08:00-24:01", "24:00-08:00", "08:60-09:00", "08:00-18:00-19:00", "+8:00-18:00"]
        {
            assert!(told(&format!("{bad} UTC")).contains("are no hours"), "{bad}");
        }
        assert!(told("08:00-08:00 UTC").contains("write 00:00-24:00"));
        assert!(told("08:00-18:00 Europe/Berln").contains("not in the IANA database; write one such as"));
        assert!(told("08:00-18:00 +01:00").contains("not in the IANA database"));
        assert_eq!(told("08:00-18:00 europe/berlin"), "the time zone `europe/berlin` is written `Europe/Berlin`");
    }
}
