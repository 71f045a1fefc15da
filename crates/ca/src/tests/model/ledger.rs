//! What is true of every ledger, whatever the model says.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Approval, PublicKey, Quorum, RequestId};
use ledger::Payload;
use statement::{Act, ActStatement, Canonical as _, DecisionStatement, RequestStatement, RulingText};

use crate::tests::harness::*;

/// By the ledger alone: break-glass is free where every break-glass before that was granted was reviewed, and takes one approval
/// where one was not.
pub(super) fn no_second_is_free_while_a_review_is_owed(world: &World) {
    let size = u32::try_from(world.ca.checkpoint().checkpoint.size).unwrap();
    let (mut owed, mut waits) = (BTreeSet::new(), BTreeSet::new());
    for entry in world.ca.store.entries(0, size).unwrap() {
        match entry.payload {
            Payload::Request { request, ruling, .. } => {
                let ruling = RulingText::parse(&ruling).unwrap();
                let given = ruling.obligations();
                if given.break_glass.is_none() {
                    continue;
                }
                assert_eq!(given.quorum.people(), u64::from(!owed.is_empty()), "entry {}: {owed:?}", entry.index);
                if given.quorum.is_auto() {
                    owed.insert(request)
                } else {
                    waits.insert(request)
                };
            }
            Payload::Decision { request, statement } => {
                let verdict = DecisionStatement::parse(&statement.text).unwrap().verdict;
                if verdict == Approval::Approve && waits.remove(&request) {
                    owed.insert(request);
                }
            }
            Payload::Act { statement } => {
                match ActStatement::parse(&statement.text).unwrap().act {
                    Act::Review(request) => assert!(owed.remove(&request), "reviewed twice, or never granted"),
                    // It waits again, and nobody got in by it.
                    Act::Withdraw(request) if owed.remove(&request) => drop(waits.insert(request)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// By the ledger alone: before each certificate stand its request and approvals by as many people as the ruling asks
/// for, the requester not among them, and neither a deny nor an end, of it or of what it extends; and it is for the
/// connecting key that was put there last. What stops ended is given: the model says whether that was all.
pub(super) fn nothing_left_without_its_quorum(world: &World, stopped: &BTreeMap<u64, Vec<RequestId>>) {
    let size = u32::try_from(world.ca.checkpoint().checkpoint.size).unwrap();
    let mut alive: BTreeMap<RequestId, Asked> = BTreeMap::new();
    for entry in world.ca.store.entries(0, size).unwrap() {
        let index = entry.envelope().index;
        match entry.payload {
            Payload::Request { request, ruling, statement } => {
                let ruled = RulingText::parse(&ruling).unwrap().obligations().clone();
                let said = RequestStatement::parse(&statement.text).unwrap();
                let (since, extends) = (said.header.time.seconds(), said.extends.map(|extends| extends.id));
                let (quorum, rests, key) = (ruled.quorum, ruled.rests, said.connecting_key);
                alive.insert(request, Asked { quorum, since, approvals: Vec::new(), extends, rests, key });
            }
            Payload::Decision { request, statement } => {
                let said = DecisionStatement::parse(&statement.text).unwrap();
                if said.verdict == Approval::Deny {
                    alive.remove(&request);
                } else {
                    let (person, approvals) =
                        (person(said.approver.as_str()), &mut alive.get_mut(&request).unwrap().approvals);
                    approvals.retain(|(other, _)| *other != person);
                    approvals.push((person, said.header.time.seconds()));
                }
            }
            Payload::Act { statement } => {
                let said = ActStatement::parse(&statement.text).unwrap();
                match (said.act.request(), said.act) {
                    (Some(request), Act::Rebind(rebind)) => alive.get_mut(&request).unwrap().key = rebind.key,
                    (Some(request), Act::Withdraw(_)) => {
                        let (person, approvals) =
                            (person(said.user.as_str()), &mut alive.get_mut(&request).unwrap().approvals);
                        assert!(approvals.iter().any(|(other, _)| *other == person));
                        approvals.retain(|(other, _)| *other != person);
                        end_extensions(&mut alive, request);
                    }
                    (Some(_), Act::Review(_)) => {}
                    (Some(request), _) => {
                        end_extensions(&mut alive, request);
                        alive.remove(&request).unwrap();
                    }
                    (None, Act::Stop(_)) => {
                        for request in stopped.get(&index).into_iter().flatten() {
                            alive.remove(request).unwrap();
                        }
                    }
                    (None, _) => {}
                }
            }
            Payload::Expired { request } => drop(alive.remove(&request).unwrap()),
            Payload::Certificate { request, to_be_signed, .. } => {
                let certificate = cert::ToBeSigned::from_bytes(to_be_signed).unwrap();
                assert_eq!(certificate.draft().connecting_key, alive[&request].key, "entry {index}");
                assert!(stands(&alive, request), "entry {index}");
            }
            _ => {}
        }
    }
}

/// A request that may still be granted: what it takes, when it was signed, and who approved when, the last one last.
struct Asked {
    quorum: Quorum,
    since: u64,
    approvals: Vec<(&'static str, u64)>,
    extends: Option<RequestId>,
    rests: bool,
    key: PublicKey,
}

/// Whether people enough approved it in their turn, and what it rests on.
fn stands(alive: &BTreeMap<RequestId, Asked>, id: RequestId) -> bool {
    let Asked { quorum, since, approvals, extends, rests, .. } = &alive[&id];
    let enough = u64::try_from(approvals.len()).unwrap() >= quorum.people();
    let others = approvals.iter().all(|(person, _)| *person != "alice");
    let in_turn = quorum.stages() < 2 || leads_then_sre(approvals, *since);
    enough && others && in_turn && extends.is_none_or(|before| !rests || stands(alive, before))
}

fn end_extensions(alive: &mut BTreeMap<RequestId, Asked>, of: RequestId) {
    let later: Vec<RequestId> =
        alive.iter().filter(|(_, request)| request.extends == Some(of)).map(|(id, _)| *id).collect();
    for id in later {
        end_extensions(alive, id);
        alive.remove(&id);
    }
}

/// Whether somebody who leads, or is on duty after a quarter of an hour, approved before somebody else of `sre` did.
fn leads_then_sre(approvals: &[(&str, u64)], asked: u64) -> bool {
    let leads = |(person, signed): &(&str, u64)| match *person {
        "bob" | "dave" => true,
        "carol" => signed.saturating_sub(asked) >= 900,
        _ => false,
    };
    (0..approvals.len()).any(|place| {
        let then = &approvals[place + 1..];
        leads(&approvals[place]) && then.iter().any(|(person, _)| ["bob", "carol"].contains(person))
    })
}

/// The person behind an account.
fn person(account: &str) -> &'static str {
    match account {
        "alice" | "alice-admin" => "alice",
        "bob" | "backup" => "bob",
        "carol" => "carol",
        "dave" => "dave",
        _ => "somebody else",
    }
}
