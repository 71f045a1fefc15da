//! Generated protobuf, and its conversions with named errors.
//!
//! ```text
//! bytes --prost--> v1::X --TryFrom--> X (parsed, bounded)      X --From--> v1::X --prost--> bytes
//! ```
//!
//! What comes from outside is bounded and parsed here once, before any signature is looked at. The texts inside a
//! [`SignedText`] are not parsed here: that is the crate `statement`, after the signature.

mod bundle;
mod error;
mod history;
mod host;
mod info;
mod query;
mod request;
mod review;
mod session;
mod signed;
mod stops;
mod table;

/// The messages, clients and servers as generated from `proto/hallpass/v1/`.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "the generator decides"
)]
pub mod v1 {
    tonic::include_proto!("hallpass.v1");
}

pub use bundle::{Amended, BundleHead, BundleLoad, Incoming, LARGEST_BUNDLE, parts, signatures};
pub use error::WireError;
pub use history::{Considered, Explanation, ListHistory, Near, OnHosts, Terms};
pub use host::{Host, HostLogin};
pub use info::ServerInfo;
pub use query::{ListHosts, ListRequests, View, WatchRequests, digest, request_id};
pub use request::{Decision, Endpoint, Issued, Request, State};
pub use review::{Review, UsedCertificate};
pub use session::{Identity, Right, Session, Token};
pub use signed::{Head, SignedText};
pub use stops::{Lifted, LiveCertificate, Standing, StopDone};
pub use table::rpc_paths;

/// The API, as a serialized `google.protobuf.FileDescriptorSet` with comments: for reflection, and for tests that must
/// know every RPC.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hallpass.v1.bin"));

/// In the details of a refused fetch for many hosts (`google.rpc.ErrorInfo.metadata`, reason `HOSTS_REFUSED`): the hosts
/// that it is refused for, joined by commas. A fetch without them may be granted.
pub const HOSTS: &str = "hosts";

/// The version of the API that these messages speak.
pub const API_VERSION: u32 = 1;

/// The port of a server where none is named.
pub const DEFAULT_PORT: u16 = 4722;
