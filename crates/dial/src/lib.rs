//! The pinned client channel.
//!
//! ```text
//! pin (ledger key) --signs--> list of TLS keys --contains--> the TLS key of this connection
//! ```
//!
//! A client pins the ledger key and nothing else: no certificate authority of the web is asked. The TLS key of a
//! [`Connection`] is fixed by its first handshake; whatever reconnects must present the same one.

mod address;
mod clients;
mod connect;
mod error;
mod tls;

pub use address::{Address, AddressError};
pub use clients::{Bearer, Carrier};
pub use connect::{Connection, Pin, connect, probe};
pub use error::DialError;
