//! The three programs against the system's own sshd, ssh, ssh-agent and ssh-keygen.

mod certificates;
mod demo;
mod durable;
mod fido;
mod mistakes;
mod plain_ssh;
mod world;
