//! What log lines say of a call: method, peer, user and request.

use std::fmt::Display;
use std::str::FromStr;

use ca::{Class, Error, Issued, Session};
use cert::KeyId;
use domain::{RequestId, UserName};
use tonic::Request;
use wire::{SignedText, WireError};

use crate::error::chain;
use crate::net::PeerAddress;

/// A call, for its log line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    method: &'static str,
    peer: Option<PeerAddress>,
    user: Option<UserName>,
    request: Option<RequestId>,
}

impl Call {
    pub(crate) fn of<T>(method: &'static str, request: &Request<T>) -> Self {
        Self { method, peer: request.extensions().get().copied(), user: None, request: None }
    }

    /// The call is about this request.
    pub(crate) const fn about(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// The call is made in this session.
    pub(crate) fn by(self, session: &Session) -> Self {
        self.of_user(Some(session.user().clone()))
    }

    /// The call is about a request of this user, or made by them.
    pub(crate) fn of_user(mut self, user: Option<UserName>) -> Self {
        self.user = user;
        self
    }

    /// The request that the call is about, when nothing says who makes it: a fetch is signed by a connecting key, and
    /// names no user.
    pub(crate) fn of_nobody(&self) -> Option<RequestId> {
        self.request.filter(|_| self.user.is_none())
    }

    /// Who and what a statement is about by its own word: enough for the line of a refusal.
    pub(crate) fn claiming(mut self, signed: &SignedText) -> Self {
        let text = std::str::from_utf8(signed.text()).unwrap_or_default();
        self.user = ["user", "requester", "approver"].into_iter().find_map(|name| field(text, name));
        self.request = ["id", "target"].into_iter().find_map(|name| first_word(text, name));
        self
    }

    /// It did what was asked.
    pub(crate) fn done(&self, what: &str) {
        let Self { method, .. } = self;
        tracing::info!(method, peer = self.peer(), user = shown(&self.user), request = shown(&self.request), "{what}");
    }

    /// It gave certificates: the line holds what sshd will log of them.
    pub(crate) fn issued(&self, issued: &Issued) {
        let Self { method, .. } = self;
        let (peer, request) = (self.peer(), shown(&self.request));
        for (pair, certificate) in &issued.certificates {
            let (serial, key_id) = (certificate.serial().get(), certificate.key_id());
            let user = key_id.parse::<KeyId>().map(|id| id.user.to_string()).ok();
            tracing::info!(method, peer, user, request, serial, key_id, %pair, "issued a certificate");
        }
    }

    /// It was refused.
    pub(crate) fn refused(&self, error: &Error) {
        let Self { method, .. } = self;
        let (reason, why) = (error.reason(), chain(error));
        let (peer, user, request) = (self.peer(), shown(&self.user), shown(&self.request));
        match error.class() {
            Class::Internal | Class::Unavailable => {
                tracing::error!(method, peer, user, request, reason, "refused: {why}")
            }
            _ => tracing::info!(method, peer, user, request, reason, "refused: {why}"),
        }
    }

    /// It could not be read.
    pub(crate) fn misread(&self, error: &WireError) {
        let (Self { method, .. }, reason) = (self, crate::status::MESSAGE_INVALID);
        let (peer, user, request) = (self.peer(), shown(&self.user), shown(&self.request));
        tracing::info!(method, peer, user, request, reason, "refused: {error}");
    }

    fn peer(&self) -> Option<String> {
        self.peer.map(|PeerAddress(address)| address.ip().to_canonical().to_string())
    }
}

fn shown(value: &Option<impl Display>) -> Option<String> {
    value.as_ref().map(ToString::to_string)
}

/// The first word of a line, when it is what it should be: that of `rebind` is followed by a key.
fn first_word<T: FromStr>(text: &str, name: &str) -> Option<T> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.split(' ').next()?.parse().ok())
}

/// The value of a line, when it is what it should be.
fn field<T: FromStr>(text: &str, name: &str) -> Option<T> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_who_and_what_but_never_what_is_misspelt() {
        let text = "hallpass-decision v1\napprover: bob\nid: 7K3F9-QXMWT\n";
        assert_eq!(field::<UserName>(text, "approver").unwrap().as_str(), "bob");
        assert_eq!(field::<RequestId>(text, "id"), "7K3F9-QXMWT".parse().ok());
        assert_eq!(field::<UserName>("user: \u{1b}[31m\n", "user"), None);
        assert_eq!(first_word::<RequestId>(text, "id"), "7K3F9-QXMWT".parse().ok());
        assert_eq!(
            first_word::<RequestId>("target: 7K3F9-QXMWT ssh-ed25519 AAAA\n", "target"),
            "7K3F9-QXMWT".parse().ok()
        );
        assert_eq!(first_word::<RequestId>("target: web-1\n", "target"), None);
        assert_eq!(field::<UserName>("username: bob\n", "user"), None);
    }
}
