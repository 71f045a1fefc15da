//! What one check and one signature cost by themselves, on one core.

use std::time::Instant;

use cert::CaSigner as _;
use domain::Serial;
use signer::SoftSigner;
use statement::ServerId;

use crate::failure::Failure;
use crate::figures::{median, micros, number};
use crate::floor::{certify, check};
use crate::taker::{Taker, sign_fetches, signing_key};

/// How many at a time.
const BATCH: usize = 500;
/// How often; the median counts.
const BATCHES: usize = 9;

/// In microseconds.
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
    let ca = SoftSigner::new(signing_key()).map_err(Failure::broken("no CA key"))?;
    let user = takers.first().ok_or(Failure::Broken("no users", "there are none".into()))?.user.clone();
    let (mut verify, mut sign, mut signature) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let fetches = sign_fetches(takers, server, BATCH)?;
        let start = Instant::now();
        let verified = fetches.iter().map(check).collect::<Result<Vec<_>, _>>();
        verify.push(micros(start.elapsed()));
        let verified = verified.map_err(|why| Failure::Broken("a statement was refused", why))?;

        let start = Instant::now();
        let serials = (1..).filter_map(Serial::new);
        let made =
            verified.iter().zip(serials).try_for_each(|(one, serial)| certify(one, &user, serial, &ca).map(drop));
        sign.push(micros(start.elapsed()));
        made.map_err(|why| Failure::Broken("a certificate was not signed", why))?;

        let start = Instant::now();
        let made = verified.iter().try_for_each(|one| ca.sign(one.text().as_bytes()).map(drop));
        signature.push(micros(start.elapsed()));
        made.map_err(Failure::broken("nothing was signed"))?;
    }
    let each = |batches: &[f64]| median(batches) / number(BATCH);
    Ok(Primitives { verify_us: each(&verify), sign_us: each(&sign), signature_us: each(&signature) })
}
