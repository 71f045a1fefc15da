//! What becomes of every access, asked for one of each class of users and hosts, and grouped by what became of it.

use std::collections::{BTreeMap, BTreeSet};

use directory::User;
use domain::{HostName, Login, UnixTime, UserName};

use super::approval::{Approval, Example, Shift};
use super::candidates::{Candidates, Logins, by_hand, candidates, named_logins};
use super::circumstances::Circumstances;
use super::classes::{self, Hosts, Users};
use super::describe::Names;
use super::looks::Looks;
use super::openings::{Asking, Opening};
use super::situations::{Situation, situations};
use super::{AccessChange, Both, Effect, LoginOf, Read, Unseen, words};

/// How many combinations of classes and logins are looked at in the first situation, and how many in all others: some
/// seconds of time each.
const MOST: usize = 100_000;

/// Every access that is not as it was, what loosens first; and what was not compared.
pub(super) fn changes(both: Both<Read<'_>>, now: UnixTime) -> (Vec<AccessChange>, Vec<Unseen>) {
    let named = named_logins(both);
    let (mut unseen, by_pattern) = conditions(both, now);
    let users = classes::users(both, |login| by_pattern || named.contains(login));
    let hosts = classes::hosts(both);
    let candidates = candidates(both, (&users, &hosts), &named, MOST);
    let place = Place { users, hosts, other: nobodys(both, &named), named };
    let (situations, more) = situations(both, now);
    let (mut found, mut circumstances) = (Found::new(both, &place.users, now), Circumstances::default());
    let (mut compared, mut left, mut all) = (0, MOST, candidates.len() <= MOST);
    for (number, situation) in situations.iter().enumerate() {
        let asking = Asking::both(both, situation);
        found.begin(situation);
        let looked_at = found.look(&asking, &place, &candidates, left);
        compared += looked_at;
        all &= looked_at < left;
        left = if number == 0 { MOST } else { left.saturating_sub(looked_at) };
        circumstances.add(situation, std::mem::take(&mut found.became));
    }
    let pools: BTreeSet<String> =
        both.iter().flat_map(|read| read.directory.pools()).map(|pool| format!("the pool {}", pool.name)).collect();
    unseen.extend(Some(pools).filter(|pools| !pools.is_empty()).map(Unseen::Pools));
    unseen.extend(more);
    if !all {
        unseen.push(Unseen::TooMany { compared });
    }
    let mut changes = circumstances.told(now, |became| found.grouped(became, both, &place.hosts));
    // Who gains and who loses comes before what is asked of whom, and what is so now before what is at other times.
    let order = |change: &AccessChange| {
        let elsewhere = !change.at.is_empty() || !change.commands.is_empty();
        (change.effect, elsewhere, !change.before.is_empty() && !change.after.is_empty())
    };
    changes.sort_by(|a, b| (order(a), &a.words).cmp(&(order(b), &b.words)));
    (changes, unseen)
}

/// Who may ask for what, as far as either side tells it apart.
struct Place<'a> {
    users: Vec<Users<'a>>,
    hosts: Vec<Hosts<'a>>,
    named: BTreeSet<Login>,
    other: Option<Login>,
}

/// What conditions look at that is not compared; and whether they tell logins apart by other than their names. Those of
/// `access.toml` look at nothing that is not.
fn conditions(both: Both<Read<'_>>, at: UnixTime) -> (Vec<Unseen>, bool) {
    let (mut moments, mut patterns) = (BTreeSet::new(), BTreeSet::new());
    for statement in both.iter().flat_map(|read| by_hand(*read)) {
        if !statement.policy.has_non_scope_constraint() {
            continue;
        }
        let looks = Looks::of(&statement.policy);
        let id = statement.policy.id().to_string();
        let place = id.rsplit_once('#').map_or(id.as_str(), |(place, _)| place).to_owned();
        if looks.at_the_request {
            moments.insert(place.clone());
        }
        if looks.by_pattern {
            patterns.insert(place);
        }
    }
    let by_pattern = !patterns.is_empty();
    let moments = (!moments.is_empty()).then_some(Unseen::Conditions { statements: moments, at });
    let patterns = by_pattern.then_some(Unseen::Patterns { statements: patterns });
    (moments.into_iter().chain(patterns).collect(), by_pattern)
}

/// A login that neither side names and nobody has: it stands for all of these.
fn nobodys(both: Both<Read<'_>>, named: &BTreeSet<Login>) -> Option<Login> {
    let own: BTreeSet<&Login> =
        both.iter().flat_map(|read| read.directory.users().filter_map(|user| user.login.as_ref())).collect();
    let mut tried = (0_u32..).filter_map(|number| format!("_other{number}").parse::<Login>().ok());
    tried.find(|login| !named.contains(login) && !own.contains(login))
}

/// The logins to ask for, and what they stand for.
fn asked(logins: &Logins, of: &Users<'_>, named: &BTreeSet<Login>, other: &Option<Login>) -> Vec<(LoginOf, Login)> {
    let own = of.one.map(|user| user.and_then(|user: &User| user.login.as_ref()).filter(|_| logins.own));
    let moved = own.iter().all(Option::is_some) && !own.same();
    let own: BTreeSet<&Login> = own.iter().filter_map(|login| *login).collect();
    let own = own.into_iter().filter(|login| !logins.named.contains(*login)).map(|login| {
        let by_name = moved || named.contains(login);
        (if by_name { LoginOf::Named(login.clone()) } else { LoginOf::Own }, login.clone())
    });
    let by_name = logins.named.iter().map(|login| (LoginOf::Named(login.clone()), login.clone()));
    let others = other.iter().filter(|_| logins.others).map(|login| (LoginOf::AnyOther, login.clone()));
    by_name.chain(own).chain(others).collect()
}

/// What became of an access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Became {
    /// Whether something is open on this side and not on the other. Both count when accesses are grouped, so that the way
    /// back is grouped alike.
    pub(super) only: Both<bool>,
    pub(super) openings: Both<Vec<Opening>>,
    /// Who may approve, where the same rules open it with the same terms.
    pub(super) shift: Option<Shift>,
}

impl Became {
    fn effect(&self) -> Effect {
        match (&self.shift, self.only) {
            (Some(shift), _) => shift.effect(),
            (None, Both { new: true, .. }) => Effect::Loosens,
            (None, Both { old: true, new: false }) => Effect::Tightens,
            (None, Both { old: false, new: false }) => Effect::Otherwise,
        }
    }
}

/// Of users of a class, by what changed for them: their cluster.
type Shifts = Vec<(Shift, usize)>;
/// The classes that something is the same for: any where nothing looks at which they are.
type Where = (usize, Option<usize>);

/// What opens an access on both sides, and for which classes where something looks at that.
type Compared = (Option<(usize, usize)>, Both<Vec<Opening>>);

/// What became of accesses, by host and by the clusters of users for whom it did.
pub(super) type Changed = BTreeMap<(LoginOf, Became), BTreeMap<usize, BTreeSet<usize>>>;

/// What is found, before it is grouped. Users go by clusters: a class, or those of one whom a change is about.
struct Found<'a> {
    approval: Approval<'a>,
    clusters: Vec<Vec<&'a UserName>>,
    known: BTreeMap<Vec<&'a UserName>, usize>,
    shifts: BTreeMap<(Where, Vec<Opening>), Shifts>,
    only: BTreeMap<Compared, Both<bool>>,
    became: Changed,
}

impl<'a> Found<'a> {
    fn new(both: Both<Read<'a>>, users: &[Users<'a>], now: UnixTime) -> Self {
        Self {
            approval: Approval::new(both, now),
            clusters: users.iter().map(|class| class.names.clone()).collect(),
            known: BTreeMap::new(),
            shifts: BTreeMap::new(),
            only: BTreeMap::new(),
            became: BTreeMap::new(),
        }
    }

    /// From here on it is about another situation; what is known of clusters stays.
    fn begin(&mut self, situation: &Situation) {
        self.approval.at(situation.at);
        self.shifts.clear();
        self.only.clear();
    }

    /// Asks for every access that rules are for, at most so many. How many these were.
    fn look(&mut self, asking: &Both<Asking<'a>>, place: &Place<'a>, candidates: &Candidates, most: usize) -> usize {
        let mut compared = 0;
        for ((user, host), logins) in candidates {
            let (Some(of), Some(on)) = (place.users.get(*user), place.hosts.get(*host)) else { continue };
            for (login_of, login) in asked(logins, of, &place.named, &place.other) {
                if compared == most {
                    return compared;
                }
                compared += 1;
                let sides = asking.as_ref().zip(of.one).zip(on.one);
                let openings = sides.map(|((asking, user), host)| asking.openings(user, &login, host));
                self.note((*user, *host), (of, on, &login), login_of, openings);
            }
        }
        compared
    }

    fn note(
        &mut self,
        (user, host): (usize, usize),
        (of, on, login): (&Users<'a>, &Hosts<'a>, &Login),
        login_of: LoginOf,
        openings: Both<Vec<Opening>>,
    ) {
        if openings.same() && openings.new.is_empty() {
            return;
        }
        let example = of.one.zip(on.one).iter().find_map(|(user, host)| Some(((*user)?, (*host)?)));
        let Some((one, there)) = example else { return };
        let example = Example { user: one, host: there, login };
        if !openings.same() {
            let only = self.only((user, host), &openings, example);
            self.add(login_of, Became { only, openings, shift: None }, host, user);
            return;
        }
        for (shift, cluster) in self.shifts((user, host), of, &openings.new, example) {
            let became = Became { only: Both::default(), openings: openings.clone(), shift: Some(shift) };
            self.add(login_of.clone(), became, host, cluster);
        }
    }

    fn add(&mut self, login: LoginOf, became: Became, host: usize, cluster: usize) {
        self.became.entry((login, became)).or_default().entry(host).or_default().insert(cluster);
    }

    fn shifts(
        &mut self,
        (user, host): (usize, usize),
        of: &Users<'a>,
        openings: &[Opening],
        example: Example<'_>,
    ) -> Shifts {
        let host = self.approval.limited(openings).then_some(host);
        let key = ((user, host), openings.to_vec());
        if let Some(known) = self.shifts.get(&key) {
            return known.clone();
        }
        let shifts = self.approval.shifts(openings, &of.names, example);
        let shifts: Shifts = shifts.into_iter().map(|(shift, users)| (shift, self.cluster(users))).collect();
        self.shifts.insert(key, shifts.clone());
        shifts
    }

    /// Whether something is open on one side and not on the other.
    fn only(&mut self, at: (usize, usize), openings: &Both<Vec<Opening>>, example: Example<'_>) -> Both<bool> {
        let Both { old: before, new: after } = openings;
        let limited = self.approval.limited(before) || self.approval.limited(after);
        let key = (limited.then_some(at), openings.clone());
        if let Some(known) = self.only.get(&key) {
            return *known;
        }
        let as_little = |old: &Opening, new: &Opening| self.approval.asks_as_little(old, new, example);
        let was_as_open = |old: &Opening, new: &Opening| old.gives_as_much(new) && as_little(old, new).old;
        let is_as_open = |old: &Opening, new: &Opening| new.gives_as_much(old) && as_little(old, new).new;
        let only = Both {
            old: before.iter().any(|old| !after.iter().any(|new| is_as_open(old, new))),
            new: after.iter().any(|new| !before.iter().any(|old| was_as_open(old, new))),
        };
        self.only.insert(key, only);
        only
    }

    fn cluster(&mut self, users: Vec<&'a UserName>) -> usize {
        if let Some(known) = self.known.get(&users) {
            return *known;
        }
        let place = self.clusters.len();
        self.clusters.push(users.clone());
        self.known.insert(users, place);
        place
    }

    /// What is the same for several hosts, users and logins, told once; with which side it is open on alone.
    fn grouped(&self, became: Changed, both: Both<Read<'_>>, hosts: &[Hosts<'_>]) -> Vec<(Both<bool>, AccessChange)> {
        if became.is_empty() {
            return Vec::new();
        }
        let mut rows: BTreeMap<(Became, BTreeSet<usize>, BTreeSet<usize>), BTreeSet<LoginOf>> = BTreeMap::new();
        for ((login, became), by_host) in became {
            let mut by_users: BTreeMap<BTreeSet<usize>, BTreeSet<usize>> = BTreeMap::new();
            for (host, users) in by_host {
                by_users.entry(users).or_default().insert(host);
            }
            for (users, hosts) in by_users {
                rows.entry((became.clone(), users, hosts)).or_default().insert(login.clone());
            }
        }
        let names = both.map(|read| Names::of(read.directory));
        let change = |((became, of, on), logins): ((Became, BTreeSet<usize>, BTreeSet<usize>), _)| {
            let users: BTreeSet<&UserName> =
                of.iter().filter_map(|place| self.clusters.get(*place)).flatten().copied().collect();
            let hosts: BTreeSet<&HostName> =
                on.iter().filter_map(|place| hosts.get(*place)).flat_map(|c| &c.names).copied().collect();
            let users: Vec<UserName> = users.into_iter().cloned().collect();
            let hosts: Vec<HostName> = hosts.into_iter().cloned().collect();
            let words = words::access(&became, &logins, (&users, &hosts), names.as_ref());
            let effect = became.effect();
            let Became { only, openings, shift } = became;
            let shift = shift.unwrap_or_else(Shift::none);
            let change = AccessChange {
                effect,
                users,
                logins,
                hosts,
                before: openings.old,
                after: openings.new,
                approvers_added: shift.added,
                approvers_removed: shift.removed,
                approvable: shift.approvable,
                at: BTreeSet::new(),
                commands: BTreeSet::new(),
                words,
            };
            (only, change)
        };
        rows.into_iter().map(change).collect()
    }
}

impl std::fmt::Display for AccessChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}
