//! Reading requests with their texts and decisions.

use domain::{Approval, RequestId, UnixTime, UserName};
use ledger::{EntryKind, Payload, SignedText};
use rusqlite::{Connection, Params, Row, params};

use crate::StoreError;
use crate::columns::{Column, Parsed};
use crate::entries;
use crate::requests::{RequestState, Window};
use crate::reviews::{self, OWED, StoredReview};

/// A request as it is stored, with its decisions.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRequest {
    /// Its id.
    pub id: RequestId,
    /// The entry that holds its texts.
    pub entry: u64,
    /// When it was submitted.
    pub submitted: UnixTime,
    /// Who asks.
    pub requester: UserName,
    /// The person behind the requester.
    pub owner: UserName,
    /// The request statement.
    pub statement: SignedText,
    /// The canonical text of the ruling.
    pub ruling: String,
    /// When it expires if it is still pending.
    pub expires: UnixTime,
    /// Where it stands.
    pub state: RequestState,
    /// Goes up by one at each change of the state and with each decision.
    pub version: u64,
    /// Certificates so far; where the request does not limit them, only whether there were any.
    pub uses: u32,
    /// The decisions, in the order in which they came.
    pub decisions: Vec<StoredDecision>,
    /// The acts that put another connecting key in place, in the order in which they came.
    pub rebinds: Vec<SignedText>,
    /// Of break-glass that was granted, where its review stands.
    pub review: Option<StoredReview>,
}

impl StoredRequest {
    /// Whether it can still be decided or used at this time.
    pub fn lives_at(&self, now: UnixTime) -> bool {
        match self.state {
            RequestState::Pending => self.expires > now,
            RequestState::Approved(window) => window.not_after > now,
            _ended => false,
        }
    }
}

/// A decision as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// The entry that holds its text.
    pub entry: u64,
    /// When it was written.
    pub time: UnixTime,
    /// Who decided.
    pub approver: UserName,
    /// The person behind the approver.
    pub owner: UserName,
    /// What they said.
    pub verdict: Approval,
    /// The decision statement.
    pub statement: SignedText,
}

/// Which requests to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every request.
    All,
    /// What waits for decisions.
    Pending,
    /// Everything that this user asked for.
    Of(UserName),
    /// What this user may still use at this time: pending, or approved with its window not over.
    Open(UserName, UnixTime),
    /// What can be decided or used at this time, whoever asked.
    Live(UnixTime),
    /// Break-glass whose review is owed.
    Owed,
    /// What waits for decisions, or for a review.
    Inbox,
}

/// Requests with their entries, as [`with_decisions`] reads them.
pub(crate) const SELECT: &str = "SELECT id, entry, requester, owner, expires, state, version, not_before, not_after, uses, time, \
                      payload, reviewed_by, review FROM requests JOIN entries ON idx = entry";

/// One request.
pub(crate) fn one(connection: &Connection, id: RequestId) -> Result<Option<StoredRequest>, StoreError> {
    Ok(select(connection, &format!("{SELECT} WHERE id = ?1"), [id.to_string()])?.pop())
}

/// Up to `limit` requests, newest first, of those that came before entry `before`.
pub(crate) fn list(
    connection: &Connection,
    filter: &Filter,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<StoredRequest>, StoreError> {
    let before = before.and_then(|entry| i64::try_from(entry).ok()).unwrap_or(i64::MAX);
    let page = "entry < ?1 ORDER BY entry DESC LIMIT ?2";
    match filter {
        Filter::All => select(connection, &format!("{SELECT} WHERE {page}"), params![before, limit]),
        Filter::Pending => {
            select(connection, &format!("{SELECT} WHERE state = 'pending' AND {page}"), params![before, limit])
        }
        Filter::Owed => select(connection, &format!("{SELECT} WHERE {OWED} AND {page}"), params![before, limit]),
        Filter::Inbox => {
            // Each part has an index of its own, and both are short.
            let of = "SELECT entry FROM requests WHERE";
            let sql = format!("{SELECT} WHERE entry IN ({of} state = 'pending' UNION {of} {OWED}) AND {page}");
            select(connection, &sql, params![before, limit])
        }
        Filter::Of(user) => select(
            connection,
            &format!("{SELECT} WHERE requester = ?3 AND {page}"),
            params![before, limit, user.as_str()],
        ),
        Filter::Open(user, now) => select(
            connection,
            &format!(
                "{SELECT} WHERE requester = ?3 \
                 AND (state = 'pending' OR (state = 'approved' AND not_after > ?4)) AND {page}"
            ),
            params![before, limit, user.as_str(), now.seconds()],
        ),
        Filter::Live(now) => select(
            connection,
            &format!(
                "{SELECT} WHERE (state = 'pending' AND expires > ?3 OR state = 'approved' AND not_after > ?3) AND {page}"
            ),
            params![before, limit, now.seconds()],
        ),
    }
}

/// A pending request whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which request.
    pub id: RequestId,
    /// The version that is due.
    pub version: u64,
    /// Who asked.
    pub requester: UserName,
}

/// Pending requests whose time is over; the longest overdue first.
pub(crate) fn due(connection: &Connection, now: UnixTime, limit: u32) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT id, version, requester FROM requests WHERE state = 'pending' AND expires <= ?1 \
               ORDER BY expires LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![now.seconds(), limit], |row| {
        let (Parsed(id), Parsed(requester)) = (row.get(0)?, row.get(2)?);
        Ok(Due { id, version: row.get(1)?, requester })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn select(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<StoredRequest>, StoreError> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(with_decisions(connection, row)?);
    }
    Ok(found)
}

/// The request of a row, with its decisions.
pub(crate) fn with_decisions(connection: &Connection, row: &Row<'_>) -> Result<StoredRequest, StoreError> {
    let mut request = request(row)?;
    request.decisions = decisions(connection, request.id)?;
    request.rebinds = rebinds(connection, request.id)?;
    request.review = reviews::of_row(connection, row, [12, 7, 13])?;
    Ok(request)
}

fn request(row: &Row<'_>) -> Result<StoredRequest, StoreError> {
    let (Parsed(id), Parsed(requester), Parsed(owner)) = (row.get(0)?, row.get(2)?, row.get(3)?);
    let (Column(expires), Column(submitted)) = (row.get(4)?, row.get(10)?);
    let window = match (row.get(7)?, row.get(8)?) {
        (Some(Column(not_before)), Some(Column(not_after))) => Some(Window { not_before, not_after }),
        _ => None,
    };
    let name = row.get_ref(5)?.as_str().map_err(StoreError::damaged)?;
    let state = RequestState::from_columns(name, window)
        .ok_or_else(|| StoreError::Damaged(format!("request {id} is `{name}`")))?;
    let Payload::Request { statement, ruling, .. } = entries::payload(EntryKind::Request, row, 11)? else {
        return Err(StoreError::Damaged(format!("the entry of request {id} is of another kind")));
    };
    Ok(StoredRequest {
        id,
        entry: row.get(1)?,
        submitted,
        requester,
        owner,
        statement,
        ruling,
        expires,
        state,
        version: row.get(6)?,
        uses: row.get(9)?,
        decisions: Vec::new(),
        rebinds: Vec::new(),
        review: None,
    })
}

fn decisions(connection: &Connection, id: RequestId) -> Result<Vec<StoredDecision>, StoreError> {
    let sql = "SELECT entry, approver, owner, verdict, time, payload FROM decisions JOIN entries ON idx = entry \
               WHERE request = ?1 ORDER BY entry";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([id.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Payload::Decision { statement, .. } = entries::payload(EntryKind::Decision, row, 5)? else {
            return Err(StoreError::Damaged(format!("the entry of a decision on {id} is of another kind")));
        };
        let (Parsed(approver), Parsed(owner), Parsed(verdict)) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let Column(time) = row.get(4)?;
        found.push(StoredDecision { entry: row.get(0)?, time, approver, owner, verdict, statement });
    }
    Ok(found)
}

fn rebinds(connection: &Connection, id: RequestId) -> Result<Vec<SignedText>, StoreError> {
    let sql = "SELECT payload FROM rebinds JOIN entries ON idx = entry WHERE request = ?1 ORDER BY entry";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([id.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Payload::Act { statement } = entries::payload(EntryKind::Act, row, 0)? else {
            return Err(StoreError::Damaged(format!("the entry of a rebinding of {id} is of another kind")));
        };
        found.push(statement);
    }
    Ok(found)
}
