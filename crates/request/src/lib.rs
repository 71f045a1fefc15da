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
//!  Pending or Approved, another connecting key put in its place ─► the same
//!  Pending or Approved, its requester disabled ─► Stopped
//!
//!  An extension ends with what it extends: cancelled or given back with it, stopped with it, and stopped when an approval
//!  of it is withdrawn. That its window is over ends no extension.
//!
//!  Approved + every signature, binding and membership as of now ──► Grant ──► certificates
//! ```
//!
//! Break-glass is approved at once, whatever becomes of it then; until somebody else has reviewed it, the next of the same
//! person takes an approval. The review changes no state.
//!
//! Transitions consume the old state and take evidence; time alone needs none. Nothing leads out of Denied, Cancelled,
//! GivenBack, Expired and Stopped. Nothing here reads a clock, a file or a socket.

mod evidence;
mod extend;
mod grant;
mod not_granted;
mod rebind;
mod review;
mod state;
mod transitions;

pub use evidence::{Ballot, BallotRefused, Judging, Slots, judge};
pub use extend::{MOST_EXTENDED, NoExtension, asks_the_same, opens_no_more, stands_on};
pub use grant::{Case, Counted, Grant, Held, fetchable, grant, grantable};
pub use not_granted::NotGranted;
pub use rebind::{MOST_REBOUND, NotRebound, connecting_key, in_order, may_rebind};
pub use review::{ReviewRefused, may_review, review};
pub use state::{Approved, Ended, Outcome, Pending, State, StateName, UnknownState, Wanted, Window, open};
pub use transitions::{TRANSITIONS, Transition, diagram};
