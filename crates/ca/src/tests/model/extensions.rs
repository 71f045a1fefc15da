//! The model's extensions: what they go on from, rest on and end with.

use request::StateName;

use super::lifecycle::{Answer, Extends, Is, MORE, Message, Model, Way};
use crate::tests::harness::*;

impl Model {
    /// What is extended is open now, began then, and has so much left.
    pub(super) fn extend(&mut self, (request, key): (usize, u8), start: u64, since: u64, now: u64) -> Answer {
        if self.today().disabled(ALICE) {
            return Err("USER_DISABLED");
        }
        let before = &self.requests[request];
        let host = before.host;
        self.not_stopped(host, now)?;
        let Is::Approved { from, until } = before.is else { return Err("NOT_EXTENDABLE") };
        if !(from..until).contains(&now) || start > until || since != before.extends.map_or(from, |e| e.since) {
            return Err("NOT_EXTENDABLE");
        }
        // Nobody approved a break-glass, so nothing goes on from it.
        if key != before.key || before.glass.is_some() {
            return Err("NOT_EXTENDABLE");
        }
        if start.max(now) + MORE > since + self.today().longest() {
            return Err("POLICY_REFUSED");
        }
        let (needs, rests) = self.today().extension(host);
        let extends = Extends { request, since, start, rests };
        if self.lacks_people(host, needs) {
            return Err("POLICY_REFUSED");
        }
        if rests && !self.stands(request) {
            return Err("NOT_EXTENDABLE");
        }
        self.ask((host, key), needs, Way::Extension(extends), now)
    }

    /// Whether the approvals of a request count today, and those of what it rests on.
    pub(super) fn stands(&self, at: usize) -> bool {
        let request = &self.requests[at];
        let (needs, rests) = match request.extends {
            // What a break-glass takes was said when it came.
            None if request.glass.is_some() => (0, false),
            None => (self.today().needs(request.host), false),
            Some(extends) => {
                let (needs, rests) = self.today().extension(request.host);
                (needs, rests || extends.rests)
            }
        };
        let approved = matches!(request.is, Is::Approved { .. });
        let enough = request.counted(self.today()).len() >= needs.max(request.needs);
        approved && enough && request.extends.is_none_or(|extends| !rests || self.stands(extends.request))
    }

    /// A request and all that extends it.
    pub(super) fn line(&self, at: usize) -> Vec<usize> {
        let mut line = vec![at];
        for (later, request) in self.requests.iter().enumerate() {
            if request.extends.is_some_and(|extends| line.contains(&extends.request)) {
                line.push(later);
            }
        }
        line
    }

    /// What extends a request ends with it.
    pub(super) fn end_extensions(&mut self, of: usize, (pending, approved): (StateName, StateName), now: u64) {
        for later in self.line(of).into_iter().skip(1) {
            let request = &mut self.requests[later];
            request.is = match request.is {
                Is::Pending { until } if now < until => Is::Ended(pending),
                Is::Approved { until, .. } if now < until => Is::Ended(approved),
                other => other,
            };
        }
    }

    /// What alice would ask to go on under a request.
    pub(super) fn extension(&self, request: usize, now: u64) -> Message {
        let before = &self.requests[request];
        let (from, start) = match before.is {
            Is::Approved { from, until } => (from, until),
            _ => (now, now),
        };
        let since = before.extends.map_or(from, |extends| extends.since);
        Message::Extend { request, start, since, key: before.key }
    }
}
