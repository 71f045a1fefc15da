//! Stops: no more certificates for something, and what was revoked.

use ca::{Lifted, Standing, Stopping};
use directory::Right;
use domain::{StopTarget, UnixTime};
use tonic::{Request, Response, Status};
use wire::SignedText;
use wire::v1::stops_server::Stops;
use wire::v1::{
    GetRevocationsRequest, GetRevocationsResponse, LiftRequest, LiftResponse, ListStopsRequest, ListStopsResponse,
    StopRequest, StopResponse,
};

use crate::service::call::Call;
use crate::service::{Api, convert};

#[tonic::async_trait]
impl Stops for Api {
    async fn stop(&self, request: Request<StopRequest>) -> Result<Response<StopResponse>, Status> {
        let call = Call::of("Stop", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let stopped = self.to_its_end(|ca| async move { ca.stop(signed.text(), signed.signature()).await }).await?;
        let Stopping { done, until, seconded, locked_out } = stopped.map_err(|e| self.refuse(&call, &e))?;
        call.done("stopped");
        self.0.loads.send_modify(|loads| *loads += 1);
        Ok(Response::new(StopResponse {
            checkpoint: self.checkpoint(),
            entry: done.entry,
            seconded: seconded.unwrap_or_default(),
            until: until.map_or(0, UnixTime::seconds),
            sessions: u32::try_from(done.sessions).unwrap_or(u32::MAX),
            requests: done.requests.iter().map(ToString::to_string).collect(),
            revoked: done.revoked.into_iter().map(convert::revoked).collect(),
            locked_out,
        }))
    }

    async fn lift(&self, request: Request<LiftRequest>) -> Result<Response<LiftResponse>, Status> {
        let call = Call::of("Lift", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let lifted = self.to_its_end(|ca| async move { ca.lift(signed.text(), signed.signature()).await }).await?;
        let missing = match lifted.map_err(|e| self.refuse(&call, &e))? {
            Lifted::Over => Vec::new(),
            Lifted::Waits(groups) => groups.iter().map(ToString::to_string).collect(),
        };
        call.done("would lift a stop");
        self.0.loads.send_modify(|loads| *loads += 1);
        Ok(Response::new(LiftResponse { checkpoint: self.checkpoint(), missing }))
    }

    async fn list_stops(&self, request: Request<ListStopsRequest>) -> Result<Response<ListStopsResponse>, Status> {
        let (call, session) = self.session(Call::of("ListStops", &request), request.metadata())?;
        let sees_all =
            [Right::Admin, Right::Stop, Right::Audit].into_iter().any(|right| self.0.ca.has_right(&session, right));
        let seen = |stop: &Standing| match &stop.target {
            StopTarget::All => true,
            StopTarget::User(user) => sees_all || user == session.user(),
            _ => sees_all,
        };
        let stops = self.0.ca.stops().map_err(|e| self.refuse(&call, &e))?;
        Ok(Response::new(ListStopsResponse { stops: stops.into_iter().filter(seen).map(standing).collect() }))
    }

    async fn get_revocations(
        &self,
        request: Request<GetRevocationsRequest>,
    ) -> Result<Response<GetRevocationsResponse>, Status> {
        let call = Call::of("GetRevocations", &request);
        let list = self.0.ca.revocations().map_err(|e| self.refuse(&call, &e))?;
        Ok(Response::new(GetRevocationsResponse { number: list.number, krl: list.krl.clone() }))
    }
}

fn standing(stop: Standing) -> wire::v1::Standing {
    wire::v1::Standing {
        entry: stop.entry,
        target: stop.target.to_string(),
        user: stop.user.to_string(),
        reason: stop.reason,
        since: stop.since.seconds(),
        until: stop.until.map_or(0, UnixTime::seconds),
    }
}
