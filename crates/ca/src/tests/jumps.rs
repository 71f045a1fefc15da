//! Hosts behind jump hosts: what leaves for both, and when nothing does.

use std::num::NonZeroU32;

use cert::Certificate;
use domain::{Approval, Command, RequestId};
use statement::{Act, Canonical as _, RequestStatement, RulingText};

use super::harness::*;
use crate::{Error, Issued};

const BASTION: &str = "[[host]]\nname = \"bastion\"\naddress = \"192.0.2.7\"\nlabels = { role = \"bastion\" }\n\
                       jump_login = \"jump\"\n";
const BEHIND: &str = "[[host]]\nname = \"db-7\"\nlabels = { env = \"prod\", role = \"db\" }\nvia = \"bastion\"\n\
                      [[host]]\nname = \"db-8\"\nlabels = { env = \"prod\", role = \"db\" }\nvia = \"bastion\"\n";
const BOTH: [&str; 2] = ["jump@bastion", "root@db-7"];

fn setup() -> Setup {
    Setup { hosts: format!("{BASTION}{BEHIND}"), ..Setup::default() }
}

fn with_hosts(from: &str, to: &str) -> Setup {
    let hosts = setup().hosts;
    assert!(hosts.contains(from), "{from}");
    Setup { hosts: hosts.replace(from, to), ..setup() }
}

fn options(certificate: &Certificate) -> Vec<(&str, &str)> {
    certificate.critical_options().collect()
}

fn extensions(certificate: &Certificate) -> Vec<&str> {
    certificate.extensions().map(|(name, _)| name).collect()
}

fn pairs(issued: &Issued) -> Vec<String> {
    issued.certificates.iter().map(|(pair, _)| pair.to_string()).collect()
}

/// Alice asks for this many uses of it, and bob approves.
async fn granted(world: &World, access: &str, uses: Option<u32>) -> RequestId {
    let uses = uses.and_then(NonZeroU32::new);
    let said = RequestStatement { uses, ..world.request(access, "30m") };
    let view = world.submit(&said).await.unwrap_or_else(|e| panic!("{e}"));
    world.decide(&view, BOB, Approval::Approve).await.unwrap().stored.id
}

#[tokio::test]
async fn one_request_and_one_fetch_give_both_and_the_jump_host_only_forwards() {
    let world = world_of(setup()).await;
    let view = world.asked("root@db-7").await;
    let ruling = RulingText::parse(&view.stored.ruling).unwrap();
    assert_eq!(
        ruling.in_words().as_str(),
        "root on db-7, through bastion as jump, for at most 1h, certificates of 5m, with pty"
    );
    let jump_hosts: Vec<String> = view.jump_hosts.iter().map(|host| host.name.to_string()).collect();
    assert_eq!(jump_hosts, ["bastion"]);
    let id = world.decide(&view, BOB, Approval::Approve).await.unwrap().stored.id;
    let size = world.ca.checkpoint().checkpoint.size;
    let issued = world.fetch(id, &BOTH).await.unwrap();
    assert_eq!((pairs(&issued), world.ca.checkpoint().checkpoint.size), (BOTH.map(str::to_owned).into(), size + 2));
    let [(_, jump), (_, target)] = issued.certificates.as_slice() else { panic!("two") };
    assert_eq!(extensions(jump), ["permit-port-forwarding"]);
    assert_eq!(options(jump), [("force-command", Command::only_says_that_it_forwards().as_str())]);
    assert_eq!(jump.principals(), ["jump@bastion"]);
    assert_eq!((extensions(target), options(target)), (vec!["permit-pty"], vec![]));
    assert_eq!((jump.valid_before(), jump.public_key()), (target.valid_before(), target.public_key()));
    assert_eq!((jump.serial().get(), target.serial().get()), (size, size + 1));
    // The host alone is fetched as ever, by those who have a way of their own.
    assert_eq!(pairs(&world.fetch(id, &["root@db-7"]).await.unwrap()), ["root@db-7"]);
}

#[tokio::test]
async fn nobody_forwards_without_a_certificate_for_a_host_behind() {
    let world = world_of(setup()).await;
    let (behind, beside) = (granted(&world, "root@db-7", None).await, granted(&world, "root@web-1", None).await);
    let refused = |result: Result<Issued, Error>| result.err().map(|e| e.to_string()).unwrap_or_default();
    let alone = refused(world.fetch(behind, &["jump@bastion"]).await);
    assert!(alone.contains("a certificate for a jump host comes with one for a host behind it"), "{alone}");
    for pairs in [["jump@bastion", "root@web-1"], ["root@bastion", "root@web-1"]] {
        assert!(refused(world.fetch(beside, &pairs).await).contains("does not grant"), "{pairs:?}");
    }
    for pairs in [["root@bastion", "root@db-7"], ["jump@db-7", "root@db-7"], ["jump@bastion", "root@db-8"]] {
        assert!(refused(world.fetch(behind, &pairs).await).contains("does not grant"), "{pairs:?}");
    }
}

#[tokio::test]
async fn certificates_for_jump_hosts_count_no_use() {
    let world = world_of(setup()).await;
    let id = granted(&world, "root@role=db", Some(3)).await;
    let used = || world.ca.view(id).unwrap().stored.uses;
    drop(world.fetch(id, &BOTH).await.unwrap());
    assert_eq!(used(), 1);
    drop(world.fetch(id, &["jump@bastion", "root@db-7", "root@db-8"]).await.unwrap());
    assert_eq!(used(), 3);
    let refused = world.fetch(id, &BOTH).await.err().unwrap().to_string();
    assert!(refused.contains("has 0 certificates left"), "{refused}");
}

#[tokio::test]
async fn another_way_than_the_approved_one_is_refused_and_that_of_other_hosts_does_not_matter() {
    let world = world_of(setup()).await;
    let id = granted(&world, "root@role=db", None).await;
    let other = "[[host]]\nname = \"other\"\naddress = \"192.0.2.9\"\njump_login = \"jump\"\n";
    let direct = with_hosts(
        "name = \"db-7\"\nlabels = { env = \"prod\", role = \"db\" }\nvia = \"bastion\"",
        "name = \"db-7\"\nlabels = { env = \"prod\", role = \"db\" }",
    );
    let moved = Setup { hosts: setup().hosts.replace("via = \"bastion\"", "via = \"other\"") + other, ..setup() };
    for (what, today) in [
        ("another login", with_hosts("jump_login = \"jump\"", "jump_login = \"hop\"")),
        ("another jump host", moved),
        ("none", direct.clone()),
        (
            "one more",
            Setup {
                hosts: setup().hosts.replace("jump_login = \"jump\"", "jump_login = \"jump\"\nvia = \"other\"") + other,
                ..setup()
            },
        ),
    ] {
        world.reload(&today).await;
        world.clock.pass(1);
        for pairs in [&BOTH[..], &BOTH[1..]] {
            assert_eq!(reason(world.fetch(id, pairs).await), "NOT_GRANTED", "{what}");
        }
    }
    world.reload(&direct).await;
    assert_eq!(pairs(&world.fetch(id, &["jump@bastion", "root@db-8"]).await.unwrap()), ["jump@bastion", "root@db-8"]);
    world.reload(&setup()).await;
    assert!(world.fetch(id, &BOTH).await.is_ok(), "as it was approved");
}

#[tokio::test]
async fn a_stop_of_either_host_stops_both_and_holds_back_what_is_leaving() {
    for target in ["host bastion", "host db-7", "user alice"] {
        let world = world_of(setup()).await;
        let id = granted(&world, "root@db-7", None).await;
        let issued = world.fetch(id, &BOTH).await.unwrap();
        assert!(world.ca.gate().pass(&issued.leaving).is_ok());
        world.act(CAROL, Act::Stop(target.parse().unwrap())).await.unwrap();
        assert!(world.ca.gate().pass(&issued.leaving).is_err(), "{target}");
        assert!(world.fetch(id, &BOTH).await.is_err(), "{target}");
        assert!(world.fetch(id, &["root@db-7"]).await.is_err(), "{target}");
        assert!(world.submit(&world.request("root@db-7", "30m")).await.is_err(), "{target}");
    }
    let world = world_of(setup()).await;
    let id = granted(&world, "root@role=db", None).await;
    let first = world.fetch(id, &BOTH).await.unwrap();
    let stop = by(CAROL, &world.act_statement(CAROL, Act::Stop("host bastion".parse().unwrap())));
    let done = world.ca.stop(stop.text.as_bytes(), stop.signature.as_bytes()).await.unwrap();
    let revoked: Vec<u64> = done.done.revoked.iter().map(|revoked| revoked.serial.get()).collect();
    assert_eq!(revoked, [first.certificates[0].1.serial().get()], "what opens the jump host is revoked");
    let refused = world.fetch(id, &["root@db-7"]).await.err().unwrap().to_string();
    assert!(refused.contains("reached through the jump host `bastion`, which was removed or stopped"), "{refused}");
}

#[tokio::test]
async fn a_refusal_for_some_hosts_names_hosts_and_no_jump_hosts() {
    let world = world_of(setup()).await;
    let id = granted(&world, "root@role=db", None).await;
    world.act(CAROL, Act::Stop("host db-8".parse().unwrap())).await.unwrap();
    let all = ["jump@bastion", "root@db-7", "root@db-8"];
    let Err(Error::SomeHosts(some)) = world.fetch(id, &all).await else { panic!("one of two is stopped") };
    assert_eq!(some.listed(), "db-8");
    assert_eq!(pairs(&world.fetch(id, &BOTH).await.unwrap()), BOTH);
}

#[tokio::test]
async fn where_the_rule_pins_the_jump_host_is_pinned_to_its_networks_and_the_host_to_the_jump_host() {
    let pinned = |networks: &str, hosts: String| Setup {
        access: Setup::default().access.replacen(
            "allow = [\"pty\"]",
            &format!("allow = [\"pty\"]\nsource = {networks:?}"),
            1,
        ),
        hosts,
        ..setup()
    };
    let world = world_of(pinned("10.0.0.0/8", setup().hosts)).await;
    let view = world.asked("root@db-7").await;
    let words = RulingText::parse(&view.stored.ruling).unwrap().in_words().to_string();
    assert!(words.ends_with(", only from 10.0.0.0/8, then only from jump hosts"), "{words}");
    let id = world.decide(&view, BOB, Approval::Approve).await.unwrap().stored.id;
    let sources = async |world: &World| -> Vec<String> {
        world.clock.pass(1);
        let issued = world.fetch(id, &BOTH).await.unwrap();
        let source = |certificate: &Certificate| {
            options(certificate)
                .into_iter()
                .find(|(name, _)| *name == "source-address")
                .map(|(_, value)| value.to_owned())
        };
        issued.certificates.iter().filter_map(|(_, certificate)| source(certificate)).collect()
    };
    assert_eq!(sources(&world).await, ["10.0.0.0/8", "192.0.2.7/32"]);
    world.reload(&pinned("10.1.0.0/16", setup().hosts)).await;
    assert_eq!(sources(&world).await, ["10.1.0.0/16", "192.0.2.7/32"]);
    // No longer pinned by the rule: what was approved stays.
    world.reload(&setup()).await;
    assert_eq!(sources(&world).await, ["10.0.0.0/8", "192.0.2.7/32"]);
    let elsewhere = setup().hosts.replace("jump_login = \"jump\"", "jump_login = \"jump\"\negress = \"198.51.100.7\"");
    world.reload(&pinned("10.0.0.0/8", elsewhere)).await;
    assert_eq!(reason(world.fetch(id, &BOTH).await), "NOT_GRANTED", "it comes from elsewhere than was approved");
}

#[tokio::test]
async fn a_plain_host_behind_a_jump_host_takes_a_certificate_of_each_ca() {
    let hosts = format!(
        "{BASTION}[[host]]\nname = \"old-3\"\nlabels = {{ env = \"plain\" }}\nrealm = \"legacy\"\nvia = \"bastion\"\n"
    );
    let world = world_of(Setup { hosts, ..Setup::default() }).await;
    let id = granted(&world, "root@old-3", None).await;
    let issued = world.fetch(id, &["jump@bastion", "root@old-3"]).await.unwrap();
    let [(_, jump), (_, target)] = issued.certificates.as_slice() else { panic!("two") };
    assert_eq!((jump.principals(), target.principals()), (&["jump@bastion".to_owned()][..], &["root".to_owned()][..]));
    assert_ne!(jump.ca_key(), target.ca_key());
    assert_eq!(extensions(jump), ["permit-port-forwarding"]);
    world.act(CAROL, Act::Stop("host bastion".parse().unwrap())).await.unwrap();
    assert!(world.ca.gate().pass(&issued.leaving).is_err());
}

#[tokio::test]
async fn a_host_that_comes_later_is_reached_through_an_approved_jump_host_alone() {
    let live = |hosts: String| Setup {
        access: Setup::default().access.replacen("allow = [\"pty\"]", "allow = [\"pty\"]\nlive_hosts = true", 1),
        hosts,
        ..setup()
    };
    let later = |via: &str| {
        let other = "[[host]]\nname = \"other\"\njump_login = \"jump\"\n";
        let host =
            format!("[[host]]\nname = \"db-9\"\nlabels = {{ env = \"prod\", role = \"db\" }}\nvia = \"{via}\"\n");
        live(format!("{}{other}{host}", setup().hosts))
    };
    let world = world_of(live(setup().hosts)).await;
    let id = granted(&world, "root@role=db", None).await;
    world.reload(&later("bastion")).await;
    assert_eq!(pairs(&world.fetch(id, &["jump@bastion", "root@db-9"]).await.unwrap()), ["jump@bastion", "root@db-9"]);
    world.reload(&later("other")).await;
    for pairs in [&["jump@other", "root@db-9"][..], &["root@db-9"]] {
        assert_eq!(reason(world.fetch(id, pairs).await), "NOT_GRANTED", "{pairs:?}");
    }
}
