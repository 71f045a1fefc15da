//! The difference between two bundles says what submitting would find of each.

mod words;

use std::collections::BTreeSet;

use directory::{Directory, Source};
use domain::{AskedLogin, HostName, Login, Owes, Span, Target, UnixTime, UserName};
use proptest::prelude::*;

use super::now;
use super::who::{USERS, accesses, directories};
use crate::difference::reason;
use crate::who::asking;
use crate::{
    About, AccessChange, Approvable, Ask, Difference, Effect, Files, LoginOf, Policy, Read, Way, difference, ways,
};

struct Bundle {
    directory: Directory,
    policy: Policy,
    texts: String,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.texts)
    }
}

impl Bundle {
    fn new(directory_text: &str, hosts: &str, access: &str, cedar: Option<&str>) -> Self {
        let files = Files {
            directory: Source::new("directory.toml", directory_text),
            hosts: Source::new("hosts.toml", hosts),
            access: Source::new("access.toml", access),
            cedar: cedar.map(|text| Source::new("access.cedar", text)),
        };
        let (directory, policy) = files.understand().unwrap_or_else(|mistakes| panic!("{mistakes}\n{access}"));
        let texts = format!("\n{directory_text}\n{hosts}\n{access}\n{}\n", cedar.unwrap_or_default());
        Self { directory, policy, texts }
    }

    fn read(&self) -> Read<'_> {
        Read { directory: &self.directory, policy: &self.policy }
    }

    /// What submitting finds for a user and a host that are there by these names.
    fn ways(&self, user: &str, login: &str, host: &str) -> Vec<Way> {
        self.ways_then((user, login, host), now(), None)
    }

    /// The same at a time, and for a command.
    fn ways_then(&self, (user, login, host): (&str, &str, &str), at: UnixTime, command: Option<&str>) -> Vec<Way> {
        let (user, host): (UserName, HostName) = (user.parse().unwrap(), host.parse().unwrap());
        let there = self.directory.host(host.as_str()).is_some_and(|found| found.name == host);
        let Some(user) = self.directory.user(&user).filter(|_| there) else { return Vec::new() };
        let ask = asking(user, AskedLogin::Named(login.parse().unwrap()), Target::Host(host), Span::ZERO);
        let ask = Ask { command: command.map(|command| command.parse().unwrap()), ..ask };
        ways(&self.policy, &self.directory, &ask, at).unwrap_or_default()
    }

    /// What submitting finds of it as break-glass; who reviews it is told by the groups.
    fn glass(&self, user: &str, login: &str, host: &str) -> BTreeSet<String> {
        let (user, host): (UserName, HostName) = (user.parse().unwrap(), host.parse().unwrap());
        let there = self.directory.host(host.as_str()).is_some_and(|found| found.name == host);
        let Some(user) = self.directory.user(&user).filter(|_| there) else { return BTreeSet::new() };
        let ask = asking(user, AskedLogin::Named(login.parse().unwrap()), Target::Host(host), Span::ZERO);
        let ask = Ask { break_glass: Some(Owes::Nothing), ..ask };
        let found = ways(&self.policy, &self.directory, &ask, now()).unwrap_or_default();
        found.into_iter().map(|way| format!("{:?} {:?}", way.given, way.tickets)).collect()
    }

    /// What `self` stands for, as far as it may be asked for.
    fn own(&self, user: &UserName) -> Option<Login> {
        self.directory.user(user).filter(|_| !self.directory.is_disabled(user)).and_then(|user| user.login.clone())
    }
}

fn between(old: &Bundle, new: &Bundle) -> Difference {
    difference(old.read(), new.read(), now())
}

const HOSTS: [&str; 5] = ["web", "db", "old-1", "old-2", "new"];
/// Two that rules name, one that users have, one that only Cedar names, one that nobody does.
const LOGINS: [&str; 5] = ["root", "ann", "cat", "app", "zed"];

/// `web` and `old-1` are always there, as rules name them.
fn hosts() -> impl Strategy<Value = String> {
    let labels = prop::sample::select(&["env = \"prod\"", "env = \"prod\", role = \"db\"", "age = \"old\"", ""][..]);
    let realm = prop::sample::select(&["", ", realm = \"old\""][..]);
    let host = (labels, realm).prop_map(|(labels, realm)| format!("labels = {{ {labels} }}{realm}"));
    let named = prop::collection::vec(host, 5);
    (named, prop::sample::subsequence(&[1, 3, 4][..], 0..=3)).prop_map(|(hosts, there)| {
        let there = |place: &usize| [0, 2].contains(place) || there.contains(place);
        let each = HOSTS.iter().zip(&hosts).enumerate().filter(|(place, _)| there(place));
        let each: Vec<String> = each.map(|(_, (name, rest))| format!("{{ name = {name:?}, {rest} }}")).collect();
        format!("host = [{}]\n", each.join(", "))
    })
}

fn cedar() -> impl Strategy<Value = Option<String>> {
    let statements = [
        "@rule(\"any\") @quorum(\"1 of ops\") @max(\"1h\") @ttl(\"1m\") permit (principal in Group::\"dev\", action, resource);",
        "@rule(\"app\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\") permit (principal, action, resource in Label::\"env=prod\") \
         when { context.login == \"app\" && principal.kind == \"service\" };",
        "@forbid(\"no root\") forbid (principal, action, resource == Host::\"web\") when { context.login == \"root\" };",
        "@require(\"own\") @max(\"1m\") permit (principal, action, resource) \
         when { principal has login && principal.login == context.login };",
    ];
    let some = prop::sample::subsequence(statements.to_vec(), 0..=4).prop_map(|some| Some(some.join("\n")));
    prop_oneof![3 => Just(None), 2 => some]
}

fn bundles() -> impl Strategy<Value = (String, String, String, Option<String>)> {
    (logins_moved(), hosts(), accesses(), cedar())
}

/// As they come, or with somebody's own login, owner or kind changed.
fn logins_moved() -> impl Strategy<Value = String> {
    let changes = [
        ("", ""),
        ("login = \"ann\"", "login = \"app\""),
        (", owner = \"ann\"", ""),
        (", owner = \"bob\"", ", owner = \"ann\""),
    ];
    (directories(), prop::sample::select(changes.to_vec())).prop_map(|(text, (from, to))| text.replacen(from, to, 1))
}

/// Two bundles; half of the time most of the second is as in the first.
fn pairs() -> impl Strategy<Value = (Bundle, Bundle)> {
    (bundles(), bundles(), prop::collection::vec(any::<bool>(), 4)).prop_map(|(old, other, keep)| {
        let pick = |keep: bool, old: &String, other: &String| if keep { old.clone() } else { other.clone() };
        let new = (
            pick(keep[0], &old.0, &other.0),
            pick(keep[1], &old.1, &other.1),
            pick(keep[2], &old.2, &other.2),
            if keep[3] { old.3.clone() } else { other.3 },
        );
        let bundle = |(directory, hosts, access, cedar): (String, String, String, Option<String>)| {
            Bundle::new(&directory, &hosts, &access, cedar.as_deref())
        };
        (bundle(old), bundle(new))
    })
}

/// The logins of a change for one user, of those that are tried.
fn meant(login: &LoginOf, user: &UserName, old: &Bundle, new: &Bundle) -> Vec<String> {
    let own = || old.own(user).or_else(|| new.own(user)).map(|login| login.to_string());
    match login {
        LoginOf::Named(login) => vec![login.to_string()],
        LoginOf::Own => own().into_iter().collect(),
        // The first three are in all of these bundles named or somebody's own; of the others it depends.
        LoginOf::AnyOther => vec!["zed".to_owned()],
    }
}

/// Each access that a change is about.
fn each(change: &AccessChange, old: &Bundle, new: &Bundle) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (user, host) in change.users.iter().flat_map(|user| change.hosts.iter().map(move |host| (user, host))) {
        let logins = change.logins.iter().flat_map(|login| meant(login, user, old, new));
        all.extend(logins.map(|login| (user.to_string(), login, host.to_string())));
    }
    all
}

/// Whether submitting finds something else. In which line it stands that nobody may approve now is no difference.
fn differ(before: Vec<Way>, after: Vec<Way>) -> bool {
    let [before, after] = [before, after]
        .map(|ways| ways.into_iter().map(|mut way| (way.hopeless.take().map(reason), way)).collect::<Vec<_>>());
    before != after
}

/// A command that a pattern of these bundles matches.
fn command_of(pattern: &str) -> &'static str {
    match pattern {
        "uptime" => "uptime",
        "journalctl ..." => "journalctl -u app",
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_only_other_times_and_commands_show_is_told(
        (old, new) in pairs(), hours in prop::collection::vec(0..168_u64, 2),
    ) {
        let found = between(&old, &new);
        let told: BTreeSet<_> = found.access.iter().flat_map(|change| each(change, &old, &new)).collect();
        let hour = |hours: u64| UnixTime::new(now().seconds() + hours * 3600).unwrap();
        for (at, command) in hours.iter().flat_map(|hours| [None, Some("uptime"), Some("journalctl -u app")].map(|c| (hour(*hours), c))) {
            for (user, host) in USERS.iter().flat_map(|user| HOSTS.iter().map(move |host| (*user, *host))) {
                // These two are named by any rule that is for logins.
                for login in ["root", "ann"] {
                    let key = (user.to_owned(), login.to_owned(), host.to_owned());
                    let any_other = (user.to_owned(), "zed".to_owned(), host.to_owned());
                    let access = (user, login, host);
                    if differ(old.ways_then(access, at, command), new.ways_then(access, at, command)) {
                        prop_assert!(told.contains(&key) || told.contains(&any_other), "{:?} {} {:?}\n{:#?}", key, at, command, found.access);
                    }
                }
            }
        }
        for change in found.access.iter().filter(|change| !change.at.is_empty() || !change.commands.is_empty()) {
            let at = change.at.first().copied().unwrap_or_else(now);
            let command = change.commands.first().map(|pattern| command_of(pattern));
            for (user, login, host) in each(change, &old, &new) {
                let access = (user.as_str(), login.as_str(), host.as_str());
                let [before, after] = [&old, &new].map(|bundle| bundle.ways_then(access, at, command));
                prop_assert!(differ(before, after), "{} at {} to run {:?}\n{:#?}", change, at, command, access);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_tells_exactly_the_accesses_of_which_submitting_finds_something_else((old, new) in pairs()) {
        let found = between(&old, &new);
        let now_and_plain = |change: &&AccessChange| change.at.is_empty() && change.commands.is_empty();
        let told: BTreeSet<_> = found.access.iter().filter(now_and_plain).flat_map(|change| each(change, &old, &new)).collect();
        let named = |login: &str| {
            let login: Login = login.parse().unwrap();
            let texts = [&old, &new].map(|bundle| bundle.policy.statements.iter().any(|s| s.policy.to_string().contains(&format!("\"{login}\""))));
            texts.contains(&true)
        };
        for (user, host) in USERS.iter().flat_map(|user| HOSTS.iter().map(move |host| (*user, *host))) {
            for login in LOGINS {
                let own = [&old, &new].iter().any(|bundle| bundle.own(&user.parse().unwrap()).is_some_and(|own| own.as_str() == login));
                // Who has no such login finds of it what any other finds.
                let as_any_other = !named(login) && !own && login != "zed";
                let key = (user.to_owned(), if as_any_other { "zed" } else { login }.to_owned(), host.to_owned());
                let differs = differ(old.ways(user, login, host), new.ways(user, login, host))
                    || old.glass(user, login, host) != new.glass(user, login, host);
                prop_assert_eq!(
                    told.contains(&key), differs, "{:?}\n{:#?}\n{:#?}\n{:#?}", key, found.access,
                    old.ways(user, login, host), new.ways(user, login, host)
                );
            }
        }
    }

    #[test]
    fn the_way_back_swaps_gains_and_losses((old, new) in pairs()) {
        let (there, back) = (between(&old, &new), between(&new, &old));
        let swapped = |approvable| match approvable {
            Approvable::Now => Approvable::NoLonger,
            Approvable::NoLonger => Approvable::Now,
            same => same,
        };
        prop_assert_eq!(there.access.len(), back.access.len());
        for change in &there.access {
            let mut same = back.access.iter().filter(|other| {
                (&other.users, &other.hosts, &other.logins) == (&change.users, &change.hosts, &change.logins)
                    && (&other.before, &other.after) == (&change.after, &change.before)
                    && (&other.at, &other.commands) == (&change.at, &change.commands)
                    && (&other.approvers_added, &other.approvers_removed) == (&change.approvers_removed, &change.approvers_added)
                    && other.approvable == swapped(change.approvable)
            });
            let other = same.next().unwrap();
            match (change.effect, other.effect) {
                // What both opens and closes is told as opening either way.
                (Effect::Loosens, Effect::Tightens | Effect::Loosens) | (Effect::Tightens, Effect::Loosens) => {}
                (one, two) => prop_assert_eq!((one, two), (Effect::Otherwise, Effect::Otherwise)),
            }
            if change.before.is_empty() {
                prop_assert_eq!((change.effect, other.effect), (Effect::Loosens, Effect::Tightens));
            }
        }
        // Rules and conditions on approvers that were changed may open and close.
        let marks = |found: &Difference, effect| {
            found.files.iter().filter(|change| !matches!(change.about, About::Rule | About::Approvers) && change.effect == effect).count()
        };
        for (effect, opposite) in [
            (Effect::Tightens, Effect::Loosens),
            (Effect::Loosens, Effect::Tightens),
            (Effect::Otherwise, Effect::Otherwise),
        ] {
            prop_assert_eq!(marks(&there, effect), marks(&back, opposite), "{:#?}", there.files);
        }
        prop_assert_eq!(there.files.len(), back.files.len());
    }

    #[test]
    fn nothing_differs_from_itself((one, _) in pairs()) {
        prop_assert_eq!(between(&one, &one), Difference::default());
    }
}
