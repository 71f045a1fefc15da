//! The parsed vocabulary of Hallpass: names, times, digests, keys and obligations as newtypes.
//!
//! Everything from outside is parsed here once; what has one of these types needs no second look.
//!
//! ```text
//! bytes from outside --parse--> newtype --Display--> the same bytes
//! ```
//!
//! No I/O, no async, no protobuf and no SQL live here.

mod access;
mod address;
mod amendment;
mod break_glass;
mod bytes;
mod command;
mod email;
mod extends;
mod jump;
mod key;
mod label;
mod name;
mod network;
mod notice;
mod obligations;
mod quorum;
mod random;
mod request_id;
mod slot;
mod stop;
mod strength;
mod tally;
mod text;
mod time;
mod wall;

pub use access::{Access, AskedLogin, Pair, PairError, Target, TargetError};
pub use address::{Address, AddressError};
pub use amendment::{Amendment, AmendmentError};
pub use break_glass::{BreakGlassError, BreakGlassTerms, Owes};
pub use bytes::{Digest, HexError, Nonce, Serial};
pub use command::{Command, CommandError};
pub use email::{EmailAddress, EmailError};
pub use extends::{Extends, ExtendsError};
pub use jump::{Behind, BehindError, Jump, Jumps, MOST_JUMPS};
pub use key::{Fingerprint, KeyError, PublicKey};
pub use label::{Label, LabelError, Selector};
pub use name::{GroupName, HostName, Login, NameError, Origin, RealmName, ReceiverName, RuleName, UserName};
pub use network::{Network, NetworkError, Networks};
pub use notice::{Event, UnknownEvent, wait_ends_soon, window_ends_soon};
pub use obligations::{Approval, Carried, Extension, Obligations, UnknownExtension, in_both};
pub use quorum::{Quorum, QuorumError, Share, StandIn};
pub use random::Random;
pub use request_id::{RequestId, RequestIdError};
pub use slot::SlotClosed;
pub use stop::{StopTarget, StopTargetError};
pub use strength::{KeyStrength, KeyStrengthError};
pub use tally::{Fate, Tally, Vote, Voter, missing};
pub use text::{Text, TextError, is_visible};
pub use time::{Clock, Span, SpanError, TimeError, UnixTime};
pub use wall::{DAYS, ZoneError, zone};
