//! The gRPC server: services, health and reflection behind the door.

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_reflection::server::Builder;
use wire::v1::admin_server::AdminServer;
use wire::v1::history_server::HistoryServer;
use wire::v1::hosts_server::HostsServer;
use wire::v1::info_server::InfoServer;
use wire::v1::requests_server::RequestsServer;
use wire::v1::sessions_server::SessionsServer;
use wire::v1::stops_server::StopsServer;

use crate::net::{self, DoorLayer, Doorstep};
use crate::service::Api;
use crate::stop::stopped;

/// Most bytes of a message that comes in: a statement of 77 KiB with its signature, and some room.
const LARGEST: usize = 128 * 1024;
/// Most bytes of a question about health or about the API: strangers may ask, on many streams at once.
const QUESTION: usize = 4096;
/// Most calls at once on one connection; a client's watchers share one.
const STREAMS: u32 = 256;
/// Most bytes that wait to be read, of one call and of one connection: a peer fills no more of our memory.
const WINDOWS: (u32, u32) = (128 * 1024, 256 * 1024);
/// How long a call may take until it is answered; a stream is answered when it begins.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a connection proves that it still stands, and how long that may take.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));

/// Serves until the server stops; ends when every call that was under way has.
pub(crate) fn serve(
    api: Api,
    listeners: Vec<TcpListener>,
    doorstep: Doorstep,
) -> Result<impl Future<Output = ()> + Send, tonic_reflection::server::Error> {
    let describe = || Builder::configure().register_encoded_file_descriptor_set(wire::FILE_DESCRIPTOR_SET);
    let reflection = describe().build_v1()?.max_decoding_message_size(QUESTION);
    let reflection_alpha = describe().build_v1alpha()?.max_decoding_message_size(QUESTION);
    let (health, health_server) = tonic_health::server::health_reporter();
    let door = DoorLayer { peers: doorstep.peers.clone(), gate: api.gate(), metrics: doorstep.metrics.clone() };
    let router = Server::builder()
        .timeout(TIMEOUT)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .http2_keepalive_interval(Some(KEEP_ALIVE.0))
        .http2_keepalive_timeout(Some(KEEP_ALIVE.1))
        .http2_max_header_list_size(16 * 1024)
        .layer(door)
        .add_service(InfoServer::new(api.clone()).max_decoding_message_size(LARGEST))
        .add_service(SessionsServer::new(api.clone()).max_decoding_message_size(LARGEST))
        .add_service(HostsServer::new(api.clone()).max_decoding_message_size(LARGEST))
        .add_service(RequestsServer::new(api.clone()).max_decoding_message_size(LARGEST))
        .add_service(HistoryServer::new(api.clone()).max_decoding_message_size(QUESTION))
        .add_service(StopsServer::new(api.clone()).max_decoding_message_size(LARGEST))
        .add_service(AdminServer::new(api).max_decoding_message_size(LARGEST))
        .add_service(health_server.max_decoding_message_size(QUESTION))
        .add_service(reflection)
        .add_service(reflection_alpha);
    Ok(async move {
        health.set_service_status("", ServingStatus::Serving).await;
        let incoming = net::accept(listeners, &doorstep);
        let mut stop = doorstep.stop.clone();
        let served = router.serve_with_incoming_shutdown(incoming, async move { stopped(&mut stop).await });
        // Beside it, not as its signal: that is dropped unfinished when the listeners end first.
        let (served, ()) = tokio::join!(served, farewell(doorstep.stop, health));
        if let Err(error) = served {
            tracing::error!(%error, "the port is no longer served");
        }
    })
}

/// Tells those who watch its health that nothing new is served, once the server stops.
async fn farewell(mut stop: watch::Receiver<bool>, mut health: tonic_health::server::HealthReporter) {
    stopped(&mut stop).await;
    health.set_service_status("", ServingStatus::NotServing).await;
    // Ends those who watch it, too: any stranger may, and each would hold the stop up for all of its grace.
    health.clear_service_status("").await;
}
