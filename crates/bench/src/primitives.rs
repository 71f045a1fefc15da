//! What one check and one signature cost by themselves, with every core at it: under load each has less of what they
//! share than it has alone, and the floor is judged under load.

use std::sync::Barrier;
use std::time::Instant;

use cert::CaSigner as _;
use domain::{Serial, UserName};
use signer::SoftSigner;
use statement::ServerId;
use wire::v1::FetchRequest;

use crate::failure::Failure;
use crate::figures::{median, micros, number};
use crate::floor::{certify, check};
use crate::machine::cores;
use crate::taker::{Taker, sign_fetches, signing_key};

/// How many at a time.
const BATCH: usize = 500;
/// How often; the median counts.
const BATCHES: usize = 9;

/// In microseconds of one core.
pub(crate) struct Primitives {
    /// A statement is parsed and its SSHSIG checked.
    pub(crate) verify_us: f64,
    /// A certificate is drafted, encoded, re-decoded, signed, read back and written as text.
    pub(crate) sign_us: f64,
    /// Of that, the Ed25519 signature.
    pub(crate) signature_us: f64,
}

/// Measures the very functions that the floor calls.
pub(crate) fn measure(takers: &[Taker], server: &ServerId) -> Result<Primitives, Failure> {
    let together = Barrier::new(cores());
    let batches = std::thread::scope(|scope| {
        let at_it: Vec<_> = (0..cores()).map(|_| scope.spawn(|| one_core(takers, server, &together))).collect();
        let done = at_it.into_iter().map(|core| core.join().unwrap_or_else(|_| Err(stopped())));
        done.collect::<Result<Vec<_>, _>>()
    })?;
    let batches: Vec<Batch> = batches.into_iter().flatten().collect();
    let each = |part: fn(&Batch) -> f64| median(&batches.iter().map(part).collect::<Vec<_>>()) / number(BATCH);
    Ok(Primitives {
        verify_us: each(|batch| batch.verify),
        sign_us: each(|batch| batch.sign),
        signature_us: each(|batch| batch.signature),
    })
}

fn stopped() -> Failure {
    Failure::Broken("measuring stopped", "a thread panicked".into())
}

/// How long a batch took.
struct Batch {
    verify: f64,
    sign: f64,
    signature: f64,
}

/// Statements are signed before all cores start together; nobody leaves before all are through.
fn one_core(takers: &[Taker], server: &ServerId, together: &Barrier) -> Result<Vec<Batch>, Failure> {
    let prepared = prepare(takers, server);
    together.wait();
    let measured = prepared.and_then(|(ca, user, fetches)| fetches.iter().map(|f| batch(&ca, &user, f)).collect());
    together.wait();
    measured
}

type Prepared = (SoftSigner, UserName, Vec<Vec<FetchRequest>>);

fn prepare(takers: &[Taker], server: &ServerId) -> Result<Prepared, Failure> {
    let ca = SoftSigner::new(signing_key()).map_err(Failure::broken("no CA key"))?;
    let user = takers.first().ok_or(Failure::Broken("no users", "there are none".into()))?.user.clone();
    let fetches = (0..BATCHES).map(|_| sign_fetches(takers, server, BATCH)).collect::<Result<_, _>>()?;
    Ok((ca, user, fetches))
}

fn batch(ca: &SoftSigner, user: &UserName, fetches: &[FetchRequest]) -> Result<Batch, Failure> {
    let start = Instant::now();
    let verified = fetches.iter().map(check).collect::<Result<Vec<_>, _>>();
    let verify = micros(start.elapsed());
    let verified = verified.map_err(|why| Failure::Broken("a statement was refused", why))?;

    let start = Instant::now();
    let serials = (1..).filter_map(Serial::new);
    let made = verified.iter().zip(serials).try_for_each(|(one, serial)| certify(one, user, serial, ca).map(drop));
    let sign = micros(start.elapsed());
    made.map_err(|why| Failure::Broken("a certificate was not signed", why))?;

    let start = Instant::now();
    let made = verified.iter().try_for_each(|one| ca.sign(one.text().as_bytes()).map(drop));
    let signature = micros(start.elapsed());
    made.map_err(Failure::broken("nothing was signed"))?;
    Ok(Batch { verify, sign, signature })
}
