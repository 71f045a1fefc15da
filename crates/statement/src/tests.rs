//! What every text and every signature is held to.

mod examples;
mod openssh;
mod refused;
mod round_trip;
mod sshsig;
mod strategies;
