//! Fetches for many hosts at once.

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
