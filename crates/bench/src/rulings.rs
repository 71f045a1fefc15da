//! How long a ruling takes among many rules, hosts and users, and how long it takes to load them: two bundles, of which the
//! second has ten times the rules and hosts.

mod bundle;

use std::hint::black_box;
use std::time::{Duration, Instant};

use domain::UnixTime;
use policy::{Ask, Ruling, rule};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::figures::{median, micros, number, rounded};
use crate::taker::now;
use bundle::{Bundle, Kind, Loaded, Size};

/// A ruling in the first bundle takes less, in microseconds.
const MOST_US: f64 = 100.0;
/// And in the second not more than so many times as long.
const MOST_GROWTH: f64 = 1.5;
/// Loading the first bundle takes less, in milliseconds.
const MOST_LOAD_MS: f64 = 1_000.0;
/// How often a bundle is loaded; the median counts.
const LOADS: usize = 5;
/// How often each kind of request is ruled on, unless all of it takes longer than this; the median of the means counts.
const ROUNDS: usize = 301;
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Measures both bundles, tells it, and fails when a bound is broken.
pub(crate) fn run() -> Result<(), Failure> {
    let now = now()?;
    let (small, load_ms) = load(Size::SMALL)?;
    let (large, large_load_ms) = load(Size::LARGE)?;
    let rows = measure(&small, &large, now)?;
    println!("{:<32} {:>12} {:>12} {:>8}", "a ruling, in us", "the first", "the second", "grows");
    for Row { kind, small_us, large_us } in &rows {
        let name = kind.name();
        println!("{name:<32} {small_us:>12.1} {large_us:>12.1} {:>7.2}x", large_us / small_us);
    }
    println!("{:<32} {load_ms:>12.0} {large_load_ms:>12.0}", "loading, in ms");
    let json = json!({
        "load_ms": [rounded(load_ms, 1), rounded(large_load_ms, 1)],
        "rulings_us": rows.iter().map(Row::json).collect::<Value>(),
    });
    println!("{json}");
    judge(&rows, load_ms)
}

/// One kind of request in both bundles.
struct Row {
    kind: Kind,
    small_us: f64,
    large_us: f64,
}

impl Row {
    fn json(&self) -> Value {
        json!({ "kind": self.kind.name(), "first": rounded(self.small_us, 2), "second": rounded(self.large_us, 2) })
    }
}

fn judge(rows: &[Row], load_ms: f64) -> Result<(), Failure> {
    let mut broken = Vec::new();
    // One for several hosts is that many rulings.
    for Row { kind, small_us, large_us } in rows.iter().filter(|row| row.kind.is_for_one_host()) {
        if *small_us >= MOST_US {
            broken.push(format!("{}: {small_us:.1} us, which should be under {MOST_US} us", kind.name()));
        }
        if *large_us > small_us * MOST_GROWTH {
            let growth = large_us / small_us;
            broken.push(format!("{}: grows {growth:.2} times, which should be {MOST_GROWTH} at most", kind.name()));
        }
    }
    if load_ms >= MOST_LOAD_MS {
        broken.push(format!("loading takes {load_ms:.0} ms, which should be under {MOST_LOAD_MS} ms"));
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure::Verdict(broken)) }
}

/// The bundle, and the milliseconds that it takes from the texts of its files to what rules.
fn load(size: Size) -> Result<(Loaded, f64), Failure> {
    let bundle = Bundle::new(size)?;
    println!("{} rules and other entries, {} hosts, {} users", size.rules, size.hosts, Size::USERS);
    let mut took = Vec::with_capacity(LOADS);
    for _ in 1..LOADS {
        let start = Instant::now();
        black_box(bundle.load()?);
        took.push(micros(start.elapsed()) / 1e3);
    }
    let start = Instant::now();
    let loaded = bundle.load()?;
    took.push(micros(start.elapsed()) / 1e3);
    Ok((loaded, median(&took)))
}

/// All kinds in both bundles take turns: what else the machine does meanwhile is then in all of them alike.
fn measure(small: &Loaded, large: &Loaded, now: UnixTime) -> Result<Vec<Row>, Failure> {
    let asked = |kind: &Kind| Ok((*kind, Asked::of(small, *kind, now)?, Asked::of(large, *kind, now)?));
    let mut kinds = Kind::ALL.iter().map(asked).collect::<Result<Vec<_>, Failure>>()?;
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        for (_, small, large) in &mut kinds {
            small.round(now);
            large.round(now);
        }
        if begin.elapsed() > LONG_ENOUGH {
            break;
        }
    }
    let row = |(kind, small, large): &(Kind, Asked<'_>, Asked<'_>)| Row {
        kind: *kind,
        small_us: median(&small.us),
        large_us: median(&large.us),
    };
    Ok(kinds.iter().map(row).collect())
}

/// Requests of a kind by other people on other hosts, and how long a ruling on one took in each round.
struct Asked<'l> {
    loaded: &'l Loaded,
    asks: Vec<Ask>,
    us: Vec<f64>,
}

impl<'l> Asked<'l> {
    fn of(loaded: &'l Loaded, kind: Kind, now: UnixTime) -> Result<Self, Failure> {
        let asks = loaded.asks(kind)?;
        for ask in &asks {
            let ruling = rule(&loaded.policy, &loaded.directory, ask, now);
            if !kind.expects(&ruling) {
                let why = format!("{} asking for {}: {ruling:?}", ask.requester, ask.target);
                return Err(Failure::Broken("a ruling is not what it should be", why.into()));
            }
        }
        Ok(Self { loaded, asks, us: Vec::with_capacity(ROUNDS) })
    }

    fn round(&mut self, now: UnixTime) {
        let start = Instant::now();
        for ask in &self.asks {
            let ruling: Ruling = rule(&self.loaded.policy, &self.loaded.directory, black_box(ask), now);
            drop(black_box(ruling));
        }
        self.us.push(micros(start.elapsed()) / number(self.asks.len()));
    }
}
