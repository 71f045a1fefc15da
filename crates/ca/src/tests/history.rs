//! How rulings of the past are explained, whatever came into force and was taken away since.

use domain::Amendment;
use policy::{Outcome, Ruling};
use statement::Act;

use super::harness::*;
use crate::{Bundle, FromFiles};

fn amend(verb: &str, target: &str) -> Act {
    Act::Amend(Amendment::parse(verb, target).unwrap())
}

/// The usual world with a pool that dave may add to, and a note that makes it another bundle.
fn with_pool(note: &str) -> FromFiles {
    let mut files = Setup::default().files();
    files.hosts.text.push_str("[[pool]]\nname = \"auto-*\"\nlabels = { env = \"dev\" }\n");
    files.directory.text.push_str("[[group]]\nname = \"scalers\"\nmembers = [\"dave\"]\nrights = [\"hosts\"]\n");
    files.access.text.push_str(&format!("# {note}\n"));
    FromFiles { bundle: Bundle::load(&files).unwrap_or_else(|m| panic!("{m}")), signatures: Vec::new() }
}

#[tokio::test]
async fn a_ruling_is_explained_as_it_was_made_whatever_was_taken_away_since() {
    let world = world().await;
    let (alice, dave) = (world.login(ALICE).await, world.login(DAVE).await);
    let asked = world.asked("root@web-1").await.stored;
    let first = world.ca.explain(&alice, asked.id).unwrap();
    let taken = first.explanation.rules.iter().filter(|rule| matches!(rule.outcome, Outcome::Taken(_)));
    assert_eq!(taken.count(), 1);
    assert_eq!(reason(world.ca.explain(&dave, asked.id).map(drop)), "NO_SUCH_REQUEST");

    world.act(CAROL, amend("remove-host", "web-1")).await.unwrap();
    world.clock.pass(600);
    let amended = world.ca.explain(&alice, asked.id).unwrap();
    world.ca.reload(with_pool("later")).await.unwrap();
    let later = world.ca.explain(&alice, asked.id).unwrap();
    for told in [amended, later] {
        assert_eq!((told.bundle, told.time), (first.bundle, asked.submitted));
        assert_eq!(told.explanation, first.explanation);
    }
}

#[tokio::test]
async fn what_only_an_amendment_made_possible_is_explained_while_it_lasts() {
    let world = world().await;
    world.ca.reload(with_pool("first")).await.unwrap();
    world.act(DAVE, amend("add-host", "auto-1 192.0.2.1 22")).await.unwrap();
    let (alice, asked) = (world.login(ALICE).await, world.asked("root@auto-1").await.stored);
    let told = world.ca.explain(&alice, asked.id).unwrap();
    assert!(matches!(told.explanation.ruling, Ruling::Permitted(_)));
    world.ca.reload(with_pool("second")).await.unwrap();
    assert_eq!(reason(world.ca.explain(&alice, asked.id).map(drop)), "AMENDED", "the host is in no file");
}
