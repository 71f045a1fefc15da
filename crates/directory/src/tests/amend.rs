//! What administrators change beside the bundle.

use domain::Amendment;
use proptest::prelude::*;

use super::{KEY_1, KEY_2, parse};
use crate::{Directory, NotAmendable};

const HOSTS: &str = r#"
[[host]]
name = "web-1"
aliases = ["front"]
labels = { env = "prod" }
[[host]]
name = "bastion"
jump_login = "jump"
[[pool]]
name = "web-*"
labels = { env = "prod", role = "web" }
via = "bastion"
"#;

fn directory() -> Directory {
    let users = format!(
        "[[user]]\nname = \"alice\"\nkeys = [\"{KEY_1}\", \"{KEY_2}\"]\n\
         [[user]]\nname = \"alice-admin\"\nowner = \"alice\"\n[[user]]\nname = \"bob\"\n\
         [[group]]\nname = \"sre\"\nmembers = [\"alice\", \"bob\"]\nrights = [\"admin\"]\n"
    );
    parse(&users, HOSTS).unwrap()
}

fn amendment(verb: &str, target: &str) -> Amendment {
    Amendment::parse(verb, target).unwrap()
}

fn key() -> String {
    KEY_1.parse::<domain::PublicKey>().unwrap().fingerprint().to_string()
}

#[test]
fn a_disabled_user_is_so_with_all_accounts() {
    let amended = directory().amended(&[amendment("disable-user", "alice")]);
    for account in ["alice", "alice-admin"] {
        assert!(amended.is_disabled(&account.parse().unwrap()), "{account}");
    }
    assert!(!amended.has_right(&"alice".parse().unwrap(), crate::Right::Admin));
    assert!(!amended.is_disabled(&"bob".parse().unwrap()));
    let accounts: Vec<String> =
        amended.accounts_of(&"alice".parse().unwrap()).into_iter().map(ToString::to_string).collect();
    assert_eq!(accounts, ["alice", "alice-admin"]);
}

#[test]
fn a_removed_key_is_bound_to_nobody_and_the_other_stays() {
    let amended = directory().amended(&[amendment("remove-key", &format!("alice {}", key()))]);
    assert!(amended.binding(&KEY_1.parse().unwrap()).is_none());
    assert!(amended.binding(&KEY_2.parse().unwrap()).is_some());
    assert_eq!(amended.user(&"alice".parse().unwrap()).unwrap().keys.len(), 1);
    let bobs = directory().amended(&[amendment("remove-key", &format!("bob {}", key()))]);
    assert!(bobs.binding(&KEY_1.parse().unwrap()).is_some(), "it is not bob's");
}

#[test]
fn a_host_behind_a_jump_host_that_is_gone_is_behind_one_that_is_not_there() {
    let joined = directory().amended(&[amendment("add-host", "web-17 192.0.2.17 2222")]);
    let jumps = |of: &Directory| -> Result<Vec<String>, String> {
        let jumps = of.jump_hosts(of.host("web-17").unwrap()).map_err(ToString::to_string)?;
        Ok(jumps.into_iter().map(|(host, login)| format!("{login}@{}", host.name)).collect())
    };
    assert_eq!(jumps(&joined), Ok(vec!["jump@bastion".to_owned()]));
    assert_eq!(jumps(&joined.amended(&[amendment("remove-host", "bastion")])), Err("bastion".to_owned()));
}

#[test]
fn a_host_of_a_pool_gets_what_the_pool_says() {
    let amended = directory().amended(&[amendment("add-host", "web-17 192.0.2.17 2222")]);
    let host = amended.host("web-17").unwrap();
    assert_eq!((host.address.as_str(), host.port.get()), ("192.0.2.17", 2222));
    assert_eq!(host.via.as_ref().map(ToString::to_string).as_deref(), Some("bastion"));
    let labels: Vec<String> = host.labels.iter().map(ToString::to_string).collect();
    assert_eq!(labels, ["env=prod", "role=web"]);
    assert_eq!(amended.select(&"role=web".parse().unwrap()).count(), 1);
    let gone = amended.amended(&[amendment("remove-host", "web-17")]);
    assert!(gone.host("web-17").is_none());
}

#[test]
fn what_changes_nothing_or_is_for_a_bundle_is_refused() {
    let directory = directory();
    let refused = |verb: &str, target: &str| directory.amendable(&amendment(verb, target)).err();
    assert_eq!(refused("disable-user", "carol"), Some(NotAmendable::NoUser("carol".parse().unwrap())));
    assert!(matches!(refused("remove-key", &format!("bob {}", key())), Some(NotAmendable::NoKey { .. })));
    assert!(matches!(refused("remove-host", "front"), Some(NotAmendable::NoHost(_))), "an alias is no host");
    for taken in ["web-1", "front"] {
        let target = format!("{taken} 192.0.2.1 22");
        assert!(matches!(refused("add-host", &target), Some(NotAmendable::NameTaken(_))), "{taken}");
    }
    assert!(matches!(refused("add-host", "db-1 192.0.2.1 22"), Some(NotAmendable::NoPool(_))));
    let disabled = directory.amended(&[amendment("disable-user", "bob")]);
    assert!(matches!(disabled.amendable(&amendment("disable-user", "bob")), Err(NotAmendable::Disabled(_))));
}

fn any_amendment() -> impl Strategy<Value = Amendment> {
    prop_oneof![
        "(alice|alice-admin|bob|carol)".prop_map(|user| amendment("disable-user", &user)),
        "(alice|bob|carol)".prop_map(|user| amendment("remove-key", &format!("{user} {}", key()))),
        "(web-1|web-2|bastion|db-1|front)".prop_map(|host| amendment("remove-host", &host)),
        "(web-1|web-2|front|db-1)".prop_map(|host| amendment("add-host", &format!("{host} 192.0.2.9 22"))),
    ]
}

proptest! {
    #[test]
    fn an_amendment_changes_something_exactly_when_it_is_amendable(
        before in prop::collection::vec(any_amendment(), 0..4),
        next in any_amendment(),
    ) {
        let directory = directory().amended(&before);
        let amended = directory.amended([&next]);
        let content = |directory: &Directory| {
            let parts = directory.clone().into_parts();
            (parts.users, parts.bindings, parts.hosts)
        };
        prop_assert_eq!(directory.amendable(&next).is_err(), content(&directory) == content(&amended));
    }

    #[test]
    fn what_takes_away_adds_nothing(taken in prop::collection::vec(any_amendment(), 0..5)) {
        let taken: Vec<_> =
            taken.into_iter().filter(|amendment| !matches!(amendment, Amendment::AddHost { .. })).collect();
        let (whole, amended) = (directory(), directory().amended(&taken));
        for user in amended.users() {
            prop_assert!(user.disabled || !whole.user(&user.name).unwrap().disabled);
            prop_assert!(user.keys.iter().all(|key| whole.binding(key).is_some()));
        }
        prop_assert!(amended.hosts().all(|host| whole.host(host.name.as_str()) == Some(host)));
    }
}
