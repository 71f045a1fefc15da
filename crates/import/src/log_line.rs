//! One line of sshd's log: a login that was accepted (auth.c, auth_log), as syslog, rsyslog and journalctl write it.

use domain::{Fingerprint, UserName};

/// An accepted login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) host: String,
    pub(crate) login: String,
    pub(crate) proof: Proof,
    /// How often: rsyslog writes equal lines once.
    pub(crate) times: u64,
}

/// How who logged in showed who they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A key.
    Key(Fingerprint),
    /// A certificate.
    Certificate {
        /// The key that it certifies.
        key: Fingerprint,
        /// Its id, which the CA chose.
        id: String,
    },
    /// Something else, such as a password: whose it was is not known.
    Other(String),
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A login.
    Accepted(Accepted),
    /// It is about a login, and cannot be read.
    Unread,
    /// Anything else.
    Other,
}

/// Reads a line.
pub(crate) fn read(line: &str) -> Line {
    let Some((host, message)) = message(line) else { return Line::Other };
    let (times, message) = repeated(message);
    let Some(accepted) = message.strip_prefix("Accepted ") else { return Line::Other };
    login(accepted).map_or(Line::Unread, |(login, proof)| {
        Line::Accepted(Accepted { host: host.to_owned(), login: login.to_owned(), proof, times })
    })
}

/// The host, and what sshd said: after a time of three words, or of one in ISO form.
fn message(line: &str) -> Option<(&str, &str)> {
    let iso = line.starts_with(|c: char| c.is_ascii_digit());
    let mut rest = line;
    for _ in 0..(if iso { 1 } else { 3 }) {
        rest = rest.split_once(' ')?.1.trim_start_matches(' ');
    }
    let (host, rest) = rest.split_once(' ')?;
    // sshd-session has done it since 9.8. Who it is stands before anything that a client can choose.
    let (program, message) = rest.trim_start_matches(' ').split_once(": ")?;
    let program = program.split_once('[').map_or(program, |(name, _)| name);
    matches!(program, "sshd" | "sshd-session" | "sshd-auth").then_some((host, message))
}

/// rsyslog's `message repeated 3 times: [ ...]`.
fn repeated(message: &str) -> (u64, &str) {
    let inside = || {
        let (count, rest) = message.strip_prefix("message repeated ")?.split_once(" times: [ ")?;
        Some((count.parse().ok()?, rest.strip_suffix(']').unwrap_or(rest)))
    };
    inside().unwrap_or((1, message))
}

/// `METHOD for LOGIN from ADDRESS port PORT ssh2[: TYPE FINGERPRINT[ ID ID (serial N) CA TYPE FINGERPRINT]]`
fn login(accepted: &str) -> Option<(&str, Proof)> {
    let (method, rest) = accepted.split_once(" for ")?;
    let (login, rest) = rest.split_once(" from ")?;
    if method != "publickey" {
        return Some((login, Proof::Other(method.to_owned())));
    }
    let (_, shown) = rest.split_once(" ssh2: ")?;
    let (_, key) = shown.split_once(' ')?;
    let (fingerprint, rest) = key.split_once(' ').unwrap_or((key, ""));
    let key: Fingerprint = fingerprint.trim_end().parse().ok()?;
    let Some(rest) = rest.strip_prefix("ID ") else { return Some((login, Proof::Key(key))) };
    let (id, _) = rest.rsplit_once(" (serial ")?;
    Some((login, Proof::Certificate { key, id: id.to_owned() }))
}

impl Proof {
    /// The user that a certificate's id names: Hallpass's own ids have it in the third place.
    pub(crate) fn user(&self) -> Option<UserName> {
        let Self::Certificate { id, .. } = self else { return None };
        let mut parts = id.strip_prefix("hallpass:").unwrap_or_default().split(':');
        let named = parts.nth(1).filter(|_| parts.next().is_some()).unwrap_or(id);
        named.parse().ok()
    }

    /// The key that was used.
    pub fn key(&self) -> Option<Fingerprint> {
        match self {
            Self::Key(key) | Self::Certificate { key, .. } => Some(*key),
            Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    fn said(line: &str) -> Option<String> {
        match read(line) {
            Line::Accepted(Accepted { host, login, proof, times }) => {
                let user = proof.user().map(|user| format!(" user {user}")).unwrap_or_default();
                let how = match proof {
                    Proof::Key(_) => "key".to_owned(),
                    Proof::Certificate { id, .. } => format!("certificate {id}"),
                    Proof::Other(method) => method,
                };
                Some(format!("{login}@{host} {how} x{times}{user}"))
            }
            Line::Unread => Some("unread".to_owned()),
            Line::Other => None,
        }
    }

    #[test]
    fn a_login_is_read_in_every_usual_form() {
        let accepted = format!("Accepted publickey for root from 10.0.0.1 port 22 ssh2: ED25519 {KEY}");
        for before in [
            "Mar  1 14:02:00 web-1 sshd[123]: ",
            "2026-03-01T14:02:00+0000 web-1 sshd[123]: ",
            "2026-03-01T14:02:00.123456+01:00 web-1 sshd-session[123]: ",
        ] {
            assert_eq!(said(&format!("{before}{accepted}")).unwrap(), "root@web-1 key x1", "{before}");
        }
        let repeated = format!("Mar 11 14:02:00 web-1 sshd[1]: message repeated 2 times: [ {accepted}]");
        assert_eq!(said(&repeated).unwrap(), "root@web-1 key x2");
        let by_ca = |id: &str| format!("{}-CERT {KEY} ID {id} (serial 7) CA ED25519 {KEY}", "ED25519");
        for (id, expected) in [
            ("alice@example.com", "certificate alice@example.com x1 user alice@example.com"),
            ("hallpass:7K3F9QXMWT:alice:1772373720", "certificate hallpass:7K3F9QXMWT:alice:1772373720 x1 user alice"),
            ("a (serial 1) CA b", "certificate a (serial 1) CA b x1"),
        ] {
            let line =
                format!("Mar 11 14:02:00 db sshd[1]: Accepted publickey for al from ::1 port 2 ssh2: {}", by_ca(id));
            assert_eq!(said(&line).unwrap(), format!("al@db {expected}"));
        }
        let password = "Mar 11 14:02:00 db sshd[1]: Accepted keyboard-interactive/pam for al from ::1 port 2 ssh2";
        assert_eq!(said(password).unwrap(), "al@db keyboard-interactive/pam x1");
    }

    #[test]
    fn what_a_client_can_write_is_no_login() {
        let accepted = format!("Accepted publickey for root from 10.0.0.1 port 22 ssh2: ED25519 {KEY}");
        for line in [
            format!("Mar  1 14:02:00 web-1 sshd[1]: Invalid user x sshd[1]: {accepted} from 10.0.0.9 port 1"),
            format!("Mar  1 14:02:00 web-1 other[1]: {accepted}"),
            format!("Mar  1 14:02:00 web-1 other[1]: sshd[2]: {accepted}"),
            accepted,
            "Mar  1 14:02:00 web-1 sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2".to_owned(),
            String::new(),
        ] {
            assert_eq!(said(&line), None, "{line}");
        }
        for cut in ["Accepted publickey for root", "Accepted publickey for root from 1 port 2 ssh2: RSA MD5:aa"] {
            assert_eq!(said(&format!("Mar  1 14:02:00 web-1 sshd[1]: {cut}")).unwrap(), "unread");
        }
    }
}
