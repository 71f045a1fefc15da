//! A session with one server: calls, and the ledger's head that every answer carries.

mod history;
mod refusal;

use std::future::Future;
use std::time::Duration;

use dial::{Address, AddressError, Bearer, Connection, DialError, Pin};
use domain::{Digest, HostName, RequestId, TimeError};
use ledger::{BundleFile, LedgerKey, LedgerKeyError, bundle_digest};
use statement::{Header, Seen, ServerId, Signed};
use tonic::{Code, Response, Status, Streaming};
use wire::v1::get_bundle_response::Part as Sent;
use wire::v1::push_bundle_request::Part;
use wire::{
    Amended, BundleHead, BundleLoad, Head, Identity, Incoming, Issued, Lifted, SignedText, Standing, StopDone, View,
    WatchRequests, WireError, v1,
};

pub(crate) use history::Unchecked;
use refusal::refused;

use crate::checked::{CheckError, Checked};
use crate::config::Server;
use crate::context::Context;
use crate::seen::{self, SeenError};
use crate::state::{ServerState, Session, StateError};

/// How long one call may take. What waits for people is a stream.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a call did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The configured address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No connection to the pinned server.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Its ledger key is none.
    #[error("the server's ledger key cannot be used")]
    LedgerKey(#[from] LedgerKeyError),
    /// The ledger's head is refused.
    #[error(transparent)]
    Seen(#[from] SeenError),
    /// The files that came are another bundle than was asked for.
    #[error("the server sent other files than those of the bundle {0}; an administrator must look at its ledger")]
    OtherBundle(Digest),
    /// What is remembered cannot be read or kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// What it sent about a request does not stand up to checking.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// No session, or it is over.
    #[error("there is no session with `{0}`; log in: hallpass login {0}")]
    NoSession(agent::ServerName),
    /// The server said no.
    #[error("{message}")]
    Refused {
        /// A stable word for programs.
        reason: String,
        /// What to do next, in the server's words.
        message: String,
        /// What kind of no.
        code: Code,
        /// The hosts of a fetch that it is about; none where it is about all of it.
        hosts: Vec<HostName>,
    },
    /// The server did not answer in time.
    #[error("the server did not answer within {} seconds; try again", PATIENCE.as_secs())]
    Slow,
    /// A stream that should go on.
    #[error("the server ended the stream; is it being restarted? Try again")]
    StreamEnded,
    /// The answer cannot be read.
    #[error("the server's answer cannot be read; is it of another version?")]
    Malformed(#[from] WireError),
    /// This machine's clock is wrong.
    #[error("the clock of this machine is wrong; correct it")]
    Clock(#[from] TimeError),
}

impl LinkError {
    /// Whether trying the same once more may help.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Dial(DialError::Connect { .. } | DialError::Timeout(_)) | Self::Slow | Self::StreamEnded => true,
            Self::Refused { code, .. } => matches!(code, Code::Unavailable | Code::Unknown | Code::Internal),
            _ => false,
        }
    }
}

/// An open connection to the pinned server, with what this client knows of its ledger.
pub(crate) struct Link {
    connection: Connection,
    server: Server,
    ledger_key: LedgerKey,
    state: ServerState,
    seen: Option<Seen>,
    bearer: Bearer,
}

impl Link {
    /// Connects; with a session, calls carry its token.
    ///
    /// # Errors
    /// When the pinned server does not answer there.
    pub(crate) async fn open(
        server: &Server,
        state: &ServerState,
        session: Option<&Session>,
    ) -> Result<Self, LinkError> {
        let address: Address = server.address.parse()?;
        let pin = Pin { name: server.origin.clone(), ledger_key: server.ledger_key };
        let connection = dial::connect(&address, &pin).await?;
        let ledger_key = LedgerKey::new(connection.server().ledger_key)?;
        let bearer = session.map_or(Ok(Bearer::none()), |session| Bearer::new(&session.token))?;
        let seen = state.seen()?;
        Ok(Self { connection, server: server.clone(), ledger_key, state: state.clone(), seen, bearer })
    }

    /// Who the server is, by the pin.
    pub(crate) fn server_id(&self) -> ServerId {
        ServerId { name: self.server.origin.clone(), ledger_key: self.server.ledger_key }
    }

    /// The TLS key in use.
    pub(crate) const fn tls_key(&self) -> Digest {
        self.connection.tls_key()
    }

    /// What the next statement starts with.
    pub(crate) fn header(&self, context: &Context) -> Result<Header, TimeError> {
        Ok(Header { server: self.server_id(), nonce: context.nonce(), time: context.now()?, seen: self.seen.clone() })
    }

    /// Begins a session.
    pub(crate) async fn login(&mut self, signed: Signed) -> Result<wire::Session, LinkError> {
        let request = v1::LoginRequest { statement: sent(signed)? };
        let answer = call(self.connection.sessions(&Bearer::none()).login(request)).await?;
        let session = wire::Session::try_from(answer)?;
        self.bearer = Bearer::new(&session.token)?;
        self.learn(&session.head)?;
        Ok(session)
    }

    /// Ends the session.
    pub(crate) async fn logout(&self) -> Result<(), LinkError> {
        call(self.connection.sessions(&self.bearer).logout(v1::LogoutRequest {})).await.map(drop)
    }

    /// Who the session is for.
    pub(crate) async fn who_am_i(&mut self) -> Result<Identity, LinkError> {
        let identity: Identity =
            call(self.connection.sessions(&self.bearer).who_am_i(v1::WhoAmIRequest {})).await?.try_into()?;
        self.learn(&identity.head)?;
        Ok(identity)
    }

    /// Hosts that may be asked for; their names are remembered for `ensure` when all were asked for.
    pub(crate) async fn hosts(&self, labels: Option<&domain::Selector>) -> Result<Vec<wire::Host>, LinkError> {
        let request = v1::ListHostsRequest { selector: labels.map(ToString::to_string).unwrap_or_default() };
        let answer = call(self.connection.hosts(&self.bearer).list_hosts(request)).await?;
        let hosts: Vec<wire::Host> = answer.hosts.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        if labels.is_none() {
            let kept = hosts.iter().map(|host| (&host.name, host.aliases.as_slice(), host.jump_login.as_ref()));
            self.state.keep_hosts(kept)?;
        }
        Ok(hosts)
    }

    /// Asks for access. The answer is on the text that was signed, or it is refused.
    pub(crate) async fn submit(&mut self, signed: Signed) -> Result<Checked, LinkError> {
        let digest = Digest::of(signed.text.as_bytes());
        let request = v1::SubmitRequest { statement: sent(signed)? };
        let answer = call(self.connection.requests(&self.bearer).submit(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)?;
        Ok(self.checked(answer.request)?.with_text(&digest)?)
    }

    /// One request.
    pub(crate) async fn request(&self, id: RequestId) -> Result<Checked, LinkError> {
        let request = v1::GetRequestRequest { id: id.to_string() };
        let answer = call(self.connection.requests(&self.bearer).get_request(request)).await?;
        let checked = self.checked(answer.request)?;
        if checked.told.id == id { Ok(checked) } else { Err(CheckError::Mismatch { id, what: "its id" }.into()) }
    }

    /// Requests, newest first; one that cannot be read or does not stand up to checking does not hide the others.
    pub(crate) async fn requests(
        &self,
        view: View,
        which: Which,
    ) -> Result<Vec<Result<Checked, LinkError>>, LinkError> {
        let request = v1::ListRequestsRequest { view: view.into(), limit: 0, live: which == Which::Live };
        let answer = call(self.connection.requests(&self.bearer).list_requests(request)).await?;
        Ok(answer.requests.into_iter().map(|request| checked(Some(request), &self.server_id())).collect())
    }

    /// Requests as they change, starting with each as it is.
    pub(crate) async fn watch(&self, what: WatchRequests) -> Result<Watch, LinkError> {
        let request = match what {
            WatchRequests::One(id) => v1::WatchRequestsRequest { view: 0, id: id.to_string() },
            WatchRequests::View(view) => v1::WatchRequestsRequest { view: view.into(), id: String::new() },
        };
        let stream = call(self.connection.requests(&self.bearer).watch_requests(request)).await?;
        Ok(Watch { stream, server: self.server_id() })
    }

    /// Approves or denies `on` this request; an answer on another is refused.
    pub(crate) async fn decide(&mut self, signed: Signed, on: &Checked) -> Result<Checked, LinkError> {
        let request = v1::DecideRequest { statement: sent(signed)? };
        let answer = call(self.connection.requests(&self.bearer).decide(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)?;
        Ok(self.checked(answer.request)?.same_as(on)?)
    }

    /// Reviews this break-glass; an answer on another is refused.
    pub(crate) async fn review(&mut self, signed: Signed, on: &Checked) -> Result<Checked, LinkError> {
        let request = v1::ReviewRequest { statement: sent(signed)? };
        let answer = call(self.connection.requests(&self.bearer).review(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)?;
        Ok(self.checked(answer.request)?.same_as(on)?)
    }

    /// Cancels or gives back this request; an answer on another is refused.
    pub(crate) async fn end(&mut self, signed: Signed, ended: &Checked) -> Result<Checked, LinkError> {
        let request = v1::EndRequest { statement: sent(signed)? };
        let answer = call(self.connection.requests(&self.bearer).end(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)?;
        Ok(self.checked(answer.request)?.same_as(ended)?)
    }

    /// Puts another connecting key in place of that of this request; an answer on another is refused.
    pub(crate) async fn rebind(&mut self, signed: Signed, rebound: &Checked) -> Result<Checked, LinkError> {
        let request = v1::RebindRequest { statement: sent(signed)? };
        let answer = call(self.connection.requests(&self.bearer).rebind(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)?;
        Ok(self.checked(answer.request)?.same_as(rebound)?)
    }

    /// Takes certificates.
    pub(crate) async fn fetch(&mut self, signed: Signed) -> Result<Vec<Issued>, LinkError> {
        let request = v1::FetchRequest { statement: sent(signed)? };
        let answer = call(self.connection.requests(&self.bearer).fetch(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)?;
        Ok(answer.certificates.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
    }

    /// The bundles that were put in force, the latest first.
    pub(crate) async fn bundles(&self) -> Result<Vec<BundleLoad>, LinkError> {
        let answer = call(self.connection.admin(&self.bearer).list_bundles(v1::ListBundlesRequest {})).await?;
        Ok(answer.loads.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
    }

    /// A bundle's files by name, that in force where none is named; they are what its digest says.
    pub(crate) async fn bundle(&self, digest: Option<Digest>) -> Result<(BundleHead, Contents), LinkError> {
        let request = v1::GetBundleRequest { digest: digest.map(|digest| digest.to_string()).unwrap_or_default() };
        let mut stream = call(self.connection.admin(&self.bearer).get_bundle(request)).await?;
        let (mut head, mut incoming) = (None, Incoming::default());
        while let Some(message) = stream.message().await.map_err(|status| refused(&status))? {
            match message.part {
                Some(Sent::Head(given)) => head = Some(BundleHead::try_from(given)?),
                Some(Sent::File(part)) => incoming.take(part)?,
                None => return Err(WireError::Missing("part").into()),
            }
        }
        let head = head.ok_or(WireError::Missing("head"))?;
        let files = incoming.into_files();
        let meant = digest.unwrap_or(head.digest);
        if head.digest == meant && bundle_digest(&listed(&files)) == meant {
            Ok((head, files))
        } else {
            Err(LinkError::OtherBundle(meant))
        }
    }

    /// Puts a bundle in force.
    pub(crate) async fn push(
        &mut self,
        signed: Signed,
        signatures: Vec<v1::Signed>,
        files: &Contents,
    ) -> Result<(), LinkError> {
        let begin = Part::Begin(v1::PushBegin { statement: sent(signed)?, signatures });
        let parts = std::iter::once(begin).chain(wire::parts(files).into_iter().map(Part::File));
        let parts: Vec<_> = parts.map(|part| v1::PushBundleRequest { part: Some(part) }).collect();
        let answer = call(self.connection.admin(&self.bearer).push_bundle(tokio_stream::iter(parts))).await?;
        self.learn(&answer.checkpoint.try_into()?)
    }

    /// Goes back to a bundle that was in force.
    pub(crate) async fn roll_back(&mut self, signed: Signed, signatures: Vec<v1::Signed>) -> Result<(), LinkError> {
        let request = v1::RollBackBundleRequest { statement: sent(signed)?, signatures };
        let answer = call(self.connection.admin(&self.bearer).roll_back_bundle(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)
    }

    /// Amends what is in force.
    pub(crate) async fn amend(&mut self, signed: Signed) -> Result<Amended, LinkError> {
        let request = v1::AmendRequest { statement: sent(signed)? };
        let amended: Amended = call(self.connection.admin(&self.bearer).amend(request)).await?.try_into()?;
        self.learn(&amended.head)?;
        Ok(amended)
    }

    /// Stops something.
    pub(crate) async fn stop(&mut self, signed: Signed) -> Result<StopDone, LinkError> {
        let request = v1::StopRequest { statement: sent(signed)? };
        let done: StopDone = call(self.connection.stops(&self.bearer).stop(request)).await?.try_into()?;
        self.learn(&done.head)?;
        Ok(done)
    }

    /// Says that a stop may end.
    pub(crate) async fn lift(&mut self, signed: Signed) -> Result<Lifted, LinkError> {
        let request = v1::LiftRequest { statement: sent(signed)? };
        let lifted: Lifted = call(self.connection.stops(&self.bearer).lift(request)).await?.try_into()?;
        self.learn(&lifted.head)?;
        Ok(lifted)
    }

    /// The stops in force.
    pub(crate) async fn stops(&self) -> Result<Vec<Standing>, LinkError> {
        let answer = call(self.connection.stops(&self.bearer).list_stops(v1::ListStopsRequest {})).await?;
        Ok(answer.stops.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
    }

    /// The list of revoked certificates.
    pub(crate) async fn revocations(&self) -> Result<Vec<u8>, LinkError> {
        let request = v1::GetRevocationsRequest {};
        Ok(call(self.connection.stops(&self.bearer).get_revocations(request)).await?.krl)
    }

    /// Ends a stop of issuing.
    pub(crate) async fn resume(&mut self, signed: Signed) -> Result<(), LinkError> {
        let request = v1::ResumeRequest { statement: sent(signed)? };
        let answer = call(self.connection.admin(&self.bearer).resume(request)).await?;
        self.learn(&answer.checkpoint.try_into()?)
    }

    fn checked(&self, request: Option<v1::Request>) -> Result<Checked, LinkError> {
        checked(request, &self.server_id())
    }

    /// Takes the ledger's head into the next statement, unless it contradicts what is known.
    fn learn(&mut self, head: &Head) -> Result<(), LinkError> {
        let seen = seen::check(head, self.seen.as_ref(), &self.server.origin, &self.ledger_key)?;
        self.state.keep_seen(&seen)?;
        self.seen = Some(seen);
        Ok(())
    }
}

/// A bundle's files by name.
pub(crate) type Contents = std::collections::BTreeMap<String, Vec<u8>>;

/// The files as a bundle's digest takes them.
pub(crate) fn listed(files: &Contents) -> Vec<BundleFile> {
    let file = |(name, content): (&String, &Vec<u8>)| BundleFile { name: name.clone(), digest: Digest::of(content) };
    files.iter().map(file).collect()
}

/// Which requests of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that can still be used or decided.
    Live,
    /// All, also those that are over.
    All,
}

/// Requests as they change.
pub(crate) struct Watch {
    stream: Streaming<v1::WatchRequestsResponse>,
    server: ServerId,
}

impl Watch {
    /// The next request that changed, or why it is refused, which says nothing of those after it; `None` when the server
    /// ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Result<Checked, LinkError>>, LinkError> {
        let message = self.stream.message().await.map_err(|status| refused(&status))?;
        Ok(message.map(|message| checked(message.request, &self.server)))
    }
}

fn checked(request: Option<v1::Request>, server: &ServerId) -> Result<Checked, LinkError> {
    Ok(Checked::new(request.try_into()?, server)?)
}

fn sent(signed: Signed) -> Result<Option<v1::Signed>, WireError> {
    Ok(Some(SignedText::new(signed.text.into_bytes(), signed.signature.into_bytes())?.into()))
}

async fn call<T>(answer: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, LinkError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(refused(&status)),
        Err(_) => Err(LinkError::Slow),
    }
}
