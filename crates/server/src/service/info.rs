//! Who this server is, for anybody who asks.

use domain::{Digest, PublicKey};
use ed25519_dalek::SigningKey;
use ledger::{LedgerKey, TlsKeys};
use statement::ServerId;
use tonic::{Request, Response, Status};
use wire::v1::info_server::Info;
use wire::v1::{GetServerInfoRequest, GetServerInfoResponse};
use wire::{API_VERSION, ServerInfo};

use crate::service::Api;
use crate::service::call::Call;

/// The oldest client that this server serves.
const OLDEST_CLIENT: &str = "0.1.0";

/// What the server says of itself. The list of TLS keys was signed once, when the server started.
pub(crate) struct Card {
    id: ServerId,
    ledger_key: LedgerKey,
    tls_keys: Vec<u8>,
    signature: [u8; 64],
    user_ca: PublicKey,
}

impl Card {
    pub(crate) fn new(id: ServerId, public: LedgerKey, ledger: &SigningKey, tls: Digest, user_ca: PublicKey) -> Self {
        let list = TlsKeys::new(id.name.clone(), &public, [tls].into());
        let (tls_keys, signature) = (list.encode().into_bytes(), list.sign(ledger));
        Self { id, ledger_key: public, tls_keys, signature, user_ca }
    }

    /// The server's name and its ledger key's fingerprint.
    pub(crate) const fn id(&self) -> &ServerId {
        &self.id
    }
}

#[tonic::async_trait]
impl Info for Api {
    async fn get_server_info(
        &self,
        request: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        let call = Call::of("GetServerInfo", &request);
        let time = self.0.clock.wall().map_err(|fault| self.refuse(&call, &ca::ClockFault::from(fault).into()))?;
        let card = &self.0.card;
        let info = ServerInfo {
            name: card.id.name.clone(),
            ledger_key: *card.ledger_key.as_bytes(),
            tls_keys: card.tls_keys.clone(),
            tls_keys_signature: card.signature,
            api_version: API_VERSION,
            oldest_client: OLDEST_CLIENT.to_owned(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            time,
            user_ca: card.user_ca.clone(),
        };
        Ok(Response::new(info.into()))
    }
}
