//! Requests: asking, deciding, ending, fetching, reading.

use std::sync::Arc;

use ca::{Error, Issued, Liveness, Stopped, Which};
use tonic::{Request, Response, Status};
use wire::v1::requests_server::Requests;
use wire::v1::{
    DecideRequest, DecideResponse, EndRequest, EndResponse, FetchRequest, FetchResponse, GetRequestRequest,
    GetRequestResponse, ListRequestsRequest, ListRequestsResponse, RebindRequest, RebindResponse, ReviewRequest,
    ReviewResponse, SubmitRequest, SubmitResponse, WatchRequestsRequest,
};
use wire::{ListRequests, SignedText, View, WatchRequests};

use crate::net::Sealed;
use crate::service::call::Call;
use crate::service::watch::Watching;
use crate::service::{Api, bearer, convert};

#[tonic::async_trait]
impl Requests for Api {
    type WatchRequestsStream = Watching;

    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        let call = Call::of("Submit", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let view = self.0.ca.submit(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        if view.stored.review.is_some() {
            self.0.metrics.glass_broken();
        }
        call.about(view.stored.id).done("asked");
        let (request, checkpoint) = (Some(convert::request(view)), Some(convert::head(&self.0.ca.checkpoint())));
        Ok(Response::new(SubmitResponse { request, checkpoint }))
    }

    async fn decide(&self, request: Request<DecideRequest>) -> Result<Response<DecideResponse>, Status> {
        let call = Call::of("Decide", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let view = self.0.ca.decide(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("decided");
        let (request, checkpoint) = (Some(convert::request(view)), Some(convert::head(&self.0.ca.checkpoint())));
        Ok(Response::new(DecideResponse { request, checkpoint }))
    }

    async fn end(&self, request: Request<EndRequest>) -> Result<Response<EndResponse>, Status> {
        let call = Call::of("End", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let view = self.0.ca.end(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("ended");
        let (request, checkpoint) = (Some(convert::request(view)), Some(convert::head(&self.0.ca.checkpoint())));
        Ok(Response::new(EndResponse { request, checkpoint }))
    }

    async fn rebind(&self, request: Request<RebindRequest>) -> Result<Response<RebindResponse>, Status> {
        let call = Call::of("Rebind", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let view = self.0.ca.rebind(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("rebound");
        let (request, checkpoint) = (Some(convert::request(view)), Some(convert::head(&self.0.ca.checkpoint())));
        Ok(Response::new(RebindResponse { request, checkpoint }))
    }

    async fn review(&self, request: Request<ReviewRequest>) -> Result<Response<ReviewResponse>, Status> {
        let call = Call::of("Review", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let view = self.0.ca.review(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("reviewed");
        let (request, checkpoint) = (Some(convert::request(view)), Some(convert::head(&self.0.ca.checkpoint())));
        Ok(Response::new(ReviewResponse { request, checkpoint }))
    }

    async fn fetch(&self, request: Request<FetchRequest>) -> Result<Response<FetchResponse>, Status> {
        let call = Call::of("Fetch", &request);
        // Those that came at the same time announce themselves before the first is worked on: so they share a commit.
        let _announced = self.0.ca.under_way().announce();
        tokio::task::yield_now().await;
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let issued = self.0.ca.fetch(signed.text(), signed.signature()).await;
        // What it claims to be is looked for only where nothing better is known.
        let issued = issued.map_err(|e| self.refuse(&call.clone().claiming(&signed), &e))?;
        let call = call.about(issued.leaving.request);
        let checkpoint = Some(convert::head(&self.0.ca.checkpoint()));
        let mut response = Response::new(FetchResponse { certificates: convert::certificates(&issued), checkpoint });
        // By this the door knows that certificates are inside, and asks the gate (`net::GatedBody`).
        response.extensions_mut().insert(self.sealed(call, issued));
        Ok(response)
    }

    async fn get_request(&self, request: Request<GetRequestRequest>) -> Result<Response<GetRequestResponse>, Status> {
        let call = Call::of("GetRequest", &request);
        let (call, session) = self.session(call, request.metadata())?;
        let id = wire::request_id(&request.into_inner().id).map_err(|e| self.misread(&call, &e))?;
        let call = call.about(id);
        let view = self.0.ca.get(&session, id).map_err(|e| self.refuse(&call, &e))?;
        Ok(Response::new(GetRequestResponse { request: Some(convert::request(view)) }))
    }

    async fn list_requests(
        &self,
        request: Request<ListRequestsRequest>,
    ) -> Result<Response<ListRequestsResponse>, Status> {
        let call = Call::of("ListRequests", &request);
        let (call, session) = self.session(call, request.metadata())?;
        let asked = ListRequests::try_from(request.into_inner()).map_err(|e| self.misread(&call, &e))?;
        let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
        let liveness = if asked.live { Liveness::Live } else { Liveness::Any };
        let views = self.look(move |api| api.0.ca.list(&session, which(asked.view), liveness, limit)).await?;
        let views = views.map_err(|e| self.refuse(&call, &e))?;
        Ok(Response::new(ListRequestsResponse { requests: views.into_iter().map(convert::request).collect() }))
    }

    async fn watch_requests(&self, request: Request<WatchRequestsRequest>) -> Result<Response<Watching>, Status> {
        let call = Call::of("WatchRequests", &request);
        let (call, _) = self.session(call, request.metadata())?;
        let token = bearer(request.metadata()).unwrap_or_default().to_owned();
        let asked = WatchRequests::try_from(request.into_inner()).map_err(|e| self.misread(&call, &e))?;
        self.watch(call, token, asked).await.map(Response::new)
    }
}

impl Api {
    /// What is logged and counted once certificates leave, or are refused at the gate.
    fn sealed(&self, call: Call, issued: Issued) -> Sealed {
        let (api, leaving) = (self.clone(), issued.leaving.clone());
        let told = move |left: Result<(), Stopped>| match left {
            Ok(()) => {
                call.issued(&issued);
                api.0.metrics.issued(issued.certificates.len());
            }
            // The caller has the status from the gate.
            Err(stopped) => drop(api.refuse(&call, &Error::Stopped(stopped))),
        };
        Sealed { leaving, told: Arc::new(told) }
    }
}

/// The view as `ca` calls it.
pub(crate) const fn which(view: View) -> Which {
    match view {
        View::Mine => Which::Mine,
        View::Inbox => Which::Inbox,
        View::All => Which::All,
        View::Owed => Which::Owed,
    }
}
