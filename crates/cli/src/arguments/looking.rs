//! Looking back: what it understands.

use std::str::FromStr;

use clap::Args;
use domain::{RequestId, Span, UnixTime};

/// From when on: some time ago, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// As long ago.
    Ago(Span),
    /// Then.
    At(UnixTime),
}

/// Neither a duration nor a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected how long ago, such as 30d, a day such as 2026-03-01, or a time such as 2026-03-01T14:00:00Z")]
pub(crate) struct SinceError;

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(given: &str) -> Result<Self, SinceError> {
        let ago = given.parse().map(Self::Ago);
        let day = || format!("{given}T00:00:00Z").parse().map(Self::At);
        ago.or_else(|_| given.parse().map(Self::At)).or_else(|_| day()).map_err(|_| SinceError)
    }
}

impl Since {
    /// The time that is meant.
    pub(crate) fn time(self, now: UnixTime) -> UnixTime {
        match self {
            Self::Ago(span) => now.before(span),
            Self::At(time) => time,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The request, such as 7K3F9-QXMWT.
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
}

#[derive(Debug, Args)]
pub(crate) struct AdminReport {
    /// From when on: how long ago, a day or a time (UTC).
    #[arg(long, value_name = "30d|DATE", default_value = "90d")]
    pub(crate) since: Since,
    /// Print comma-separated values: a line for each measure of each subject.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_how_long_ago_a_day_or_a_time() {
        let now: UnixTime = "2026-03-31T12:00:00Z".parse().unwrap();
        let time = |given: &str| given.parse::<Since>().map(|since| since.time(now).to_string());
        assert_eq!(time("30d").as_deref(), Ok("2026-03-01T12:00:00Z"));
        assert_eq!(time("2026-03-01").as_deref(), Ok("2026-03-01T00:00:00Z"));
        assert_eq!(time("2026-03-01T14:00:00Z").as_deref(), Ok("2026-03-01T14:00:00Z"));
        for wrong in ["", "yesterday", "30", "2026-13-01", "2026-03-01T14:00:00"] {
            assert_eq!(time(wrong), Err(SinceError), "{wrong}");
        }
    }
}
