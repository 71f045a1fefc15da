//! Which statements can apply at all, by their scope: Cedar's time grows with every statement it is given.

use std::collections::HashMap;

use cedar_policy::{EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

use crate::cedar::Statement;

/// The statements by the user or group that their scope names, and then by the host or label that they are about.
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
    /// Indexes the statements by their place; the first `compiled` are those that `access.toml` became. Of several labels
    /// that a host must have, the one that the fewest statements name tells most: `service=billing`, and not `env=prod`.
    pub(crate) fn new(statements: &[Statement], compiled: usize) -> Self {
        let own = |(place, statement): (usize, &Statement)| {
            let labels = if place < compiled { labels(&statement.policy) } else { Vec::new() };
            if labels.is_empty() { resource(&statement.policy).into_iter().collect() } else { labels }
        };
        let on: Vec<Vec<EntityUid>> = statements.iter().enumerate().map(own).collect();
        let mut named: HashMap<&EntityUid, usize> = HashMap::new();
        for uid in on.iter().flatten() {
            *named.entry(uid).or_default() += 1;
        }
        let mut slices = Self::default();
        for (place, (statement, on)) in statements.iter().zip(&on).enumerate() {
            let by_host = match principal(&statement.policy) {
                Some(user) => slices.of.entry(user).or_default(),
                None => &mut slices.anybody,
            };
            match on.iter().min_by_key(|uid| named.get(uid)) {
                Some(rarest) => by_host.on.entry(rarest.clone()).or_default().push(place),
                None => by_host.anywhere.push(place),
            }
        }
        slices
    }

    /// Every statement that can hold for a user and a host with these ancestors, each first being itself. Permits and
    /// forbids alike: a scope that names none of them is false, and a false scope can neither apply nor err. The labels of
    /// what was compiled are conditions that are looked at right after the scope, and none of its conditions can err.
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

/// The labels that a statement of `access.toml` names: the host must have them all.
pub(crate) fn labels(policy: &Policy) -> Vec<EntityUid> {
    policy.entity_literals().into_iter().filter(|uid| uid.type_name().basename() == "Label").collect()
}

/// The host or label that the scope names.
pub(crate) fn resource(policy: &Policy) -> Option<EntityUid> {
    match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => Some(uid),
    }
}
