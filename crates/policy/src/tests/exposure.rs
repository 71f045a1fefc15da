//! Standing exposure is what `who_can` says, counted.

use std::collections::BTreeSet;

use domain::{Access, AskedLogin, Span, Target};
use proptest::prelude::*;

use super::now;
use super::who::{accesses, directories, understood};
use crate::{exposures, who_can};

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_many_could_get_in_is_how_many_who_can_names(directory in directories(), access in accesses()) {
        let (directory, policy) = understood(&directory, &access);
        let found = exposures(&policy, &directory, now());
        prop_assert!(found.complete);
        let logins: BTreeSet<AskedLogin> = policy.logins.iter().cloned().chain([AskedLogin::Own]).collect();
        for (host, login) in directory.hosts().flat_map(|host| logins.iter().map(move |login| (host, login))) {
            let asked = Access { login: login.clone(), target: Target::Host(host.name.clone()) };
            let mut ways = who_can(&policy, &directory, &asked, Span::ZERO, now()).unwrap();
            // It is asked of a shell.
            ways.retain(|way| way.commands.is_empty());
            let (broken, ways): (Vec<_>, Vec<_>) = ways.into_iter().partition(|way| way.given.break_glass.is_some());
            let all: BTreeSet<_> = ways.iter().map(|way| &way.requester).collect();
            let auto: BTreeSet<_> = ways.iter().filter(|way| way.given.quorum.is_auto()).map(|way| &way.requester).collect();
            let told = found.open.iter().find(|open| open.login == *login && open.hosts.contains(&host.name));
            let told = told.map_or((0, 0, 0), |open| (open.without_approval, open.with_approval, open.by_break_glass));
            let broken: BTreeSet<_> = broken.iter().map(|way| &way.requester).filter(|name| !auto.contains(*name)).collect();
            prop_assert_eq!(told, (auto.len(), all.len() - auto.len(), broken.len()), "{} {}\n{}", login, host.name, access);
        }
    }
}
