//! Sessions: login, logout, who am I.

use directory::Right;
use tonic::{Request, Response, Status};
use wire::SignedText;
use wire::v1::sessions_server::Sessions;
use wire::v1::{LoginRequest, LoginResponse, LogoutRequest, LogoutResponse, WhoAmIRequest, WhoAmIResponse};

use crate::service::call::Call;
use crate::service::{Api, convert};

#[tonic::async_trait]
impl Sessions for Api {
    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        let call = Call::of("Login", &request);
        let signed = SignedText::try_from(request.into_inner().statement).map_err(|e| self.misread(&call, &e))?;
        let call = call.claiming(&signed);
        let login = self.0.ca.login(signed.text(), signed.signature()).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("logged in");
        Ok(Response::new(LoginResponse {
            token: login.token.expose().to_owned(),
            expires: login.expires.seconds(),
            checkpoint: Some(convert::head(&self.0.ca.checkpoint())),
        }))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        let call = Call::of("Logout", &request);
        let (call, session) = self.session(call, request.metadata())?;
        self.0.ca.logout(&session).await.map_err(|e| self.refuse(&call, &e))?;
        call.done("logged out");
        Ok(Response::new(LogoutResponse {}))
    }

    async fn who_am_i(&self, request: Request<WhoAmIRequest>) -> Result<Response<WhoAmIResponse>, Status> {
        let call = Call::of("WhoAmI", &request);
        let (_, session) = self.session(call, request.metadata())?;
        let (user, bundle) = (session.user(), self.0.ca.bundle());
        let directory = bundle.directory();
        let rights = [
            (Right::Admin, wire::Right::Admin),
            (Right::Audit, wire::Right::Audit),
            (Right::Hosts, wire::Right::Hosts),
            (Right::Stop, wire::Right::Stop),
        ];
        let rights = rights.into_iter().filter(|(right, _)| directory.has_right(user, *right));
        Ok(Response::new(WhoAmIResponse {
            user: user.to_string(),
            owner: directory.owner_of(user).unwrap_or(user).to_string(),
            groups: directory.groups_of(user).map(ToString::to_string).collect(),
            rights: rights.map(|(_, right)| right.to_string()).collect(),
            expires: session.expires().seconds(),
            checkpoint: Some(convert::head(&self.0.ca.checkpoint())),
            login: directory.user(user).and_then(|u| u.login.as_ref()).map(ToString::to_string).unwrap_or_default(),
        }))
    }
}
