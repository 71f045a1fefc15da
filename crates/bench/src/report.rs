//! What was measured: as a table for people, as one JSON object for programs, and whether it counts.

use serde_json::{Map, Value, json};

use crate::durability::Durability;
use crate::failure::Failure;
use crate::figures::{median, number, rounded};
use crate::machine::cores;
use crate::primitives::Primitives;
use crate::readback::Ledger;
use crate::rounds::Level;

/// At this many callers the floor is judged.
const JUDGED: usize = 128;
/// How much longer the floor's calls may take than echo, verification and signing together.
const SLACK: f64 = 1.3;
/// How far the sizes of messages may differ: numbers have more digits here than there.
const SAME: f64 = 0.02;
/// What the product aims at: this part of the floor.
const AIM: f64 = 0.7;

/// The server before any call.
pub(crate) struct AtRest {
    pub(crate) start_ms: f64,
    pub(crate) rss_mib: f64,
}

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) store_fs: String,
    pub(crate) sync_us: f64,
    pub(crate) at_rest: AtRest,
    pub(crate) rss_after_mib: f64,
    pub(crate) primitives: Primitives,
    pub(crate) levels: Vec<Level>,
    pub(crate) durability: Durability,
    /// Between the ledger and what was received.
    pub(crate) differences: Vec<String>,
    /// Failed calls and wrong certificates.
    pub(crate) wrong: Vec<String>,
}

/// The medians of one number of callers.
struct Row {
    callers: usize,
    issue: f64,
    floor: f64,
    echo: f64,
    p50_us: f64,
    p99_us: f64,
    floor_p50_us: f64,
    per_commit: f64,
    /// Of the product, the floor and the echo.
    message_bytes: [f64; 3],
}

impl Row {
    fn ratio(&self) -> f64 {
        self.issue / self.floor
    }
}

impl Report {
    /// Prints the table and, as the last line, the object.
    ///
    /// # Errors
    /// When the run does not count.
    pub(crate) fn tell(&self, ledger: &Ledger) -> Result<(), Failure> {
        let rows = self.levels.iter().map(|level| row(level, ledger)).collect::<Result<Vec<_>, _>>()?;
        println!("\n{}", self.table(&rows));
        println!("{}", self.object(&rows));
        let verdict = self.verdict(&rows);
        if verdict.is_empty() { Ok(()) } else { Err(Failure::Verdict(verdict)) }
    }

    fn table(&self, rows: &[Row]) -> String {
        let mut table = format!(
            "{:>7} {:>9} {:>9} {:>9} {:>6} {:>9} {:>9} {:>8}\n",
            "callers", "issue/s", "floor/s", "echo/s", "ratio", "p50 us", "p99 us", "a commit"
        );
        for row in rows {
            table += &format!(
                "{:>7} {:>9.0} {:>9.0} {:>9.0} {:>6.2} {:>9.0} {:>9.0} {:>8.1}\n",
                row.callers,
                row.issue,
                row.floor,
                row.echo,
                row.ratio(),
                row.p50_us,
                row.p99_us,
                row.per_commit
            );
        }
        let Primitives { verify_us, sign_us, signature_us } = self.primitives;
        table += &format!(
            "\nverify {verify_us:.1} us, sign {sign_us:.1} us (of which Ed25519 {signature_us:.1} us) of one core, with all {} at it\n",
            cores()
        );
        let Durability { alone, alone_fsyncs, crowd, crowd_fsyncs } = self.durability;
        table += &format!(
            "fsyncs, by strace: {alone_fsyncs} for {alone} certificates one by one, {crowd_fsyncs} for {crowd} by many callers\n"
        );
        if let Some([bytes, ..]) = rows.first().map(|row| row.message_bytes) {
            table += &format!("a call carries {bytes:.0} bytes of statement and certificate, there and back\n");
        }
        table += &format!("one append and fdatasync on {}: {:.0} us\n", self.store_fs, self.sync_us);
        table += &format!(
            "at rest {:.1} MiB, after the load {:.1} MiB; ready after {:.0} ms\n",
            self.at_rest.rss_mib, self.rss_after_mib, self.at_rest.start_ms
        );
        table + &self.aims(rows)
    }

    /// What is aimed at does not decide whether a run counts.
    fn aims(&self, rows: &[Row]) -> String {
        let met = |met: bool| if met { "met" } else { "missed" };
        let mut aims = String::new();
        for row in rows {
            if row.callers == 1 {
                let most = row.floor_p50_us + self.sync_us + 300.0;
                let text = "alone: the floor, one fsync and 0.3 ms more";
                aims += &format!("aim {text}: p50 {:.0} us of {most:.0} us, {}\n", row.p50_us, met(row.p50_us <= most));
            } else {
                let (callers, percent) = (row.callers, row.ratio() * 100.0);
                aims += &format!(
                    "aim at {callers} callers, 70% of the floor: {percent:.0}%, {}\n",
                    met(row.ratio() >= AIM)
                );
            }
        }
        let (rest, start) = (met(self.at_rest.rss_mib < 40.0), met(self.at_rest.start_ms < 100.0));
        aims + &format!("aim at rest under 40 MiB: {rest}; start under 100 ms: {start}\n")
    }

    fn object(&self, rows: &[Row]) -> Value {
        let map = |figure: &dyn Fn(&Row) -> f64, digits| -> Value {
            rows.iter()
                .map(|row| (row.callers.to_string(), json!(rounded(figure(row), digits))))
                .collect::<Map<_, _>>()
                .into()
        };
        json!({
            "issue_per_s": map(&|row| row.issue, 0),
            "floor_per_s": map(&|row| row.floor, 0),
            "echo_per_s": map(&|row| row.echo, 0),
            "ratio": map(&Row::ratio, 3),
            "p50_us": map(&|row| row.p50_us, 0),
            "p99_us": map(&|row| row.p99_us, 0),
            "per_commit": map(&|row| row.per_commit, 1),
            "verify_us": rounded(self.primitives.verify_us, 1),
            "sign_us": rounded(self.primitives.sign_us, 1),
            "sync_us": rounded(self.sync_us, 0),
            "fsyncs": self.durability.alone_fsyncs + self.durability.crowd_fsyncs,
            "fsyncs_certificates": self.durability.alone + self.durability.crowd,
            "errors": self.wrong.len(),
            "store_fs": self.store_fs,
            "rss_idle_mib": rounded(self.at_rest.rss_mib, 1),
            "start_ms": rounded(self.at_rest.start_ms, 1),
        })
    }

    /// Why the run does not count.
    fn verdict(&self, rows: &[Row]) -> Vec<String> {
        let mut verdict = self.differences.clone();
        if let Some(first) = self.wrong.first() {
            verdict.push(format!("{} errors, the first: {first}", self.wrong.len()));
        }
        let Durability { alone, alone_fsyncs, .. } = self.durability;
        if alone_fsyncs < alone {
            verdict.push(format!("{alone} certificates were taken one by one, with only {alone_fsyncs} fsyncs"));
        }
        verdict.extend(rows.iter().filter_map(|row| unlike_messages(row.message_bytes)));
        let judged = rows.iter().find(|row| row.callers == JUDGED);
        verdict.extend(judged.and_then(|row| slow_floor(row.floor, row.echo, &self.primitives, number(cores()))));
        verdict
    }
}

fn row(level: &Level, ledger: &Ledger) -> Result<Row, Failure> {
    let mut per_commit = Vec::new();
    for part in &level.product {
        if let Some((low, high)) = part.serials {
            let entries = number(usize::try_from(high - low + 1).unwrap_or(usize::MAX));
            per_commit.push(entries / number(ledger.commits((low, high))?).max(1.0));
        }
    }
    Ok(Row {
        callers: level.callers,
        issue: Level::median(&level.product, |part| part.per_second),
        floor: Level::median(&level.floor, |part| part.per_second),
        echo: Level::median(&level.echo, |part| part.per_second),
        p50_us: Level::median(&level.product, |part| part.p50_us),
        p99_us: Level::median(&level.product, |part| part.p99_us),
        floor_p50_us: Level::median(&level.floor, |part| part.p50_us),
        per_commit: median(&per_commit),
        message_bytes: [&level.product, &level.floor, &level.echo]
            .map(|parts| Level::median(parts, |part| part.message_bytes)),
    })
}

/// Floor and echo must carry what the product carries.
fn unlike_messages([product, floor, echo]: [f64; 3]) -> Option<String> {
    let unlike = [floor, echo].iter().any(|bytes| (bytes - product).abs() > product * SAME);
    unlike.then(|| {
        format!("a call carries {product:.0} bytes, but {floor:.0} to the floor and {echo:.0} to the echo: not alike")
    })
}

/// A floor that takes longer than its parts explain would flatter the product.
fn slow_floor(floor: f64, echo: f64, primitives: &Primitives, cores: f64) -> Option<String> {
    let (a_call, echoed) = (1e6 / floor, 1e6 / echo);
    let most = echoed + SLACK * (primitives.verify_us + primitives.sign_us) / cores;
    (a_call > most).then(|| {
        format!(
            "the floor is too slow to be one: {a_call:.1} us a call, and echo, verification and signing explain \
             {most:.1} us"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_other_sizes_are_found_out() {
        assert_eq!(unlike_messages([1000.0, 990.0, 1010.0]), None);
        assert!(unlike_messages([1000.0, 1000.0, 700.0]).is_some());
        assert!(unlike_messages([1000.0, 1100.0, 1000.0]).is_some());
    }

    #[test]
    fn a_floor_that_dawdles_is_found_out() {
        let primitives = Primitives { verify_us: 40.0, sign_us: 60.0, signature_us: 30.0 };
        // 25 us of echo and 1.3 x 100 us on two cores are 90 us.
        assert_eq!(slow_floor(1e6 / 89.9, 40_000.0, &primitives, 2.0), None);
        assert!(slow_floor(1e6 / 90.1, 40_000.0, &primitives, 2.0).is_some());
    }
}
