//! Clients of each service, with the session's token where there is one.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use wire::v1::admin_client::AdminClient;
use wire::v1::history_client::HistoryClient;
use wire::v1::hosts_client::HostsClient;
use wire::v1::info_client::InfoClient;
use wire::v1::requests_client::RequestsClient;
use wire::v1::sessions_client::SessionsClient;
use wire::v1::stops_client::StopsClient;
use wire::{Token, WireError};

use crate::Connection;

/// Most bytes of an answer: 500 requests with all that was signed about them.
const LARGEST_ANSWER: usize = 32 << 20;

/// A channel that may carry a token.
pub type Carrier = InterceptedService<Channel, Bearer>;

/// Puts a session token, if there is one, on every call.
#[derive(Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// Carries no token.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Carries this token.
    ///
    /// # Errors
    /// Never for a [`Token`] that was parsed; a header only refuses what a token cannot hold.
    pub fn new(token: &Token) -> Result<Self, WireError> {
        let refused = |_| WireError::Field { field: "token", why: "it cannot travel in a header".to_owned() };
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.expose()).parse().map_err(refused)?;
        // Neither logged nor kept in a header table (RFC 7541 section 7.1.3).
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

macro_rules! client {
    ($(#[$doc:meta])* $name:ident, $client:ident) => {
        $(#[$doc])*
        pub fn $name(&self, bearer: &Bearer) -> $client<Carrier> {
            $client::with_interceptor(self.channel.clone(), bearer.clone()).max_decoding_message_size(LARGEST_ANSWER)
        }
    };
}

impl Connection {
    client!(
        /// The service that says who the server is.
        info, InfoClient
    );
    client!(
        /// The service of sessions.
        sessions, SessionsClient
    );
    client!(
        /// The service of hosts.
        hosts, HostsClient
    );
    client!(
        /// The service of requests.
        requests, RequestsClient
    );
    client!(
        /// The service that looks back.
        history, HistoryClient
    );
    client!(
        /// The service of stops.
        stops, StopsClient
    );
    client!(
        /// The service of administrators.
        admin, AdminClient
    );
}
