//! The three programs against the system's own sshd, ssh, ssh-agent and ssh-keygen.

mod administration;
mod certificates;
mod demo;
mod demo_ends;
mod disk;
mod durable;
mod extending;
mod fido;
mod fleet;
mod glass;
mod history;
mod jumps;
mod mistakes;
mod plain_ssh;
mod processes;
mod rebinding;
mod replays;
mod restrictions;
mod revocations;
mod running;
mod serve;
mod stages;
mod trace;
mod world;
