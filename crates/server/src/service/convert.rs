//! What `ca` gives, as the API says it.

use std::sync::Arc;

use ca::{Amending, InForce, Issued, View};
use directory::Host;
use domain::Digest;
use ledger::{SignedCheckpoint, SignedText};
use store::{Load, Origin, RequestState, StoredDecision, StoredReview};
use wire::{Head, v1};

pub(crate) fn request(view: View) -> v1::Request {
    let stored = Arc::unwrap_or_clone(view.stored);
    let (not_before, not_after) = match stored.state {
        RequestState::Approved(window) => (window.not_before.seconds(), window.not_after.seconds()),
        _ => (0, 0),
    };
    v1::Request {
        id: stored.id.to_string(),
        state: view.state.to_string(),
        statement: Some(signed(stored.statement)),
        ruling: stored.ruling.into_bytes(),
        decisions: stored.decisions.into_iter().map(decision).collect(),
        submitted: stored.submitted.seconds(),
        pending_until: stored.expires.seconds(),
        not_before,
        not_after,
        approvers: view.approvers.iter().map(ToString::to_string).collect(),
        endpoints: view.hosts.iter().map(endpoint).collect(),
        missing: view.missing,
        used: stored.uses,
        rebinds: stored.rebinds.into_iter().map(signed).collect(),
        jump_hosts: view.jump_hosts.iter().map(endpoint).collect(),
        review: stored.review.map(review),
        certificates: view.used.into_iter().map(used).collect(),
    }
}

fn review(stored: StoredReview) -> v1::Review {
    match stored {
        StoredReview::Owed { since } => v1::Review { owed_since: since.seconds(), statement: None, time: 0 },
        StoredReview::Done { statement, time, .. } => {
            v1::Review { owed_since: 0, statement: Some(signed(statement)), time: time.seconds() }
        }
    }
}

fn used(certificate: store::Used) -> v1::UsedCertificate {
    v1::UsedCertificate {
        serial: certificate.serial.get(),
        principal: certificate.principal,
        time: certificate.time.seconds(),
        until: certificate.until.seconds(),
    }
}

fn decision(stored: StoredDecision) -> v1::Decision {
    v1::Decision {
        approver: stored.approver.to_string(),
        time: stored.time.seconds(),
        verdict: stored.verdict.to_string(),
        statement: Some(signed(stored.statement)),
    }
}

fn endpoint(host: &Host) -> v1::Endpoint {
    v1::Endpoint {
        host: host.name.to_string(),
        address: host.address.to_string(),
        port: u32::from(host.port.get()),
        via: host.via.as_ref().map(ToString::to_string).unwrap_or_default(),
        aliases: host.aliases.iter().map(ToString::to_string).collect(),
    }
}

fn signed(kept: SignedText) -> v1::Signed {
    v1::Signed { text: kept.text.into_bytes(), signature: kept.signature }
}

pub(crate) fn certificates(issued: &Issued) -> Vec<v1::Issued> {
    let one = |(pair, certificate): &(domain::Pair, cert::Certificate)| v1::Issued {
        pair: pair.to_string(),
        serial: certificate.serial().get(),
        certificate: certificate.to_openssh().to_owned(),
        valid_before: certificate.valid_before().seconds(),
    };
    issued.certificates.iter().map(one).collect()
}

pub(crate) fn head(signed: &SignedCheckpoint) -> v1::Checkpoint {
    Head { size: signed.checkpoint.size, root: signed.checkpoint.root, signature: signed.signature }.into()
}

pub(crate) fn load(load: Load) -> v1::BundleLoad {
    let (origin, user) = match load.origin {
        Origin::Files => ("files", String::new()),
        Origin::Push(user) => ("push", user.to_string()),
        Origin::RollBack(user) => ("roll-back", user.to_string()),
    };
    let (time, digest) = (load.time.seconds(), load.digest.to_string());
    v1::BundleLoad { entry: load.entry, time, digest, origin: origin.to_owned(), user }
}

/// What comes before a bundle's files; only that in force is amended.
pub(crate) fn bundle_head(digest: Digest, in_force: &InForce) -> v1::BundleHead {
    let amendment = |given: &domain::Amendment| v1::Amendment { verb: given.verb().to_owned(), target: given.target() };
    let amendments =
        if digest == in_force.digest() { in_force.amendments().map(amendment).collect() } else { Vec::new() };
    v1::BundleHead { digest: digest.to_string(), in_force: in_force.entry(), amendments }
}

pub(crate) fn revoked(certificate: store::Revoked) -> v1::LiveCertificate {
    v1::LiveCertificate {
        serial: certificate.serial.get(),
        request: certificate.request.to_string(),
        principal: certificate.principal,
        until: certificate.until.seconds(),
    }
}

pub(crate) fn amending(done: Amending) -> v1::AmendResponse {
    v1::AmendResponse {
        checkpoint: None,
        sessions: u32::try_from(done.ended.sessions).unwrap_or(u32::MAX),
        requests: done.ended.requests.iter().map(ToString::to_string).collect(),
        live: done.ended.revoked.into_iter().map(revoked).collect(),
        locked_out: done.locked_out,
    }
}
