//! What administrators do.

use tonic::{Request, Response, Status};
use wire::SignedText;
use wire::v1::admin_server::Admin;
use wire::v1::{ResumeRequest, ResumeResponse};

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
        Ok(Response::new(ResumeResponse { checkpoint: Some(convert::head(&self.0.ca.checkpoint())) }))
    }
}
