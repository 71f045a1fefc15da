//! What `hallpass-host` understands.

use clap::{Parser, Subcommand};

use crate::principals::Asked;

/// The root-side helper of Hallpass on hosts that people log in to.
#[derive(Debug, Parser)]
#[command(name = "hallpass-host", version, after_long_help = IN_SSHD_CONFIG)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer sshd's AuthorizedPrincipalsCommand: print LOGIN@HOST, the one principal that opens LOGIN here.
    ///
    /// It reads no file and asks nobody: it cannot be slow or unreachable. Anything that is not a login and a host name
    /// is refused: exit code 1, and nothing on standard output, so that sshd accepts no certificate.
    #[command(disable_help_flag = true, after_long_help = IN_SSHD_CONFIG)]
    Principals(Asked),
    /// Print the manual page, for `man -l -`.
    #[command(hide = true)]
    Man,
}

const IN_SSHD_CONFIG: &str = "\
In sshd_config, with the name that the host has in hosts.toml:

  TrustedUserCAKeys /etc/ssh/hallpass_ca.pub
  AuthorizedPrincipalsCommand /usr/bin/hallpass-host principals --host web-1.example.com -- %u
  AuthorizedPrincipalsCommandUser nobody";
