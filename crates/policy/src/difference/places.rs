//! Hosts and pools that are in one bundle and not in the other, or otherwise there.

use directory::{Directory, Host, Pool};
use domain::{HostName, RealmName};

use super::people::{became, other, told};
use super::{About, Both, Effect, FileChange, Read};

pub(super) fn changes(both: Both<Read<'_>>) -> Vec<FileChange> {
    let Both { old, new } = both.map(|read| read.directory);
    let only_in = |one: &Directory, other: &Directory| -> Vec<(String, String)> {
        let only = one.hosts().filter(|host| canonical(other, &host.name).is_none());
        only.map(|host| (host.name.to_string(), described(host))).collect()
    };
    let mut changes = told(About::Host, Effect::Loosens, ("is new", "are new"), only_in(new, old));
    changes.extend(told(About::Host, Effect::Tightens, ("is gone", "are gone"), only_in(old, new)));
    let kept = old.hosts().filter_map(|was| Some((was, canonical(new, &was.name)?)));
    changes.extend(
        kept.filter_map(|(was, is)| other(About::Host, Effect::Otherwise, is.name.as_str(), &differs(was, is))),
    );
    changes.extend(pools(Both { old, new }));
    changes
}

fn pools(directories: Both<&Directory>) -> Vec<FileChange> {
    let Both { old, new } = directories;
    let find =
        |directory: &'_ Directory, pool: &Pool| directory.pools().iter().find(|other| other.name == pool.name).cloned();
    let only_in = |one: &Directory, other: &Directory| -> Vec<(String, String)> {
        let only = one.pools().iter().filter(|pool| find(other, pool).is_none());
        only.map(|pool| (pool.name.to_string(), described_pool(pool))).collect()
    };
    let mut changes = told(About::Pool, Effect::Loosens, ("is new", "are new"), only_in(new, old));
    changes.extend(told(About::Pool, Effect::Tightens, ("is gone", "are gone"), only_in(old, new)));
    for (was, is) in old.pools().iter().filter_map(|was| Some((was, find(new, was)?))) {
        let Pool { name, labels, via, realm } = was;
        let said: Vec<String> = [
            became("labels", Some(joined(labels)), Some(joined(&is.labels))),
            became("jump host", via.as_ref().map(HostName::as_str), is.via.as_ref().map(HostName::as_str)),
            became("realm", realm.as_ref().map(RealmName::as_str), is.realm.as_ref().map(RealmName::as_str)),
        ]
        .into_iter()
        .flatten()
        .collect();
        changes.extend(other(About::Pool, Effect::Otherwise, &name.to_string(), &said));
    }
    // A host joins the first pool that its name fits.
    let kept = |one: &Directory, other: &Directory| -> Vec<String> {
        one.pools().iter().filter(|pool| find(other, pool).is_some()).map(|pool| pool.name.to_string()).collect()
    };
    if kept(old, new) != kept(new, old) {
        let words = format!("pools are tried in the order {}", kept(new, old).join(", "));
        changes.push(FileChange { effect: Effect::Otherwise, about: About::Pool, names: kept(new, old), words });
    }
    changes
}

fn described_pool(pool: &Pool) -> String {
    // Named one by one, so that what a pool gets in time is told, too.
    let Pool { name: _, labels, via, realm } = pool;
    let labels = (!labels.is_empty()).then(|| joined(labels));
    let via = via.as_ref().map(|via| format!("via {via}"));
    let realm = realm.as_ref().map(|realm| format!("in realm {realm}"));
    [labels, via, realm].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The host that has this as its own name, and not as an alias.
fn canonical<'d>(directory: &'d Directory, name: &HostName) -> Option<&'d Host> {
    directory.host(name.as_str()).filter(|host| host.name == *name)
}

fn described(host: &Host) -> String {
    // Named one by one, so that what a host gets in time is told, too.
    let Host { name, aliases, address, port, labels, via, realm, jump_login, egress } = host;
    let aliases = (!aliases.is_empty()).then(|| format!("also {}", joined(aliases)));
    let elsewhere = address.as_str() != name.as_str() || port.get() != 22;
    let address = elsewhere.then(|| format!("at {address} port {port}"));
    let labels = (!labels.is_empty()).then(|| joined(labels));
    let via = via.as_ref().map(|via| format!("via {via}"));
    let realm = realm.as_ref().map(|realm| format!("in realm {realm}"));
    let jump_login = jump_login.as_ref().map(|login| format!("others are reached through {login}"));
    let egress = egress.as_ref().map(|egress| format!("from {}", joined(egress.iter())));
    [labels, aliases, address, via, realm, jump_login, egress].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn differs(was: &Host, is: &Host) -> Vec<String> {
    let Host { name: _, aliases, address, port, labels, via, realm, jump_login, egress } = was;
    let mut said: Vec<String> = [
        became("address", Some(address), Some(&is.address)),
        became("port", Some(port), Some(&is.port)),
        became("jump host", via.as_ref().map(HostName::as_str), is.via.as_ref().map(HostName::as_str)),
        became("realm", realm.as_ref().map(RealmName::as_str), is.realm.as_ref().map(RealmName::as_str)),
        became("jump login", jump_login.as_ref(), is.jump_login.as_ref()),
        became("egress", egress.as_ref(), is.egress.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    said.extend(is.labels.difference(labels).map(|label| format!("label {label} is new")));
    said.extend(labels.difference(&is.labels).map(|label| format!("label {label} is gone")));
    said.extend(
        is.aliases.iter().filter(|alias| !aliases.contains(alias)).map(|alias| format!("alias {alias} is new")),
    );
    said.extend(
        aliases.iter().filter(|alias| !is.aliases.contains(alias)).map(|alias| format!("alias {alias} is gone")),
    );
    said
}

fn joined<T: ToString>(each: impl IntoIterator<Item = T>) -> String {
    each.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(",")
}
