//! A whole server in this process, reached over its TLS port.

mod calls;
mod files;
mod harness;
mod logs;
mod stops;
mod story;
mod table;
