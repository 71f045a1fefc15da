//! The lifecycle of a request, as types: what was asked, who decided, and the grant that alone lets certificates out.
//!
//! ```text
//!  submit                 decide: quorum complete
//! ───────► Pending ─────────────────────────────► Approved
//!   │        │  │                                 ▲  │  │
//!   │        │  └ decide: one deny ─► Denied      │  │  └ give back ─► GivenBack
//!   │        ├ cancel ─► Cancelled                │  ├ its window is over ─► Expired
//!   │        └ an hour passes ─► Expired          │  └ an approval is withdrawn, unused ─► Pending
//!   └ nobody needs to be asked (`auto`) ──────────┘
//!
//!  Pending or Approved, its requester disabled ─► Stopped
//!
//!  Approved + every signature, binding and membership as of now ──► Grant ──► certificates
//! ```
//!
//! Transitions consume the old state and take evidence; time alone needs none. Nothing leads out of Denied, Cancelled,
//! GivenBack, Expired and Stopped. Nothing here reads a clock, a file or a socket.

mod evidence;
mod grant;
mod state;

pub use evidence::{Ballot, BallotRefused, Judging, Slots, judge};
pub use grant::{Case, Counted, Grant, NotGranted, fetchable, grant, grantable};
pub use state::{Approved, Ended, Outcome, Pending, State, StateName, UnknownState, Window, open};
