//! A request that was approved under one bundle gets under another no more than both allow; and what `who-can` says of a
//! bundle is what submitting and approving finds.

use std::cell::RefCell;

use domain::Approval;
use policy::{Hopeless, Way, who_can};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use request::StateName;
use statement::{Canonical as _, RulingText};

use crate::View;
use crate::tests::harness::*;
use crate::tests::seeded;

const SRE: [u8; 4] = [BOB, CAROL, DAVE, ALICE];
const KEEPERS: [u8; 4] = [CAROL, DAVE, ALICE_ADMIN, BACKUP];
/// Who tries to approve: those who may more often.
const TRYING: [u8; 9] = [BOB, BOB, CAROL, CAROL, DAVE, DAVE, ALICE, ALICE_ADMIN, BACKUP];
/// Each narrower than the one before.
const SOURCES: [&str; 3] = ["", "10.0.0.0/8", "10.1.0.0/16"];

/// What a bundle says of the requests that are made here.
#[derive(Debug, Clone)]
struct Rules {
    logins: Vec<&'static str>,
    hosts: &'static str,
    /// How many of sre and of keepers.
    needs: [usize; 2],
    order: Order,
    members: [Vec<u8>; 2],
    max: u64,
    /// A requirement beside the rule: no window may be longer.
    cap: Option<u64>,
    ttl: u64,
    allow: Vec<&'static str>,
    commands: Option<&'static str>,
    source: usize,
    forbids: Option<&'static str>,
}

/// When keepers are asked, beside those of sre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    AtOnce,
    Then,
    /// At once, and after these seconds they stand in for sre too.
    StandIn(u64),
}

fn rules() -> impl Strategy<Value = Rules> {
    let logins = subsequence(vec!["root", "daemon"], 1..=2);
    let hosts = select(vec!["env=prod", "env=prod", "web-1", "*"]);
    let needs = (0..3usize, 0..2usize).prop_map(|(sre, keepers)| [sre, keepers]);
    let order = select(vec![Order::AtOnce, Order::Then, Order::Then, Order::StandIn(300), Order::StandIn(600)]);
    let needs = (needs, order);
    let members = (subsequence(SRE.to_vec(), 1..=4), subsequence(KEEPERS.to_vec(), 1..=4)).prop_map(|(s, k)| [s, k]);
    // A cap may be shorter than certificates live: they end with the window.
    let times = (12..40u64, prop::option::weighted(0.8, 1..15u64), 1..10u64);
    let allow = subsequence(vec!["pty", "port-forwarding"], 0..=2);
    let commands = select(vec![None, Some("uptime"), Some("journalctl ...")]);
    let forbids = prop::option::weighted(0.8, select(vec!["web-1", "web-2"]));
    (logins, hosts, needs, members, times, allow, commands, 0..3usize, forbids).prop_map(
        |(logins, hosts, (needs, order), members, (max, cap, ttl), allow, commands, source, forbids)| Rules {
            logins,
            hosts,
            needs,
            order,
            members,
            max,
            cap,
            ttl,
            allow,
            commands,
            source,
            forbids,
        },
    )
}

/// Some fields of other rules, in place of those of the usual ones.
#[derive(Debug, Clone)]
struct Change {
    other: Rules,
    fields: Vec<usize>,
}

fn change() -> impl Strategy<Value = Change> {
    // Quorums and members matter most together.
    let fields = vec(select(vec![0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 11, 11]), 0..=3);
    (rules(), fields).prop_map(|(other, fields)| Change { other, fields })
}

impl Change {
    /// What most requests take, with this change.
    fn rules(&self) -> Rules {
        let mut rules = Rules {
            logins: vec!["root", "daemon"],
            hosts: "env=prod",
            needs: [1, 0],
            order: Order::AtOnce,
            members: [SRE.to_vec(), KEEPERS.to_vec()],
            max: 30,
            cap: None,
            ttl: 10,
            allow: vec!["pty", "port-forwarding"],
            commands: None,
            source: 0,
            forbids: None,
        };
        let other = self.other.clone();
        for field in &self.fields {
            match field {
                0 => rules.logins.clone_from(&other.logins),
                1 => rules.hosts = other.hosts,
                2 => (rules.needs, rules.order) = (other.needs, other.order),
                3 => rules.members.clone_from(&other.members),
                4 => rules.max = other.max,
                5 => rules.cap = other.cap,
                6 => rules.ttl = other.ttl,
                7 => rules.allow.clone_from(&other.allow),
                8 => rules.commands = other.commands,
                9 => rules.source = other.source,
                10 => rules.forbids = other.forbids,
                _ => {
                    (rules.needs, rules.order, rules.members) = (other.needs, other.order, other.members.clone());
                }
            }
        }
        rules
    }
}

impl Rules {
    fn setup(&self) -> Setup {
        let names = |users: &[u8]| users.iter().map(|user| name(*user).to_string()).collect::<Vec<_>>();
        let Setup { directory, .. } = Setup::default();
        let (people, _) = directory.split_once("[[group]]\nname = \"sre\"").unwrap();
        let [sre, keepers] = &self.members;
        let groups = format!(
            "[[group]]\nname = \"sre\"\nmembers = {:?}\n[[group]]\nname = \"keepers\"\nmembers = {:?}\n",
            names(sre),
            names(keepers)
        );
        let slots = [(self.needs[0], "sre"), (self.needs[1], "keepers")];
        let slots = slots.iter().filter(|(count, _)| *count > 0).map(|(count, group)| format!("{count} of {group}"));
        let slots = slots.collect::<Vec<_>>().join(if self.order == Order::Then { " then " } else { ", " });
        let quorum = if slots.is_empty() { "auto" } else { &slots };
        let mut access = format!(
            "[[rule]]\nname = \"r\"\nwho = \"dev\"\nhosts = {:?}\nlogins = {:?}\napprove = {quorum:?}\nmax = \"{}m\"\nttl = \"{}m\"\n\
             allow = {:?}\n",
            self.hosts, self.logins, self.max, self.ttl, self.allow
        );
        if let (Order::StandIn(seconds), true) = (self.order, self.needs[0] > 0) {
            access += &format!("escalate = \"{seconds}s to keepers\"\n");
        }
        if self.source > 0 {
            access += &format!("source = {:?}\n", SOURCES[self.source]);
        }
        if let Some(pattern) = self.commands {
            access += &format!("commands = {pattern:?}\n");
        }
        if let Some(cap) = self.cap {
            access += &format!("[[require]]\nhosts = \"env=prod\"\nmax = \"{cap}m\"\n");
        }
        if let Some(host) = self.forbids {
            access += &format!("[[forbid]]\nhosts = {host:?}\n");
        }
        // A cap below the ttl is fine: certificates end with the window.
        Setup { directory: people.to_owned() + &groups, access, ..Setup::default() }
    }

    /// Whether it opens this to alice, whoever approves and for however long.
    fn opens(&self, ask: &Ask) -> bool {
        let (login, host) = ask.access.split_once('@').unwrap();
        let command = match (self.commands, ask.command) {
            (None, _) => true,
            (Some("uptime"), asked) => asked == Some("uptime"),
            (Some(_), asked) => asked.is_some_and(|asked| asked.starts_with("journalctl")),
        };
        let on = self.hosts != "web-1" || host == "web-1";
        self.logins.contains(&login) && on && command && self.forbids != Some(host)
    }

    fn longest(&self) -> u64 {
        self.cap.map_or(self.max, |cap| cap.min(self.max)) * 60
    }

    /// Whether the approvals, in this order, fill every slot of a quorum by the members of this bundle.
    fn complete(&self, approved: &[Approved], needs: [usize; 2], order: Order) -> bool {
        // Neither alice, by whatever account, nor a service.
        let people: Vec<&Approved> =
            approved.iter().filter(|(user, _)| ![ALICE, ALICE_ADMIN, BACKUP].contains(user)).collect();
        let slots = [0, 1].map(|group| vec![group; needs[group]]).concat();
        self.fillable(&slots, &people, order, &mut Vec::new())
    }

    /// Every way is tried to give each slot to one of them.
    fn fillable(&self, slots: &[usize], people: &[&Approved], order: Order, given: &mut Vec<(usize, usize)>) -> bool {
        let Some((group, rest)) = slots.split_first() else { return true };
        people.iter().enumerate().any(|(place, (user, waited))| {
            let stands_in = matches!(order, Order::StandIn(wait) if *waited >= wait && self.members[1].contains(user));
            let fits = self.members[*group].contains(user) || *group == 0 && stands_in;
            let free = given.iter().all(|(_, other)| *other != place);
            let in_turn = order != Order::Then || given.iter().all(|(before, other)| before == group || *other < place);
            if !(fits && free && in_turn) {
                return false;
            }
            given.push((*group, place));
            let all = self.fillable(rest, people, order, given);
            given.pop();
            all
        })
    }
}

/// Who approved, and how many seconds after the request.
type Approved = (u8, u64);

/// What alice asks for.
#[derive(Debug, Clone)]
struct Ask {
    access: &'static str,
    minutes: u64,
    command: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Step {
    Approve(u8),
    Reload(Box<Change>),
    Pass(u64),
    Fetch,
}

type Case = (Change, Ask, Vec<Step>);

fn case() -> impl Strategy<Value = Case> {
    let access = select(vec!["root@web-1", "root@web-1", "daemon@web-1", "root@web-2"]);
    let command = select(vec![None, None, None, Some("uptime"), Some("journalctl -u app")]);
    let ask = (access, 1..20u64, command).prop_map(|(access, minutes, command)| Ask { access, minutes, command });
    let approve = || select(TRYING.to_vec()).prop_map(Step::Approve);
    let step = || {
        prop_oneof![
            3 => approve(),
            3 => change().prop_map(|change| Step::Reload(Box::new(change))),
            2 => (1..400u64).prop_map(Step::Pass),
            4 => Just(Step::Fetch),
        ]
    };
    // Most are approved before anything else happens.
    let steps = (vec(approve(), 0..5), vec(step(), 3..12)).prop_map(|(first, then)| [first, then].concat());
    (change(), ask, steps)
}

#[derive(Debug, Default)]
struct Seen {
    refused: u32,
    approved: u32,
    /// Certificates under the bundle that ruled, and under another one.
    same: u32,
    other: u32,
}

async fn play((first, ask, steps): &Case, seen: &RefCell<Seen>) {
    let first = &first.rules();
    let world = world_of(first.setup()).await;
    let Some(mut view) = submitted(&world, ask).await else {
        seen.borrow_mut().refused += 1;
        return;
    };
    assert!(first.opens(ask) && ask.minutes * 60 <= first.longest(), "it was taken");
    let mut now = first.clone();
    let (mut approved, mut changed, asked): (Vec<Approved>, _, _) = (Vec::new(), false, world.now().seconds());
    let mut since = (view.state == StateName::Approved).then(|| world.now().seconds());
    for step in steps {
        match step {
            Step::Pass(seconds) => world.clock.pass(*seconds),
            Step::Reload(change) => {
                (now, changed) = (change.rules(), true);
                world.reload(&now.setup()).await;
            }
            Step::Approve(user) => {
                let ways = (!changed && ask.command.is_none()).then(|| ways(&world, ask));
                let is_asked = world.ca.view(view.stored.id).unwrap().approvers.contains(&name(*user));
                let taken = world.decide(&view, *user, Approval::Approve).await;
                if let Some(ways) = ways.filter(|_| since.is_none()) {
                    found_as_listed(&ways, (&approved, first.order), *user, (is_asked, taken.is_ok()));
                }
                let Ok(after) = taken else { continue };
                approved.retain(|(other, _)| other != user);
                approved.push((*user, world.now().seconds() - asked));
                view = after;
                if !changed {
                    let complete = first.complete(&approved, first.needs, first.order);
                    assert_eq!(view.state == StateName::Approved, complete, "approved by {approved:?}");
                }
                if since.is_none() && view.state == StateName::Approved {
                    since = Some(world.now().seconds());
                    seen.borrow_mut().approved += 1;
                }
            }
            Step::Fetch => {
                let Ok(issued) = world.fetch(view.stored.id, &[ask.access]).await else { continue };
                let [(_, certificate)] = &issued.certificates[..] else { panic!("one was asked for") };
                within(certificate, ask, (first, &now), (&approved, since.unwrap()), world.now().seconds());
                let mut seen = seen.borrow_mut();
                if changed { seen.other += 1 } else { seen.same += 1 }
            }
        }
    }
}

/// Alice asks: what `who-can` says of her is what becomes of it.
async fn submitted(world: &World, ask: &Ask) -> Option<View> {
    let mut said = world.request(ask.access, &format!("{}m", ask.minutes));
    said.command = ask.command.map(|command| command.parse().unwrap());
    let taken = world.submit(&said).await.ok();
    // It leaves out rules for commands, and what it lists takes any.
    if ask.command.is_none() {
        let ways = ways(world, ask);
        let listed = ways.iter().find(|way| !matches!(way.hopeless, Some(Hopeless::Refused(_))));
        let ruled = taken.as_ref().map(|view| RulingText::parse(&view.stored.ruling).unwrap());
        assert_eq!(listed.map(|way| &way.given), ruled.as_ref().map(|text| text.obligations()), "{ask:?}");
    }
    taken
}

/// What `who-can` lists for alice.
fn ways(world: &World, ask: &Ask) -> Vec<Way> {
    let in_force = world.ca.bundle();
    let window = format!("{}m", ask.minutes).parse().unwrap();
    let access = ask.access.parse().unwrap();
    let ways = who_can(in_force.policy(), in_force.directory(), &access, window, world.now()).unwrap();
    ways.into_iter().filter(|way| way.requester == name(ALICE) && way.commands.is_empty()).collect()
}

/// Whom `who-can` lists as an approver may approve, once, and nobody else; in stages those who are asked.
fn found_as_listed(ways: &[Way], (approved, order): (&[Approved], Order), user: u8, (asked, taken): (bool, bool)) {
    let listed = ways.iter().any(|way| way.approvers.contains(&name(user)));
    let again = approved.iter().any(|(other, _)| *other == user);
    // Who approved before they could stand in, does so again.
    assert!(listed && (!again || asked && order != Order::AtOnce) || !taken, "{} approves", name(user));
    if !again && (order == Order::AtOnce || asked) {
        assert_eq!(taken, listed, "{} approves, listed: {listed}, asked: {asked}", name(user));
    }
}

/// A certificate gives no more than the bundle that ruled and the one that is in force both do.
fn within(
    certificate: &cert::Certificate,
    ask: &Ask,
    (ruled, now): (&Rules, &Rules),
    (approved, since): (&[Approved], u64),
    time: u64,
) {
    assert_eq!(certificate.principals(), [ask.access]);
    let options: Vec<(&str, &str)> = certificate.critical_options().collect();
    let option = |name: &str| options.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    assert_eq!(option("force-command"), ask.command);
    let source = SOURCES[ruled.source.max(now.source)];
    assert_eq!(option("source-address").unwrap_or_default(), source);
    for rules in [ruled, now] {
        assert!(rules.opens(ask), "{rules:?} does not open {ask:?}");
        let until = certificate.valid_before().seconds();
        assert!(until <= time + rules.ttl * 60, "it lives longer than {rules:?} lets it");
        assert!(until <= since + rules.longest().min(ask.minutes * 60), "it outlives the window of {rules:?}");
        for (extension, _) in certificate.extensions() {
            assert!(
                rules.allow.iter().any(|allowed| extension == format!("permit-{allowed}")),
                "{extension}: {rules:?}"
            );
        }
        assert!(now.complete(approved, rules.needs, rules.order), "{approved:?} are too few for {rules:?}");
    }
}

fn histories(seed: u64, histories: u32) -> Seen {
    let seen = RefCell::new(Seen::default());
    let show = |(first, ask, steps): &Case| format!("  {:?}\n  {ask:?}\n{}", first.rules(), seeded::lines(steps));
    seeded::each(seed, histories, &case(), show, async |case| play(case, &seen).await);
    seen.into_inner()
}

#[test]
fn what_was_approved_under_one_bundle_gets_no_more_under_another() {
    let seen = histories(4, 120);
    assert!(seen.refused >= 10 && seen.approved >= 40 && seen.same >= 30 && seen.other >= 25, "{seen:?}");
}

#[test]
fn what_was_approved_gets_no_more_under_another_bundle_from_a_fresh_seed() {
    let seen = histories(seeded::fresh(), 60);
    assert!(seen.refused > 0 && seen.same > 0, "{seen:?}");
}
