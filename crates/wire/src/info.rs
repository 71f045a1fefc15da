//! Who a server says it is.

use domain::{Origin, PublicKey, UnixTime};

use crate::WireError;
use crate::error::{exactly, parsed, shown, time};
use crate::v1;

/// Who a server says it is; nothing in it is trusted before the ledger key is compared with the pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The server's name.
    pub name: Origin,
    /// The ledger's public key, Ed25519.
    pub ledger_key: [u8; 32],
    /// The TLS keys in force, as canonical text.
    pub tls_keys: Vec<u8>,
    /// The ledger key's signature over `tls_keys`.
    pub tls_keys_signature: [u8; 64],
    /// The API version.
    pub api_version: u32,
    /// The oldest client that is served.
    pub oldest_client: String,
    /// The server's own version.
    pub server_version: String,
    /// The server's time.
    pub time: UnixTime,
    /// The user CA's public key.
    pub user_ca: PublicKey,
}

impl TryFrom<v1::GetServerInfoResponse> for ServerInfo {
    type Error = WireError;

    fn try_from(given: v1::GetServerInfoResponse) -> Result<Self, WireError> {
        const MOST: usize = 64 * 1024;
        if given.tls_keys.len() > MOST {
            return Err(WireError::TooLong { field: "tls_keys", bytes: given.tls_keys.len(), most: MOST });
        }
        Ok(Self {
            name: parsed("name", &given.name)?,
            ledger_key: exactly("ledger_key", &given.ledger_key)?,
            tls_keys_signature: exactly("tls_keys_signature", &given.tls_keys_signature)?,
            tls_keys: given.tls_keys,
            api_version: given.api_version,
            oldest_client: shown("oldest_client", given.oldest_client, 64)?,
            server_version: shown("server_version", given.server_version, 64)?,
            time: time("time", given.time)?,
            user_ca: parsed("user_ca", &given.user_ca)?,
        })
    }
}

impl From<ServerInfo> for v1::GetServerInfoResponse {
    fn from(info: ServerInfo) -> Self {
        Self {
            name: info.name.to_string(),
            ledger_key: info.ledger_key.to_vec(),
            tls_keys: info.tls_keys,
            tls_keys_signature: info.tls_keys_signature.to_vec(),
            api_version: info.api_version,
            oldest_client: info.oldest_client,
            server_version: info.server_version,
            time: info.time.seconds(),
            user_ca: info.user_ca.to_string(),
        }
    }
}
