//! A whole server in this process, reached over its TLS port.

mod calls;
mod files;
mod harness;
mod history;
mod logs;
mod notify;
mod others;
mod receiver;
mod routes;
mod stops;
mod story;
mod table;
