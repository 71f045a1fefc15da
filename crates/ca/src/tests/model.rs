//! The lifecycle under random operations, against a model that is simple enough to read at a glance.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Approval, RequestId};
use request::StateName;
use statement::Act;

use super::harness::*;

/// How many operations one history has.
const STEPS: usize = 400;
const HOUR: u64 = 3600;
/// What `World::asked` asks for.
const WINDOW: u64 = 1800;

/// Hosts, and how many people of `sre` each takes.
const HOSTS: [(&str, usize); 3] = [("root@web-1", 1), ("root@two-1", 2), ("root@dev-1", 0)];
const APPROVERS: [u8; 2] = [BOB, CAROL];
const OTHERS: [u8; 4] = [ALICE, ALICE_ADMIN, BACKUP, DAVE];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Is {
    Pending { until: u64, approved_by: BTreeSet<u8> },
    Approved { until: u64 },
    Ended(StateName),
}

struct Modelled {
    id: RequestId,
    view: crate::View,
    access: &'static str,
    needs: usize,
    is: Is,
}

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a mut [T]) -> &'a mut T {
        let at = self.below(from.len());
        &mut from[at]
    }
}

#[tokio::test]
async fn random_histories_agree_with_the_diagram() {
    let fresh = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into();
    let mut hits = BTreeMap::new();
    for seed in [1, 2, fresh] {
        println!("seed {seed}");
        history(&mut Dice(seed), &mut hits).await;
    }
    for transition in
        ["waits", "approved", "auto", "denied", "cancelled", "given back", "expired", "issued", "not issued"]
    {
        assert!(hits.contains_key(transition), "never seen: {transition} ({hits:?})");
    }
}

async fn history(dice: &mut Dice, hits: &mut BTreeMap<&'static str, u64>) {
    let world = world().await;
    let mut requests: Vec<Modelled> = Vec::new();
    for _ in 0..STEPS {
        let now = world.now().seconds();
        let operation = dice.roll(10);
        if requests.is_empty() || operation == 0 {
            submit(&world, dice, &mut requests, hits).await;
        } else if operation == 1 {
            world.clock.pass(1 + dice.roll(900));
        } else if operation == 2 {
            expire(&world, &mut requests, now, hits).await;
        } else {
            let at = dice.below(requests.len());
            let request = &mut requests[at];
            match operation {
                3 | 4 => decide(&world, dice, request, now, Approval::Approve, hits).await,
                5 if dice.roll(3) == 0 => decide(&world, dice, request, now, Approval::Deny, hits).await,
                6 if dice.roll(3) == 0 => end(&world, request, hits).await,
                _ => fetch(&world, request, now, hits).await,
            }
        }
        if !requests.is_empty() {
            agrees(&world, dice.pick(&mut requests));
        }
    }
}

async fn submit(world: &World, dice: &mut Dice, requests: &mut Vec<Modelled>, hits: &mut BTreeMap<&'static str, u64>) {
    let (access, needs) = *dice.pick(&mut HOSTS.clone());
    let waiting = requests.iter().filter(|r| matches!(r.is, Is::Pending { .. })).count();
    let submitted = world.submit(&world.request(access, "30m")).await;
    if needs > 0 && waiting >= 5 {
        assert_eq!(reason(submitted), "TOO_MANY_PENDING");
        return;
    }
    let view = submitted.unwrap_or_else(|e| panic!("{e}"));
    let now = world.now().seconds();
    let is = if needs == 0 {
        *hits.entry("auto").or_default() += 1;
        Is::Approved { until: now + WINDOW }
    } else {
        Is::Pending { until: now + HOUR, approved_by: BTreeSet::new() }
    };
    requests.push(Modelled { id: view.stored.id, view, access, needs, is });
}

async fn expire(world: &World, requests: &mut [Modelled], now: u64, hits: &mut BTreeMap<&'static str, u64>) {
    let mut due = 0;
    for request in requests {
        if matches!(request.is, Is::Pending { until, .. } if until <= now) {
            request.is = Is::Ended(StateName::Expired);
            *hits.entry("expired").or_default() += 1;
            due += 1;
        }
    }
    assert_eq!(world.ca.expire().await.unwrap(), due);
}

async fn decide(
    world: &World,
    dice: &mut Dice,
    request: &mut Modelled,
    now: u64,
    verdict: Approval,
    hits: &mut BTreeMap<&'static str, u64>,
) {
    if dice.roll(4) == 0 {
        let other = *dice.pick(&mut OTHERS.clone());
        assert_eq!(reason(world.decide(&request.view, other, verdict).await), "DECISION_REFUSED");
        return;
    }
    let approver = *dice.pick(&mut APPROVERS.clone());
    let decided = world.decide(&request.view, approver, verdict).await;
    match &mut request.is {
        // Nobody is asked where the quorum is `auto`.
        _ if request.needs == 0 => assert_eq!(reason(decided), "DECISION_REFUSED"),
        Is::Pending { until, approved_by } if now < *until => {
            if approved_by.contains(&approver) {
                assert_eq!(reason(decided), "DECIDED_BEFORE");
                return;
            }
            decided.unwrap_or_else(|e| panic!("{e}"));
            approved_by.insert(approver);
            let (next, hit) = match verdict {
                Approval::Deny => (Some(Is::Ended(StateName::Denied)), "denied"),
                Approval::Approve if approved_by.len() >= request.needs => {
                    (Some(Is::Approved { until: now + WINDOW }), "approved")
                }
                Approval::Approve => (None, "waits"),
            };
            *hits.entry(hit).or_default() += 1;
            if let Some(next) = next {
                request.is = next;
            }
        }
        _ => assert_eq!(reason(decided), "WRONG_STATE"),
    }
}

async fn end(world: &World, request: &mut Modelled, hits: &mut BTreeMap<&'static str, u64>) {
    let (cancel, give_back) = (matches!(request.is, Is::Pending { .. }), matches!(request.is, Is::Approved { .. }));
    assert_eq!(reason(world.act(BOB, Act::Cancel(request.id)).await), "NOT_YOURS");
    if cancel {
        assert_eq!(reason(world.act(ALICE, Act::GiveBack(request.id)).await), "WRONG_STATE");
        world.act(ALICE, Act::Cancel(request.id)).await.unwrap();
        request.is = Is::Ended(StateName::Cancelled);
        *hits.entry("cancelled").or_default() += 1;
    } else if give_back {
        assert_eq!(reason(world.act(ALICE, Act::Cancel(request.id)).await), "WRONG_STATE");
        world.act(ALICE, Act::GiveBack(request.id)).await.unwrap();
        request.is = Is::Ended(StateName::GivenBack);
        *hits.entry("given back").or_default() += 1;
    } else {
        assert_eq!(reason(world.act(ALICE, Act::GiveBack(request.id)).await), "WRONG_STATE");
    }
}

/// A certificate comes from an approved request inside its window, and from nothing else.
async fn fetch(world: &World, request: &Modelled, now: u64, hits: &mut BTreeMap<&'static str, u64>) {
    let fetched = world.fetch(request.id, &[request.access]).await;
    if matches!(request.is, Is::Approved { until } if now < until) {
        let issued = fetched.unwrap_or_else(|e| panic!("{e}"));
        let Is::Approved { until } = request.is else { unreachable!("it was just seen") };
        assert!(issued.certificates[0].1.valid_before().seconds() <= until);
        *hits.entry("issued").or_default() += 1;
    } else {
        assert_eq!(reason(fetched), "NOT_GRANTED");
        *hits.entry("not issued").or_default() += 1;
    }
}

fn agrees(world: &World, request: &Modelled) {
    let now = world.now().seconds();
    let expected = match request.is {
        Is::Pending { until, .. } if now < until => StateName::Pending,
        Is::Approved { until } if now < until => StateName::Approved,
        Is::Pending { .. } | Is::Approved { .. } => StateName::Expired,
        Is::Ended(name) => name,
    };
    assert_eq!(world.ca.view(request.id).unwrap().state, expected, "{:?}", request.is);
}
