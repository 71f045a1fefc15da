//! `hallpass inbox`: requests that wait for my decision.

use std::collections::BTreeSet;

use wire::{State, View, WatchRequests};

use crate::app::App;
use crate::arguments::Inbox;
use crate::failure::{Exit, Failure};
use crate::link::{Link, LinkError, Which};
use crate::view::{OneRequest, Requests};

pub(crate) async fn run(app: &App<'_>, asked: &Inbox) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    if asked.follow {
        return follow(app, &joined.link).await;
    }
    let requests = app.requests(&joined.link, View::Inbox, Which::Live).await?;
    app.report(&Requests { requests, none: "Nothing waits for my decision." })?;
    Ok(Exit::Done)
}

/// Shows each request once; ends when the user interrupts.
async fn follow(app: &App<'_>, link: &Link) -> Result<Exit, Failure> {
    let mut watch = link.watch(WatchRequests::View(View::Inbox)).await?;
    let mut shown = BTreeSet::new();
    loop {
        let changed = tokio::select! {
            () = app.context.terminal.interrupted() => return Ok(Exit::Done),
            changed = watch.next() => changed?,
        };
        let request = match changed.ok_or(LinkError::StreamEnded)? {
            Ok(request) => request,
            Err(refused) => {
                app.warn(&refused);
                continue;
            }
        };
        if request.told.state == State::Pending && shown.insert(request.told.id) {
            app.report(&OneRequest::new(&request))?;
        }
    }
}
