//! A receiver, ready to be told: its secret read, the certificates it is checked by loaded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use directory::Directory;
use domain::{Event, ReceiverName, UnixTime};
use http::{HeaderName, StatusCode};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::chat;
use super::config::{Entry, Form, Route};
use super::endpoint::{Endpoint, Scheme};
use super::mail::Mail;
use super::message::Message;
use super::post::{Answer, PostError, post};
use super::program::{Output, ProgramError, Words};
use super::secret::{SecretError, Secrets};

/// Why a receiver cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error("the receiver `{0}` cannot be signed to")]
    Secret(ReceiverName, #[source] SecretError),
    #[error("the receiver `{0}`: there is no program {path} that can be run; correct the path, or make it executable", path = .1.display())]
    Program(ReceiverName, PathBuf),
    #[error("the receiver `{0}`: {path} holds no certificates in PEM", path = .1.display())]
    CaFile(ReceiverName, PathBuf),
    #[error(
        "the receiver `{0}`: this machine trusts no certificates; install its distribution's (ca-certificates), or name \
         those of a private CA with `ca-file`"
    )]
    NoRoots(ReceiverName),
    #[error("the receiver `{0}`: TLS cannot be set up")]
    Tls(ReceiverName, #[source] rustls::Error),
}

/// Why a receiver was not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("nothing came of it within {0:?}")]
    Timeout(Duration),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error("it answered {status}{}", said(body))]
    Refused { status: StatusCode, retry_after: Option<u64>, body: String },
    #[error(transparent)]
    Program(#[from] ProgramError),
}

fn said(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}

impl Failure {
    /// What a line of the log may hold: whatever a receiver wrote back, it could be anything.
    pub(crate) fn for_log(&self) -> String {
        match self {
            Self::Refused { status, .. } => format!("it answered {status}"),
            other => crate::error::chain(other),
        }
    }

    /// After how many seconds it asks to be tried again.
    pub(crate) const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it says that it wants nothing any more (410, as Standard Webhooks has it).
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::GONE)
    }
}

/// How a receiver was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It answered with success, and with these words.
    Answered(StatusCode, String),
    /// The program took it.
    Taken,
    /// Mail to so many addresses was handed over.
    Mailed(usize),
    /// Nobody whom it concerns has an address.
    NobodyHasAnAddress,
}

/// Somebody or something outside that is told of events.
pub(crate) struct Receiver {
    pub(crate) name: ReceiverName,
    pub(crate) on: BTreeSet<Event>,
    pub(crate) timeout: Duration,
    way: Way,
}

enum Way {
    Web { endpoint: Endpoint, form: Form, secrets: Option<Secrets>, tls: Arc<ClientConfig> },
    Program(Words),
    Mail(Mail),
}

impl Receiver {
    /// Reads what an entry names; relative paths are beside `hallpassd.toml`.
    pub(crate) fn prepare(entry: Entry, beside: &Path) -> Result<Self, PrepareError> {
        let Entry { name, on, timeout, route } = entry;
        let runs = |words: &Words| match words.runs() {
            true => Ok(()),
            false => Err(PrepareError::Program(name.clone(), words.program().to_owned())),
        };
        let way = match route {
            Route::Exec(words) => runs(&words).map(|()| Way::Program(words))?,
            Route::Email(mail) => runs(&mail.sendmail).map(|()| Way::Mail(mail))?,
            Route::Url { endpoint, form, secret_file, ca_file } => {
                let secrets = secret_file.map(|file| Secrets::read(&beside.join(file))).transpose();
                let secrets = secrets.map_err(|error| PrepareError::Secret(name.clone(), error))?;
                let roots = roots(&name, endpoint.scheme, ca_file.map(|file| beside.join(file)))?;
                let tls = client_config(roots).map_err(|error| PrepareError::Tls(name.clone(), error))?;
                Way::Web { endpoint, form, secrets, tls: Arc::new(tls) }
            }
        };
        Ok(Self { name, on, timeout: Duration::from_secs(timeout.seconds()), way })
    }

    /// Tells it, within its time.
    pub(crate) async fn tell(
        &self,
        message: &Message,
        directory: &Directory,
        now: UnixTime,
        output: Output,
    ) -> Result<Delivered, Failure> {
        let told = tokio::time::timeout(self.timeout, self.try_tell(message, directory, now, output));
        told.await.unwrap_or(Err(Failure::Timeout(self.timeout)))
    }

    async fn try_tell(
        &self,
        message: &Message,
        directory: &Directory,
        now: UnixTime,
        output: Output,
    ) -> Result<Delivered, Failure> {
        match &self.way {
            Way::Web { endpoint, form, secrets, tls } => {
                let body = match form {
                    Form::Json => message.json(),
                    Form::Slack => chat::slack(message),
                    Form::Teams => chat::teams(message),
                };
                let body = body.to_string().into_bytes();
                let headers = headers(message, secrets.as_ref(), now, &body);
                let Answer { status, retry_after, body } = post(endpoint, tls, &headers, body).await?;
                if status.is_success() {
                    return Ok(Delivered::Answered(status, body));
                }
                Err(Failure::Refused { status, retry_after, body })
            }
            Way::Program(words) => {
                words.run(format!("{}\n", message.json()).as_bytes(), output).await?;
                Ok(Delivered::Taken)
            }
            Way::Mail(mail) => {
                let recipients = mail.recipients(message, directory);
                if recipients.is_empty() {
                    return Ok(Delivered::NobodyHasAnAddress);
                }
                mail.words(&recipients).run(&mail.compose(message, &recipients), output).await?;
                Ok(Delivered::Mailed(recipients.len()))
            }
        }
    }
}

/// The headers of Standard Webhooks; the time is that of the attempt.
fn headers(message: &Message, secrets: Option<&Secrets>, now: UnixTime, body: &[u8]) -> Vec<(HeaderName, String)> {
    let mut headers = vec![
        (HeaderName::from_static("webhook-id"), message.id().to_owned()),
        (HeaderName::from_static("webhook-timestamp"), now.seconds().to_string()),
    ];
    let signature = secrets.map(|secrets| secrets.sign(message.id(), now, body));
    headers.extend(signature.map(|signature| (HeaderName::from_static("webhook-signature"), signature)));
    headers
}

/// Whose certificates count: a private CA's alone, or those that this machine trusts. Those are read from the system
/// rather than built in, so that a certificate that is withdrawn there is withdrawn here, too.
fn roots(name: &ReceiverName, scheme: Scheme, ca_file: Option<PathBuf>) -> Result<RootCertStore, PrepareError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_file {
        let read = CertificateDer::pem_file_iter(&path).ok().map(|found| found.collect::<Result<Vec<_>, _>>());
        let (added, _) = roots.add_parsable_certificates(read.and_then(Result::ok).unwrap_or_default());
        return if added > 0 { Ok(roots) } else { Err(PrepareError::CaFile(name.clone(), path)) };
    }
    if scheme == Scheme::Https {
        let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if added == 0 {
            return Err(PrepareError::NoRoots(name.clone()));
        }
    }
    Ok(roots)
}

/// TLS 1.3, or 1.2 for receivers that know no other.
fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
