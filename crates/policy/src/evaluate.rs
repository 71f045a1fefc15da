//! One evaluation by Cedar: one user, one login, one host.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Authorizer, Decision, PolicyId, PolicySet};
use domain::{HostName, RuleName};

use crate::cedar::{self, Meaning, Statement};
use crate::facts::Facts;
use crate::terms::{Path, Terms};
use crate::{Policy, Refusal};

/// What matches on one host.
#[derive(Debug, PartialEq)]
pub(crate) struct Matched<'p> {
    /// The rules, each with the place of its first statement that matches.
    pub(crate) rules: BTreeMap<&'p RuleName, (usize, &'p Path)>,
    /// The requirements.
    pub(crate) requirements: Vec<&'p Terms>,
    /// The places of all statements that match.
    pub(crate) places: BTreeSet<usize>,
}

/// Asks Cedar with these statements only; [`crate::slice::Slices`] says which can apply.
pub(crate) fn evaluate<'p>(
    policy: &'p Policy,
    places: &[usize],
    facts: &Facts,
    host: &HostName,
) -> Result<Matched<'p>, Refusal> {
    let statements = places.iter().filter_map(|place| policy.statements.get(*place));
    let set = PolicySet::from_policies(statements.map(|statement| statement.policy.clone()));
    let set = set.map_err(|error| Refusal::Evaluation(error.to_string()))?;
    let response = Authorizer::new().is_authorized(&facts.request, &set, &facts.entities);
    // Cedar leaves out a statement that fails, be it the one that forbids. We refuse.
    if let Some(error) = response.diagnostics().errors().next() {
        return Err(Refusal::Evaluation(error.to_string()));
    }
    let reasons = response.diagnostics().reason().map(|id| statement(policy, id));
    let reasons: Vec<(usize, &Statement)> = reasons.collect::<Result<_, _>>()?;
    if response.decision() == Decision::Allow { Ok(matched(reasons)) } else { none_unless_forbidden(reasons, host) }
}

/// When Cedar denies, its reasons are the prohibitions; without any, nothing matched.
fn none_unless_forbidden<'p>(reasons: Vec<(usize, &'p Statement)>, host: &HostName) -> Result<Matched<'p>, Refusal> {
    let prohibition = |(place, statement): (usize, &'p Statement)| match &statement.meaning {
        Meaning::Prohibition(by) => Some((place, by)),
        _ => None,
    };
    match reasons.into_iter().filter_map(prohibition).min() {
        Some((_, by)) => Err(Refusal::Forbidden { by: by.clone(), host: host.clone() }),
        None => Ok(matched(Vec::new())),
    }
}

fn matched(mut reasons: Vec<(usize, &Statement)>) -> Matched<'_> {
    reasons.sort_by_key(|(place, _)| *place);
    let places = reasons.iter().map(|(place, _)| *place).collect();
    let mut matched = Matched { rules: BTreeMap::new(), requirements: Vec::new(), places };
    for (place, statement) in reasons {
        match &statement.meaning {
            Meaning::Rule(name, path) => {
                matched.rules.entry(name).or_insert((place, path));
            }
            Meaning::Requirement(terms) => matched.requirements.push(terms),
            // A prohibition that holds makes Cedar deny: there is none among the reasons to allow.
            Meaning::Prohibition(_) => {}
        }
    }
    matched
}

fn statement<'p>(policy: &'p Policy, id: &PolicyId) -> Result<(usize, &'p Statement), Refusal> {
    let found = cedar::number(id).and_then(|place| Some((place, policy.statements.get(place)?)));
    found.ok_or_else(|| Refusal::Evaluation(format!("no statement has the id {id}")))
}
