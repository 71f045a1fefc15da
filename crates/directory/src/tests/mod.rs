//! The directory as a whole: its mistakes, its answers, and how fast it loads.

mod amend;
mod mistakes;
mod questions;
mod size;

use crate::{Directory, Mistakes, Source};

pub(crate) const KEY_1: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
pub(crate) const KEY_2: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0wJEqlXWXmHhnBxNVLHT1Z2fZ4a0mLhMnuRHbD1fIo";

pub(crate) fn parse(directory: &str, hosts: &str) -> Result<Directory, Mistakes> {
    Directory::parse(&Source::new("directory.toml", directory), &Source::new("hosts.toml", hosts))
}
