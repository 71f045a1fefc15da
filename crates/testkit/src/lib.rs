//! Test-only: a manual clock, repeatable randomness, a private sshd, and a user's machine with OpenSSH's programs.
//!
//! Everything here answers with a [`Result`] whose error tells the whole story: tests unwrap it.

mod clock;
mod machine;
mod namespace;
mod ports;
mod random;
mod run;
mod sshd;

#[cfg(test)]
mod tests;

pub use clock::{ManualClock, SystemClock};
pub use machine::{Certify, Machine, SK_DUMMY};
pub use namespace::{Door, Namespace};
pub use ports::free_port;
pub use random::SeededRandom;
pub use run::{Output, Result, eventually, within};
pub use sshd::{Sshd, SshdHost, SshdOptions};
