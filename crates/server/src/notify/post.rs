//! One HTTP request on a connection of its own: notices are rare, and nothing is kept that could break in between.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::{Endpoint, Scheme};

/// Most bytes of an answer's headers.
const HEADERS: usize = 16 * 1024;
/// Most bytes of an answer's body that are read: what a person may want to see of it.
const BODY: usize = 1024;

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error("no connection to {0}")]
    Connect(Endpoint, #[source] std::io::Error),
    #[error("{0} is no name that a certificate can be for")]
    Name(Endpoint),
    #[error("no TLS with {0}; `ca-file` names the certificates of a private CA")]
    Tls(Endpoint, #[source] std::io::Error),
    #[error("{0} did not answer as HTTP does")]
    Http(Endpoint, #[source] hyper::Error),
    #[error("the request to {0} cannot be made")]
    Request(Endpoint, #[source] http::Error),
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// After how many seconds it asks to be tried again.
    pub(crate) retry_after: Option<u64>,
    /// The start of its body, as far as it is text.
    pub(crate) body: String,
}

/// Posts JSON. Redirects are not followed. Without an end by itself: whoever calls sets the time.
pub(crate) async fn post(
    endpoint: &Endpoint,
    tls: &Arc<rustls::ClientConfig>,
    headers: &[(HeaderName, String)],
    body: Vec<u8>,
) -> Result<Answer, PostError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&endpoint.target)
        .header(HOST, &endpoint.authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("hallpassd/", env!("CARGO_PKG_VERSION")));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::from(body)).map_err(|cause| PostError::Request(endpoint.clone(), cause))?;
    let connected = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
    let stream = connected.map_err(|cause| PostError::Connect(endpoint.clone(), cause))?;
    let answered = match endpoint.scheme {
        Scheme::Http => exchange(stream, request).await,
        Scheme::Https => {
            let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| PostError::Name(endpoint.clone()))?;
            let secured = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
            exchange(secured.map_err(|cause| PostError::Tls(endpoint.clone(), cause))?, request).await
        }
    };
    answered.map_err(|cause| PostError::Http(endpoint.clone(), cause))
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) = http1::Builder::new().max_buf_size(HEADERS).handshake(TokioIo::new(stream)).await?;
    let (mut connection, mut answered) =
        (std::pin::pin!(connection), std::pin::pin!(async { answer(sender.send_request(request).await?).await }));
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        // The other side closed the connection; what it said before is still there to be read.
        _ = &mut connection => answered.await,
    }
}

async fn answer(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let status = response.status();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|value| value.trim().parse().ok());
    let (mut incoming, mut body) = (response.into_body(), Vec::new());
    // The status is the answer; a body that breaks off changes nothing about it.
    while let Some(Ok(frame)) = incoming.frame().await {
        body.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()));
        if body.len() >= BODY {
            body.truncate(BODY);
            break;
        }
    }
    let visible = |c: char| if domain::is_visible(c) { c } else { ' ' };
    let body = String::from_utf8_lossy(&body).chars().map(visible).collect::<String>().trim().to_owned();
    Ok(Answer { status, retry_after, body })
}
