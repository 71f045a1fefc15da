//! The crate as a whole, against OpenSSH's own programs.

mod client;
mod extensions;
mod fakes;
mod helper;
mod loading;
mod openssh;
mod private;

pub(crate) use fakes::Counting;
