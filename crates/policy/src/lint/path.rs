//! Comparing what rules ask and give.

use domain::{Owes, RuleName};

use crate::Policy;
use crate::access::{Says, Scope};
use crate::cedar::Meaning;
use crate::terms::Path;

/// Whether one path opens everything that another does, for as long and with no more of a ticket; whom it asks aside.
pub(super) fn gives_as_much(one: &Path, other: &Path) -> bool {
    // Named one by one, so that what a path gets in time is compared here too.
    let Path { quorum: _, max, ttl, allow, tickets, source, verify_required, requester_key, approver_key, .. } = one;
    let Path { live_hosts, extend: _, break_glass: _, break_glass_key: _, no_break_glass: _, .. } = one;
    let from_everywhere = match (source, &other.source) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => other.within(one),
    };
    *max >= other.max
        && from_everywhere
        && (!verify_required || other.verify_required)
        && *requester_key <= other.requester_key
        && *approver_key <= other.approver_key
        && *live_hosts >= other.live_hosts
        && *ttl >= other.ttl
        && extends_as_easily(one, other)
        && allow.is_superset(&other.allow)
        && tickets.iter().all(|ticket| other.tickets.contains(ticket))
        && breaks_as_much(one, other)
}

/// Whether it permits break-glass wherever the other does, for as long and by as weak keys.
fn breaks_as_much(one: &Path, other: &Path) -> bool {
    match (one.as_break_glass(Owes::Nothing), other.as_break_glass(Owes::Nothing)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some((one, reviews)), Some((other, theirs))) => {
            reviews == theirs && one.max >= other.max && one.requester_key <= other.requester_key
        }
    }
}

/// Whether an extension takes no more approvals, where either says what it takes.
fn extends_as_easily(one: &Path, other: &Path) -> bool {
    let unsaid = one.extend.is_none() && other.extend.is_none();
    unsaid || other.extension().and(one.extension()) == *other.extension()
}

/// Whether an entry applies by whom, where and as what alone, so that one request shows what all find.
pub(super) const fn always(scope: &Scope) -> bool {
    // Named one by one, so that a condition that entries get in time is not taken for one that always holds.
    let Scope { who: _, hosts: _, logins: _, when, commands } = scope;
    when.is_empty() && commands.is_empty()
}

/// Whether a rule applies by its scope alone.
pub(super) fn always_applies(policy: &Policy, rule: &RuleName) -> bool {
    let of_rule = |meaning: &Meaning| matches!(meaning, Meaning::Rule(name, _) if name == rule);
    let by_hand = policy.statements.iter().skip(policy.compiled);
    let mut by_hand = by_hand.filter(|statement| of_rule(&statement.meaning));
    let named = |says: &Says| matches!(says, Says::Rule(name, _) if name.get_ref() == rule);
    let mut entries = policy.entries.iter().filter(|entry| named(&entry.says));
    by_hand.all(|statement| !statement.policy.has_non_scope_constraint()) && entries.all(|entry| always(&entry.scope))
}

/// Whether requirements and prohibitions apply by their scopes alone.
pub(super) fn others_always_apply(policy: &Policy) -> bool {
    let is_rule = |meaning: &Meaning| matches!(meaning, Meaning::Rule(..));
    let mut by_hand = policy.statements.iter().skip(policy.compiled).filter(|other| !is_rule(&other.meaning));
    by_hand.all(|statement| !statement.policy.has_non_scope_constraint())
        && policy.entries.iter().all(|entry| matches!(entry.says, Says::Rule(..)) || always(&entry.scope))
}
