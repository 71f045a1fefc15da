//! What administrators do.

use std::sync::Arc;

use ca::Push;
use domain::Digest;
use tokio_stream::{Iter, iter};
use tonic::{Request, Response, Status, Streaming};
use wire::v1::admin_server::Admin;
use wire::v1::get_bundle_response::Part as Sent;
use wire::v1::push_bundle_request::Part;
use wire::v1::{
    AmendRequest, AmendResponse, GetBundleRequest, GetBundleResponse, ListBundlesRequest, ListBundlesResponse,
    PushBundleRequest, PushBundleResponse, ResumeRequest, ResumeResponse, RollBackBundleRequest,
    RollBackBundleResponse,
};
use wire::{Incoming, SignedText, WireError};

use crate::service::call::Call;
use crate::service::{Api, convert};

#[tonic::async_trait]
impl Admin for Api {
    async fn resume(&self, request: Request<ResumeRequest>) -> Result<Response<ResumeResponse>, Status> {
        let call = Call::of("Resume", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        self.0.ca.resume(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("resumed issuing");
        Ok(Response::new(ResumeResponse { checkpoint: self.checkpoint() }))
    }

    async fn push_bundle(
        &self,
        request: Request<Streaming<PushBundleRequest>>,
    ) -> Result<Response<PushBundleResponse>, Status> {
        let call = Call::of("PushBundle", &request);
        let mut parts = request.into_inner();
        let (call, push, signatures) = self.begun(call, parts.message().await?).await?;
        let mut incoming = Incoming::default();
        while let Some(message) = parts.message().await? {
            let Some(Part::File(part)) = message.part else {
                return Err(self.misread(&call, &WireError::Missing("file")));
            };
            incoming.take(part).map_err(|e| self.misread(&call, &e))?;
        }
        // A large bundle takes a second to understand.
        let understood = self.look(|_| understood(incoming)).await?;
        let bundle = understood.map_err(|what| self.mistaken(&call, push.digest(), what))?;
        let pushed = self.to_its_end(|ca| async move { ca.push(push, bundle, signatures).await }).await?;
        let digest = pushed.map_err(|e| self.refuse(&call, &e))?;
        self.loaded(&call, digest, "put a bundle in force");
        Ok(Response::new(PushBundleResponse { checkpoint: self.checkpoint() }))
    }

    async fn roll_back_bundle(
        &self,
        request: Request<RollBackBundleRequest>,
    ) -> Result<Response<RollBackBundleResponse>, Status> {
        let call = Call::of("RollBackBundle", &request);
        let RollBackBundleRequest { statement, signatures } = request.into_inner();
        let signed = SignedText::try_from(statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let signatures = kept(signatures).map_err(|e| self.misread(&call, &e))?;
        let roll_back =
            |ca: Arc<ca::Ca>| async move { ca.roll_back(signed.text(), signed.signature(), signatures).await };
        let rolled = self.to_its_end(roll_back).await?;
        self.loaded(&call, rolled.map_err(|e| self.refuse(&call, &e))?, "went back to a bundle");
        Ok(Response::new(RollBackBundleResponse { checkpoint: self.checkpoint() }))
    }

    async fn list_bundles(
        &self,
        request: Request<ListBundlesRequest>,
    ) -> Result<Response<ListBundlesResponse>, Status> {
        let call = self.looks_at_bundles(Call::of("ListBundles", &request), request.metadata())?;
        let loads = self.0.ca.loads().map_err(|e| self.refuse(&call, &e))?;
        Ok(Response::new(ListBundlesResponse { loads: loads.into_iter().map(convert::load).collect() }))
    }

    type GetBundleStream = Iter<std::vec::IntoIter<Result<GetBundleResponse, Status>>>;

    async fn get_bundle(&self, request: Request<GetBundleRequest>) -> Result<Response<Self::GetBundleStream>, Status> {
        let call = self.looks_at_bundles(Call::of("GetBundle", &request), request.metadata())?;
        let asked = request.into_inner().digest;
        let asked: Option<Digest> = wire::digest(&asked).map_err(|e| self.misread(&call, &e))?;
        let in_force = self.0.ca.bundle();
        let digest = asked.unwrap_or_else(|| in_force.digest());
        let kept = self.0.ca.kept_bundle(digest).map_err(|e| self.refuse(&call, &e))?;
        let head = Sent::Head(convert::bundle_head(digest, &in_force));
        let files = wire::parts(&kept.files).into_iter().map(Sent::File);
        let sent = std::iter::once(head).chain(files).map(|part| Ok(GetBundleResponse { part: Some(part) }));
        Ok(Response::new(iter(sent.collect::<Vec<_>>())))
    }

    async fn amend(&self, request: Request<AmendRequest>) -> Result<Response<AmendResponse>, Status> {
        let call = Call::of("Amend", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let amended = self.to_its_end(|ca| async move { ca.amend(signed.text(), signed.signature()).await }).await?;
        let done = amended.map_err(|e| self.refuse(&call, &e))?;
        call.done("amended what is in force");
        self.0.loads.send_modify(|loads| *loads += 1);
        Ok(Response::new(AmendResponse { checkpoint: self.checkpoint(), ..convert::amending(done) }))
    }
}

impl Api {
    /// What a push begins with: nothing else is read before its act is found to count.
    async fn begun(
        &self,
        call: Call,
        first: Option<PushBundleRequest>,
    ) -> Result<(Call, Push, Vec<ledger::SignedText>), Status> {
        let Some(Part::Begin(begin)) = first.and_then(|message| message.part) else {
            return Err(self.misread(&call, &WireError::Missing("begin")));
        };
        let signed = SignedText::try_from(begin.statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let signatures = kept(begin.signatures).map_err(|e| self.misread(&call, &e))?;
        let begun = self.0.ca.begin_push(signed.text(), signed.signature()).await;
        let push = begun.map_err(|e| self.refuse(&call, &e))?;
        Ok((call, push, signatures))
    }

    fn mistaken(&self, call: &Call, digest: Digest, what: String) -> Status {
        self.refuse(call, &ca::Error::BundleUnusable { digest, what })
    }

    /// Tells those who watch that policy, users or hosts changed.
    fn loaded(&self, call: &Call, bundle: Digest, done: &'static str) {
        call.done(done);
        tracing::info!(%bundle, "policy, directory and hosts were loaded");
        self.0.metrics.reloaded();
        self.0.loads.send_modify(|loads| *loads += 1);
    }

    /// A session that may look at bundles: they hold the names of everybody. Whoever signs the next one has to see it.
    fn looks_at_bundles(&self, call: Call, metadata: &tonic::metadata::MetadataMap) -> Result<Call, Status> {
        let (call, session) = self.session(call, metadata)?;
        let has = |right| self.0.ca.has_right(&session, right);
        if has(directory::Right::Admin) || has(directory::Right::Audit) || self.0.ca.signs_bundles(&session) {
            return Ok(call);
        }
        Err(self.refuse(&call, &ca::Error::NoRight { user: session.user().clone(), right: "audit" }))
    }
}

/// The files as a bundle, or every mistake in them.
fn understood(incoming: Incoming) -> Result<ca::Bundle, String> {
    ca::Bundle::load(&policy::Files::of(incoming.into_files())?).map_err(|mistakes| format!("\n{mistakes}"))
}

/// Signatures as the ledger keeps them.
fn kept(signatures: Vec<wire::v1::Signed>) -> Result<Vec<ledger::SignedText>, WireError> {
    let one = |signed: SignedText| match str::from_utf8(signed.text()) {
        Ok(text) => Ok(ledger::SignedText { text: text.to_owned(), signature: signed.signature().to_vec() }),
        Err(_) => Err(WireError::Field { field: "signatures", why: "a text is not UTF-8".to_owned() }),
    };
    wire::signatures(signatures)?.into_iter().map(one).collect()
}
