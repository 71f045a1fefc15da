//! `hallpass request`: ask, wait, and be ready to log in.

use std::collections::BTreeSet;
use std::path::Path;

use domain::{Access, AskedLogin, Command, GroupName, HostName, PublicKey, Target, Text, UnixTime};
use serde::Serialize;
use statement::{BreakGlass, RequestStatement};
use wire::State;

use crate::app::{App, Joined, Look, Report, text};
use crate::arguments::Request;
use crate::at::At;
use crate::checked::Checked;
use crate::failure::{Exit, Failure};
use crate::fetch;
use crate::grants;
use crate::link::LinkError;
use crate::view::{self, OneRequest};
use crate::{json, wait, when};

pub(crate) async fn run(app: &App<'_>, asked: &Request) -> Result<Exit, Failure> {
    let texts = Texts::of(app, asked)?;
    let mut joined = app.joined().await?;
    let submitted = submit(app, &mut joined, asked, texts).await?;
    owes(app, asked, &submitted);
    if submitted.told.state == State::Pending && asked.no_wait {
        app.report(&OneRequest::new(&submitted))?;
        return Ok(Exit::Done);
    }
    until_ready(app, joined, submitted).await
}

/// Waits until a request is decided, and until its grant can be used.
pub(super) async fn until_ready(app: &App<'_>, mut joined: Joined, submitted: Checked) -> Result<Exit, Failure> {
    let decided = decided(app, &joined, submitted).await?;
    let id = decided.told.id;
    let ready = tokio::select! {
        ready = ready(app, &mut joined, decided) => ready?,
        // After a wait Ctrl-C no longer ends the process by itself.
        () = app.context.terminal.interrupted() => return Err(Failure::Interrupted(id)),
    };
    app.report(&ready)?;
    Ok(Exit::Done)
}

/// What a person wrote: refused before anybody is called.
pub(super) struct Texts {
    reason: Text,
    ticket: Option<Text>,
    command: Option<Command>,
    start: Option<UnixTime>,
}

impl Texts {
    pub(super) fn of(app: &App<'_>, asked: &Request) -> Result<Self, Failure> {
        let reason = text("--message", &asked.reason)?;
        let ticket = asked.ticket.as_deref().map(|given| text("--ticket", given)).transpose()?;
        let command = if asked.command.is_empty() { None } else { Some(Command::from_words(&asked.command)?) };
        let at = |at: &At| at.resolve(app.context.now()?, &app.context.time_zone).map_err(Failure::from);
        let start = asked.at.as_ref().map(at).transpose()?;
        Ok(Self { reason, ticket, command, start })
    }
}

/// Signs a request and has the server take it.
pub(super) async fn submit(
    app: &App<'_>,
    joined: &mut Joined,
    asked: &Request,
    texts: Texts,
) -> Result<Checked, Failure> {
    let Texts { reason, ticket, command, start } = texts;
    let access = canonical(app, joined, asked).await?;
    let connecting_key = connecting_key(app, joined, asked.connecting_key.as_deref()).await?;
    let signing = app.signing(joined).await?;
    let statement = RequestStatement {
        header: joined.header(app)?,
        requester: joined.session.user.clone(),
        access,
        start,
        window: asked.window,
        uses: asked.uses,
        command,
        reason,
        ticket,
        connecting_key,
        rule: asked.rule.clone(),
        break_glass: asked.break_glass.then_some(BreakGlass),
        extends: None,
    };
    let signed = app.sign(&signing, &statement).await?;
    let submitted = joined.link.submit(signed).await?;
    app.context.terminal.note(&format!("Request {}: {}", submitted.told.id, submitted.ruling.in_words()));
    Ok(submitted)
}

/// Says of a break-glass that waits why it does.
fn owes(app: &App<'_>, asked: &Request, submitted: &Checked) {
    if submitted.told.state == State::Pending && asked.break_glass {
        let quorum = &submitted.ruling.obligations().quorum;
        let told = format!("A review of earlier break-glass is owed, so this takes an approval: {quorum}.");
        app.context.terminal.note(&told);
    }
}

/// Waits as long as a request is pending; the request once it is approved.
///
/// # Errors
/// When it is over instead.
pub(super) async fn decided(app: &App<'_>, joined: &Joined, request: Checked) -> Result<Checked, Failure> {
    let id = request.told.id;
    let decided = match request.told.state {
        State::Pending => wait::for_decision(app, &joined.link, request).await?,
        _ => request,
    };
    match decided.told.state {
        State::Approved => Ok(decided),
        State::Denied => Err(Failure::Denied { id, by: denied_by(&decided) }),
        State::Expired => Err(Failure::Unanswered(id)),
        state => Err(Failure::AlreadyOver { id, state }),
    }
}

/// What is asked for, by the canonical name of a host that was named by an alias: what is signed holds no aliases. Of
/// break-glass it is told who learns of it, before anything is signed.
async fn canonical(app: &App<'_>, joined: &Joined, asked: &Request) -> Result<Access, Failure> {
    let hosts = match &asked.access.target {
        Target::Labels(labels) if asked.break_glass => joined.link.hosts(Some(labels)).await?,
        Target::Labels(_) => return Ok(asked.access.clone()),
        Target::Host(_) => joined.link.hosts(None).await?,
    };
    if asked.break_glass {
        app.context.terminal.note(&warning(&asked.access, &hosts));
    }
    let asked = &asked.access;
    let Target::Host(given) = &asked.target else { return Ok(asked.clone()) };
    app.keep_hosts(&joined.server.name, &hosts)?;
    let found = hosts.iter().find(|host| host.name == *given || host.aliases.contains(given));
    // One that is not listed is the server's to refuse: it says why.
    let name: &HostName = found.map_or(given, |host| &host.name);
    Ok(Access { login: asked.login.clone(), target: Target::Host(name.clone()) })
}

/// What break-glass is, in plain words.
fn warning(asked: &Access, hosts: &[wire::Host]) -> String {
    let meant = |host: &&wire::Host| match &asked.target {
        Target::Host(name) => host.name == *name || host.aliases.contains(name),
        Target::Labels(_) => true,
    };
    let logins = hosts.iter().filter(meant).flat_map(|host| &host.logins).filter(|login| login.login == asked.login);
    let groups: BTreeSet<&GroupName> =
        logins.filter_map(|login| login.break_glass.as_ref()).map(|(_, terms)| &terms.review).collect();
    let told = match groups.iter().map(|group| group.as_str()).collect::<Vec<_>>().join(" and ") {
        none if none.is_empty() => "the group that the rule names".to_owned(),
        groups => groups,
    };
    format!(
        "BREAK-GLASS is access at once, without approval.\n  Everybody in {told} is told now, with your reason.\n  A review by \
         somebody else of them is owed afterwards; until then your next break-glass takes an approval."
    )
}

/// The session's connecting key, or one of the user's own.
pub(super) async fn connecting_key(app: &App<'_>, joined: &Joined, own: Option<&Path>) -> Result<PublicKey, Failure> {
    let Some(file) = own else { return Ok(grants::session_key(app, joined).await?) };
    let text = std::fs::read_to_string(file).map_err(|cause| Failure::ReadKey { file: file.to_owned(), cause })?;
    let key: PublicKey = text.parse().map_err(|cause| Failure::RefusedKey { file: file.to_owned(), cause })?;
    let file = std::path::absolute(file).map_err(|cause| Failure::ReadKey { file: file.to_owned(), cause })?;
    joined.state.keep_own_key(&key, &file)?;
    Ok(key)
}

fn denied_by(request: &Checked) -> String {
    let deny = request.decisions.iter().map(|decision| decision.statement());
    let Some(said) = deny.into_iter().find(|said| said.verdict == domain::Approval::Deny) else {
        return String::new();
    };
    let comment = said.comment.as_ref().map_or_else(String::new, |comment| format!(": {comment}"));
    format!(" by {}{comment}", said.approver)
}

/// Fetches, so that the grant works at once. A grant for several hosts is fetched when it is used, host by host or for a
/// command: each certificate lives for minutes only. The ssh-agent is left alone: what it holds is offered to every other server too, so
/// a certificate goes there only by `hallpass cert`.
async fn ready(app: &App<'_>, joined: &mut Joined, decided: Checked) -> Result<Ready, Failure> {
    let now = app.context.now()?;
    let start = decided.told.window.map(|(start, _)| start);
    let started = start.is_some_and(|start| grants::has_begun(start, now));
    let Some(pair) = decided.only_pair().filter(|_| started) else {
        return Ok(Ready { serial: None, request: decided });
    };
    let live = [decided];
    let login = AskedLogin::Named(pair.login);
    let usable = grants::find(app, joined, &live, Some(&login), &pair.host).await?;
    let serial = match fetch::certificate(app, joined, &usable).await {
        Ok(taken) => Some(taken.certificate.serial().get()),
        // Our clock is behind the start, and by the server's too it has not come yet.
        Err(Failure::Link(LinkError::Refused { .. })) if start.is_some_and(|start| start > now) => None,
        Err(failure) => return Err(failure),
    };
    let [request] = live;
    Ok(Ready { serial, request })
}

/// A grant that can be used.
#[derive(Serialize)]
struct Ready {
    #[serde(serialize_with = "as_json")]
    request: Checked,
    serial: Option<u64>,
}

fn as_json<S: serde::Serializer>(request: &Checked, serializer: S) -> Result<S::Ok, S::Error> {
    json::Request::from(request).serialize(serializer)
}

impl Report for Ready {
    fn text(&self, look: &Look<'_>) -> String {
        let (id, access) = (self.request.told.id, view::access(&self.request));
        let state = view::state(&self.request, look);
        let next = match (self.serial, self.request.told.window) {
            (Some(_), _) => format!("Log in: hallpass ssh {access}"),
            (None, Some((start, _))) if start > look.now => {
                format!("It begins {}; then: hallpass ssh {access}", when::full(start, look.zone))
            }
            _ => format!(
                "Log in to any of its hosts: hallpass ssh [LOGIN@]HOST. Or run a command: hallpass run {access} -- COMMAND"
            ),
        };
        format!("Request {id} is {state}: {access}.\n{next}\n")
    }
}
