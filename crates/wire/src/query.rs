//! What readers ask for.

use domain::{Digest, RequestId, Selector};

use crate::WireError;
use crate::error::{optional, parsed};
use crate::v1;

/// Which requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// One's own.
    Mine,
    /// Pending ones that the user may decide now, and break-glass that they may review while that is owed.
    Inbox,
    /// All that the user may read.
    All,
    /// Break-glass whose review is owed, of all that the user may read.
    Owed,
}

impl TryFrom<i32> for View {
    type Error = WireError;

    fn try_from(given: i32) -> Result<Self, WireError> {
        match v1::View::try_from(given) {
            Ok(v1::View::Mine) => Ok(Self::Mine),
            Ok(v1::View::Inbox) => Ok(Self::Inbox),
            Ok(v1::View::All) => Ok(Self::All),
            Ok(v1::View::Owed) => Ok(Self::Owed),
            Ok(v1::View::Unspecified) => Err(WireError::Missing("view")),
            Err(_) => Err(WireError::Field { field: "view", why: format!("{given} is not a view of this version") }),
        }
    }
}

impl From<View> for i32 {
    fn from(view: View) -> Self {
        match view {
            View::Mine => v1::View::Mine.into(),
            View::Inbox => v1::View::Inbox.into(),
            View::All => v1::View::All.into(),
            View::Owed => v1::View::Owed.into(),
        }
    }
}

/// Which requests to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequests {
    /// Which.
    pub view: View,
    /// At most this many.
    pub limit: u32,
    /// Only requests that can still be used or decided.
    pub live: bool,
}

impl TryFrom<v1::ListRequestsRequest> for ListRequests {
    type Error = WireError;

    fn try_from(given: v1::ListRequestsRequest) -> Result<Self, WireError> {
        let limit = match given.limit {
            0 => 100,
            1..=500 => given.limit,
            more => {
                return Err(WireError::Field { field: "limit", why: format!("{more} is more than 500") });
            }
        };
        Ok(Self { view: given.view.try_into()?, limit, live: given.live })
    }
}

/// Which requests to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchRequests {
    /// One.
    One(RequestId),
    /// All of a view.
    View(View),
}

impl TryFrom<v1::WatchRequestsRequest> for WatchRequests {
    type Error = WireError;

    fn try_from(given: v1::WatchRequestsRequest) -> Result<Self, WireError> {
        if given.id.is_empty() { given.view.try_into().map(Self::View) } else { request_id(&given.id).map(Self::One) }
    }
}

/// Which hosts to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListHosts {
    /// Labels that they must have; `None` for all.
    pub selector: Option<Selector>,
}

impl TryFrom<v1::ListHostsRequest> for ListHosts {
    type Error = WireError;

    fn try_from(given: v1::ListHostsRequest) -> Result<Self, WireError> {
        Ok(Self { selector: optional("selector", &given.selector)? })
    }
}

/// A request id from a message.
///
/// # Errors
/// [`WireError::Field`].
pub fn request_id(given: &str) -> Result<RequestId, WireError> {
    parsed("id", given)
}

/// A digest from a message, where the empty text means that there is none.
///
/// # Errors
/// [`WireError::Field`].
pub fn digest(given: &str) -> Result<Option<Digest>, WireError> {
    optional("digest", given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_must_be_said_and_known() {
        for view in [View::Mine, View::Inbox, View::All, View::Owed] {
            assert_eq!(View::try_from(i32::from(view)), Ok(view));
        }
        assert_eq!(View::try_from(0), Err(WireError::Missing("view")));
        assert!(matches!(View::try_from(9), Err(WireError::Field { field: "view", .. })));
    }

    #[test]
    fn limits_are_bounded() {
        let ask = |limit| ListRequests::try_from(v1::ListRequestsRequest { view: 1, limit, live: false });
        assert_eq!(ask(0).unwrap().limit, 100);
        assert_eq!(ask(500).unwrap().limit, 500);
        assert!(ask(501).is_err());
    }

    #[test]
    fn a_watch_is_of_one_request_or_of_a_view() {
        let ask = |id: &str, view| WatchRequests::try_from(v1::WatchRequestsRequest { view, id: id.to_owned() });
        assert_eq!(ask("7k3f9-qxmwt", 0), Ok(WatchRequests::One("7K3F9-QXMWT".parse().unwrap())));
        assert_eq!(ask("", 2), Ok(WatchRequests::View(View::Inbox)));
        assert!(ask("nonsense", 2).is_err());
        assert!(ask("", 0).is_err());
    }
}
