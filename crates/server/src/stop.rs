//! The one signal that ends everything that runs.

use tokio::sync::watch;

/// Waits until the server stops. A server that is gone has stopped too.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}
