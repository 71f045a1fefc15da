//! Users and hosts that neither bundle tells apart, so that asking for one of them is asking for all.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cedar_policy::EntityUid;
use directory::{Host, User};
use domain::{HostName, Login, Networks, RealmName, UserName};

use super::{Both, Read};

/// Users that are alike on both sides.
pub(super) struct Users<'a> {
    /// All of them.
    pub(super) names: Vec<&'a UserName>,
    /// One of them, on each side where they are enabled.
    pub(super) one: Both<Option<&'a User>>,
}

/// Hosts that are alike on both sides.
pub(super) struct Hosts<'a> {
    /// All of them.
    pub(super) names: Vec<&'a HostName>,
    /// One of them, on each side where they are.
    pub(super) one: Both<Option<&'a Host>>,
}

/// What tells users apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct UserKey<'a> {
    seen: Both<Option<SeenUser<'a>>>,
    /// Their own logins, when it became another one.
    moved: Option<Both<Option<&'a Login>>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SeenUser<'a> {
    named: Vec<String>,
    service: bool,
    source: Option<&'a Networks>,
    own: Option<&'a str>,
}

/// What tells hosts apart. A request for a plain host is for its whole realm, whichever it is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    /// What is in front of it is looked at, too.
    Scoped(Vec<String>, Option<&'a HostName>),
    Plain(&'a RealmName),
}

/// Which names matter to a side's statements.
fn named(read: Read<'_>) -> HashSet<EntityUid> {
    let in_statements = read.policy.statements.iter().flat_map(|statement| statement.policy.entity_literals());
    in_statements.chain(read.policy.approving.named()).collect()
}

/// The classes of users; `looked_at` says whether somebody looks at which login it is.
pub(super) fn users<'a>(both: Both<Read<'a>>, looked_at: impl Fn(&Login) -> bool) -> Vec<Users<'a>> {
    let mut there: BTreeMap<&UserName, Both<Option<&User>>> = BTreeMap::new();
    for user in enabled(both.old) {
        there.entry(&user.name).or_default().old = Some(user);
    }
    for user in enabled(both.new) {
        there.entry(&user.name).or_default().new = Some(user);
    }
    let named = both.map(named);
    let mut classes: BTreeMap<UserKey<'_>, Users<'_>> = BTreeMap::new();
    for (name, one) in there {
        let seen = both.zip(named.as_ref()).zip(one).map(|((read, named), user)| {
            let user = user?;
            let own = user.login.as_ref().map(|login| if looked_at(login) { login.as_str() } else { "" });
            let named = only(read.policy.vocabulary.user(read.directory, user), named);
            Some(SeenUser { named, service: user.kind.is_service(), source: user.source.as_ref(), own })
        });
        let logins = one.map(|user| user.and_then(|user| user.login.as_ref()));
        let moved = (one.iter().all(Option::is_some) && !logins.same()).then_some(logins);
        let class = classes.entry(UserKey { seen, moved }).or_insert_with(|| Users { names: Vec::new(), one });
        class.names.push(name);
    }
    classes.into_values().collect()
}

fn enabled<'a>(read: Read<'a>) -> impl Iterator<Item = &'a User> {
    read.directory.users().filter(move |user| !read.directory.is_disabled(&user.name))
}

/// The classes of hosts.
pub(super) fn hosts(both: Both<Read<'_>>) -> Vec<Hosts<'_>> {
    let mut there: BTreeMap<&HostName, Both<Option<&Host>>> = BTreeMap::new();
    for host in both.old.directory.hosts() {
        there.entry(&host.name).or_default().old = Some(host);
    }
    for host in both.new.directory.hosts() {
        there.entry(&host.name).or_default().new = Some(host);
    }
    let named = both.map(named);
    let mut classes: BTreeMap<Both<Option<Place<'_>>>, Hosts<'_>> = BTreeMap::new();
    for (name, one) in there {
        let place = both.zip(named.as_ref()).zip(one).map(|((read, named), host)| {
            let host = host?;
            let scoped = || Place::Scoped(only(read.policy.vocabulary.host(host), named), host.via.as_ref());
            Some(host.realm.as_ref().map_or_else(scoped, Place::Plain))
        });
        classes.entry(place).or_insert_with(|| Hosts { names: Vec::new(), one }).names.push(name);
    }
    classes.into_values().collect()
}

/// Those that statements name, as text: all that a statement can tell apart.
fn only(uids: Vec<EntityUid>, named: &HashSet<EntityUid>) -> Vec<String> {
    let named: BTreeSet<String> =
        uids.into_iter().filter(|uid| named.contains(uid)).map(|uid| uid.to_string()).collect();
    named.into_iter().collect()
}
