//! Jump hosts of which nothing says where their connections come from, though certificates for hosts behind them are pinned to
//! networks: no request could take such a rule, so the files are not loaded.

use std::collections::BTreeMap;

use cedar_policy::EntityUid;
use directory::{Directory, Host, Mistake, Notes, Source, User};
use domain::HostName;

use crate::cedar::{Meaning, Statement};
use crate::{Policy, slice};

/// Something that pins certificates, by what a host must be or have for it to apply.
struct Pin {
    on: Vec<EntityUid>,
    by: String,
    reaches: Reaches,
}

/// What a pin is about.
#[derive(PartialEq)]
enum Reaches {
    /// Its hosts.
    Hosts,
    /// These, and what is behind them.
    Behind,
}

/// What is behind jump hosts, in words, with what statements see of it, and what is in front of it.
struct Place<'d> {
    what: String,
    uids: Vec<EntityUid>,
    jumps: Vec<(&'d Host, Vec<EntityUid>)>,
}

impl Place<'_> {
    fn is_pinned_by(&self, pin: &Pin) -> bool {
        let applies = |uids: &[EntityUid]| pin.on.iter().all(|uid| uids.contains(uid));
        applies(&self.uids) || (pin.reaches == Reaches::Behind && self.jumps.iter().any(|(_, uids)| applies(uids)))
    }
}

/// A mistake for each such jump host, at its name in `hosts.toml`. Of hand-written Cedar only the scope is looked at.
pub(crate) fn untold(hosts: &Source, policy: &Policy, directory: &Directory) -> Vec<Mistake> {
    let is_untold = |host: &Host| host.jump_login.is_some() && host.comes_from().is_none();
    if directory.hosts().all(|host| !is_untold(host)) {
        return Vec::new();
    }
    let pins = pins(policy, directory);
    let mut found: BTreeMap<&HostName, String> = BTreeMap::new();
    for place in behind(policy, directory) {
        let Some(pin) = pins.iter().find(|pin| place.is_pinned_by(pin)) else { continue };
        let why = format!("{} pins certificates for {} to networks", pin.by, place.what);
        for (jump, _) in place.jumps.into_iter().filter(|(jump, _)| is_untold(jump)) {
            found.entry(&jump.name).or_insert_with(|| why.clone());
        }
    }
    let places = if found.is_empty() { BTreeMap::new() } else { places(hosts) };
    let mistake = |(jump, why): (&HostName, String)| {
        let place = places.get(jump.as_str()).cloned().unwrap_or(0..0);
        let message = format!("{why}, and nothing says where its connections through `{jump}` come from");
        Mistake::new(hosts, place, message)
            .with_help("say which addresses hosts behind it see: egress = \"192.0.2.7/32\"")
    };
    found.into_iter().map(mistake).collect()
}

/// Hosts and pools behind jump hosts.
fn behind<'d>(policy: &Policy, directory: &'d Directory) -> Vec<Place<'d>> {
    let vocabulary = &policy.vocabulary;
    let seen = |jump: &'d Host| (jump, vocabulary.host(jump));
    let jumps = |of: &'d Host| directory.jump_hosts(of).into_iter().flatten().map(move |(jump, _)| seen(jump));
    let hosts = directory.hosts().filter(|host| host.via.is_some()).map(|host| Place {
        what: format!("`{}`", host.name),
        uids: vocabulary.host(host),
        jumps: jumps(host).collect(),
    });
    let pools = directory.pools().iter().filter_map(|pool| {
        let first = directory.host(pool.via.as_ref()?.as_str())?;
        let jumps = std::iter::once(seen(first)).chain(jumps(first)).collect();
        Some(Place { what: format!("the pool `{}`", pool.name), uids: vocabulary.labels(&pool.labels), jumps })
    });
    hosts.chain(pools).collect()
}

fn pins(policy: &Policy, directory: &Directory) -> Vec<Pin> {
    let programs: Vec<(&User, Vec<EntityUid>)> = directory
        .users()
        .filter(|user| user.source.is_some())
        .map(|user| (user, policy.vocabulary.user(directory, user)))
        .collect();
    let by = |statement: &Statement| match &statement.meaning {
        Meaning::Rule(name, path) if path.source.is_some() => Some(format!("the rule `{name}`")),
        Meaning::Requirement(terms) if terms.source.is_some() => Some("a requirement".to_owned()),
        Meaning::Rule(name, _) => {
            let asked_by = slice::principal(&statement.policy);
            let may = |(_, uids): &&(&User, Vec<EntityUid>)| asked_by.as_ref().is_none_or(|uid| uids.contains(uid));
            let (user, _) = programs.iter().find(may)?;
            Some(format!("directory.toml, for `{}` under the rule `{name}`,", user.name))
        }
        _ => None,
    };
    let compiled = |place: usize| place < policy.compiled;
    let pin = |(place, statement): (usize, &Statement)| {
        let labels = if compiled(place) { slice::labels(&statement.policy) } else { Vec::new() };
        let on = slice::resource(&statement.policy).into_iter().chain(labels).collect();
        let of_requirement = matches!(statement.meaning, Meaning::Requirement(_));
        let reaches = if of_requirement { Reaches::Behind } else { Reaches::Hosts };
        Some(Pin { on, by: by(statement)?, reaches })
    };
    policy.statements.iter().enumerate().filter_map(pin).collect()
}

/// Where the names of hosts stand.
fn places(hosts: &Source) -> BTreeMap<String, std::ops::Range<usize>> {
    Notes::new(hosts).read(|top, places: &mut BTreeMap<_, _>| {
        let names = top.tables("host").into_iter().filter_map(|table| table.optional::<String>("name"));
        places.extend(names.map(|name| (name.get_ref().clone(), name.span())));
    })
}
