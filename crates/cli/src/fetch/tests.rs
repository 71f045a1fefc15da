//! Certificates as a server could send them.

use cert::{CaSigner, Draft, SignError};
use domain::{Behind, Extension, Obligations, PublicKey};
use ed25519_dalek::{Signer, SigningKey};
use ssh_key::{Algorithm, Signature};

use super::*;
use crate::checked::tests::{allowed, asked, check as checked, told};
use crate::testing::{NOW, public_key};

struct Ca(SigningKey, PublicKey);

impl CaSigner for Ca {
    fn public_key(&self) -> &PublicKey {
        &self.1
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature::new(Algorithm::Ed25519, self.0.sign(to_be_signed).to_bytes()).unwrap())
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::new(NOW + seconds).unwrap()
}

/// The request of half an hour, approved for this long and with certificates of five minutes.
fn granted(seconds: u64) -> Checked {
    checked(wire::Request { window: Some((at(0), at(seconds))), ..told(&asked(), allowed()) }).unwrap()
}

fn draft() -> Draft {
    Draft {
        connecting_key: public_key(3),
        principal: "root@web-1".parse().unwrap(),
        key_id: format!("hallpass:7K3F9-QXMWT:alice:{}", NOW + 7200).parse().unwrap(),
        valid_after: at(0),
        valid_before: at(300),
        force_command: None,
        source: None,
        verify_required: false,
        extensions: [Extension::Pty].into(),
        nonce: [7; 32],
    }
}

/// Why a certificate of this draft is refused, if it is.
fn refused(request: &Checked, draft: Draft) -> Option<&'static str> {
    refused_for("root@web-1", request, draft)
}

/// The same, of one that came for this login.
fn refused_for(pair: &str, request: &Checked, draft: Draft) -> Option<&'static str> {
    let ca = Ca(SigningKey::from_bytes(&[9; 32]), public_key(9));
    let serial = domain::Serial::new(7).unwrap();
    let certificate = cert::sign(&draft.with_serial(serial, ca.public_key()).unwrap(), &ca).unwrap();
    let issued = Issued {
        pair: pair.parse().unwrap(),
        serial,
        certificate: certificate.to_openssh().to_owned(),
        valid_before: certificate.valid_before(),
    };
    match check(&issued, request, at(0)) {
        Ok(_) => None,
        Err(FetchError::NotAsGranted { what, .. }) => Some(what),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_certificate_as_granted_is_taken_also_from_a_clock_that_is_a_minute_ahead() {
    assert_eq!(refused(&granted(1800), draft()), None);
    assert_eq!(refused(&granted(1800), Draft { valid_before: at(360), ..draft() }), None);
}

#[test]
fn a_certificate_that_opens_more_than_was_granted_is_refused() {
    let half_an_hour = granted(1800);
    let cases = [
        (Draft { connecting_key: public_key(4), ..draft() }, "it certifies another key"),
        (Draft { principal: "root@web-2".parse().unwrap(), ..draft() }, "it opens another login or host"),
        (Draft { force_command: Some("id".parse().unwrap()), ..draft() }, "its options differ"),
        (Draft { extensions: Extension::ALL.into(), ..draft() }, "it allows more"),
        (Draft { valid_before: at(361), ..draft() }, "it lives longer than was approved"),
    ];
    for (draft, what) in cases {
        assert_eq!(refused(&half_an_hour, draft), Some(what));
    }
    assert_eq!(refused(&granted(299), draft()), Some("it outlives the window"));
}

#[test]
fn todays_policy_may_restrict_a_certificate_further_and_never_less() {
    let restricted = Obligations { source: "10.0.0.0/8".parse().ok(), ..allowed() };
    let told = wire::Request { window: Some((at(0), at(1800))), ..told(&asked(), restricted) };
    let restricted = checked(told).unwrap();
    let from = |source: &str| Draft { source: source.parse().ok(), ..draft() };
    for (source, wider) in [("10.0.0.0/8", None), ("10.1.0.0/16", None), ("", Some("its options differ"))] {
        assert_eq!(refused(&restricted, from(source)), wider, "{source}");
    }
    assert_eq!(refused(&restricted, from("10.0.0.0/8, 192.0.2.0/24")), Some("its options differ"));
    assert_eq!(refused(&granted(1800), from("192.0.2.0/24")), None);
}

/// The request with its host behind jump hosts.
fn behind(lines: &[&str], more: impl FnOnce(Obligations) -> Obligations) -> Checked {
    let jumps = lines.iter().map(|line| line.parse::<Behind>().unwrap()).collect();
    let told = told(&asked(), more(Obligations { jumps, ..allowed() }));
    checked(wire::Request { window: Some((at(0), at(1800))), ..told }).unwrap()
}

/// What a certificate for a jump host is to be.
fn jump(login: &str) -> Draft {
    Draft {
        principal: login.parse().unwrap(),
        force_command: Some(domain::Command::only_says_that_it_forwards()),
        extensions: [Extension::PortForwarding].into(),
        ..draft()
    }
}

#[test]
fn a_certificate_for_a_jump_host_that_does_more_than_forward_is_refused() {
    let request = behind(&["web-1 jump@inner", "inner hop@outer"], |of| of);
    let refused = |pair: &str, draft: Draft| refused_for(pair, &request, draft);
    for login in ["jump@inner", "hop@outer"] {
        assert_eq!(refused(login, jump(login)), None);
        for wrong in [
            Draft { force_command: None, ..jump(login) },
            Draft { force_command: Some("id".parse().unwrap()), ..jump(login) },
        ] {
            assert_eq!(refused(login, wrong), Some("its options differ"));
        }
        let pty = Draft { extensions: [Extension::PortForwarding, Extension::Pty].into(), ..jump(login) };
        assert_eq!(refused(login, pty), Some("it allows more"));
        assert_eq!(refused(login, jump("root@inner")), Some("it opens another login or host"));
    }
    assert_eq!(refused("root@web-1", draft()), None, "and that for the host is as ever");
}

#[test]
fn a_certificate_behind_a_jump_host_is_pinned_to_what_that_one_comes_from() {
    let pin = |of: Obligations| Obligations { source: "10.0.0.0/8".parse().ok(), ..of };
    let request = behind(&["web-1 jump@inner 192.0.2.7/32"], pin);
    let from = |source: &str, draft: Draft| Draft { source: source.parse().ok(), ..draft };
    let differ = Some("its options differ");
    for (source, of_host, of_jump) in
        [("192.0.2.7/32", None, differ), ("10.1.0.0/16", differ, None), ("", differ, differ)]
    {
        assert_eq!(refused_for("root@web-1", &request, from(source, draft())), of_host, "{source}");
        assert_eq!(refused_for("jump@inner", &request, from(source, jump("jump@inner"))), of_jump, "{source}");
    }
}

#[test]
fn a_host_that_came_later_is_behind_one_of_those_that_were_approved() {
    let live = |of: Obligations| Obligations { live: "env=prod".parse().ok(), source: "10.0.0.0/8".parse().ok(), ..of };
    let mut asked = asked();
    asked.access = "root@env=prod".parse().unwrap();
    let jumps = ["web-1 jump@inner 192.0.2.7/32".parse::<Behind>().unwrap()].into_iter().collect();
    let endpoint = |host: &str, via: &str| wire::Endpoint {
        host: host.parse().unwrap(),
        address: host.to_owned(),
        port: 22,
        via: via.parse().ok(),
        aliases: Vec::new(),
    };
    let endpoints = vec![endpoint("web-2", "inner"), endpoint("web-3", "elsewhere"), endpoint("web-4", "")];
    let told = told(&asked, live(Obligations { jumps, ..allowed() }));
    let request = checked(wire::Request { window: Some((at(0), at(1800))), endpoints, ..told }).unwrap();
    let of = |host: &str, source: &str| {
        let pair = format!("root@{host}");
        refused_for(&pair, &request, Draft { principal: pair.parse().unwrap(), source: source.parse().ok(), ..draft() })
    };
    assert_eq!(of("web-2", "192.0.2.7/32"), None);
    for (host, source) in [("web-2", "10.0.0.0/8"), ("web-3", "192.0.2.7/32"), ("web-4", "192.0.2.7/32")] {
        assert_eq!(of(host, source), Some("its options differ"), "{host}");
    }
    let fetched = |host: &str| -> Vec<String> {
        let pair: Pair = format!("root@{host}").parse().unwrap();
        with_jumps(&request, &pair).iter().map(ToString::to_string).collect()
    };
    assert_eq!(fetched("web-2"), ["jump@inner", "root@web-2"]);
    assert_eq!(fetched("web-3"), ["root@web-3"]);
}

#[test]
fn hosts_are_fetched_in_parts_that_have_room_for_what_is_in_front_of_them() {
    let names: Vec<String> = (0..300).map(|n| format!("h{n:03}")).collect();
    let lines: Vec<String> = names.iter().enumerate().map(|(n, name)| format!("{name} jump@b{}", n % 20)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let request = behind(&lines, |of| of);
    let pairs: Vec<Pair> = names.iter().map(|name| format!("root@{name}").parse().unwrap()).collect();
    let parts = parts(&request, &pairs);
    assert_eq!(parts.iter().map(BTreeSet::len).collect::<Vec<_>>(), [236, 64], "with 20 jump hosts each");
    assert_eq!(parts.into_iter().flatten().collect::<Vec<_>>(), pairs);
}

#[test]
fn a_window_that_the_server_made_longer_is_refused() {
    assert_eq!(refused(&granted(1801), draft()), Some("its window is longer than was asked for"));
    let none = checked(told(&asked(), allowed())).unwrap();
    assert!(refused(&none, draft()).is_some());
}

#[test]
fn a_certificate_that_was_asked_for_is_there_or_nothing_is_taken() {
    let request = granted(1800);
    let ca = Ca(SigningKey::from_bytes(&[9; 32]), public_key(9));
    let serial = domain::Serial::new(7).unwrap();
    let certificate = cert::sign(&draft().with_serial(serial, ca.public_key()).unwrap(), &ca).unwrap();
    let issued = |pair: &str| Issued {
        pair: pair.parse().unwrap(),
        serial,
        certificate: certificate.to_openssh().to_owned(),
        valid_before: certificate.valid_before(),
    };
    let pairs = |pairs: &[&str]| pairs.iter().map(|pair| pair.parse().unwrap()).collect::<BTreeSet<Pair>>();
    let taken = |issued: Vec<Issued>, asked: &[&str]| super::checked(issued, pairs(asked), &request, at(0));
    let one = taken(vec![issued("root@web-1"), issued("root@web-2")], &["root@web-1"]).unwrap();
    assert_eq!(one.iter().map(|(pair, _)| pair.to_string()).collect::<Vec<_>>(), ["root@web-1"]);
    let missing = taken(vec![issued("root@web-1")], &["root@web-1", "root@web-2"]);
    assert!(matches!(missing, Err(FetchError::Missing(pair)) if pair.to_string() == "root@web-2"));
    // What it says it is for is not what it opens.
    let other = taken(vec![issued("root@web-2")], &["root@web-2"]);
    assert!(matches!(other, Err(FetchError::NotAsGranted { what: "it opens another login or host", .. })));
}

#[test]
fn hosts_that_a_refusal_names_are_left_out_and_others_stay() {
    let refused = |hosts: &[&str]| LinkError::Refused {
        reason: "HOSTS_REFUSED".to_owned(),
        message: "no".to_owned(),
        code: tonic::Code::PermissionDenied,
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
    };
    let all: BTreeSet<Pair> = ["root@a", "root@b", "root@c"].map(|pair| pair.parse().unwrap()).into();
    let left = |why: &LinkError| {
        let mut left = all.clone();
        let out: Vec<String> = without(&mut left, why).iter().map(ToString::to_string).collect();
        (out, left.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(left(&refused(&["b", "elsewhere"])), (names(&["b"]), names(&["root@a", "root@c"])));
    assert!(left(&refused(&[])).0.is_empty(), "it is about all of it");
    assert!(
        left(&refused(&["elsewhere"])).0.is_empty(),
        "and so is one that names none of these: nobody asks for ever"
    );
    assert!(left(&LinkError::Slow).0.is_empty());
}
