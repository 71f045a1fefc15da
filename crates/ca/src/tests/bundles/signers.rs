//! No bundle takes effect without the signers of the bundle before.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use domain::Amendment;
use ledger::SignedText;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use statement::{Act, BundleChange};

use crate::tests::harness::*;
use crate::tests::seeded;
use crate::{Bundle, Error, FromFiles};

/// Who is around, and the person behind each.
const PEOPLE: [u8; 5] = [ALICE, BOB, CAROL, ALICE_ADMIN, DAVE];

const fn person(user: u8) -> u8 {
    if user == ALICE_ADMIN { ALICE } else { user }
}

/// What `[policy] signers` may be, and how many of admins and of keepers that is.
const SIGNERS: [(Option<&str>, usize, usize); 5] = [
    (None, 0, 0),
    (Some("1 of admins"), 1, 0),
    (Some("2 of admins"), 2, 0),
    (Some("1 of admins, 1 of keepers"), 1, 1),
    (Some("2 of keepers"), 0, 2),
];

/// A bundle, as far as it says who changes it.
#[derive(Debug, Clone)]
struct Rules {
    signers: (Option<&'static str>, usize, usize),
    admins: Vec<u8>,
    keepers: Vec<u8>,
    note: u8,
}

impl Rules {
    /// `None` if nobody could ever change it: such a bundle is a mistake.
    fn bundle(&self) -> Option<Bundle> {
        let names =
            |users: &[u8]| users.iter().map(|user| format!("\"{}\"", name(*user))).collect::<Vec<_>>().join(", ");
        let Setup { directory, access, .. } = Setup::default();
        let admins = format!("members = [{}]\nrights", names(&self.admins));
        let directory = directory.replace("members = [\"carol\"]\nrights", &admins);
        let keepers = format!("[[group]]\nname = \"keepers\"\nmembers = [{}]\n", names(&self.keepers));
        let signers = self.signers.0.map(|signers| format!("[policy]\nsigners = \"{signers}\"\n"));
        let access = format!("{access}{}# {}\n", signers.unwrap_or_default(), self.note);
        let mut files = Setup { directory: directory + &keepers, access, ..Setup::default() }.files();
        files.hosts.text = files.hosts.text.replace("realm = \"off\"", "");
        Bundle::load(&files).ok()
    }

    /// Whether these fill every slot, each person one: every way of seating them is tried.
    fn signed_by(&self, by: &BTreeSet<u8>, disabled: &BTreeSet<u8>) -> bool {
        let mut groups: BTreeMap<u8, [bool; 2]> = BTreeMap::new();
        for user in by.iter().filter(|user| !disabled.contains(&person(**user))) {
            let [admin, keeper] = groups.entry(person(*user)).or_default();
            *admin |= self.admins.contains(user);
            *keeper |= self.keepers.contains(user);
        }
        let people: Vec<[bool; 2]> = groups.into_values().collect();
        seats(&people, self.signers.1, self.signers.2)
    }
}

fn seats(people: &[[bool; 2]], admins: usize, keepers: usize) -> bool {
    if (admins, keepers) == (0, 0) {
        return true;
    }
    let Some(([admin, keeper], rest)) = people.split_first() else { return false };
    let as_admin = *admin && admins > 0 && seats(rest, admins - 1, keepers);
    as_admin || *keeper && keepers > 0 && seats(rest, admins, keepers - 1) || seats(rest, admins, keepers)
}

/// What somebody tries.
#[derive(Debug, Clone)]
enum Try {
    Push { by: u8, rules: Rules, signed: Vec<u8> },
    Reload { rules: Rules, signed: Vec<u8> },
    RollBack { by: u8, to: usize, signed: Vec<u8> },
    Disable { by: u8, whom: u8 },
}

fn rules() -> impl Strategy<Value = Rules> {
    let people = || subsequence(PEOPLE.to_vec(), 1..=5);
    (select(SIGNERS.to_vec()), people(), people(), any::<u8>()).prop_map(|(signers, admins, keepers, note)| Rules {
        signers,
        admins,
        keepers,
        note,
    })
}

fn attempt() -> impl Strategy<Value = Try> {
    let signed = || subsequence(PEOPLE.to_vec(), 0..=4);
    let by = || select(PEOPLE.to_vec());
    prop_oneof![
        6 => (by(), rules(), signed()).prop_map(|(by, rules, signed)| Try::Push { by, rules, signed }),
        4 => (rules(), signed()).prop_map(|(rules, signed)| Try::Reload { rules, signed }),
        4 => (by(), 0..4usize, signed()).prop_map(|(by, to, signed)| Try::RollBack { by, to, signed }),
        1 => (by(), by()).prop_map(|(by, whom)| Try::Disable { by, whom }),
    ]
}

/// What was in force, one after the other, and who was disabled at once.
struct Kept {
    in_force: Vec<Rules>,
    disabled: BTreeSet<u8>,
}

/// How often a bundle that takes two was put in force, and how often one was not for want of signatures.
#[derive(Debug, Default)]
struct Seen {
    by_two: u32,
    unsigned: u32,
    rolled_back: u32,
}

async fn play(attempts: &[Try], seen: &RefCell<Seen>) {
    let first = Rules { signers: SIGNERS[0], admins: vec![BOB, CAROL, DAVE], keepers: vec![BOB, ALICE], note: 0 };
    let world = world().await;
    world.ca.reload(FromFiles { bundle: first.bundle().unwrap(), signatures: Vec::new() }).await.unwrap();
    let mut kept = Kept { in_force: vec![first], disabled: BTreeSet::new() };
    for attempt in attempts {
        if let Try::Disable { by, whom } = attempt {
            let act = Act::Amend(Amendment::DisableUser(name(*whom)));
            // Whoever owns an account is disabled with it; an account alone is left out.
            if person(*whom) == *whom && world.act(*by, act).await.is_ok() {
                kept.disabled.insert(*whom);
            }
            continue;
        }
        let Some((by, signed, next, answer)) = tried(&world, &kept, attempt).await else { continue };
        let before = kept.in_force.last().unwrap();
        let all: BTreeSet<u8> = by.into_iter().chain(signed).collect();
        let enough = before.signed_by(&all, &kept.disabled);
        let mut seen = seen.borrow_mut();
        match answer {
            Ok(()) => {
                assert!(enough, "{attempt:?} was put in force after {before:?}, disabled {:?}", kept.disabled);
                if let Some(by) = by {
                    let may = before.admins.contains(&by) && !kept.disabled.contains(&person(by));
                    assert!(may, "{attempt:?} by no administrator of {before:?}");
                }
                seen.by_two += u32::from(before.signers.1 + before.signers.2 == 2);
                seen.rolled_back += u32::from(matches!(attempt, Try::RollBack { .. }));
                kept.in_force.push(next);
            }
            Err("BUNDLE_UNSIGNED") => {
                assert!(!enough, "{attempt:?} was refused after {before:?}, disabled {:?}", kept.disabled);
                seen.unsigned += 1;
            }
            // A bundle that would leave nobody, with those who are disabled.
            Err("BUNDLE_LOCKS_OUT") => assert!(!kept.disabled.is_empty(), "{attempt:?}"),
            Err("NO_RIGHT" | "USER_DISABLED" | "BUNDLE_BEFORE" | "BUNDLE_IN_FORCE" | "FILES_OUT_OF_USE") => {}
            Err(other) => panic!("{attempt:?}: {other}"),
        }
    }
}

/// Who pushed, who signed, what would be in force, and the answer; `None` where nothing is tried about a bundle.
async fn tried(
    world: &World,
    kept: &Kept,
    attempt: &Try,
) -> Option<(Option<u8>, Vec<u8>, Rules, Result<(), &'static str>)> {
    let before = (world.ca.bundle().digest(), world.ca.checkpoint().checkpoint.size);
    let (by, signed, rules) = match attempt {
        Try::Push { by, rules, signed } => (Some(*by), signed, rules.clone()),
        Try::Reload { rules, signed } => (None, signed, rules.clone()),
        Try::RollBack { by, to, signed } => (Some(*by), signed, kept.in_force.iter().rev().nth(*to)?.clone()),
        Try::Disable { .. } => return None,
    };
    let bundle = rules.bundle()?;
    let (digest, change) =
        (bundle.digest(), BundleChange { bundle: bundle.digest(), after: world.ca.bundle().entry() });
    let signatures = signed.iter().map(|user| signature(world, *user, change)).collect();
    let answer = match attempt {
        Try::Push { by, .. } => push(world, *by, bundle, signatures, change).await,
        Try::RollBack { by, .. } => {
            let act = statement::sign_with(&world.act_statement(*by, Act::RollBack(change)), &key(*by)).unwrap();
            world.ca.roll_back(act.text.as_bytes(), act.signature.as_bytes(), signatures).await.map(drop)
        }
        _ => world.ca.reload(FromFiles { bundle, signatures }).await.map(drop),
    };
    let after = (world.ca.bundle().digest(), world.ca.checkpoint().checkpoint.size);
    match &answer {
        Ok(()) => assert_eq!(after.0, digest),
        Err(error) => assert_eq!(after, before, "{attempt:?} was refused, and changed something: {error}"),
    }
    // A reload of what is in force changes nothing, and needs nobody.
    (before.0 != digest).then(|| (by, signed.clone(), rules, answer.map_err(|error| error.reason())))
}

fn signature(world: &World, user: u8, change: BundleChange) -> SignedText {
    let signed = by(user, &world.act_statement(user, Act::SignBundle(change)));
    SignedText { text: signed.text, signature: signed.signature.as_bytes().to_vec() }
}

async fn push(
    world: &World,
    user: u8,
    bundle: Bundle,
    signatures: Vec<SignedText>,
    change: BundleChange,
) -> Result<(), Error> {
    let signed = by(user, &world.act_statement(user, Act::LoadBundle(change)));
    let push = world.ca.begin_push(signed.text.as_bytes(), signed.signature.as_bytes()).await?;
    world.ca.push(push, bundle, signatures).await.map(drop)
}

fn histories(seed: u64, histories: u32) -> Seen {
    let seen = RefCell::new(Seen::default());
    let attempts = vec(attempt(), 1..25);
    seeded::each(seed, histories, &attempts, |case| seeded::lines(case), async |case| play(case, &seen).await);
    seen.into_inner()
}

#[test]
fn no_bundle_takes_effect_without_the_signers_of_the_one_before() {
    let seen = histories(1, 60);
    assert!(seen.by_two >= 20 && seen.unsigned >= 20 && seen.rolled_back >= 10, "{seen:?}");
}

#[test]
fn no_bundle_takes_effect_without_signers_from_a_fresh_seed() {
    let seen = histories(seeded::fresh(), 30);
    assert!(seen.unsigned > 0, "{seen:?}");
}
