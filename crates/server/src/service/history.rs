//! Looking back: past requests as a stream, and why a request needed what it needed.

use std::sync::Arc;

use ca::{Error, Explained, Stretch, View};
use policy::{Asks, Considered, Found, Near, Outcome, Ruling};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::ListHistory;
use wire::v1::history_server::History;
use wire::v1::{ExplainRequest, ExplainResponse, ListHistoryRequest, ListHistoryResponse};
use zeroize::Zeroizing;

use crate::service::call::Call;
use crate::service::{Api, bearer, convert};
use crate::stop::stopped;

/// How many messages wait for a slow reader; no more is read from the store until one is taken.
const WAITING: usize = 2;

type Sent<T> = Result<T, Status>;

#[tonic::async_trait]
impl History for Api {
    type ListHistoryStream = ReceiverStream<Sent<ListHistoryResponse>>;

    async fn list_history(
        &self,
        request: Request<ListHistoryRequest>,
    ) -> Result<Response<Self::ListHistoryStream>, Status> {
        let call = Call::of("ListHistory", &request);
        let (call, session) = self.session(call, request.metadata())?;
        let token = Arc::new(Zeroizing::new(bearer(request.metadata()).unwrap_or_default().to_owned()));
        let ListHistory { since } = request.into_inner().try_into().map_err(|e| self.misread(&call, &e))?;
        let stretch = self.look(move |api| api.0.ca.history(&session, since)).await?;
        let Stretch { from, requests } = stretch.map_err(|e| self.refuse(&call, &e))?;
        call.done("began to read past requests");
        let (sender, stream) = mpsc::channel(WAITING);
        let first = ListHistoryResponse { total: requests, requests: Vec::new() };
        let reader = Reader { api: self.clone(), call, token };
        tokio::spawn(until_left_or_stopped(self.clone(), sender.clone(), reader.send_all(first, from, sender)));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        let call = Call::of("Explain", &request);
        let (call, session) = self.session(call, request.metadata())?;
        let id = wire::request_id(&request.into_inner().id).map_err(|e| self.misread(&call, &e))?;
        let call = call.about(id);
        // A bundle of long ago is parsed anew, which takes up to a second: one at a time, so that others look meanwhile.
        let alone = Arc::clone(&self.0.explains).acquire_owned().await;
        let explain = move |api: &Self| {
            // Held to its end, even when nobody waits for it any more.
            let _alone = alone;
            api.0.ca.explain(&session, id)
        };
        let explained = self.look(explain).await?;
        let explained = explained.map_err(|e| self.refuse(&call, &e))?;
        Ok(Response::new(ExplainResponse { explanation: Some(told(explained).into()) }))
    }
}

/// Sends until the reader leaves or the server stops.
async fn until_left_or_stopped<T>(api: Api, sender: mpsc::Sender<T>, sending: impl Future<Output = ()>) {
    let mut stop = api.0.stop.clone();
    tokio::select! {
        () = stopped(&mut stop) => {}
        () = sender.closed() => {}
        () = sending => {}
    }
}

/// Somebody who reads past requests.
struct Reader {
    api: Api,
    call: Call,
    token: Arc<Zeroizing<String>>,
}

impl Reader {
    async fn send_all(
        self,
        first: ListHistoryResponse,
        mut from: u64,
        sender: mpsc::Sender<Sent<ListHistoryResponse>>,
    ) {
        let mut message = Ok(first);
        loop {
            let over = message.is_err();
            if sender.send(message).await.is_err() || over {
                return;
            }
            message = match self.page(from).await {
                Ok(None) => return,
                Ok(Some((views, next))) => {
                    from = next;
                    Ok(ListHistoryResponse { total: 0, requests: views.into_iter().map(convert::request).collect() })
                }
                Err(status) => Err(status),
            };
        }
    }

    /// The next page, with the session as it is now: it may have ended, and the right with it.
    async fn page(&self, from: u64) -> Result<Option<(Vec<View>, u64)>, Status> {
        let token = Arc::clone(&self.token);
        let page = move |api: &Api| -> Result<_, Error> { api.0.ca.past(&api.0.ca.session(&token)?, from) };
        self.api.look(page).await?.map_err(|error| self.api.refuse(&self.call, &error))
    }
}

fn told(explained: Explained) -> wire::Explanation {
    let Explained { bundle, time, explanation } = explained;
    let refusal = match explanation.ruling {
        Ruling::Refused(refusal) => Some(shown(&refusal.to_string())),
        Ruling::Permitted(_) => None,
    };
    let hosts = explanation.hosts.into_iter().map(|(hosts, found)| on_hosts(hosts, found)).collect();
    wire::Explanation { bundle, time, hosts, rules: explanation.rules.into_iter().map(considered).collect(), refusal }
}

fn on_hosts(hosts: Vec<domain::HostName>, found: Found) -> wire::OnHosts {
    let Found { rules, requirements, forbidden_by, near, rules_for_others } = found;
    let told = |Near { kind, by, why }: Near| wire::Near { kind: kind.to_string(), by: shown(&by), why: shown(&why) };
    wire::OnHosts {
        hosts,
        rules,
        requirements: requirements.into_iter().map(|(by, asks)| (shown(&by), terms(asks))).collect(),
        forbidden_by: forbidden_by.as_deref().map(shown),
        near: near.into_iter().map(told).collect(),
        rules_for_others: u32::try_from(rules_for_others).unwrap_or(u32::MAX),
    }
}

fn considered(considered: Considered) -> wire::Considered {
    let Considered { rule, own, whole, outcome } = considered;
    let (taken, why) = match outcome {
        Outcome::Taken(why) => (true, why.to_string()),
        Outcome::NotTaken(why) => (false, shown(&why.to_string())),
    };
    wire::Considered { rule, own: terms(own), whole: terms(whole), taken, why }
}

fn terms(asks: Asks) -> wire::Terms {
    // Taken apart, so that what rules ask in time is told here, too.
    let Asks {
        quorum,
        max,
        ttl,
        allow,
        tickets,
        source,
        verify_required,
        requester_key,
        approver_key,
        live_hosts,
        extend,
        break_glass,
        break_glass_key,
        no_break_glass,
    } = asks;
    wire::Terms {
        quorum,
        max,
        ttl,
        allow,
        tickets: tickets.iter().map(|ticket| shown(ticket)).collect(),
        source,
        verify_required,
        requester_key,
        approver_key,
        live_hosts,
        extend,
        break_glass,
        break_glass_key,
        no_break_glass,
    }
}

/// Words of the rules' files, on one line; of what no terminal shows, that something was there.
fn shown(words: &str) -> String {
    const MOST: usize = 1000;
    words.chars().take(MOST).map(|c| if domain::is_visible(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}
