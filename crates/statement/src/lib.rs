//! The canonical texts that people sign.

mod act;
mod codec;
mod decision;
mod fetch;
mod header;
mod kind;
mod login;
mod request;
mod ruling;

pub use act::{Act, ActError, ActStatement, Verb};
pub use codec::{Canonical, StatementError};
pub use decision::DecisionStatement;
pub use fetch::{FetchStatement, Pairs, PairsError};
pub use header::{Header, NotFresh, OtherServer, Seen, SeenError, ServerId, ServerIdError};
pub use kind::{Kind, Statement};
pub use login::LoginStatement;
pub use request::{BreakGlass, NoBreakGlass, RequestStatement};
pub use ruling::{RulingText, RulingTextError};
