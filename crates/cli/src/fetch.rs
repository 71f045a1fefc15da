//! Taking certificates under a grant, and checking that they are what was granted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use agent::{HelperClient, Lifetime, Load};
use cert::{Certificate, CertificateError};
use domain::{Carried, HostName, Networks, Pair, UnixTime};
use statement::{FetchStatement, Pairs, PairsError, Signed};
use wire::Issued;

use crate::app::{App, Joined};
use crate::checked::Checked;
use crate::failure::Failure;
use crate::grants::{self, Held, Holder, SKEW, Usable};
use crate::jumps;
use crate::link::LinkError;
use crate::progress::Bar;
use crate::signing::Signing;
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
    /// More than one fetch takes: a mistake of this program.
    #[error("the fetch cannot be made; this is a mistake of this program, please report it")]
    Pairs(#[source] PairsError),
    /// Certificates of several hosts for one ssh-agent.
    #[error(
        "an ssh-agent with certificates for many hosts is of no use, as sshd takes few keys at a login; write them: \
         --out DIR, or have a command run with them: hallpass run"
    )]
    ManyInAgent,
    /// There is no ssh-agent to load it into.
    #[error(
        "SSH_AUTH_SOCK names no ssh-agent to load the certificate into; use `hallpass ssh`, or write it: --out DIR"
    )]
    NoAgent,
    /// The user holds the key, not the helper.
    #[error("the certificate is for a key of your own, which only you can load; write it beside: --out DIR")]
    OwnKey,
}

/// New certificates for the grant's pair and the jump hosts in front of it, checked and put where ssh finds them.
pub(crate) async fn certificate(app: &App<'_>, joined: &mut Joined, usable: &Usable<'_>) -> Result<Taken, Failure> {
    let fetching = Fetching::new(app, usable.held.clone()).await?;
    let mut fetched = fetching.certificates(app, joined, std::slice::from_ref(&usable.pair)).await?;
    let (pair, certificate) = fetched.certificates.pop().ok_or_else(|| FetchError::Missing(usable.pair.clone()))?;
    for (pair, certificate) in fetched.jumps.iter().chain([(&pair, &certificate)]) {
        let files = ssh_files::files(&app.places, &pair.login, &pair.host);
        files.write(usable.held.connecting_key(), certificate)?;
    }
    Ok(Taken { certificate, jumps: fetched.jumps })
}

/// The certificate for one login on one host.
pub(crate) struct Taken {
    pub(crate) certificate: Certificate,
    /// Those for the jump hosts in front of it.
    pub(crate) jumps: BTreeMap<Pair, Certificate>,
}

/// Certificates of one grant, by whatever holds its connecting key.
pub(crate) struct Fetching<'r> {
    held: Held<'r>,
    signing: Signing,
}

/// What came of a fetch for many hosts.
#[derive(Default)]
pub(crate) struct Fetched {
    /// Checked, one for each pair that is granted now.
    pub(crate) certificates: Vec<(Pair, Certificate)>,
    /// Those for the jump hosts in front of them, which only forward.
    pub(crate) jumps: BTreeMap<Pair, Certificate>,
    /// Those for which nothing is granted by now, though the others are.
    pub(crate) refused: Vec<Refused>,
}

/// Hosts for which there are no certificates.
pub(crate) struct Refused {
    pub(crate) hosts: Vec<HostName>,
    pub(crate) why: LinkError,
}

impl<'r> Fetching<'r> {
    /// Under this grant. An encrypted key of the user's own is opened once, here.
    pub(crate) async fn new(app: &App<'_>, held: Held<'r>) -> Result<Self, Failure> {
        let signing = held.signing(app).await?;
        Ok(Self { held, signing })
    }

    /// What signs with the connecting key.
    pub(crate) fn signing(&self) -> Signing {
        self.signing.clone()
    }

    /// New certificates for these, each checked; with a progress bar once that takes a second.
    ///
    /// # Errors
    /// When none is granted, or one is not what was granted. Hosts that are refused while others are not are no error.
    pub(crate) async fn certificates(
        &self,
        app: &App<'_>,
        joined: &mut Joined,
        pairs: &[Pair],
    ) -> Result<Fetched, Failure> {
        let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
        let bar = Bar::new(app, count(pairs.len()), "certificates");
        let mut fetched = Fetched::default();
        for part in parts(self.held.request, pairs) {
            self.part(app, joined, part, &mut fetched).await?;
            bar.show(count(fetched.certificates.len()));
        }
        Ok(fetched)
    }

    /// As many as one fetch takes. Hosts that the server refuses are left out, and it is asked for the others.
    async fn part(
        &self,
        app: &App<'_>,
        joined: &mut Joined,
        mut left: BTreeSet<Pair>,
        fetched: &mut Fetched,
    ) -> Result<(), Failure> {
        let request = self.held.request;
        while !left.is_empty() {
            let all: BTreeSet<Pair> = left.iter().flat_map(|pair| with_jumps(request, pair)).collect();
            let statement = FetchStatement {
                header: joined.header(app)?,
                id: request.told.id,
                pairs: Pairs::new(all.clone()).map_err(FetchError::Pairs)?,
            };
            let signed = self.signed(app, &statement).await?;
            match joined.link.fetch(signed).await {
                Ok(issued) => {
                    for (pair, certificate) in checked(issued, all, request, app.context.now()?)? {
                        if left.contains(&pair) {
                            fetched.certificates.push((pair, certificate));
                        } else {
                            fetched.jumps.insert(pair, certificate);
                        }
                    }
                    return Ok(());
                }
                Err(why) => {
                    let hosts = without(&mut left, &why);
                    if hosts.is_empty() {
                        return Err(why.into());
                    }
                    fetched.refused.push(Refused { hosts, why });
                }
            }
        }
        Ok(())
    }

    /// The session's own key is used without a word; one of the user's may ask for a touch.
    async fn signed(&self, app: &App<'_>, statement: &FetchStatement) -> Result<Signed, Failure> {
        match self.held.holder {
            Holder::Helper(_) => Ok(self.signing.sign(statement).await?),
            Holder::Own(_) => app.sign(&self.signing, statement).await,
        }
    }
}

/// A login and those on the jump hosts in front of it: they are fetched together.
fn with_jumps(request: &Checked, pair: &Pair) -> Vec<Pair> {
    jumps::before(request, &pair.host).into_iter().chain([pair]).cloned().collect()
}

/// Logins in parts, each of which one fetch takes together with the jump hosts in front.
fn parts(request: &Checked, pairs: &[Pair]) -> Vec<BTreeSet<Pair>> {
    let (mut parts, mut part, mut all) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for pair in pairs {
        let more = with_jumps(request, pair);
        if all.len() + more.iter().filter(|more| !all.contains(*more)).count() > Pairs::MAX {
            parts.push(std::mem::take(&mut part));
            all.clear();
        }
        all.extend(more);
        part.insert(pair.clone());
    }
    parts.push(part);
    parts
}

/// Takes the hosts out that a refusal names; none where it is about all of them.
fn without(left: &mut BTreeSet<Pair>, why: &LinkError) -> Vec<HostName> {
    let LinkError::Refused { hosts, .. } = why else { return Vec::new() };
    let named: BTreeSet<&HostName> = hosts.iter().collect();
    let taken: Vec<Pair> = left.extract_if(.., |pair| named.contains(&pair.host)).collect();
    taken.into_iter().map(|pair| pair.host).collect()
}

/// The certificate of each pair that was asked for.
fn checked(
    issued: Vec<Issued>,
    asked: BTreeSet<Pair>,
    request: &Checked,
    now: UnixTime,
) -> Result<Vec<(Pair, Certificate)>, FetchError> {
    let issued: BTreeMap<Pair, Issued> = issued.into_iter().map(|issued| (issued.pair.clone(), issued)).collect();
    let one = |pair: Pair| {
        let issued = issued.get(&pair).ok_or_else(|| FetchError::Missing(pair.clone()))?;
        Ok((pair, check(issued, request, now)?))
    };
    asked.into_iter().map(one).collect()
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
    let jump = jumps::nearest(request, &issued.pair.host);
    let Some(carried) = allowed.carried_through(&issued.pair, jump) else {
        return Some("nothing says where it may be used from");
    };
    let principal = grants::principal(request, &issued.pair).to_string();
    let extension = |name: &str| carried.allow.iter().any(|extension| extension.openssh_name() == name);
    // The window is the server's word; that it is no longer than was asked for, and the certificate no longer than was
    // approved, is not.
    let asked = request.request.statement().window;
    let last = request.request.statement().extends.and_then(|extends| extends.since.after(allowed.max));
    let window_end = request.told.window.filter(|(start, end)| end.since(*start) <= asked).map(|(_, end)| end);
    let latest = now.after(allowed.ttl).and_then(|end| end.after(SKEW));
    let checks = [
        (certificate.public_key() == request.connecting_key(), "it certifies another key"),
        (certificate.principals() == [principal], "it opens another login or host"),
        (certificate.serial() == issued.serial, "it has another serial"),
        (options_fit(certificate, &carried, allowed.verify_required), "its options differ"),
        (certificate.extensions().all(|(name, _)| extension(name)), "it allows more"),
        (window_end.is_some(), "its window is longer than was asked for"),
        (window_end.is_some_and(|end| certificate.valid_before() <= end), "it outlives the window"),
        (last.is_none_or(|last| certificate.valid_before() <= last), "it outlives what it extends by too much"),
        (latest.is_none_or(|latest| certificate.valid_before() <= latest), "it lives longer than was approved"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}

/// Whether a certificate has the critical options that were approved. Today's policy may restrict it further: to networks
/// inside of those, and to verified logins.
fn options_fit(certificate: &Certificate, carried: &Carried, verify_required: bool) -> bool {
    let known = ["force-command", "source-address", "verify-required"];
    let value = |name| certificate.critical_options().find(|(option, _)| *option == name).map(|(_, value)| value);
    let source = value("source-address").map(str::parse::<Networks>);
    let inside = match (&carried.source, source) {
        (_, Some(Err(_))) | (Some(_), None) => false,
        (Some(approved), Some(Ok(given))) => given.within(approved),
        (None, _) => true,
    };
    certificate.critical_options().all(|(name, _)| known.contains(&name))
        && value("force-command") == carried.command.as_ref().map(domain::Command::as_str)
        && inside
        && (!verify_required || value("verify-required").is_some())
}

/// Who can load certificates under the grant, and the socket of the running ssh-agent.
pub(crate) fn place_to_load<'u>(
    app: &App<'_>,
    usable: &'u Usable<'_>,
) -> Result<(&'u HelperClient, PathBuf), FetchError> {
    let Holder::Helper(helper) = &usable.held.holder else { return Err(FetchError::OwnKey) };
    let agent = app.context.environment.path("SSH_AUTH_SOCK").ok_or(FetchError::NoAgent)?;
    Ok((helper, agent))
}

/// Has the helper load a certificate for a host, and its key, into the running ssh-agent.
pub(crate) async fn load(
    app: &App<'_>,
    joined: &Joined,
    usable: &Usable<'_>,
    (host, certificate): (HostName, Certificate),
) -> Result<Lifetime, Failure> {
    let (helper, agent) = place_to_load(app, usable)?;
    let server = joined.server.name.clone();
    Ok(helper.load(&Load { server, host, agent, certificate }).await?)
}

#[cfg(test)]
mod tests;
