//! Stops by people: what they end and revoke, how long they stand, and who lifts them.

use domain::{Approval, StopTarget};
use request::StateName;
use statement::Act;

use super::harness::*;
use crate::{Bundle, Error, FromFiles, Lifted, Stopping};

fn stop(target: &str) -> Act {
    Act::Stop(target.parse().unwrap())
}

async fn stopped(world: &World, by_whom: u8, target: &str) -> Result<Stopping, Error> {
    let signed = by(by_whom, &world.act_statement(by_whom, stop(target)));
    world.ca.stop(signed.text.as_bytes(), signed.signature.as_bytes()).await
}

async fn lifted(world: &World, by_whom: u8, entry: u64) -> Result<Lifted, Error> {
    let signed = by(by_whom, &world.act_statement(by_whom, Act::Lift(entry)));
    world.ca.lift(signed.text.as_bytes(), signed.signature.as_bytes()).await
}

fn serials(done: &Stopping) -> Vec<u64> {
    done.done.revoked.iter().map(|revoked| revoked.serial.get()).collect()
}

/// Dave has the right `stop`; two of `sre` lift.
fn setup() -> Setup {
    let usual = Setup::default();
    Setup {
        directory: format!(
            "{}[[group]]\nname = \"watch\"\nmembers = [\"dave\"]\nrights = [\"stop\"]\n",
            usual.directory
        ),
        access: format!("{}[policy]\nlift = \"2 of sre\"\n", usual.access),
        ..usual
    }
}

#[tokio::test]
async fn a_stopped_user_has_nothing_left_and_gets_nothing_until_it_is_lifted() {
    let world = world().await;
    world.login(ALICE).await;
    let granted = world.granted("root@web-1").await;
    let pending = world.asked("root@web-2").await.stored.id;
    let issued = world.fetch(granted, &["root@web-1"]).await.unwrap();
    let serial = issued.certificates[0].1.serial().get();
    assert!(world.ca.gate().pass(&issued.leaving).is_ok());

    let done = stopped(&world, CAROL, "user alice").await.unwrap();
    assert_eq!((done.done.sessions, done.done.requests.as_slice()), (1, [granted, pending].as_slice()));
    assert_eq!(serials(&done), [serial]);
    assert!(world.ca.gate().pass(&issued.leaving).is_err(), "nothing leaves after the answer");
    for id in [granted, pending] {
        assert_eq!(world.ca.view(id).unwrap().state, StateName::Stopped);
    }
    assert!(world.fetch(granted, &["root@web-1"]).await.is_err());
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "USER_DISABLED");
    assert_eq!(reason(stopped(&world, CAROL, "user alice").await), "STOPPED_ALREADY");

    // It stands across a restart, and other bundles.
    let world =
        world.restart(Setup { access: format!("{}\n# new\n", Setup::default().access), ..Setup::default() }).await;
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "USER_DISABLED");
    assert_eq!(world.ca.stops().unwrap().len(), 1);
    assert_eq!(reason(lifted(&world, BOB, done.done.entry).await), "NO_RIGHT");
    assert_eq!(lifted(&world, CAROL, done.done.entry).await.unwrap(), Lifted::Over);
    assert!(world.ca.stops().unwrap().is_empty());
    assert!(world.submit(&world.request("root@web-1", "30m")).await.is_ok());
    assert_eq!(world.ca.view(granted).unwrap().state, StateName::Stopped, "what ended stays so");
    assert_eq!(reason(lifted(&world, CAROL, done.done.entry).await), "NO_SUCH_STOP");
}

#[tokio::test]
async fn an_approval_by_somebody_who_is_stopped_does_not_count_while_they_are() {
    let world = world().await;
    let granted = world.granted("root@web-1").await;
    let waits = world.asked("root@web-2").await;
    let done = stopped(&world, CAROL, "user bob").await.unwrap();
    assert_eq!(reason(world.fetch(granted, &["root@web-1"]).await), "NOT_GRANTED");
    assert_eq!(reason(world.decide(&waits, BOB, Approval::Approve).await), "USER_DISABLED");
    lifted(&world, CAROL, done.done.entry).await.unwrap();
    assert!(world.fetch(granted, &["root@web-1"]).await.is_ok());
}

#[tokio::test]
async fn a_stopped_host_opens_no_more_and_others_do() {
    let world = world().await;
    let one = world.granted("root@web-1").await;
    let other = world.granted("root@web-2").await;
    let both = world.granted("root@role=web").await;
    let first = world.fetch(one, &["root@web-1"]).await.unwrap();
    let second = world.fetch(other, &["root@web-2"]).await.unwrap();
    let done = stopped(&world, CAROL, "host web-1").await.unwrap();
    assert_eq!(done.done.requests, [one], "what is for other hosts too goes on");
    assert_eq!(serials(&done), [first.certificates[0].1.serial().get()]);
    assert!(world.ca.gate().pass(&first.leaving).is_err());
    assert!(world.ca.gate().pass(&second.leaving).is_ok());
    assert!(world.fetch(both, &["root@web-1"]).await.is_err());
    assert!(world.fetch(both, &["root@web-2"]).await.is_ok());
    assert!(world.submit(&world.request("root@web-1", "30m")).await.is_err());
    lifted(&world, CAROL, done.done.entry).await.unwrap();
    assert!(world.fetch(both, &["root@web-1"]).await.is_ok());
}

#[tokio::test]
async fn a_stopped_plain_host_stops_its_realm() {
    let world = world().await;
    let id = world.granted("root@old-2").await;
    let issued = world.fetch(id, &["root@old-2"]).await.unwrap();
    let done = stopped(&world, CAROL, "host old-1").await.unwrap();
    assert_eq!(serials(&done), [issued.certificates[0].1.serial().get()], "it opens old-1 as well");
    assert!(world.fetch(id, &["root@old-2"]).await.is_err());
    lifted(&world, CAROL, done.done.entry).await.unwrap();
    assert!(world.fetch(id, &["root@old-2"]).await.is_ok());
}

#[tokio::test]
async fn a_stopped_certificate_is_revoked_and_not_given_again() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let fetch = by(LAPTOP, &world.fetch_statement(id, &["root@web-1"]));
    let issued = world.send_fetch(&fetch).await.unwrap();
    let serial = issued.certificates[0].1.serial();
    assert!(world.send_fetch(&fetch).await.is_ok(), "the same again");
    let done = stopped(&world, CAROL, &format!("serial {serial}")).await.unwrap();
    assert_eq!((serials(&done).as_slice(), done.done.requests.len()), ([serial.get()].as_slice(), 0));
    assert_eq!(reason(world.send_fetch(&fetch).await), "REVOKED");
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok(), "the grant goes on");
    assert_eq!(reason(stopped(&world, CAROL, "serial 1").await), "NO_SUCH_CERTIFICATE");
    assert!(world.ca.stops().unwrap().is_empty(), "nothing of it stands");
}

#[tokio::test]
async fn everything_stops_for_an_hour_unless_somebody_else_seconds_it() {
    let world = world_of(setup()).await;
    let id = world.granted("root@web-1").await;
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    let done = stopped(&world, DAVE, "all").await.unwrap();
    assert_eq!((done.done.requests.as_slice(), serials(&done).len()), ([id].as_slice(), 1));
    assert_eq!(done.until, world.now().after("1h".parse().unwrap()));
    assert!(world.ca.gate().pass(&issued.leaving).is_err());
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "ALL_STOPPED");
    assert_eq!(reason(stopped(&world, DAVE, "all").await), "STOPPED_ALREADY", "nobody seconds themselves");
    world.clock.pass(3599);
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "ALL_STOPPED");
    world.clock.pass(1);
    assert!(world.submit(&world.request("root@web-1", "30m")).await.is_ok(), "the hour is over");

    let again = stopped(&world, DAVE, "all").await.unwrap();
    let seconded = stopped(&world, CAROL, "all").await.unwrap();
    assert_eq!((seconded.seconded, seconded.until), (Some(again.done.entry), None));
    world.clock.pass(7200);
    let world = world.restart(setup()).await;
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "ALL_STOPPED");
}

#[tokio::test]
async fn lifting_takes_its_own_quorum_of_different_people_who_still_count() {
    let world = world_of(setup()).await;
    let entry = stopped(&world, CAROL, "host web-1").await.unwrap().done.entry;
    assert_eq!(reason(lifted(&world, DAVE, entry).await), "NO_RIGHT", "dave is not in sre");
    let sre = vec!["sre".parse().unwrap()];
    assert_eq!(lifted(&world, BOB, entry).await.unwrap(), Lifted::Waits(sre.clone()));
    assert_eq!(lifted(&world, BOB, entry).await.unwrap(), Lifted::Waits(sre.clone()), "one person says it once");
    // Who was stopped since counts no more.
    let bobs = stopped(&world, DAVE, "user bob").await.unwrap().done.entry;
    assert_eq!(lifted(&world, ALICE, entry).await.unwrap(), Lifted::Waits(sre.clone()));
    assert_eq!(lifted(&world, ALICE_ADMIN, entry).await.unwrap(), Lifted::Waits(sre), "alice again");
    assert_eq!(lifted(&world, CAROL, entry).await.unwrap(), Lifted::Over);
    assert_eq!(reason(lifted(&world, BOB, bobs).await), "USER_DISABLED");
}

#[tokio::test]
async fn who_may_stop_what() {
    let world = world_of(setup()).await;
    let id = world.granted("root@web-1").await;
    let serial = world.fetch(id, &["root@web-1"]).await.unwrap().certificates[0].1.serial();
    let (request, serial) = (format!("request {id}"), format!("serial {serial}"));
    for (who, target) in
        [(BOB, "user alice"), (ALICE, "user bob"), (ALICE, "all"), (BOB, "host web-1"), (BOB, "user dave")]
    {
        assert_eq!(reason(stopped(&world, who, target).await), "NO_RIGHT", "{target}");
    }
    assert_eq!(reason(stopped(&world, BACKUP, &request).await), "NO_RIGHT", "neither asked nor decided");
    for target in ["request 7K3F9-QXMWT", "serial 1", "serial 99999"] {
        assert_eq!(reason(stopped(&world, BACKUP, target).await), "NO_RIGHT", "whether there is one is not told");
    }
    assert_eq!(reason(stopped(&world, DAVE, "user carol").await), "NO_RIGHT", "carol is an administrator");
    let admins = setup().directory.replace("members = [\"carol\"]", "members = [\"carol\", \"alice-admin\"]");
    let by_account = world_of(Setup { directory: admins, ..setup() }).await;
    assert_eq!(reason(stopped(&by_account, DAVE, "user alice").await), "NO_RIGHT", "an account of hers is one");
    stopped(&world, ALICE, &serial).await.unwrap();
    stopped(&world, BOB, &request).await.unwrap();
    stopped(&world, BOB, "user backup").await.unwrap();
    stopped(&world, ALICE, "user alice").await.unwrap();
    for (target, why) in [
        ("user nobody", "NOT_AMENDABLE"),
        ("host nowhere", "NOT_AMENDABLE"),
        ("request 7K3F9-QXMWT", "NO_SUCH_REQUEST"),
    ] {
        assert_eq!(reason(stopped(&world, CAROL, target).await), why, "{target}");
    }
    let mut silent = world.act_statement(CAROL, Act::Stop(StopTarget::All));
    silent.reason = None;
    let signed = by(CAROL, &silent);
    assert_eq!(reason(world.ca.stop(signed.text.as_bytes(), signed.signature.as_bytes()).await), "NO_REASON");
}

#[tokio::test]
async fn what_is_over_is_not_stopped_over_and_over() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let serial = world.fetch(id, &["root@web-1"]).await.unwrap().certificates[0].1.serial();
    let (request, serial) = (format!("request {id}"), format!("serial {serial}"));
    stopped(&world, ALICE, &serial).await.unwrap();
    assert_eq!(reason(stopped(&world, ALICE, &serial).await), "OVER");
    stopped(&world, ALICE, &request).await.unwrap();
    assert_eq!(reason(stopped(&world, ALICE, &request).await), "OVER");
    let other = world.granted("root@web-1").await;
    let late = world.fetch(other, &["root@web-1"]).await.unwrap().certificates[0].1.serial();
    world.clock.pass(300);
    assert_eq!(reason(stopped(&world, CAROL, &format!("serial {late}")).await), "OVER");
}

#[tokio::test]
async fn a_stop_hides_nobody_from_those_who_amend_or_stop() {
    let world = world().await;
    let disable = |user: &str| Act::Amend(domain::Amendment::DisableUser(user.parse().unwrap()));
    let entry = stopped(&world, CAROL, "user alice").await.unwrap().done.entry;
    world.act(CAROL, disable("alice")).await.unwrap();
    lifted(&world, CAROL, entry).await.unwrap();
    assert_eq!(reason(world.submit(&world.request("root@web-1", "30m")).await), "USER_DISABLED", "she left");
    let one = stopped(&world, CAROL, "host old-1").await.unwrap().done.entry;
    stopped(&world, CAROL, "host old-2").await.unwrap();
    lifted(&world, CAROL, one).await.unwrap();
    assert!(world.ca.bundle().directory().host("old-1").is_none(), "old-2 still stops the realm");
    assert_eq!(reason(stopped(&world, CAROL, "host old-2").await), "STOPPED_ALREADY");
}

#[tokio::test]
async fn a_stopped_plain_host_stops_its_realm_also_when_a_bundle_drops_it() {
    let world = world().await;
    let id = world.granted("root@old-2").await;
    stopped(&world, CAROL, "host old-1").await.unwrap();
    let files = Setup::default().files();
    let hosts =
        files.hosts.text.replace("[[host]]\nname = \"old-1\"\nlabels = { env = \"plain\" }\nrealm = \"legacy\"\n", "");
    assert_ne!(hosts, files.hosts.text);
    let hosts = directory::Source { name: "hosts.toml".into(), text: hosts };
    let bundle = Bundle::load(&policy::Files { hosts, ..files }).unwrap_or_else(|m| panic!("{m}"));
    world.ca.reload(FromFiles { bundle, signatures: Vec::new() }).await.unwrap();
    assert!(world.fetch(id, &["root@old-2"]).await.is_err());
}

#[tokio::test]
async fn without_the_right_admin_nobody_locks_everybody_out() {
    let usual = setup();
    let access = usual.access.replace("lift = \"2 of sre\"", "signers = \"2 of sre\"\nlift = \"1 of sre\"");
    let world = world_of(Setup { access, ..usual }).await;
    // Of sre there are alice, bob and carol; carol is an administrator.
    stopped(&world, DAVE, "user bob").await.unwrap();
    assert_eq!(reason(stopped(&world, DAVE, "user alice").await), "LOCKS_OUT");
    let done = stopped(&world, CAROL, "user alice").await.unwrap();
    assert_eq!(done.locked_out, ["sre"], "an administrator is told");
}

#[tokio::test]
async fn what_is_revoked_is_in_the_list_until_an_hour_after_its_end() {
    let world = world().await;
    let read = || cert::Krl::decode(&world.ca.revocations().unwrap().krl).unwrap();
    assert!(read().revoked.is_empty());
    let id = world.granted("root@web-1").await;
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    let certificate = &issued.certificates[0].1;
    let number = world.ca.revocations().unwrap().number;
    let changed = world.ca.revocations_changed();
    stopped(&world, CAROL, &format!("request {id}")).await.unwrap();
    assert!(changed.has_changed().unwrap());
    assert!(read().revokes(certificate.ca_key(), certificate.serial()));
    let grown = world.ca.revocations().unwrap().number;
    assert!(grown > number && grown >= world.now().seconds(), "also past the lists of a store that was set back");
    world.clock.pass(300 + 3599);
    world.login(CAROL).await;
    world.ca.forget_revoked().await.unwrap();
    assert_eq!(world.ca.revocations().unwrap().number, grown, "nothing to forget, nothing new");
    world.clock.pass(1);
    world.ca.forget_revoked().await.unwrap();
    assert!(read().revokes(certificate.ca_key(), certificate.serial()), "the ledger has not been there yet");
    world.login(CAROL).await;
    world.ca.forget_revoked().await.unwrap();
    assert!(read().revoked.is_empty());
    assert!(world.ca.revocations().unwrap().number > grown);
}

#[tokio::test]
async fn a_fetch_that_is_about_something_else_than_a_stop_in_between_goes_through() {
    let world = world().await;
    let id = world.granted("root@web-1").await;
    let issued = world.fetch(id, &["root@web-1"]).await.unwrap();
    stopped(&world, CAROL, "user dave").await.unwrap();
    assert!(world.ca.gate().pass(&issued.leaving).is_ok());
    assert!(world.fetch(id, &["root@web-1"]).await.is_ok());
}
