//! Which requests extend which: what ends with a grant, and what an extension goes back to.

use std::collections::BTreeSet;

use domain::{RequestId, UnixTime};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::batch::Batch;
use crate::columns::Parsed;
use crate::requests::RequestState;
use crate::stops::LIVE;
use crate::{Store, StoreError};

/// A request, what extends it, what extends that, and so on. `UNION` takes each once: a circle has an end.
const AFTER: &str = "WITH RECURSIVE line (of) AS \
                     (SELECT ?1 UNION SELECT requests.id FROM requests JOIN line ON requests.extends = line.of) ";
/// A request, what it extends, what that extends, and so on.
const BEFORE: &str = "WITH RECURSIVE line (of) AS (SELECT ?1 UNION \
                      SELECT requests.extends FROM requests JOIN line ON requests.id = line.of \
                      WHERE requests.extends IS NOT NULL) ";

/// A grant that a new request extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// Its request.
    pub id: RequestId,
    /// The version that was judged to be approved.
    pub version: u64,
}

/// What becomes of extensions when what they extend ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The requester wants them no more: they are cancelled or given back.
    Given,
    /// Somebody else ended it: they are stopped.
    Stopped,
}

impl Store {
    /// A request with all that it goes back to: what it extends, what that extends, and so on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn goes_back_to(&self, id: RequestId) -> Result<BTreeSet<RequestId>, StoreError> {
        let sql = format!("{BEFORE} SELECT of FROM line");
        self.readers.read(|connection| ids(connection, &sql, [id.to_string()]))
    }

    /// Whether a request, or something that extends it, can still be decided or used.
    ///
    /// # Errors
    /// When the store fails.
    pub fn any_live(&self, id: RequestId, now: UnixTime) -> Result<bool, StoreError> {
        let sql = format!("{AFTER} SELECT id FROM requests JOIN line ON id = of WHERE {}", LIVE.replace("?1", "?2"));
        self.readers.read(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            Ok(select.exists(params![id.to_string(), now.seconds()])?)
        })
    }
}

impl Batch<'_> {
    /// A request with all that extends it, in the order in which they came.
    pub(crate) fn line(&self, id: RequestId) -> Result<Vec<RequestId>, StoreError> {
        let sql = format!("{AFTER} SELECT id FROM requests JOIN line ON id = of ORDER BY entry");
        ids(self.connection, &sql, [id.to_string()])
    }

    /// Certificates so far under a request and all that extends it; where none limits them, only whether there were any.
    pub(crate) fn uses_of_line(&self, id: RequestId) -> Result<u64, StoreError> {
        let sql = format!("{AFTER} SELECT coalesce(sum(uses), 0) FROM requests JOIN line ON id = of");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.to_string()], |row| row.get(0))?)
    }

    /// The grant that a new request extends is still what it was judged to be.
    pub(crate) fn still_granted(&self, extended: Extended) -> Result<(), StoreError> {
        let sql = "SELECT version = ?2 AND state = 'approved' FROM requests WHERE id = ?1";
        let mut select = self.connection.prepare_cached(sql)?;
        let same = select.query_row(params![extended.id.to_string(), extended.version], |row| row.get(0)).optional()?;
        match same {
            Some(true) => Ok(()),
            Some(false) => Err(StoreError::Conflict(extended.id)),
            None => Err(StoreError::UnknownRequest(extended.id)),
        }
    }

    /// Ends what extends a request and can still be decided or used.
    pub(crate) fn end_extensions(&mut self, of: RequestId, ending: Ending, now: UnixTime) -> Result<(), StoreError> {
        let live = LIVE.replace("?1", "?2");
        let sql = format!(
            "{AFTER} SELECT id, version, state = 'approved' FROM requests JOIN line ON id = of \
             WHERE id <> ?1 AND {live} ORDER BY entry"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let live = select.query_map(params![of.to_string(), now.seconds()], |row| {
            let Parsed(id) = row.get(0)?;
            Ok((id, row.get(1)?, row.get(2)?))
        })?;
        for (id, version, approved) in live.collect::<Result<Vec<(RequestId, u64, bool)>, _>>()? {
            let to = match (ending, approved) {
                (Ending::Stopped, _) => RequestState::Stopped,
                (Ending::Given, true) => RequestState::GivenBack,
                (Ending::Given, false) => RequestState::Cancelled,
            };
            self.move_request(id, version, to, None)?;
        }
        Ok(())
    }
}

fn ids<T: FromIterator<RequestId>>(connection: &Connection, sql: &str, of: impl Params) -> Result<T, StoreError> {
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_map(of, |row| row.get(0).map(|Parsed(id)| id))?;
    Ok(found.collect::<Result<_, _>>()?)
}
