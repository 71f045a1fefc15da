//! The jump hosts in front of the hosts of a grant: what was approved says which they are, and the server where.

use domain::{HostName, Jump, Pair};
use wire::Endpoint;

use crate::checked::Checked;

/// How a host is reached. Of one that came later, which of the approved jump hosts is in front of it is the server's word.
pub(crate) fn nearest<'r>(request: &'r Checked, host: &HostName) -> Option<&'r Jump> {
    let allowed = request.ruling.obligations();
    if allowed.live.is_none() || allowed.hosts.contains(host) {
        return allowed.jumps.of(host);
    }
    let later = || {
        let via = request.told.endpoints.iter().find(|endpoint| endpoint.host == *host)?.via.as_ref()?;
        allowed.jumps.all().find(|jump| jump.through.host == *via)
    };
    allowed.jumps.of(host).or_else(later)
}

/// The logins on the jump hosts in front of a host, the nearest first.
pub(crate) fn before<'r>(request: &'r Checked, host: &HostName) -> Vec<&'r Pair> {
    let Some(nearest) = nearest(request, host) else { return Vec::new() };
    let others = request.ruling.obligations().jumps.before(&nearest.through.host);
    std::iter::once(nearest).chain(others).map(|jump| &jump.through).collect()
}

/// Where a jump host is reached.
pub(crate) fn endpoint<'r>(request: &'r Checked, jump: &HostName) -> Option<&'r Endpoint> {
    request.told.jump_hosts.iter().find(|endpoint| endpoint.host == *jump)
}

/// What stands behind `ProxyJump` for a host: the login on the jump host; where that was not approved, the server's word
/// alone, for the user's own keys.
pub(crate) fn proxy_jump(request: &Checked, host: &HostName, endpoint: &Endpoint) -> Option<String> {
    let approved = nearest(request, host).map(|jump| jump.through.to_string());
    approved.or_else(|| endpoint.via.as_ref().map(ToString::to_string))
}
