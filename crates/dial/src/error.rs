//! Why there is no connection.

use domain::{Digest, Origin};
use ledger::{LedgerKeyError, TlsKeysError};
use wire::WireError;

use crate::{Address, AddressError};

/// Why there is no connection to a server; each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS cannot be set up on this machine.
    #[error("TLS cannot be set up on this machine")]
    Tls(#[source] rustls::Error),
    /// Nobody answers.
    #[error("no connection to {address}; check the address, and that hallpassd runs there")]
    Connect {
        /// Where.
        address: Address,
        /// What happened.
        #[source]
        cause: tonic::transport::Error,
    },
    /// Nobody answers in time.
    #[error("{0} does not answer; check the address, and that hallpassd runs there")]
    Timeout(Address),
    /// What answers does not say who it is.
    #[error("{address} does not say who it is; is a hallpassd there?")]
    Info {
        /// Where.
        address: Address,
        /// What it answered.
        #[source]
        cause: Box<tonic::Status>,
    },
    /// What it says of itself cannot be read.
    #[error("what {address} says of itself cannot be read; is it of another version?")]
    Malformed {
        /// Where.
        address: Address,
        /// What was wrong.
        #[source]
        cause: WireError,
    },
    /// Its ledger key is none.
    #[error("{address} has no proper ledger key")]
    LedgerKey {
        /// Where.
        address: Address,
        /// What was wrong.
        #[source]
        cause: LedgerKeyError,
    },
    /// It is not the pinned server.
    #[error(
        "{address} is not the server that is pinned: its ledger key is {found}, the pin says {pinned}. Somebody may \
         be between you and the server. If the server was made anew, ask its administrator for the new fingerprint \
         and run: hallpass login {address}#FINGERPRINT"
    )]
    OtherLedgerKey {
        /// Where.
        address: Address,
        /// The SHA-256 of its ledger key.
        found: Digest,
        /// The pin.
        pinned: Digest,
    },
    /// It has another name than the pinned server.
    #[error("{address} calls itself `{found}`, but `{pinned}` is pinned; run `hallpass login` for it anew")]
    OtherName {
        /// Where.
        address: Address,
        /// Its name.
        found: Origin,
        /// The name in the pin.
        pinned: Origin,
    },
    /// Its list of TLS keys is refused.
    #[error("{address} cannot prove its TLS keys")]
    TlsKeys {
        /// Where.
        address: Address,
        /// What was wrong.
        #[source]
        cause: TlsKeysError,
    },
    /// The connection's TLS key is not on the list: it is somebody else's.
    #[error(
        "the connection to {address} ends at somebody who has not the server's TLS key (seen: {seen}). Somebody may \
         be between you and the server: nothing was sent. Try from another network, and tell its administrator"
    )]
    Intercepted {
        /// Where.
        address: Address,
        /// The TLS key that was seen.
        seen: Digest,
    },
    /// No handshake was seen; only a fault of ours could cause it.
    #[error("the connection to {0} shows no TLS key; try again")]
    NoTlsKey(Address),
    /// The server speaks a newer API.
    #[error("{address} speaks API version {theirs}, this program {ours}; install the program that fits the server")]
    ApiVersion {
        /// Where.
        address: Address,
        /// The server's.
        theirs: u32,
        /// This program's.
        ours: u32,
    },
    /// This client is too old.
    #[error("{address} serves clients from version {oldest} on, this is {ours}; install a newer one")]
    ClientTooOld {
        /// Where.
        address: Address,
        /// What it serves.
        oldest: String,
        /// This program's.
        ours: &'static str,
    },
}
