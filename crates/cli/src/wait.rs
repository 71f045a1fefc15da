//! Waiting for people to decide: shows who may, and how long is left; an interrupt leaves the request in place.

use std::time::Duration;

use domain::{RequestId, UnixTime};
use tokio::time::Interval;
use wire::{State, WatchRequests};

use crate::app::App;
use crate::checked::Checked;
use crate::failure::Failure;
use crate::link::{Link, LinkError, Watch};
use crate::view::people;

/// How long to wait before the server is tried again, when the connection broke.
const AGAIN: Duration = Duration::from_secs(2);

/// Waits until the request is no longer pending.
///
/// # Errors
/// When nobody decides in time, the user interrupts, or the server is gone for good; each says that the request stays.
pub(crate) async fn for_decision(app: &App<'_>, link: &Link, request: Checked) -> Result<Checked, Failure> {
    let terminal = &app.context.terminal;
    let (who, id) = (told(&request, app.context.now()?), request.told.id);
    terminal.note(&format!("Waiting for approval: {who}. Ctrl-C leaves request {id} in place."));
    let mut waiting = Waiting { request, watch: None };
    let outcome = tokio::select! {
        outcome = waiting.until_decided(app, link) => outcome,
        () = terminal.interrupted() => Err(Failure::Interrupted(waiting.id())),
    };
    terminal.progress(None);
    outcome?;
    Ok(waiting.request)
}

struct Waiting {
    request: Checked,
    watch: Option<Watch>,
}

impl Waiting {
    const fn id(&self) -> RequestId {
        self.request.told.id
    }

    async fn until_decided(&mut self, app: &App<'_>, link: &Link) -> Result<(), Failure> {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        while self.request.told.state == State::Pending {
            let now = app.context.now()?;
            app.context.terminal.progress(Some(&told(&self.request, now)));
            match self.changed(link, &mut seconds).await {
                Ok(Some(request)) => self.request = request,
                Ok(None) => {}
                Err(error) if error.may_pass() && now < self.request.told.pending_until => {
                    self.watch = None;
                    tokio::time::sleep(AGAIN).await;
                }
                Err(cause) => return Err(Failure::StoppedWaiting { id: self.id(), cause }),
            }
        }
        Ok(())
    }

    /// The next change of the request, or nothing when a second has passed.
    async fn changed(&mut self, link: &Link, seconds: &mut Interval) -> Result<Option<Checked>, LinkError> {
        let watch = match &mut self.watch {
            Some(watch) => watch,
            none => none.insert(link.watch(WatchRequests::One(self.request.told.id)).await?),
        };
        // Leaving the stream in the middle loses nothing: it keeps its place.
        tokio::select! {
            changed = watch.next() => match changed? {
                Some(changed) => Ok(Some(changed?.same_as(&self.request)?)),
                None => Err(LinkError::StreamEnded),
            },
            _ = seconds.tick() => Ok(None),
        }
    }
}

/// `1 of sre is missing: bob, carol may approve, 58m left`.
fn told(request: &Checked, now: UnixTime) -> String {
    let told = &request.told;
    let missing = told.missing.as_ref().map_or_else(String::new, |missing| format!("{missing} is missing: "));
    format!("{missing}{} may approve, {} left", people(&told.approvers), told.pending_until.since(now))
}
