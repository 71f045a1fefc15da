//! `hallpass admin ca`: what hosts are given of the CA.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cert::{Krl, KrlError};
use serde::Serialize;

use crate::app::{App, Known, Look, Report};
use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::platform::write_public;

/// Why no list was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KrlFailure {
    /// The list is none.
    #[error("the server sent no list of revoked certificates that can be used; the file is as it was")]
    Sent(#[source] KrlError),
    /// An older list.
    #[error(
        "the server sent list {sent} of revoked certificates, and {} holds list {held}; was the server set back? The file is as it was",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// What came.
        sent: u64,
        /// What is there.
        held: u64,
    },
    /// Something else is there.
    #[error("{} is there, and no list of revoked certificates that Hallpass writes; name another file", .0.display())]
    Other(PathBuf, #[source] KrlError),
    /// It cannot be read or written.
    #[error("{} cannot be written; it is as it was", .0.display())]
    File(PathBuf, #[source] io::Error),
}

/// Writes the list of revoked certificates. A host does so every minute or so, without a session.
pub(crate) async fn krl(app: &App<'_>, out: &Path) -> Result<Exit, Failure> {
    let Known { server, state } = app.known()?;
    let sent = Link::open(&server, &state, None).await?.revocations().await?;
    let list = Krl::decode(&sent).map_err(KrlFailure::Sent)?;
    let held = held(out)?;
    if let Some(held) = held.filter(|held| *held > list.number) {
        return Err(KrlFailure::Older { path: out.to_owned(), sent: list.number, held }.into());
    }
    // `sshd` sees the old file or the new one: it refuses every key when it reads half a list.
    write_public(out, &sent).map_err(|error| KrlFailure::File(out.to_owned(), error))?;
    let revoked = list.revoked.values().flat_map(cert::Serials::ranges);
    let revoked = revoked.map(|range| range.end().get() - range.start().get() + 1).sum();
    app.report(&Written { file: out.display().to_string(), number: list.number, revoked })?;
    Ok(Exit::Done)
}

/// The number of the list that is there.
fn held(path: &Path) -> Result<Option<u64>, KrlFailure> {
    match fs::read(path) {
        Ok(bytes) => {
            let list = Krl::decode(&bytes).map_err(|error| KrlFailure::Other(path.to_owned(), error))?;
            Ok(Some(list.number))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KrlFailure::File(path.to_owned(), error)),
    }
}

#[derive(Serialize)]
struct Written {
    file: String,
    number: u64,
    revoked: u64,
}

impl Report for Written {
    fn text(&self, _: &Look<'_>) -> String {
        format!("Wrote list {} of revoked certificates into {}: {} of them.\n", self.number, self.file, self.revoked)
    }
}
