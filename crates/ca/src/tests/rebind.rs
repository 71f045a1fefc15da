//! Another connecting key in place of the one that was asked: who puts it there, and what it takes.

use domain::{Approval, PublicKey, RequestId};
use request::StateName;
use statement::{Act, Rebind};
use store::StoredRequest;

use super::harness::*;
use super::tampered::{granted, text};
use crate::Error;

fn rebind(id: RequestId, key: PublicKey) -> Act {
    Act::Rebind(Rebind { id, key })
}

fn other() -> PublicKey {
    public(&key(OTHER_LAPTOP))
}

async fn fetch_by(world: &World, seed: u8, id: RequestId) -> Result<(), Error> {
    world.send_fetch(&by(seed, &world.fetch_statement(id, &["root@web-1"]))).await.map(drop)
}

fn told<T>(result: Result<T, Error>) -> String {
    result.err().unwrap().to_string()
}

#[tokio::test]
async fn the_new_key_fetches_and_the_old_one_no_longer() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    assert!(fetch_by(&world, LAPTOP, id).await.is_ok());
    let repeated = by(LAPTOP, &world.fetch_statement(id, &["root@web-1"]));
    assert!(world.send_fetch(&repeated).await.is_ok());
    world.act(ALICE, rebind(id, other())).await.unwrap();
    assert_eq!(world.ca.view(id).unwrap().state, StateName::Approved);
    let refused = told(fetch_by(&world, LAPTOP, id).await);
    assert!(refused.ends_with(&format!("to put another in its place: hallpass rebind {id}")), "{refused}");
    assert_eq!(reason(world.send_fetch(&repeated).await), "NOT_GRANTED", "what was given once is not given again");
    let issued = world.send_fetch(&by(OTHER_LAPTOP, &world.fetch_statement(id, &["root@web-1"]))).await.unwrap();
    assert_eq!(*issued.certificates[0].1.public_key(), other());

    // And back, by the next act alone.
    world.clock.pass(1);
    world.act(ALICE, rebind(id, public(&key(LAPTOP)))).await.unwrap();
    assert!(fetch_by(&world, LAPTOP, id).await.is_ok());
    assert_eq!(reason(fetch_by(&world, OTHER_LAPTOP, id).await), "NOT_GRANTED");
}

#[tokio::test]
async fn what_waits_is_rebound_too_and_approved_as_it_was_asked() {
    let world = world().await;
    let view = world.asked("root@web-1").await;
    let id = view.stored.id;
    world.act(ALICE, rebind(id, other())).await.unwrap();
    world.decide(&view, BOB, Approval::Approve).await.unwrap();
    assert!(fetch_by(&world, OTHER_LAPTOP, id).await.is_ok());
    world.act(ALICE, Act::GiveBack(id)).await.unwrap();
    world.clock.pass(1);
    assert_eq!(reason(world.act(ALICE, rebind(id, public(&key(LAPTOP)))).await), "WRONG_STATE");
    let over = world.granted("root@web-1").await;
    world.clock.pass(1800);
    assert_eq!(reason(world.act(ALICE, rebind(over, other())).await), "WRONG_STATE");
}

#[tokio::test]
async fn only_the_requester_puts_a_key_there_and_none_of_somebody_else() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    for somebody in [BOB, CAROL, ALICE_ADMIN] {
        assert_eq!(reason(world.act(somebody, rebind(id, other())).await), "NOT_YOURS");
    }
    let nobody = "0000000001".parse().unwrap();
    assert_eq!(reason(world.act(ALICE, rebind(nobody, other())).await), "NO_SUCH_REQUEST");
    for (key, why) in [
        (public(&key(BOB)), "the new connecting key is bound to bob; name another"),
        (public(&key(ALICE_ADMIN)), "the new connecting key is bound to alice-admin; name another"),
        (public(&key(LAPTOP)), "that is its connecting key already"),
    ] {
        assert_eq!(told(world.act(ALICE, rebind(id, key)).await), format!("request {id} is not rebound: {why}"));
    }
    assert!(fetch_by(&world, LAPTOP, id).await.is_ok(), "nothing has changed");
    let withdraw = by(ALICE, &world.act_statement(ALICE, rebind(id, other())));
    let refused = world.ca.end(withdraw.text.as_bytes(), withdraw.signature.as_bytes()).await;
    assert_eq!(reason(refused), "UNSUPPORTED");
}

#[tokio::test]
async fn rules_for_keys_are_about_the_new_ones_too() {
    let setup = |more: &str| {
        let usual = Setup::default();
        let access = usual.access.replace("approve = \"1 of sre\"\n", &format!("approve = \"1 of sre\"\n{more}\n"));
        Setup { access, ..usual }
    };
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.reload(&setup("requester_key = \"sk\"")).await;
    world.act(ALICE, rebind(id, other())).await.unwrap();
    assert_eq!(reason(fetch_by(&world, OTHER_LAPTOP, id).await), "NOT_GRANTED", "no key of alice's is of that kind");
    world.reload(&setup("verify_required = true")).await;
    let refused = told(fetch_by(&world, OTHER_LAPTOP, id).await);
    assert!(refused.contains(&format!("hallpass rebind {id} --connecting-key FILE.pub")), "{refused}");
    world.reload(&Setup::default()).await;
    assert!(fetch_by(&world, OTHER_LAPTOP, id).await.is_ok());
}

#[tokio::test]
async fn an_act_counts_as_long_as_its_key_is_bound_and_the_new_one_is_nobody_elses() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    world.act(ALICE, rebind(id, other())).await.unwrap();
    let second = public(&key(60));
    let usual = Setup::default();
    let alices = public(&key(ALICE)).to_string();
    let both =
        usual.directory.replace(&format!("keys = [\"{alices}\"]"), &format!("keys = [\"{alices}\", \"{second}\"]"));
    world.reload(&Setup { directory: both, ..usual.clone() }).await;
    let signed = by(60, &world.act_statement(ALICE, rebind(id, public(&key(LAPTOP)))));
    world.clock.pass(1);
    let later = by(60, &world.act_statement(ALICE, rebind(id, public(&key(LAPTOP)))));
    let early = world.ca.rebind(signed.text.as_bytes(), signed.signature.as_bytes()).await;
    assert!(told(early).contains("one of the clocks is wrong; try again after 2026-03-01T12:00:00Z"));
    world.ca.rebind(later.text.as_bytes(), later.signature.as_bytes()).await.unwrap();
    assert!(fetch_by(&world, LAPTOP, id).await.is_ok());
    world.reload(&usual).await;
    let refused = told(fetch_by(&world, LAPTOP, id).await);
    assert!(refused.contains("the key that signed it is not bound to alice; rebind again"), "{refused}");
    assert_eq!(reason(fetch_by(&world, OTHER_LAPTOP, id).await), "NOT_GRANTED", "the one before is not back");

    let taken = usual.directory.replace(&format!("\"{}\"", public(&key(BOB))), &format!("\"{}\"", other()));
    world.clock.pass(1);
    world.act(ALICE, rebind(id, other())).await.unwrap();
    world.reload(&Setup { directory: taken, ..usual.clone() }).await;
    let refused = told(fetch_by(&world, OTHER_LAPTOP, id).await);
    assert!(refused.contains("the new connecting key is bound to bob; name another"), "{refused}");
}

#[tokio::test]
async fn who_writes_the_database_brings_no_acts_into_another_order() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    for seed in [OTHER_LAPTOP, LAPTOP, OTHER_LAPTOP] {
        world.clock.pass(1);
        world.act(ALICE, rebind(id, public(&key(seed)))).await.unwrap();
    }
    let stored = world.ca.store.request(id).unwrap().unwrap();
    assert_eq!(stored.rebinds.len(), 3);
    let with = |rebinds: &[usize]| StoredRequest {
        rebinds: rebinds.iter().map(|place| stored.rebinds[*place].clone()).collect(),
        ..stored.clone()
    };
    for (order, expected) in [
        (&[0, 1, 2][..], "NOT_GRANTED"),
        (&[0, 2, 1], "STORE_TAMPERED"),
        (&[0, 1, 2, 1], "STORE_TAMPERED"),
        (&[1, 1], "STORE_TAMPERED"),
    ] {
        assert_eq!(reason(granted(&world, with(order))), expected, "the old key fetches, by {order:?}");
    }
    // What is left out is not missed: the ledger knows better, and nothing asks it yet.
    assert!(granted(&world, with(&[0, 1])).is_ok());

    let elsewhere = world.granted("root@web-2").await;
    let of_another = text(ALICE, &world.act_statement(ALICE, rebind(elsewhere, other())));
    assert_eq!(
        reason(granted(&world, StoredRequest { rebinds: vec![of_another], ..stored.clone() })),
        "STORE_TAMPERED"
    );
    world.clock.pass(1);
    let by_a_thief = text(LAPTOP, &world.act_statement(ALICE, rebind(id, public(&key(LAPTOP)))));
    let planted = StoredRequest { rebinds: vec![by_a_thief], ..stored };
    assert_eq!(reason(granted(&world, planted)), "NOT_GRANTED", "the key that signed is nobody's");
}
