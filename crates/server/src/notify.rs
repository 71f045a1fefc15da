//! Receivers outside: who is told what happens to requests, in which form, and how a notice gets there.
//!
//! ```text
//! hallpassd.toml ──► config ──► receiver: url | exec | email
//! store's queue ──► courier (one for each receiver) ──► message ──► chat | mail | JSON + secret ──► post | program
//!                     └─ delivered: gone from the queue; failed: due again later; too old or too many: dropped
//! ```
//!
//! Each event gets to each receiver at least once and in no promised order. Nothing here is waited for by a request.

mod chat;
mod config;
mod courier;
mod endpoint;
mod mail;
mod message;
mod post;
mod program;
mod receiver;
mod secret;

pub(crate) use config::{Entry, entries};
pub(crate) use courier::Courier;
pub(crate) use message::{Message, TestError};
pub(crate) use program::Output;
pub(crate) use receiver::{Delivered, Failure, Receiver};
