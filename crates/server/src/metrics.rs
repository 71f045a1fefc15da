//! What is counted, and the loopback port where Prometheus reads it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ReceiverName;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Code;

use crate::stop::stopped;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    method: &'static str,
    code: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Receiver {
    receiver: String,
}

impl Receiver {
    fn named(name: &ReceiverName) -> Self {
        Self { receiver: name.to_string() }
    }
}

/// Every counter of the server.
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    seconds: Histogram,
    refusals: Family<Refusal, Counter>,
    certificates: Counter,
    glass_broken: Counter,
    reviews_owed: Gauge,
    handshakes_failed: Counter,
    connections_refused: Counter,
    reloads: Family<Reload, Counter>,
    stopped: Gauge,
    entries: Gauge,
    delivered: Family<Receiver, Counter>,
    failed: Family<Receiver, Counter>,
    dropped: Family<Receiver, Counter>,
    waiting: Family<Receiver, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("hallpass");
        let metrics = Self {
            calls: Family::default(),
            // 0.1 ms to 26 s.
            seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 18)),
            refusals: Family::default(),
            certificates: Counter::default(),
            glass_broken: Counter::default(),
            reviews_owed: Gauge::default(),
            handshakes_failed: Counter::default(),
            connections_refused: Counter::default(),
            reloads: Family::default(),
            stopped: Gauge::default(),
            entries: Gauge::default(),
            delivered: Family::default(),
            failed: Family::default(),
            dropped: Family::default(),
            waiting: Family::default(),
            registry: Registry::default(),
        };
        registry.register("calls", "Calls by method and gRPC code", metrics.calls.clone());
        registry.register("call_seconds", "Time until a call is answered", metrics.seconds.clone());
        registry.register("refusals", "Refused calls by reason", metrics.refusals.clone());
        registry.register("certificates", "Certificates handed out", metrics.certificates.clone());
        registry.register("break_glass", "Break-glass that was taken at once", metrics.glass_broken.clone());
        registry.register("reviews_owed", "Reviews of break-glass that are owed", metrics.reviews_owed.clone());
        registry.register("handshakes_failed", "TLS handshakes that failed", metrics.handshakes_failed.clone());
        registry.register(
            "connections_refused",
            "Connections over a peer's bound",
            metrics.connections_refused.clone(),
        );
        registry.register("reloads", "Loads of policy, directory and hosts", metrics.reloads.clone());
        registry.register("issuing_stopped", "1 while issuing is stopped", metrics.stopped.clone());
        registry.register("ledger_entries", "Entries in the ledger", metrics.entries.clone());
        registry.register("notices_delivered", "Notices delivered by receiver", metrics.delivered.clone());
        registry.register("notices_failed", "Attempts to deliver a notice that failed", metrics.failed.clone());
        registry.register("notices_dropped", "Notices that will not be delivered", metrics.dropped.clone());
        registry.register("notices_waiting", "Notices that wait to be delivered", metrics.waiting.clone());
        Arc::new(Self { registry, ..metrics })
    }

    pub(crate) fn call(&self, method: &'static str, code: Code, took: Duration) {
        let code = if code == Code::Ok { "Ok".into() } else { format!("{code:?}").into() };
        let call = Call { method, code };
        self.calls.get_or_create(&call).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refusals.get_or_create(&Refusal { reason: reason.to_owned() }).inc();
    }

    pub(crate) fn issued(&self, certificates: usize) {
        self.certificates.inc_by(u64::try_from(certificates).unwrap_or(u64::MAX));
    }

    pub(crate) fn glass_broken(&self) {
        self.glass_broken.inc();
    }

    pub(crate) fn reviews_owed(&self, reviews: u64) {
        self.reviews_owed.set(i64::try_from(reviews).unwrap_or(i64::MAX));
    }

    pub(crate) fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    pub(crate) fn reloaded(&self) {
        self.reloads.get_or_create(&Reload { result: "ok" }).inc();
    }

    pub(crate) fn reload_failed(&self) {
        self.reloads.get_or_create(&Reload { result: "failed" }).inc();
    }

    pub(crate) fn ledger(&self, entries: u64, stopped: bool) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.stopped.set(i64::from(stopped));
    }

    pub(crate) fn notice_delivered(&self, receiver: &ReceiverName) {
        self.delivered.get_or_create(&Receiver::named(receiver)).inc();
    }

    pub(crate) fn notice_failed(&self, receiver: &ReceiverName) {
        self.failed.get_or_create(&Receiver::named(receiver)).inc();
    }

    pub(crate) fn notices_dropped(&self, receiver: &ReceiverName, notices: u64) {
        self.dropped.get_or_create(&Receiver::named(receiver)).inc_by(notices);
    }

    pub(crate) fn notices_waiting(&self, receiver: &ReceiverName, notices: u32) {
        self.waiting.get_or_create(&Receiver::named(receiver)).set(notices.into());
    }

    /// All of them, as Prometheus reads them.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// Serves the metrics until the server stops. Plain HTTP: the port is on loopback, and holds no names of people.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, mut stop: watch::Receiver<bool>) {
    let address: Option<SocketAddr> = listener.local_addr().ok();
    let router = Router::new().route("/metrics", get(move || std::future::ready(answer(&metrics))));
    if let Err(error) =
        axum::serve(listener, router).with_graceful_shutdown(async move { stopped(&mut stop).await }).await
    {
        tracing::error!(?address, %error, "metrics are no longer served");
    }
}

fn answer(metrics: &Metrics) -> Response {
    match metrics.encode() {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted_by_name() {
        let metrics = Metrics::new();
        metrics.call("/hallpass.v1.Requests/Fetch", Code::PermissionDenied, Duration::from_millis(3));
        metrics.refused("NOT_GRANTED");
        metrics.issued(2);
        metrics.ledger(7, true);
        metrics.glass_broken();
        metrics.reviews_owed(2);
        let text = metrics.encode().unwrap();
        for line in [
            "hallpass_calls_total{method=\"/hallpass.v1.Requests/Fetch\",code=\"PermissionDenied\"} 1",
            "hallpass_refusals_total{reason=\"NOT_GRANTED\"} 1",
            "hallpass_certificates_total 2",
            "hallpass_ledger_entries 7",
            "hallpass_break_glass_total 1",
            "hallpass_reviews_owed 2",
            "hallpass_issuing_stopped 1",
            "hallpass_call_seconds_count 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
