//! Taking certificates under a grant, and checking that they are what was granted.

use std::path::PathBuf;

use agent::{HelperClient, Lifetime, Load};
use cert::{Certificate, CertificateError};
use domain::{Networks, Obligations, Pair, UnixTime};
use statement::{FetchStatement, Pairs};
use wire::Issued;

use crate::app::{App, Joined};
use crate::checked::Checked;
use crate::failure::Failure;
use crate::grants::{self, Holder, SKEW, Usable};
use crate::ssh_files;

/// Why a certificate was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// It cannot be read.
    #[error("the certificate for {pair} cannot be read")]
    Unreadable {
        /// What it is for.
        pair: Pair,
        /// What is wrong.
        #[source]
        cause: CertificateError,
    },
    /// It is not what was granted.
    #[error("the certificate for {pair} is not what was granted: {what}. Do not use it; tell the server's operator")]
    NotAsGranted {
        /// What it is for.
        pair: Pair,
        /// What is wrong.
        what: &'static str,
    },
    /// It is not there.
    #[error("the server sent no certificate for {0}; try again")]
    Missing(Pair),
    /// There is no ssh-agent to load it into.
    #[error(
        "SSH_AUTH_SOCK names no ssh-agent to load the certificate into; use `hallpass ssh`, or write it: --out DIR"
    )]
    NoAgent,
    /// The user holds the key, not the helper.
    #[error("the certificate is for a key of your own, which only you can load; write it beside: --out DIR")]
    OwnKey,
}

/// A new certificate for the grant's pair, checked and put where ssh finds it.
pub(crate) async fn certificate(
    app: &App<'_>,
    joined: &mut Joined,
    usable: &Usable<'_>,
) -> Result<Certificate, Failure> {
    let request = usable.request;
    let statement =
        FetchStatement { header: joined.header(app)?, id: request.told.id, pairs: Pairs::from(usable.pair.clone()) };
    let signing = usable.signing(app).await?;
    let signed = match usable.holder {
        // The session's own key is used without a word; one of the user's may ask for a touch.
        Holder::Helper(_) => signing.sign(&statement).await?,
        Holder::Own(_) => app.sign(&signing, &statement).await?,
    };
    let issued = joined.link.fetch(signed).await?;
    let issued = issued.into_iter().find(|issued| issued.pair == usable.pair);
    let issued = issued.ok_or_else(|| FetchError::Missing(usable.pair.clone()))?;
    let certificate = check(&issued, request, app.context.now()?)?;
    let files = ssh_files::files(&app.places, &usable.pair.login, &usable.pair.host);
    files.write(usable.connecting_key(), &certificate)?;
    Ok(certificate)
}

/// The certificate, if it opens what was granted and nothing else.
fn check(issued: &Issued, request: &Checked, now: UnixTime) -> Result<Certificate, FetchError> {
    let pair = issued.pair.clone();
    let certificate = Certificate::from_openssh(&issued.certificate)
        .map_err(|cause| FetchError::Unreadable { pair: pair.clone(), cause })?;
    match wrong(&certificate, issued, request, now) {
        None => Ok(certificate),
        Some(what) => Err(FetchError::NotAsGranted { pair, what }),
    }
}

fn wrong(certificate: &Certificate, issued: &Issued, request: &Checked, now: UnixTime) -> Option<&'static str> {
    let allowed = request.ruling.obligations();
    let principal = grants::principal(request, &issued.pair).to_string();
    let extension = |name: &str| allowed.allow.iter().any(|extension| extension.openssh_name() == name);
    // The window is the server's word; that it is no longer than was asked for, and the certificate no longer than was
    // approved, is not.
    let asked = request.request.statement().window;
    let window_end = request.told.window.filter(|(start, end)| end.since(*start) <= asked).map(|(_, end)| end);
    let latest = now.after(allowed.ttl).and_then(|end| end.after(SKEW));
    let checks = [
        (*certificate.public_key() == request.request.statement().connecting_key, "it certifies another key"),
        (certificate.principals() == [principal], "it opens another login or host"),
        (certificate.serial() == issued.serial, "it has another serial"),
        (options_fit(certificate, allowed), "its options differ"),
        (certificate.extensions().all(|(name, _)| extension(name)), "it allows more"),
        (window_end.is_some(), "its window is longer than was asked for"),
        (window_end.is_some_and(|end| certificate.valid_before() <= end), "it outlives the window"),
        (latest.is_none_or(|latest| certificate.valid_before() <= latest), "it lives longer than was approved"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}

/// Whether a certificate has the critical options that were approved. Today's policy may restrict it further: to networks
/// inside of those, and to verified logins.
fn options_fit(certificate: &Certificate, allowed: &Obligations) -> bool {
    let known = ["force-command", "source-address", "verify-required"];
    let value = |name| certificate.critical_options().find(|(option, _)| *option == name).map(|(_, value)| value);
    let source = value("source-address").map(str::parse::<Networks>);
    let inside = match (&allowed.source, source) {
        (_, Some(Err(_))) | (Some(_), None) => false,
        (Some(approved), Some(Ok(given))) => given.within(approved),
        (None, _) => true,
    };
    certificate.critical_options().all(|(name, _)| known.contains(&name))
        && value("force-command") == allowed.command.as_ref().map(domain::Command::as_str)
        && inside
        && (!allowed.verify_required || value("verify-required").is_some())
}

/// Who can load certificates under the grant, and the socket of the running ssh-agent.
pub(crate) fn place_to_load<'u>(
    app: &App<'_>,
    usable: &'u Usable<'_>,
) -> Result<(&'u HelperClient, PathBuf), FetchError> {
    let Holder::Helper(helper) = &usable.holder else { return Err(FetchError::OwnKey) };
    let agent = app.context.environment.path("SSH_AUTH_SOCK").ok_or(FetchError::NoAgent)?;
    Ok((helper, agent))
}

/// Has the helper load a certificate and its key into the running ssh-agent.
pub(crate) async fn load(
    app: &App<'_>,
    joined: &Joined,
    usable: &Usable<'_>,
    certificate: Certificate,
) -> Result<Lifetime, Failure> {
    let (helper, agent) = place_to_load(app, usable)?;
    let (server, host) = (joined.server.name.clone(), usable.pair.host.clone());
    Ok(helper.load(&Load { server, host, agent, certificate }).await?)
}

#[cfg(test)]
mod tests;
