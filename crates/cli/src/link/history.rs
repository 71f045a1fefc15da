//! Looking back over the link: past requests as they come, and explanations.

use domain::{RequestId, UnixTime};
use statement::ServerId;
use tonic::Streaming;
use wire::{Explanation, v1};

use super::{Link, LinkError, PATIENCE, call, checked, refused};
use crate::checked::Checked;

/// Past requests as they come, the oldest first.
pub(crate) struct Past {
    stream: Streaming<v1::ListHistoryResponse>,
    /// How many there were when the stream began.
    pub(crate) total: u64,
}

/// A request as it was sent: nothing of it was looked at.
pub(crate) struct Unchecked(v1::Request);

impl Unchecked {
    /// As a test has a server send it.
    #[cfg(test)]
    pub(crate) fn of(request: wire::Request) -> Self {
        Self(request.into())
    }

    /// Checks it as every request is.
    ///
    /// # Errors
    /// When it cannot be read, or does not stand up to checking.
    pub(crate) fn check(self, server: &ServerId) -> Result<Checked, LinkError> {
        checked(Some(self.0), server)
    }
}

impl Past {
    /// The next requests; `None` at the end.
    ///
    /// # Errors
    /// When the server ends the stream with a refusal, or sends nothing for too long.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Unchecked>>, LinkError> {
        let message = message(&mut self.stream).await?;
        Ok(message.map(|message| message.requests.into_iter().map(Unchecked).collect()))
    }
}

impl Link {
    /// Requests since a time, for whoever has the right `audit`.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn past(&self, since: UnixTime) -> Result<Past, LinkError> {
        let request = v1::ListHistoryRequest { since: since.seconds() };
        let mut stream = call(self.connection.history(&self.bearer).list_history(request)).await?;
        let first = message(&mut stream).await?.ok_or(LinkError::StreamEnded)?;
        Ok(Past { stream, total: first.total })
    }

    /// Why a request needed what it needed.
    ///
    /// # Errors
    /// When the server refuses, or its answer cannot be read.
    pub(crate) async fn explain(&self, id: RequestId) -> Result<Explanation, LinkError> {
        let request = v1::ExplainRequest { id: id.to_string() };
        let answer = call(self.connection.history(&self.bearer).explain(request)).await?;
        Ok(answer.explanation.try_into()?)
    }
}

async fn message<T>(stream: &mut Streaming<T>) -> Result<Option<T>, LinkError> {
    match tokio::time::timeout(PATIENCE, stream.message()).await {
        Ok(message) => message.map_err(|status| refused(&status)),
        Err(_) => Err(LinkError::Slow),
    }
}
