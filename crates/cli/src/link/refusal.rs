//! What a server says when it says no.

use tonic::Status;
use tonic_types::StatusExt as _;
use wire::HOSTS;

use super::LinkError;

/// What a server says may be shown, but must not act on a terminal, nor look like lines of this program.
pub(super) fn refused(status: &Status) -> LinkError {
    let plain = |text: &str| {
        let shown = text.chars().filter(|c| *c == '\n' || domain::is_visible(*c)).take(4096).collect::<String>();
        shown.replace('\n', "\n  ")
    };
    let info = status.get_details_error_info();
    let reason = info.as_ref().map(|info| plain(&info.reason));
    let hosts = info.as_ref().and_then(|info| info.metadata.get(HOSTS));
    LinkError::Refused {
        reason: reason.unwrap_or_else(|| format!("{:?}", status.code()).to_uppercase()),
        hosts: hosts.into_iter().flat_map(|hosts| hosts.split(',')).filter_map(|host| host.parse().ok()).collect(),
        message: plain(status.message()),
        code: status.code(),
    }
}
