//! The files that ssh reads: certificates, public keys, and where hosts are reached. All of it is public.
//!
//! ```text
//! ssh/LOGIN@HOST.pub         the connecting key's public half (IdentityFile)
//! ssh/LOGIN@HOST-cert.pub    the certificate (CertificateFile)
//! ssh/hosts.SERVER           HostName, HostKeyAlias, Port and ProxyJump of the server's hosts (Include)
//! ssh/config.LOGIN@HOST      the whole configuration of one `hallpass ssh` (-F)
//! ```
//!
//! They have mode 0600: when the agent is gone, ssh takes a readable IdentityFile for a private key that is badly kept,
//! and says so on half a screen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use agent::ServerName;
use cert::{Certificate, Principal};
use domain::{HostName, Login, PublicKey, Span, UnixTime};

use crate::places::Places;
use crate::platform;

/// A certificate with less time left than this is not worth a connection that may be slow to begin.
const LEAST_LEFT_SECONDS: u64 = 10;

/// A file for ssh could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SshFilesError {
    /// The file cannot be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// A path that cannot stand in ssh's configuration.
    #[error("the path {0:?} cannot stand in ssh's configuration; use one without quotes, backslashes and `$`")]
    Path(PathBuf),
}

/// Where the certificate for a login on a host is, by the name that ssh was given.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The public half of the connecting key.
    pub(crate) key: PathBuf,
    /// The certificate.
    pub(crate) certificate: PathBuf,
}

impl Files {
    pub(crate) fn of(dir: &Path, login: &Login, host: &HostName) -> Self {
        Self { key: dir.join(format!("{login}@{host}.pub")), certificate: dir.join(format!("{login}@{host}-cert.pub")) }
    }

    /// Writes both.
    pub(crate) fn write(&self, key: &PublicKey, certificate: &Certificate) -> Result<(), SshFilesError> {
        write(&self.key, &format!("{key}\n"))?;
        write(&self.certificate, &format!("{}\n", certificate.to_openssh()))
    }

    /// Removes both.
    pub(crate) fn remove(&self) -> Result<(), SshFilesError> {
        unlink(&self.key)?;
        unlink(&self.certificate)
    }

    /// The certificate that is there, if it opens this and for long enough.
    pub(crate) fn usable(&self, principal: &Principal, now: UnixTime) -> Option<Certificate> {
        let text = std::fs::read_to_string(&self.certificate).ok()?;
        let certificate = Certificate::from_openssh(text.trim_end()).ok()?;
        let left = certificate.valid_before().since(now);
        let long_enough = left >= Span::from_seconds(LEAST_LEFT_SECONDS).ok()?;
        (long_enough && certificate.covers(principal, now)).then_some(certificate)
    }
}

/// The files for plain ssh.
pub(crate) fn files(places: &Places, login: &Login, host: &HostName) -> Files {
    Files::of(&places.ssh(), login, host)
}

/// Removes every certificate that certifies this key, under whatever name.
pub(crate) fn remove_all_of(places: &Places, key: &PublicKey) -> Result<(), SshFilesError> {
    let line = format!("{key}\n");
    let Ok(entries) = std::fs::read_dir(places.ssh()) else { return Ok(()) };
    for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let path = places.ssh().join(&name);
        if let Some(of) = name.strip_suffix(".pub")
            && std::fs::read_to_string(&path).is_ok_and(|text| text == line)
        {
            unlink(&path)?;
            unlink(&places.ssh().join(format!("{of}-cert.pub")))?;
        }
    }
    Ok(())
}

fn unlink(path: &Path) -> Result<(), SshFilesError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SshFilesError::Write(path.to_owned(), error)),
        _ => Ok(()),
    }
}

/// Where plain ssh finds a server's hosts. Returns the names that were left out, as another server's file has them: no
/// server can send ssh elsewhere for the hosts of another.
pub(crate) fn keep_hosts<'h>(
    places: &Places,
    server: &ServerName,
    hosts: &'h [wire::Host],
) -> Result<Vec<&'h HostName>, SshFilesError> {
    let of_others = names_of_others(places, server);
    let mut left_out = Vec::new();
    let logins: BTreeMap<&HostName, &Login> =
        hosts.iter().filter_map(|host| Some((&host.name, host.jump_login.as_ref()?))).collect();
    let jump = |via: &HostName| logins.get(via).map_or_else(|| via.to_string(), |login| format!("{login}@{via}"));
    let mut text = String::from("# Written by hallpass; included by the lines of `hallpass ssh-config`.\n");
    for host in hosts {
        let names = [&host.name].into_iter().chain(&host.aliases);
        let (taken, names): (Vec<_>, Vec<_>) = names.partition(|name| of_others.contains(name.as_str()));
        left_out.extend(taken);
        for name in names {
            let _never_fails = writeln!(text, "Host {name}");
            text.push_str(&reached(name, &host.address, host.port, host.via.as_ref().map(jump)));
        }
    }
    write(&places.ssh().join(hosts_file(server)), &text)?;
    Ok(left_out)
}

/// Where a host is reached. Its key is looked up by the name that was typed and not by the address, which is the
/// server's word: sent elsewhere, ssh finds another key than the one that it knows.
pub(crate) fn reached(typed: &HostName, address: impl Display, port: impl Display, jump: Option<String>) -> String {
    let jump = jump.map(|jump| format!("    ProxyJump {jump}\n")).unwrap_or_default();
    format!("    HostName {address}\n    HostKeyAlias {typed}\n    Port {port}\n{jump}")
}

fn hosts_file(server: &ServerName) -> String {
    format!("hosts.{server}")
}

/// The names of hosts in the files of other servers.
fn names_of_others(places: &Places, server: &ServerName) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(places.ssh()) else { return BTreeSet::new() };
    let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let others = files.filter(|name| name.starts_with("hosts.") && *name != hosts_file(server));
    let texts = others.filter_map(|name| std::fs::read_to_string(places.ssh().join(name)).ok());
    texts.flat_map(|text| names(&text)).collect()
}

fn names(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("Host "));
    lines.flat_map(|names| names.split(' ').map(str::to_owned)).collect()
}

/// A path as ssh's configuration takes it where it expands tokens.
pub(crate) fn quoted(path: &Path) -> Result<String, SshFilesError> {
    let refused = || SshFilesError::Path(path.to_owned());
    let text = path.to_str().ok_or_else(refused)?;
    if text.contains(['"', '\\', '$']) || text.contains(char::is_control) {
        return Err(refused());
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), SshFilesError> {
    path.parent()
        .map_or(Ok(()), platform::make_dir)
        .and_then(|()| platform::write_private(path, text.as_bytes()))
        .map_err(|error| SshFilesError::Write(path.to_owned(), error))
}
