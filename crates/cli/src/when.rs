//! Times as people read them: in their own zone.

use domain::UnixTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A time with its date and offset: `2026-03-01T15:02:00+01:00`.
pub(crate) fn full(time: UnixTime, zone: &TimeZone) -> String {
    zoned(time, zone).map_or_else(|| time.to_string(), |local| local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// A time as it is said today: `14:32`; with its date on another day: `2026-03-02 09:00`.
pub(crate) fn short(time: UnixTime, now: UnixTime, zone: &TimeZone) -> String {
    match (zoned(time, zone), zoned(now, zone)) {
        (Some(local), Some(today)) if local.date() == today.date() => local.strftime("%H:%M").to_string(),
        (Some(local), _) => local.strftime("%Y-%m-%d %H:%M").to_string(),
        (None, _) => time.to_string(),
    }
}

/// A time to the second, for what lasts minutes: `14:32:05`.
pub(crate) fn exact(time: UnixTime, zone: &TimeZone) -> String {
    zoned(time, zone).map_or_else(|| time.to_string(), |local| local.strftime("%H:%M:%S").to_string())
}

fn zoned(time: UnixTime, zone: &TimeZone) -> Option<Zoned> {
    let seconds = i64::try_from(time.seconds()).ok()?;
    Timestamp::from_second(seconds).ok().map(|timestamp| timestamp.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_users_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let time: UnixTime = "2026-03-01T14:02:59Z".parse().unwrap();
        let at = |text: &str| text.parse::<UnixTime>().unwrap();
        assert_eq!(exact(time, &zone), "15:02:59");
        assert_eq!(full(time, &zone), "2026-03-01T15:02:59+01:00");
        assert_eq!(short(time, at("2026-03-01T09:00:00Z"), &zone), "15:02");
        assert_eq!(short(time, at("2026-02-28T23:30:00Z"), &zone), "15:02");
        assert_eq!(short(time, at("2026-02-28T22:30:00Z"), &zone), "2026-03-01 15:02");
    }
}
