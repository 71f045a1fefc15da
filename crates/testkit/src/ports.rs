//! Ports for servers of tests: never ones that the system hands to whoever asks for any.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::Result;

/// Below where Linux takes ports for connections from (32768, `ip_local_port_range` in ip(7)): a server that is started
/// again finds its port as it left it.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static TAKEN: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that nobody uses, and that nobody else in this process is given.
///
/// # Errors
/// When all are in use.
pub fn free_port() -> Result<u16> {
    // Programs that run side by side begin at different places.
    let start = std::process::id() % u32::from(COUNT);
    for _ in 0..COUNT {
        let place = start + u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from(place % u32::from(COUNT))?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(format!("every port from {FIRST} on is in use").into())
}
