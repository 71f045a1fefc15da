//! A whole server in this process, reached over its TLS port.

mod calls;
mod files;
mod harness;
mod logs;
mod others;
mod stops;
mod story;
mod table;
