//! How long a stop takes while others fetch, and that nothing that it covers is taken afterwards (`--stops`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dial::{Bearer, Connection};
use domain::StopTarget;
use statement::{Act, ActStatement, ServerId};
use tokio::task::JoinSet;
use wire::v1::{FetchRequest, StopRequest};

use crate::failure::Failure;
use crate::figures::{micros, number, percentile};
use crate::inventory;
use crate::product::{Product, ask_for_grants};
use crate::side::{Answer, Side};
use crate::taker::{Taker, header, now, sign_fetches_in_turn};

/// How many fetches are under way at once.
const CALLERS: usize = 128;
/// How many fetches there are in all.
const FETCHES: usize = 24_000;
/// How many users stop themselves, one after the other, and how far apart.
const STOPS: usize = 40;
const APART: Duration = Duration::from_millis(40);
/// What a stop is to take at most, in milliseconds.
const AIM_MS: f64 = 100.0;

/// A fetch that was answered: by which user, when it was sent, and the serial if a certificate came.
struct Call {
    taker: usize,
    sent: Instant,
    serial: Option<u64>,
}

/// A stop that was acknowledged.
struct Stop {
    took: Duration,
    acknowledged: Instant,
    revoked: BTreeSet<u64>,
}

type Stock = Arc<Mutex<std::iter::Enumerate<std::vec::IntoIter<FetchRequest>>>>;

/// Has users fetch as fast as they can, while one after the other stops themselves.
pub(crate) async fn run(program: &Path, place: &Path) -> Result<(), Failure> {
    let takers = inventory::takers()?;
    let product = Product::prepare(program, place, &takers)?;
    let server = product.start()?;
    let mut side = Side::connect("hallpassd", Answer::Certificate, &product.address, takers).await?;
    ask_for_grants(&mut side).await?;
    let fetches = sign_fetches_in_turn(&side.takers, side.server(), FETCHES)?;
    println!("{CALLERS} fetches at a time, and {STOPS} users who stop themselves meanwhile");
    let stock: Stock = Arc::new(Mutex::new(fetches.into_iter().enumerate()));
    let users = side.takers.len();
    let mut callers = JoinSet::new();
    for connection in side.connections().iter().cycle().take(CALLERS) {
        callers.spawn(call(connection.clone(), Arc::clone(&stock), users));
    }
    let stops = stop_in_turn(&side, &stock).await?;
    let mut calls = Vec::new();
    while let Some(done) = callers.join_next().await {
        calls.extend(done.map_err(Failure::broken("a caller stopped"))?);
    }
    server.stop()?;
    tell(&calls, &stops)
}

async fn call(connection: Connection, stock: Stock, users: usize) -> Vec<Call> {
    let mut client = connection.requests(&Bearer::none());
    let mut calls = Vec::new();
    while let Some((place, fetch)) = next(&stock) {
        let sent = Instant::now();
        let answer = client.fetch(fetch).await.ok().map(tonic::Response::into_inner);
        let serial = answer.and_then(|answer| answer.certificates.first().map(|issued| issued.serial));
        calls.push(Call { taker: place % users, sent, serial });
    }
    calls
}

fn next(stock: &Stock) -> Option<(usize, FetchRequest)> {
    stock.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// The users after the first, who administers.
async fn stop_in_turn(side: &Side, stock: &Stock) -> Result<BTreeMap<usize, Stop>, Failure> {
    let connection = side.connections().first().ok_or(Failure::Broken("no connection", "it was lost".into()))?;
    let mut stops = BTreeMap::new();
    for (place, taker) in side.takers.iter().enumerate().skip(1).take(STOPS) {
        tokio::time::sleep(APART).await;
        if stock.lock().unwrap_or_else(PoisonError::into_inner).len() < CALLERS {
            let why = format!("the fetches were over after {} stops", stops.len());
            return Err(Failure::Verdict(vec![why]));
        }
        let statement = Some(taker.user_key.sign(&act(taker, side.server())?)?);
        let began = Instant::now();
        let answer = connection.stops(&Bearer::none()).stop(StopRequest { statement }).await;
        let took = began.elapsed();
        let done = answer.map_err(Failure::broken("a stop was refused"))?.into_inner();
        let revoked = done.revoked.iter().map(|certificate| certificate.serial).collect();
        stops.insert(place, Stop { took, acknowledged: Instant::now(), revoked });
    }
    Ok(stops)
}

fn act(taker: &Taker, server: &ServerId) -> Result<ActStatement, Failure> {
    Ok(ActStatement {
        header: header(server, now()?, None),
        user: taker.user.clone(),
        act: Act::Stop(StopTarget::User(taker.user.clone())),
        reason: Some("measuring how fast a stop is".parse().map_err(Failure::broken("no reason"))?),
    })
}

fn tell(calls: &[Call], stops: &BTreeMap<usize, Stop>) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for Call { taker, sent, serial } in calls {
        let (Some(stop), Some(serial)) = (stops.get(taker), serial) else { continue };
        if *sent > stop.acknowledged {
            wrong.push(format!("certificate {serial} came of a fetch that was sent after the stop"));
        } else if !stop.revoked.contains(serial) {
            wrong.push(format!("certificate {serial} left, and the stop did not revoke it"));
        }
    }
    let mut took: Vec<f64> = stops.values().map(|stop| micros(stop.took) / 1e3).collect();
    took.sort_by(f64::total_cmp);
    let revoked: usize = stops.values().map(|stop| stop.revoked.len()).sum();
    let certificates = calls.iter().filter(|call| call.serial.is_some()).count();
    let refused = calls.len() - certificates;
    let (p50, longest) = (percentile(&took, 50), percentile(&took, 100));
    println!("{certificates} certificates, {refused} fetches refused; {} stops revoked {revoked}", stops.len());
    println!("a stop is acknowledged after {p50:.1} ms (median), {longest:.1} ms (longest)");
    let met = if longest < AIM_MS { "met" } else { "missed" };
    println!("aim for a stop, under {AIM_MS:.0} ms with {CALLERS} fetches under way: {met}");
    let after = number(wrong.len());
    println!(
        "{{\"stop_p50_ms\":{p50:.1},\"stop_longest_ms\":{longest:.1},\"stops\":{},\"after\":{after}}}",
        stops.len()
    );
    wrong.truncate(10);
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Verdict(wrong)) }
}
