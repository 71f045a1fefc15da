//! From an address and a pin to a connection.

use std::sync::Arc;
use std::time::Duration;

use domain::{Digest, Origin};
use hyper_util::rt::TokioIo;
use ledger::{LedgerKey, TlsKeys};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use wire::v1::GetServerInfoRequest;
use wire::v1::info_client::InfoClient;
use wire::{API_VERSION, ServerInfo};

use crate::tls::FirstKey;
use crate::{Address, DialError};

/// How long until a connection stands and the server has said who it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a watcher's connection proves that it still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// This program's version.
const OURS: &str = env!("CARGO_PKG_VERSION");

/// Who a client means by a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its name.
    pub name: Origin,
    /// SHA-256 of its ledger key.
    pub ledger_key: Digest,
}

/// A connection to a server that has proven to be the pinned one.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(crate) channel: Channel,
    tls_key: Digest,
    info: ServerInfo,
}

impl Connection {
    /// SHA-256 of the TLS key in use: a login statement names it.
    pub const fn tls_key(&self) -> Digest {
        self.tls_key
    }

    /// Who the server is.
    pub const fn server(&self) -> &ServerInfo {
        &self.info
    }
}

/// Connects to the pinned server.
///
/// # Errors
/// [`DialError`]: nothing but the question who it is was sent to a server that is not the pinned one.
pub async fn connect(address: &Address, pin: &Pin) -> Result<Connection, DialError> {
    let (connection, found) = proven(address).await?;
    if found.ledger_key != pin.ledger_key {
        return Err(DialError::OtherLedgerKey {
            address: address.clone(),
            found: found.ledger_key,
            pinned: pin.ledger_key,
        });
    }
    if found.name != pin.name {
        return Err(DialError::OtherName { address: address.clone(), found: found.name, pinned: pin.name.clone() });
    }
    check_versions(address, &connection.info)?;
    Ok(connection)
}

/// Asks who answers at an address, for a person to compare with what they were told. It holds the ledger key that it
/// names, but whether that is the one meant nobody has checked yet.
///
/// # Errors
/// [`DialError`].
pub async fn probe(address: &Address) -> Result<Pin, DialError> {
    proven(address).await.map(|(_, found)| found)
}

/// A connection whose TLS key the server's own ledger key names, and which ledger key that is.
async fn proven(address: &Address) -> Result<(Connection, Pin), DialError> {
    let first_key = FirstKey::new();
    let answered = tokio::time::timeout(PATIENCE, ask(address, &first_key)).await;
    let (channel, info) = answered.map_err(|_| DialError::Timeout(address.clone()))??;
    let seen = first_key.seen().ok_or_else(|| DialError::NoTlsKey(address.clone()))?;
    let pin = check_identity(address, &info, seen)?;
    Ok((Connection { channel, tls_key: seen, info }, pin))
}

async fn ask(address: &Address, first_key: &Arc<FirstKey>) -> Result<(Channel, ServerInfo), DialError> {
    let channel = open(address, first_key).await?;
    let answer = InfoClient::new(channel.clone()).get_server_info(GetServerInfoRequest {}).await;
    let answer = answer.map_err(|cause| DialError::Info { address: address.clone(), cause: Box::new(cause) })?;
    let info = ServerInfo::try_from(answer.into_inner())
        .map_err(|cause| DialError::Malformed { address: address.clone(), cause })?;
    Ok((channel, info))
}

async fn open(address: &Address, first_key: &Arc<FirstKey>) -> Result<Channel, DialError> {
    let tls = TlsConnector::from(Arc::new(first_key.client_config().map_err(DialError::Tls)?));
    let name = address.server_name()?;
    let to = address.clone();
    let connector = tower::service_fn(move |_| {
        let (tls, name, to) = (tls.clone(), name.clone(), to.clone());
        async move {
            let tcp = TcpStream::connect((to.host(), to.port())).await?;
            tcp.set_nodelay(true)?;
            let stream = tls.connect(name, tcp).await?;
            Ok::<TokioIo<TlsStream<TcpStream>>, std::io::Error>(TokioIo::new(stream))
        }
    });
    // The connector knows where it goes; the URI only fills the header `:authority`.
    Endpoint::from_static("http://hallpassd")
        .user_agent(concat!("hallpass/", env!("CARGO_PKG_VERSION")))
        .map_err(|cause| DialError::Connect { address: address.clone(), cause })?
        .connect_timeout(PATIENCE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(PATIENCE)
        .connect_with_connector(connector)
        .await
        .map_err(|cause| DialError::Connect { address: address.clone(), cause })
}

/// The chain of trust: the ledger key signs the list of TLS keys, the list holds the key of this connection.
fn check_identity(address: &Address, info: &ServerInfo, seen: Digest) -> Result<Pin, DialError> {
    let key =
        LedgerKey::new(info.ledger_key).map_err(|cause| DialError::LedgerKey { address: address.clone(), cause })?;
    let list = TlsKeys::verify(&info.tls_keys, &info.tls_keys_signature, &key)
        .map_err(|cause| DialError::TlsKeys { address: address.clone(), cause })?;
    if !list.contains(&seen) {
        return Err(DialError::Intercepted { address: address.clone(), seen });
    }
    if *list.server() != info.name {
        let (found, pinned) = (info.name.clone(), list.server().clone());
        return Err(DialError::OtherName { address: address.clone(), found, pinned });
    }
    Ok(Pin { name: info.name.clone(), ledger_key: key.fingerprint() })
}

fn check_versions(address: &Address, info: &ServerInfo) -> Result<(), DialError> {
    if info.api_version != API_VERSION {
        let (theirs, ours) = (info.api_version, API_VERSION);
        return Err(DialError::ApiVersion { address: address.clone(), theirs, ours });
    }
    if version(&info.oldest_client) > version(OURS) {
        let oldest = info.oldest_client.clone();
        return Err(DialError::ClientTooOld { address: address.clone(), oldest, ours: OURS });
    }
    Ok(())
}

/// The three numbers of a version; what cannot be read counts as 0 and refuses nobody.
fn version(text: &str) -> [u32; 3] {
    let mut numbers = text.split(['.', '-', '+']).map(|number| number.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests;
