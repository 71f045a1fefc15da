//! A part under strace, apart from the timed ones: how many fsyncs stand before the certificates.

use std::path::Path;

use crate::failure::Failure;
use crate::product::Product;
use crate::side::Side;

/// How many certificates one caller takes.
const ALONE: usize = 200;
/// How many certificates many callers take, and how many those are.
const CROWD: usize = 4_000;
const CROWD_CALLERS: usize = 128;

/// What was counted.
pub(crate) struct Durability {
    /// Certificates that one caller took, each after the one before.
    pub(crate) alone: usize,
    /// fsyncs meanwhile.
    pub(crate) alone_fsyncs: usize,
    /// Certificates that 128 callers took.
    pub(crate) crowd: usize,
    /// fsyncs meanwhile.
    pub(crate) crowd_fsyncs: usize,
}

/// Starts the server once more, under strace, and counts. The server is stopped afterwards.
pub(crate) async fn count(product: &Product, side: Side, place: &Path) -> Result<(Durability, Side), Failure> {
    let trace = place.join("fsyncs");
    let server = product.start_traced(&trace)?;
    let mut side = side.reconnect(&product.address).await?;
    let before = fsyncs(&trace)?;
    side.part(1, ALONE).await?;
    let between = fsyncs(&trace)?;
    side.part(CROWD_CALLERS, CROWD).await?;
    let after = fsyncs(&trace)?;
    server.stop()?;
    let (alone_fsyncs, crowd_fsyncs) = (between - before, after - between);
    Ok((Durability { alone: ALONE, alone_fsyncs, crowd: CROWD, crowd_fsyncs }, side))
}

/// Finished calls; of one that another thread's interrupts in the file, the second half says `resumed`.
fn fsyncs(trace: &Path) -> Result<usize, Failure> {
    let text = std::fs::read_to_string(trace).map_err(Failure::file(trace))?;
    Ok(text.lines().filter(|line| line.contains("sync") && line.ends_with("= 0")).count())
}
