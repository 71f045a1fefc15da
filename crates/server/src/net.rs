//! The one TLS port: who may connect, how often, and by which key.
//!
//! ```text
//! TCP ──► bounded connections ──► TLS 1.3 and HTTP/2 within seconds ──► door: per-peer rate ──► service ──► gate ──► out
//! ```

mod door;
mod gated;
mod listen;
mod peer;
mod tls;

pub(crate) use door::DoorLayer;
pub(crate) use gated::Sealed;
pub use listen::BindError;
pub(crate) use listen::{Doorstep, PeerAddress, accept, bind};
pub(crate) use peer::{PeerLimits, Peers};
pub(crate) use tls::gather_randomness;
pub use tls::{TlsKey, TlsKeyError, server_config};
