//! How long a ruling takes among many rules, hosts and users, and how long it takes to load them: two bundles, of which the
//! second has ten times the rules and hosts.

mod bundle;

use std::hint::black_box;
use std::time::{Duration, Instant};

use domain::UnixTime;
use policy::{Ruling, rule};
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
/// How often each kind of request is ruled on, if that takes no longer than this; the median of the means counts.
const ROUNDS: usize = 101;
const MOST_ROUNDS: Duration = Duration::from_secs(2);

/// One kind of request in one bundle: how long a ruling takes, in microseconds.
struct Measured {
    kind: Kind,
    us: f64,
}

/// Measures both bundles, tells it, and fails when a bound is broken.
pub(crate) fn run() -> Result<(), Failure> {
    let now = now()?;
    let (small, load_ms) = load(Size::SMALL)?;
    let first = measure(&small, now)?;
    drop(small);
    let (large, large_load_ms) = load(Size::LARGE)?;
    let second = measure(&large, now)?;
    let rows: Vec<Row> = first.into_iter().zip(second).map(Row::of).collect();
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
    fn of((small, large): (Measured, Measured)) -> Self {
        Self { kind: small.kind, small_us: small.us, large_us: large.us }
    }

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

fn measure(loaded: &Loaded, now: UnixTime) -> Result<Vec<Measured>, Failure> {
    Kind::ALL.iter().map(|kind| Ok(Measured { kind: *kind, us: one(loaded, *kind, now)? })).collect()
}

/// Requests of a kind by other people on other hosts take turns, so that none is known by heart.
fn one(loaded: &Loaded, kind: Kind, now: UnixTime) -> Result<f64, Failure> {
    let asks = loaded.asks(kind)?;
    for ask in &asks {
        let ruling = rule(&loaded.policy, &loaded.directory, ask, now);
        if !kind.expects(&ruling) {
            let why = format!("{} asking for {}: {ruling:?}", ask.requester, ask.target);
            return Err(Failure::Broken("a ruling is not what it should be", why.into()));
        }
    }
    let round = || {
        let start = Instant::now();
        for ask in &asks {
            let ruling: Ruling = rule(&loaded.policy, &loaded.directory, black_box(ask), now);
            drop(black_box(ruling));
        }
        micros(start.elapsed()) / number(asks.len())
    };
    let begin = Instant::now();
    let rounds: Vec<f64> = (0..ROUNDS).map_while(|_| (begin.elapsed() < MOST_ROUNDS).then(round)).collect();
    Ok(median(&rounds))
}
