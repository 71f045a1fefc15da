//! Frames: a 32-bit length and a message, bounded on both ways (RFC 9987).

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// The longest message, as in OpenSSH (`AGENT_MAX_LEN` in authfd.c).
pub(crate) const LONGEST: usize = 256 * 1024;

/// Why no frame was read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a message of {0} bytes is not one of the agent protocol")]
    Length(usize),
    #[error("it was closed before the answer")]
    Closed,
    #[error("the connection broke")]
    Io(#[from] io::Error),
}

/// Reads one message of at most `longest` bytes; `None` when the other side has closed between two messages.
pub(crate) async fn read(stream: &mut UnixStream, longest: usize) -> Result<Option<Zeroizing<Vec<u8>>>, FrameError> {
    let mut length = [0; 4];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length == 0 || length > longest {
        return Err(FrameError::Length(length));
    }
    let mut message = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// Writes one message.
pub(crate) async fn write(stream: &mut UnixStream, message: &[u8]) -> Result<(), FrameError> {
    let length = u32::try_from(message.len()).ok().filter(|_| message.len() <= LONGEST);
    let length = length.ok_or(FrameError::Length(message.len()))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(message).await?;
    stream.flush().await?;
    Ok(())
}
