//! How the hosts of a request are reached, and what is asked of the jump hosts on the way: nobody needs a rule for these, but
//! what is forbidden there is forbidden to forward through, and what is required there is required of the whole path.

use std::collections::BTreeSet;

use cedar_policy::EntityUid;
use directory::{Directory, Host, User};
use domain::{Behind, Extension, HostName, Jump, Jumps, Login, Pair, RuleName, UnixTime};

use crate::facts::Asker;
use crate::rule::look_at;
use crate::terms::{Path, Terms};
use crate::{Ask, Policy, Refusal};

/// The way to the hosts of a request.
#[derive(Default)]
pub(crate) struct Way {
    /// The jump hosts, each with where its connections come from, as far as the inventory says.
    pub(crate) jumps: Jumps,
    /// What is required on them; extensions are looked at here, as they are those of another certificate.
    pub(crate) required: Vec<Terms>,
}

/// The way to these hosts for a user, who is `user` in the vocabulary.
///
/// # Errors
/// When a jump host is not there, may not be used by this user, or is what the request is for itself.
pub(crate) fn way(
    policy: &Policy,
    directory: &Directory,
    (user, uids): (&User, &[EntityUid]),
    (ask, login): (&Ask, &Login),
    hosts: &[&Host],
    now: UnixTime,
) -> Result<Way, Refusal> {
    let (mut way, mut looked_at) = (Way::default(), BTreeSet::new());
    for host in hosts.iter().filter(|host| host.via.is_some()) {
        let gone = |jump: &HostName| Refusal::NoJumpHost { host: host.name.clone(), jump: jump.clone() };
        let mut behind = &host.name;
        for (jump, login) in directory.jump_hosts(host).map_err(gone)? {
            let through = Pair { login: login.clone(), host: jump.name.clone() };
            let jump_to = Jump { through, egress: jump.comes_from() };
            way.jumps.extend([Behind { host: behind.clone(), jump: jump_to }]);
            if looked_at.insert(&jump.name) {
                let asker = Asker::new(&policy.conditions, user, login, ask, now)?;
                way.required.extend(required(policy, &asker, uids, jump)?);
            }
            behind = &jump.name;
        }
    }
    let both = |host: &&Host| Pair { login: login.clone(), host: host.name.clone() };
    match hosts.iter().map(both).find(|pair| way.jumps.logins().contains(pair)) {
        Some(pair) => Err(Refusal::JumpItself(pair)),
        None => Ok(way),
    }
}

/// What is required on a jump host of whoever forwards through it.
fn required(policy: &Policy, asker: &Asker<'_>, user: &[EntityUid], jump: &Host) -> Result<Vec<Terms>, Refusal> {
    let matched = look_at(policy, asker, user, (jump, &policy.vocabulary.host(jump)))?.1?;
    let mut required = Vec::new();
    for terms in matched.requirements {
        if terms.allow.as_ref().is_some_and(|allow| !allow.contains(&Extension::PortForwarding)) {
            return Err(Refusal::NoForwarding(jump.name.clone()));
        }
        required.push(Terms { allow: None, ..terms.clone() });
    }
    Ok(required)
}

/// The path, if certificates that are pinned to networks can be pinned on the way, too.
pub(crate) fn pinnable(path: Path, rule: &RuleName, jumps: &Jumps) -> Result<Path, Refusal> {
    let untold = |behind: Behind| {
        let jump = behind.jump.egress.is_none().then_some(behind.jump.through.host)?;
        Some(Refusal::NoEgress { rule: rule.clone(), host: behind.host, jump })
    };
    match path.source.as_ref().and_then(|_| jumps.iter().find_map(untold)) {
        Some(refusal) => Err(refusal),
        None => Ok(path),
    }
}

/// The same way as a ruling says it: where connections come from only matters where certificates are pinned.
pub(crate) fn as_ruled(jumps: &Jumps, path: &Path) -> Jumps {
    if path.source.is_some() {
        return jumps.clone();
    }
    jumps.iter().map(|behind| Behind { jump: Jump { egress: None, ..behind.jump }, ..behind }).collect()
}
