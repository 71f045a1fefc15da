//! Somebody outside who is told: an HTTP server on loopback that answers as it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use domain::Digest;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Whatever hangs longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How one request is answered.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Status(u16),
    RetryAfter(u16, &'static str),
    /// Never.
    Hang,
}

/// What came.
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) target: String,
    pub(super) body: String,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(super) fn time(&self) -> u64 {
        self.header("webhook-timestamp").parse().unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether it is signed with this key, by RFC 2104 as it is written there.
    pub(super) fn is_signed_with(&self, key: &[u8]) -> bool {
        assert!(key.len() <= 64, "longer keys are hashed first");
        let padded = |pad: u8| (0..64).map(move |place| key.get(place).copied().unwrap_or(0) ^ pad);
        let message = format!("{}.{}.{}", self.id(), self.header("webhook-timestamp"), self.body);
        let inner = Digest::of(&padded(0x36).chain(message.bytes()).collect::<Vec<_>>());
        let outer = Digest::of(&padded(0x5c).chain(inner.as_bytes().iter().copied()).collect::<Vec<_>>());
        let expected = <base64ct::Base64 as base64ct::Encoding>::encode_string(outer.as_bytes());
        self.header("webhook-signature") == format!("v1,{expected}")
    }
}

/// A receiver that is up until it is dropped.
pub(super) struct HttpReceiver {
    pub(super) address: SocketAddr,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    got: mpsc::UnboundedReceiver<Got>,
    task: tokio::task::JoinHandle<()>,
}

impl HttpReceiver {
    pub(super) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// An address where nobody listens for now.
    pub(super) async fn nowhere() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    pub(super) async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, got) = mpsc::unbounded_channel();
        let replies = Arc::new(Mutex::new(VecDeque::new()));
        let scripted = Arc::clone(&replies);
        let answer = move |headers: HeaderMap, uri: Uri, body: String| {
            let reply = scripted.lock().unwrap().pop_front().unwrap_or(Reply::Status(204));
            sender.send(Got { headers, target: uri.to_string(), body }).ok();
            answered(reply)
        };
        let router = Router::new().fallback(answer);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, replies, got, task }
    }

    /// Answers so, in this order; then with success.
    pub(super) fn replies(&self, replies: &[Reply]) {
        self.replies.lock().unwrap().extend(replies.iter().cloned());
    }

    pub(super) async fn next(&mut self) -> Got {
        tokio::time::timeout(PATIENCE, self.got.recv()).await.expect("nothing came").unwrap()
    }
}

impl Drop for HttpReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answered(reply: Reply) -> Response {
    let status = |code| StatusCode::from_u16(code).unwrap();
    match reply {
        Reply::Status(code) => (status(code), [("location", "/elsewhere")], "the <answer>").into_response(),
        Reply::RetryAfter(code, seconds) => (status(code), [("retry-after", seconds)]).into_response(),
        Reply::Hang => std::future::pending().await,
    }
}
