//! The last door of certificates: a response body that asks the gate as its bytes go to the transport (invariant 9).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use ca::{Gate, Leaving, Stopped};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::status;

/// In the extensions of an answer that holds certificates: when they may leave, and who is told whether they did.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// What the gate is asked.
    pub(crate) leaving: Leaving,
    /// Told once that they leave, or that the gate refused them.
    pub(crate) told: Arc<dyn Fn(Result<(), Stopped>) + Send + Sync>,
}

/// How far a body has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Leaving,
    Refused,
}

/// A body of certificates that were issued under an epoch.
///
/// The gate is held while a frame of data is handed over, so a stop that takes the gate afterwards finds it either gone
/// (to be revoked) or refused here. What was refused ends with a status instead; nothing of it has left.
pub(crate) struct GatedBody {
    inner: Body,
    gate: Arc<Gate>,
    sealed: Sealed,
    progress: Progress,
}

impl GatedBody {
    pub(crate) const fn new(inner: Body, gate: Arc<Gate>, sealed: Sealed) -> Self {
        Self { inner, gate, sealed, progress: Progress::Waiting }
    }
}

impl http_body::Body for GatedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.progress == Progress::Refused {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if !matches!(&polled, Poll::Ready(Some(Ok(frame))) if frame.is_data()) {
            return polled;
        }
        let gate = Arc::clone(&self.gate);
        // Bound until this returns: the frame is the transport's before the gate is free.
        let passed = gate.pass(&self.sealed.leaving);
        match &passed {
            Ok(_) => {
                if self.progress == Progress::Waiting {
                    self.progress = Progress::Leaving;
                    (self.sealed.told)(Ok(()));
                }
                polled
            }
            Err(stopped) => {
                self.progress = Progress::Refused;
                (self.sealed.told)(Err(stopped.clone()));
                let status = status::of(&ca::Error::Stopped(stopped.clone()));
                Poll::Ready(Some(trailers(&status)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.progress == Progress::Refused || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // What comes may be less than what the inner body would give.
        SizeHint::default()
    }
}

fn trailers(status: &Status) -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use ca::{Epoch, Opens, Reach};

    use http_body_util::{BodyExt as _, Full};

    type Told = Arc<Mutex<Vec<Result<(), Stopped>>>>;

    fn leaving(epoch: u64) -> Leaving {
        Leaving {
            epoch: Epoch::new(epoch),
            request: "7K3F9-QXMWT".parse().unwrap(),
            goes_back_to: BTreeSet::from(["7K3F9-QXMWT".parse().unwrap()]),
            user: "alice".parse().unwrap(),
            opens: Opens::Realm,
            serials: Vec::new(),
        }
    }

    fn body(gate: &Arc<Gate>, epoch: u64) -> (GatedBody, Told) {
        let inner = Body::new(Full::new(Bytes::from_static(b"certificate")));
        let told = Told::default();
        let note = Arc::clone(&told);
        let sealed = Sealed { leaving: leaving(epoch), told: Arc::new(move |left| note.lock().unwrap().push(left)) };
        (GatedBody::new(inner, Arc::clone(gate), sealed), told)
    }

    #[tokio::test]
    async fn certificates_pass_an_open_gate_of_their_epoch() {
        let gate = Arc::new(Gate::new(Epoch::new(7), None));
        let (body, told) = body(&gate, 7);
        assert!(told.lock().unwrap().is_empty(), "nothing has left yet");
        assert_eq!(body.collect().await.unwrap().to_bytes(), "certificate");
        assert_eq!(*told.lock().unwrap(), [Ok(())]);
    }

    #[tokio::test]
    async fn nothing_leaves_after_a_stop_even_when_issuing_was_resumed() {
        let gate = Arc::new(Gate::new(Epoch::new(7), None));
        let (stopped, resumed) = (body(&gate, 7), body(&gate, 7));
        gate.halt::<()>("the clock jumped", || Ok(Epoch::new(8))).unwrap();
        refused(stopped, "the%20clock%20jumped").await;
        gate.resume::<()>(|_| Ok(Epoch::new(8))).unwrap();
        refused(resumed, "fetch%20again").await;
    }

    #[tokio::test]
    async fn nothing_leaves_after_a_stop_of_its_user_and_what_is_of_others_does() {
        let gate = Arc::new(Gate::new(Epoch::new(7), None));
        let (stopped, of_others) = (body(&gate, 7), body(&gate, 7));
        let users = |name: &str| Reach::Users([name.parse().unwrap()].into());
        gate.stop::<(), ()>(&users("bob"), || Ok((Epoch::new(8), ()))).unwrap();
        assert_eq!(of_others.0.collect().await.unwrap().to_bytes(), "certificate");
        gate.stop::<(), ()>(&users("alice"), || Ok((Epoch::new(9), ()))).unwrap();
        refused(stopped, "fetch%20again").await;
    }

    async fn refused((body, told): (GatedBody, Told), why: &str) {
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap();
        assert!(collected.to_bytes().is_empty());
        assert_eq!(trailers.get("grpc-status").unwrap(), "14");
        assert!(trailers.get("grpc-message").unwrap().to_str().unwrap().contains(why), "{trailers:?}");
        let told = told.lock().unwrap();
        assert!(matches!(told.as_slice(), [Err(_)]), "{told:?}");
    }
}
