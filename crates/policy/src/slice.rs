//! Which statements can apply at all, by their scope: Cedar's time grows with every statement it is given.

use std::collections::HashMap;

use cedar_policy::{EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

/// The statements by the user or group that their scope names, and then by the host or label.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    anybody: ByHost,
    of: HashMap<EntityUid, ByHost>,
}

#[derive(Debug, Default)]
struct ByHost {
    anywhere: Vec<usize>,
    on: HashMap<EntityUid, Vec<usize>>,
}

impl Slices {
    /// Indexes the statements by their place.
    pub(crate) fn new<'p>(policies: impl Iterator<Item = &'p Policy>) -> Self {
        let mut slices = Self::default();
        for (place, policy) in policies.enumerate() {
            let by_host = match principal(policy) {
                Some(user) => slices.of.entry(user).or_default(),
                None => &mut slices.anybody,
            };
            match resource(policy) {
                Some(host) => by_host.on.entry(host).or_default().push(place),
                None => by_host.anywhere.push(place),
            }
        }
        slices
    }

    /// Every statement whose scope can hold for a user and a host with these ancestors, each first being itself.
    /// Permits and forbids alike: a scope that names none of them is false, and a false scope can neither apply nor err.
    pub(crate) fn of(&self, user: &[EntityUid], host: &[EntityUid]) -> Vec<usize> {
        let mut places = Vec::new();
        for by_host in std::iter::once(&self.anybody).chain(user.iter().filter_map(|uid| self.of.get(uid))) {
            places.extend(&by_host.anywhere);
            places.extend(host.iter().filter_map(|uid| by_host.on.get(uid)).flatten());
        }
        places
    }
}

/// The user or group that the scope names. `is` alone limits nothing here: users are all the principals and hosts all
/// the resources that there are.
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
