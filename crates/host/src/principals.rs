//! The static answer for AuthorizedPrincipalsCommand: `LOGIN@HOST`.

use std::ffi::OsString;

use clap::Args;
use domain::{HostName, Login, NameError, Pair};

/// What sshd asks. Both sides stay raw until [`Asked::answer`], so that a bad name is a refusal (exit 1) and not a
/// question of usage. LOGIN takes whatever follows, `--help` included: sshd puts a user name there, not a person.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// This host's name, as it is in the server's hosts.toml.
    #[arg(long, value_name = "NAME")]
    host: OsString,
    /// The Unix account that is asked for; sshd's %u.
    #[arg(value_name = "LOGIN", allow_hyphen_values = true)]
    login: OsString,
}

impl Asked {
    /// The principal that a certificate must carry.
    pub(crate) fn answer(&self) -> Result<Pair, PrincipalsError> {
        let host: HostName = self.host.to_string_lossy().parse().map_err(PrincipalsError::Host)?;
        let login: Login = self.login.to_string_lossy().parse().map_err(PrincipalsError::Login)?;
        Ok(Pair { login, host })
    }
}

/// Why no principal is printed.
#[derive(Debug, thiserror::Error)]
pub enum PrincipalsError {
    /// `--host` is misspelt in sshd_config.
    #[error("--host {0}; correct AuthorizedPrincipalsCommand in sshd_config")]
    Host(NameError),
    /// A Unix account that no request can name.
    #[error("{0}; Hallpass gives no access to such an account")]
    Login(NameError),
}
