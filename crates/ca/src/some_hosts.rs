//! A fetch for many hosts that is refused because of some of them.
//!
//! One fetch is issued as a whole or not at all. Who fetches for a fleet of which one host was stopped, or has got a
//! requirement that the approval does not meet, is told which hosts these are, and fetches for the others.

use std::fmt;

use domain::{HostName, UnixTime};
use request::Held;
use statement::FetchStatement;

use crate::extend::Before;
use crate::issue::hosts;
use crate::record::Record;
use crate::{Ca, Error};

/// Most hosts that one refusal names: it travels in a header. Without these, the next one names the next.
const NAMED: usize = 48;

/// The hosts that a fetch is refused for, where it would not be for the others.
#[derive(Debug)]
pub struct SomeHosts {
    hosts: Vec<HostName>,
    /// Why the first of them is refused.
    cause: Box<Error>,
}

impl SomeHosts {
    /// Their names, joined by commas: for programs.
    pub fn listed(&self) -> String {
        self.hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Display for SomeHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        let shown: Vec<&str> = self.hosts.iter().take(SHOWN).map(HostName::as_str).collect();
        write!(f, "{}", shown.join(", "))?;
        match self.hosts.len().saturating_sub(SHOWN) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        write!(f, " cannot be fetched for, the other hosts of this fetch can without them: {}", self.cause)
    }
}

impl Ca {
    /// The refusal of a fetch, by the hosts that it is refused for; the same refusal where it is for all of them, or for
    /// none alone. Asked only for a fetch that the approved key signed, so strangers learn nothing by it.
    pub(crate) fn of_some_hosts(
        &self,
        refused: Error,
        fetch: &FetchStatement,
        record: &Record,
        now: UnixTime,
    ) -> Error {
        let all = hosts(fetch, record.ruling.obligations());
        if all.len() < 2 || !matches!(refused, Error::Refused(_) | Error::NotGranted(_)) {
            return refused;
        }
        let alone = |host: &HostName| self.refused_alone(host, record, now).map(|why| (host.clone(), why));
        let mut each: Vec<(HostName, Error)> = all.iter().filter_map(alone).collect();
        if each.len() == all.len() || each.is_empty() {
            return refused;
        }
        each.truncate(NAMED);
        let hosts = each.iter().map(|(host, _)| host.clone()).collect();
        match each.into_iter().next() {
            Some((_, why)) => Error::SomeHosts(SomeHosts { hosts, cause: Box::new(why) }),
            None => refused,
        }
    }

    fn refused_alone(&self, host: &HostName, record: &Record, now: UnixTime) -> Option<Error> {
        let bundle = self.bundle.load();
        let hosts = [host.clone()].into();
        let judged = record.rule_again(&bundle, &hosts, now).and_then(|today| {
            let before = self.rests_on(&record.case(), &today, &bundle, &hosts, now)?;
            let rests_on: Vec<Held<'_>> = before.iter().map(Before::held).collect();
            Ok(request::grantable(&record.held(&today), &rests_on, bundle.judging(), now)?)
        });
        judged.err()
    }
}
