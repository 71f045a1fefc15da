//! Named transactions over SQLite by one writer; the only SQL.
//!
//! ```text
//! ca --XxxTx--> bounded queue --> writer thread: { state + entries }* + checkpoint, one commit --> answers
//! ca --read---> read-only connections (WAL): the last commit
//! ```
//!
//! - A change of state and its entries share a transaction. Whatever waits shares a commit, up to 256 commands, each in
//!   a savepoint of its own; answers leave only after the commit.
//! - Each change by somebody brings its [`Statement`]: its hash is the replay state, and a used one is
//!   [`StoreError::Replayed`], across restarts too.
//! - Requests change by version: a command names the version it was judged by, else [`StoreError::Conflict`].
//! - [`Store::issue`] compares request version, bundle and epoch in the writer, gives each draft its serial, which is
//!   the index of its entry, and returns the bytes to sign. A repeat of the same fetch is [`StoreError::Replayed`]; then
//!   [`Store::find_fetch`] returns the bytes of the same entries.
//! - Whom to tell outside is written with the change that is told ([`Notify`]), so that a crash loses nothing.
//! - A failure (full disk, read-only, damage: [`StoreError::is_failure`]) writes nothing of its transaction; the writer
//!   goes on with the next.
//!
//! Who may do what is not known here: `ca` and `request` judge, this crate keeps.

mod acts;
mod amendments;
mod backfill;
mod batch;
mod bundles;
mod checkpoints;
mod columns;
mod connection;
mod entries;
mod error;
mod escalations;
mod extensions;
mod files;
mod history;
mod issue;
mod known;
mod migrations;
mod notices;
mod readers;
mod reading;
mod recent;
mod requests;
mod reviews;
mod revoked;
mod sessions;
mod statements;
mod stops;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use acts::{ActTx, Change, HaltTx};
pub use amendments::{AmendTx, Amended, EndedWith, Lasting};
pub use batch::{Halt, RequestChanged};
pub use bundles::{Bundle, BundleTx, Load, Origin};
pub use error::{OpenError, StoreError};
pub use escalations::{EscalateTx, Escalating};
pub use extensions::Extended;
pub use history::Stretch;
pub use issue::IssueTx;
pub use notices::{Bounds, KeepReceiversTx, Notice, Notify, PruneTx, RemindTx, SettleTx, Settled, Subject, Waiting};
pub use reading::{Due, Filter, StoredDecision, StoredRequest};
pub use requests::{DecideTx, ExpireTx, RequestState, SubmitTx, Window};
pub use reviews::{BreakGlass, ReviewTx, StoredReview, Used};
pub use revoked::{ForgetRevokedTx, Revocations, Revoked};
pub use sessions::{EndSessionTx, LoginTx, Session};
pub use statements::Statement;
pub use stops::{LiftTx, Lifting, Reach, SecondTx, Standing, StopDone, StopTx};
pub use store::Store;
pub use writer::{Announced, UnderWay};
