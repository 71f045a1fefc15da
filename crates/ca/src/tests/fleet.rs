//! Fetches for many hosts at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::Approval;

use super::harness::*;
use crate::Error;

/// Hosts whose names are as long as names may be.
fn fleet(count: usize) -> (Setup, Vec<String>) {
    let label = "x".repeat(61);
    let tail = [label.as_str(); 4].join(".");
    let mut setup = Setup::default();
    let names: Vec<String> = (0..count).map(|n| format!("{n:05}.{tail}")).collect();
    for name in &names {
        writeln!(setup.hosts, "[[host]]\nname = \"{name}\"\nlabels = {{ env = \"prod\", role = \"fleet\" }}").unwrap();
    }
    (setup, names)
}

fn pairs(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("root@{name}")).collect()
}

async fn fetched(world: &World, id: domain::RequestId, pairs: &[String]) -> Result<Vec<String>, Error> {
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    let issued = world.fetch(id, &pairs).await?;
    Ok(issued.certificates.into_iter().map(|(pair, _)| pair.to_string()).collect())
}

#[tokio::test]
async fn one_fetch_takes_256_pairs_of_the_longest_names() {
    let (setup, names) = fleet(256);
    assert!(names.iter().all(|name| name.len() == 253));
    let world = world_of(setup).await;
    let id = world.granted("root@role=fleet").await;
    let size = world.ca.checkpoint().checkpoint.size;
    assert_eq!(fetched(&world, id, &pairs(&names)).await.unwrap(), pairs(&names));
    assert_eq!(world.ca.checkpoint().checkpoint.size, size + 256, "each certificate is an entry");
}

#[tokio::test]
async fn a_request_takes_4096_hosts_and_no_more() {
    let (mut setup, _) = fleet(0);
    let host = |n: usize| format!("[[host]]\nname = \"h{n}\"\nlabels = {{ env = \"prod\", role = \"fleet\" }}\n");
    setup.hosts = (0..4096).map(host).collect();
    let world = world_of(setup.clone()).await;
    assert_eq!(world.asked("root@role=fleet").await.hosts.len(), 4096);
    setup.hosts.push_str(&host(4096));
    world.reload(&setup).await;
    let refused = world.submit(&world.request("root@role=fleet", "30m")).await.err().unwrap();
    let told = "the labels mean 4097 hosts, and one request may name 4096; add a label that narrows them";
    assert_eq!(refused.to_string(), told);
}

#[tokio::test]
async fn a_fetch_that_is_refused_for_some_hosts_says_for_which() {
    let mut setup = Setup::default();
    for n in 3..=9 {
        writeln!(setup.hosts, "[[host]]\nname = \"web-{n}\"\nlabels = {{ env = \"prod\", role = \"web\" }}").unwrap();
    }
    let world = world_of(setup.clone()).await;
    let id = world.granted("root@role=web").await;
    let all: Vec<String> = (1..=9).map(|n| format!("root@web-{n}")).collect();
    // One is forbidden by now, and two have got a requirement that the approval does not meet.
    setup.hosts = setup.hosts.replace("\"web-4\"\nlabels = {", "\"web-4\"\nlabels = { data = \"pii\",");
    setup.hosts = setup.hosts.replace("\"web-8\"\nlabels = {", "\"web-8\"\nlabels = { data = \"pii\",");
    setup
        .access
        .push_str("[[forbid]]\nhosts = \"web-2\"\n[[require]]\nhosts = \"data=pii\"\napprove = \"1 of admins\"\n");
    world.reload(&setup).await;
    let Err(Error::SomeHosts(some)) = fetched(&world, id, &all).await else { panic!("some are refused") };
    assert_eq!(some.listed(), "web-2,web-4,web-8");
    let told = some.to_string();
    assert!(told.starts_with("web-2, web-4, web-8 cannot be fetched for") && told.contains("forbidden"), "{told}");
    let of_pii = vec![all[0].clone(), all[3].clone()];
    let told = fetched(&world, id, &of_pii).await.unwrap_err().to_string();
    assert!(told.starts_with("web-4 cannot") && told.contains("lacks an approval from admins"), "{told}");
    let others: Vec<String> = all
        .iter()
        .filter(|pair| !["root@web-2", "root@web-4", "root@web-8"].contains(&pair.as_str()))
        .cloned()
        .collect();
    assert_eq!(fetched(&world, id, &others).await.unwrap(), others);
}

#[tokio::test]
async fn a_fetch_that_is_refused_for_all_hosts_or_for_another_reason_names_none() {
    let world = world().await;
    let id = world.granted("root@role=web").await;
    let both = ["root@web-1".to_owned(), "root@web-2".to_owned()];
    assert_eq!(reason(fetched(&world, id, &[both[0].clone(), "root@dev-1".to_owned()]).await), "NOT_GRANTED");
    world.clock.pass(1800);
    assert_eq!(reason(fetched(&world, id, &both).await), "NOT_GRANTED", "the window is over");
    let pending = world.asked("root@role=web").await;
    assert_eq!(reason(fetched(&world, pending.stored.id, &both).await), "NOT_GRANTED");
    world.decide(&pending, BOB, Approval::Deny).await.unwrap();
    assert_eq!(reason(fetched(&world, pending.stored.id, &both).await), "NOT_GRANTED");
}

/// Rules with live hosts, and a requirement of `pii`.
fn live() -> Setup {
    let mut setup = Setup::default();
    setup.access = setup.access.replacen("allow = [\"pty\"]", "allow = [\"pty\"]\nlive_hosts = true", 1);
    setup.access.push_str("[[require]]\nhosts = \"data=pii\"\napprove = \"1 of admins\"\n");
    setup
}

fn with_hosts(setup: &Setup, hosts: &[(&str, &str)]) -> Setup {
    let host = |(name, more): &(&str, &str)| {
        format!("[[host]]\nname = \"{name}\"\nlabels = {{ env = \"prod\", role = \"web\"{more} }}\n")
    };
    Setup { hosts: hosts.iter().map(host).collect(), ..setup.clone() }
}

#[tokio::test]
async fn a_host_that_comes_later_counts_where_the_ruling_says_so_and_is_judged_by_itself() {
    let world = world_of(live()).await;
    let view = world.asked("root@role=web").await;
    assert!(view.stored.ruling.contains("\nhost: web-1\nhost: web-2\nlive: role=web\n"), "{}", view.stored.ruling);
    let words = world.decision(&view, BOB, Approval::Approve).allows.to_string();
    assert!(words.starts_with("root on 2 hosts (web-1, web-2), including future hosts, for"), "{words}");
    let id = world.decide(&view, BOB, Approval::Approve).await.unwrap().stored.id;
    assert!(world.fetch(id, &["root@web-3"]).await.is_err(), "it is not there yet");

    let later = with_hosts(&live(), &[("web-3", ""), ("web-4", ", data = \"pii\"")]);
    world.reload(&later).await;
    let view = world.ca.view(id).unwrap();
    let hosts: BTreeSet<&str> = view.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["web-1", "web-2", "web-3", "web-4"].into(), "where they are reached is told");
    let all = ["web-1", "web-2", "web-3", "web-4"].map(|host| format!("root@{host}"));
    assert_eq!(fetched(&world, id, &all[..3]).await.unwrap(), all[..3]);
    // What is required of the later host is not met by what was approved, and takes nothing from the others.
    let Err(Error::SomeHosts(some)) = fetched(&world, id, &all).await else { panic!("one is refused") };
    assert_eq!(some.listed(), "web-4");
    assert!(some.to_string().contains("lacks an approval from admins"), "{some}");
    for (pair, why) in [("deploy@web-3", "another login"), ("root@two-1", "other labels"), ("root@off-1", "a realm")] {
        assert!(world.fetch(id, &[pair]).await.is_err(), "{why}");
    }
}

#[tokio::test]
async fn a_later_host_counts_only_as_long_as_both_rulings_say_so() {
    let later = |setup: &Setup| with_hosts(setup, &[("web-3", "")]);
    let both = ["root@web-1".to_owned(), "root@web-3".to_owned()];
    let listed = |refused: Result<Vec<String>, Error>| match refused {
        Err(Error::SomeHosts(some)) => some.listed(),
        other => panic!("{other:?}"),
    };
    // Approved without, and live today.
    let world = world().await;
    let id = world.granted("root@role=web").await;
    world.reload(&later(&live())).await;
    assert_eq!(reason(fetched(&world, id, &both).await), "NOT_GRANTED", "the ruling names the hosts of then");
    assert_eq!(fetched(&world, id, &both[..1]).await.unwrap(), both[..1]);
    // Approved as live, and not live today.
    let world = world_of(live()).await;
    let id = world.granted("root@role=web").await;
    world.reload(&later(&Setup::default())).await;
    assert_eq!(listed(fetched(&world, id, &both).await), "web-3");
    assert_eq!(fetched(&world, id, &both[..1]).await.unwrap(), both[..1]);
    // It joined, and is plain.
    let mut plain = later(&live());
    plain.hosts.push_str("realm = \"legacy\"\n");
    world.reload(&plain).await;
    assert_eq!(listed(fetched(&world, id, &both).await), "web-3");
}
