//! Which statements can apply at all, by their scope: Cedar's time grows with every statement it is given.

use std::collections::HashMap;

use cedar_policy::{EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

/// The statements by the user or group, and by the host or label, that their scope names. `None` is no such limit.
#[derive(Debug, Default)]
pub(crate) struct Slices(HashMap<Option<EntityUid>, HashMap<Option<EntityUid>, Vec<usize>>>);

impl Slices {
    /// Indexes the statements by their place.
    pub(crate) fn new<'p>(policies: impl Iterator<Item = &'p Policy>) -> Self {
        let mut slices = Self::default();
        for (place, policy) in policies.enumerate() {
            slices.0.entry(principal(policy)).or_default().entry(resource(policy)).or_default().push(place);
        }
        slices
    }

    /// Every statement whose scope can hold for a user and a host with these ancestors, each first being itself.
    /// Permits and forbids alike: a scope that names none of them is false, and a false scope can neither apply nor err.
    pub(crate) fn of(&self, user: &[EntityUid], host: &[EntityUid]) -> Vec<usize> {
        let with_none = |uids: &[EntityUid]| -> Vec<Option<EntityUid>> {
            std::iter::once(None).chain(uids.iter().cloned().map(Some)).collect()
        };
        let (users, hosts) = (with_none(user), with_none(host));
        let by_host = users.iter().filter_map(|key| self.0.get(key));
        by_host.flat_map(|by_host| hosts.iter().filter_map(|key| by_host.get(key))).flatten().copied().collect()
    }
}

/// The user or group that the scope names. `is` alone limits nothing here: users are all the principals and hosts all the resources that there are.
pub(crate) fn principal(policy: &Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => Some(uid),
    }
}

/// The host or label that the scope names.
pub(crate) fn resource(policy: &Policy) -> Option<EntityUid> {
    match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => Some(uid),
    }
}
