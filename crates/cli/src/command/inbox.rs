//! `hallpass inbox`: requests that wait for my decision, and break-glass that waits for my review.

use std::collections::BTreeMap;

use domain::{RequestId, UnixTime, UserName};
use wire::{Request, Review, State, View, WatchRequests};

use crate::app::{App, Joined};
use crate::arguments::Inbox;
use crate::failure::{Exit, Failure};
use crate::link::{LinkError, Which};
use crate::view::{Ending, OneRequest, Outcome, Requests};

pub(crate) async fn run(app: &App<'_>, asked: &Inbox) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    if asked.follow {
        return follow(app, &joined).await;
    }
    let requests = app.requests(&joined.link, View::Inbox, Which::Live).await?;
    app.report(&Requests { requests, none: "Nothing waits for my decision or review." })?;
    Ok(Exit::Done)
}

/// Shows each request when it comes, and again when it is decided on, ends, or ends soon; until the user interrupts.
async fn follow(app: &App<'_>, joined: &Joined) -> Result<Exit, Failure> {
    let mut watch = joined.link.watch(WatchRequests::View(View::Inbox)).await?;
    let mut shown = Shown { to: joined.session.user.clone(), seen: BTreeMap::new() };
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
        match shown.news(&request.told, app.context.now()?) {
            Some(News::Arrived) => app.report(&OneRequest::new(&request))?,
            Some(News::Moved) => app.report(&Outcome::new(&request))?,
            Some(News::EndsSoon) => app.report(&Ending::new(&request))?,
            None => {}
        }
    }
}

/// What is new about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// It is new itself.
    Arrived,
    /// Somebody decided, or it ended.
    Moved,
    /// It ends soon, and nobody has decided.
    EndsSoon,
}

/// Whether it was said, or is clear from what was shown, that a request ends soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Soon {
    Said,
    NotYet,
}

/// How a request was when it was shown last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It waited, with so many decisions.
    Pending(usize, Soon),
    /// Its review was owed.
    Owed,
}

impl Seen {
    /// How it is now; `None` when nothing of it waits.
    fn of(told: &Request, now: UnixTime) -> Option<Self> {
        let near = domain::wait_ends_soon(told.submitted, told.pending_until) <= now;
        match (told.state, &told.review) {
            (State::Pending, _) => {
                Some(Self::Pending(told.decisions.len(), if near { Soon::Said } else { Soon::NotYet }))
            }
            (_, Some(Review::Owed(_))) => Some(Self::Owed),
            _ => None,
        }
    }
}

/// The requests that were shown and wait.
struct Shown {
    to: UserName,
    seen: BTreeMap<RequestId, Seen>,
}

impl Shown {
    /// What is new about a request since it was shown. One that was over before it came here is none of ours, and one that
    /// others are asked about is not yet.
    fn news(&mut self, told: &Request, now: UnixTime) -> Option<News> {
        let (before, seen) = (self.seen.get(&told.id).copied(), Seen::of(told, now));
        let news = match (before, seen) {
            (None, None) => return None,
            (None, Some(Seen::Pending(..))) if !told.approvers.contains(&self.to) => return None,
            (None, Some(_)) => News::Arrived,
            (Some(Seen::Pending(was, Soon::NotYet)), Some(Seen::Pending(is, Soon::Said))) if was == is => {
                News::EndsSoon
            }
            (Some(Seen::Pending(was, _)), Some(Seen::Pending(is, _))) if was == is => return None,
            (Some(Seen::Owed), Some(Seen::Owed)) => return None,
            (Some(_), _) => News::Moved,
        };
        match seen {
            Some(seen) => drop(self.seen.insert(told.id, seen)),
            None => drop(self.seen.remove(&told.id)),
        }
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::tests::{allowed, asked, told};
    use crate::testing::NOW;

    #[test]
    fn each_piece_of_news_is_told_once() {
        let mut request = told(&asked(), allowed());
        let (come, hour) = (UnixTime::new(NOW).unwrap(), "1h".parse().unwrap());
        (request.submitted, request.pending_until) = (come, come.after(hour).unwrap());
        let at = |minutes: u64| UnixTime::new(NOW + 60 * minutes).unwrap();
        let mut shown = Shown { to: "carol".parse().unwrap(), seen: BTreeMap::new() };
        let later = Request { approvers: vec!["dave".parse().unwrap()], ..request.clone() };
        assert_eq!(shown.news(&later, at(0)), None, "others are asked first");
        request.approvers.push("carol".parse().unwrap());
        let mut told = |request: &Request, minutes| shown.news(request, at(minutes));
        assert_eq!([told(&request, 0), told(&request, 1)], [Some(News::Arrived), None]);
        assert_eq!([told(&request, 49), told(&request, 50), told(&request, 51)], [None, Some(News::EndsSoon), None]);
        request.state = State::Expired;
        assert_eq!([told(&request, 60), told(&request, 61)], [Some(News::Moved), None]);
        // What comes late shows when it ends, and what is over is no news.
        let late = Request { state: State::Pending, id: "00000-00001".parse().unwrap(), ..request.clone() };
        assert_eq!([told(&late, 55), told(&late, 56)], [Some(News::Arrived), None]);
        let over = Request { id: "00000-00002".parse().unwrap(), ..request.clone() };
        assert_eq!(told(&over, 61), None);
        // A break-glass is over for whoever asked, and waits for its review.
        let owed = Request { id: "00000-00003".parse().unwrap(), review: Some(Review::Owed(come)), ..request };
        assert_eq!([told(&owed, 61), told(&owed, 62)], [Some(News::Arrived), None]);
        let reviewed = Request { review: None, ..owed };
        assert_eq!([told(&reviewed, 63), told(&reviewed, 64)], [Some(News::Moved), None]);
    }
}
