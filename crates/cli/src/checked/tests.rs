//! Requests as a server could send them.

use domain::{Approval, Nonce, Obligations, Quorum, UnixTime};
use statement::{Header, Rebind, sign_with};
use wire::SignedText;

use super::*;
use crate::testing::{NOW, private_key, public_key};

fn server(name: &str) -> ServerId {
    ServerId { name: name.parse().unwrap(), ledger_key: Digest::of(b"ledger") }
}

fn header() -> Header {
    let time = UnixTime::new(NOW).unwrap();
    Header { server: server("ca.example.com"), nonce: Nonce::new([1; 16]), time, seen: None }
}

pub(crate) fn asked() -> RequestStatement {
    RequestStatement {
        header: header(),
        requester: "alice".parse().unwrap(),
        access: "root@web-1".parse().unwrap(),
        start: None,
        window: "30m".parse().unwrap(),
        uses: None,
        command: None,
        reason: "INC-42 disk full".parse().unwrap(),
        ticket: None,
        connecting_key: public_key(3),
        rule: None,
        break_glass: None,
        extends: None,
    }
}

pub(crate) fn allowed() -> Obligations {
    Obligations {
        rule: "prod".parse().unwrap(),
        quorum: "1 of sre".parse::<Quorum>().unwrap(),
        hosts: ["web-1".parse().unwrap()].into(),
        live: None,
        login: "root".parse().unwrap(),
        max: "1h".parse().unwrap(),
        ttl: "5m".parse().unwrap(),
        allow: [domain::Extension::Pty].into(),
        command: None,
        realm: None,
        source: None,
        verify_required: false,
        requester_key: None,
        approver_key: None,
        extends: None,
        rests: false,
        break_glass: None,
        jumps: domain::Jumps::default(),
    }
}

fn signed<S: statement::Statement>(statement: &S, seed: u8) -> SignedText {
    let signed = sign_with(statement, &private_key(seed)).unwrap();
    SignedText::new(signed.text.into_bytes(), signed.signature.into_bytes()).unwrap()
}

pub(crate) fn told(asked: &RequestStatement, allowed: Obligations) -> wire::Request {
    let ruling = RulingText::new(asked.digest(), Digest::of(b"bundle"), allowed, None).unwrap();
    wire::Request {
        id: "7K3F9-QXMWT".parse().unwrap(),
        state: wire::State::Pending,
        statement: signed(asked, 1),
        ruling: ruling.encode().into_bytes(),
        decisions: Vec::new(),
        submitted: UnixTime::new(NOW).unwrap(),
        pending_until: UnixTime::new(NOW + 3600).unwrap(),
        window: None,
        approvers: vec!["bob".parse().unwrap()],
        endpoints: Vec::new(),
        missing: Some("1 of sre".parse().unwrap()),
        used: 0,
        rebinds: Vec::new(),
        review: None,
        certificates: Vec::new(),
        jump_hosts: Vec::new(),
    }
}

fn decided(told: &wire::Request, change: impl FnOnce(&mut DecisionStatement)) -> wire::Decision {
    let checked = check(told.clone()).unwrap();
    let mut statement = DecisionStatement {
        header: header(),
        approver: "bob".parse().unwrap(),
        id: told.id,
        request: *checked.request.digest(),
        ruling: checked.ruling_digest,
        allows: checked.ruling.in_words().clone(),
        verdict: Approval::Approve,
        comment: None,
    };
    change(&mut statement);
    wire::Decision {
        statement: signed(&statement, 2),
        approver: "bob".parse().unwrap(),
        time: UnixTime::new(NOW).unwrap(),
        verdict: Approval::Approve,
    }
}

pub(crate) fn check(told: wire::Request) -> Result<Checked, CheckError> {
    Checked::new(told, &server("ca.example.com"))
}

fn rebound(seed: u8, change: impl FnOnce(&mut ActStatement)) -> SignedText {
    let id = "7K3F9-QXMWT".parse().unwrap();
    let act = Act::Rebind(Rebind { id, key: public_key(seed) });
    let mut statement = ActStatement { header: header(), user: asked().requester, act, reason: None };
    change(&mut statement);
    signed(&statement, 1)
}

#[test]
fn the_connecting_key_is_the_one_that_was_put_in_place_last() {
    let with = |rebinds: Vec<SignedText>| wire::Request { rebinds, ..told(&asked(), allowed()) };
    let at = |seconds: u64| move |act: &mut ActStatement| act.header.time = UnixTime::new(NOW + seconds).unwrap();
    assert_eq!(*check(with(vec![])).unwrap().connecting_key(), asked().connecting_key);
    let twice = check(with(vec![rebound(7, at(1)), rebound(8, at(2))])).unwrap();
    assert_eq!(*twice.connecting_key(), public_key(8));
    let wrong = "an act about its connecting key is about something else";
    let other_user = |act: &mut ActStatement| act.user = "bob".parse().unwrap();
    let other_server = |act: &mut ActStatement| act.header.server = server("other.example.com");
    let other_act = |act: &mut ActStatement| act.act = Act::Resume;
    for rebinds in [
        vec![rebound(7, other_user)],
        vec![rebound(7, other_server)],
        vec![rebound(7, other_act)],
        vec![rebound(7, at(2)), rebound(8, at(1))],
        vec![rebound(7, at(1)), rebound(8, at(1))],
    ] {
        assert_eq!(mismatch(with(rebinds)), wrong);
    }
    let forged = SignedText::new(rebound(7, at(1)).text().to_vec(), rebound(7, at(2)).signature().to_vec()).unwrap();
    assert!(matches!(check(with(vec![forged])), Err(CheckError::Rebind { .. })));
}

fn mismatch(told: wire::Request) -> &'static str {
    match check(told).unwrap_err() {
        CheckError::Mismatch { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn a_request_with_its_ruling_and_decision_stands_up() {
    let mut told = told(&asked(), allowed());
    told.decisions = vec![decided(&told, |_| {})];
    let checked = check(told).unwrap();
    assert_eq!(checked.request.key(), &public_key(1));
    assert_eq!(checked.ruling.in_words().as_str(), "root on web-1, for at most 1h, certificates of 5m, with pty");
    assert_eq!(checked.pairs().map(|pair| pair.to_string()).collect::<Vec<_>>(), ["root@web-1"]);
    assert_eq!(checked.decisions[0].statement().approver.as_str(), "bob");
}

#[test]
fn a_request_of_another_server_is_refused() {
    let refused = Checked::new(told(&asked(), allowed()), &server("ca.example.org")).unwrap_err();
    assert!(refused.to_string().contains("another server"), "{refused}");
}

#[test]
fn a_changed_text_is_refused() {
    let mut changed = told(&asked(), allowed());
    let text = String::from_utf8(changed.statement.text().to_vec()).unwrap().replace("root@web-1", "root@web-2");
    changed.statement = SignedText::new(text.into_bytes(), changed.statement.signature().to_vec()).unwrap();
    assert!(matches!(check(changed).unwrap_err(), CheckError::Request { .. }));
}

#[test]
fn a_ruling_that_allows_something_else_is_refused() {
    let with = |change: fn(&mut Obligations)| {
        let mut allowed = allowed();
        change(&mut allowed);
        mismatch(told(&asked(), allowed))
    };
    assert!(with(|a| a.login = "deploy".parse().unwrap()).contains("login"));
    assert!(with(|a| a.hosts = ["web-2".parse().unwrap()].into()).contains("hosts"));
    assert!(with(|a| a.hosts.extend(["web-2".parse().unwrap()])).contains("hosts"));
    assert!(with(|a| a.command = Some("id".parse().unwrap())).contains("command"));
    assert!(with(|a| a.max = "10m".parse().unwrap()).contains("time"));
}

#[test]
fn a_plain_hosts_realm_comes_as_a_whole() {
    let mut plain = allowed();
    plain.realm = Some("legacy".parse().unwrap());
    plain.hosts.extend(["web-2".parse().unwrap()]);
    let mut told = told(&asked(), allowed());
    let ruling = RulingText::new(asked().digest(), Digest::of(b"bundle"), plain, std::num::NonZeroU32::new(2)).unwrap();
    told.ruling = ruling.encode().into_bytes();
    let checked = check(told).unwrap();
    assert!(checked.ruling.in_words().as_str().contains("ALL 2 hosts of realm legacy"));
    assert_eq!(checked.only_pair().unwrap().to_string(), "root@web-1");
}

#[test]
fn a_ruling_on_another_request_is_refused() {
    let other = RequestStatement { reason: "something else".parse().unwrap(), ..asked() };
    let swapped = wire::Request { ruling: told(&other, allowed()).ruling, ..told(&asked(), allowed()) };
    assert!(mismatch(swapped).contains("another request"));
    let none = wire::Request { ruling: b"hallpass-ruling v1\n".to_vec(), ..told(&asked(), allowed()) };
    assert!(matches!(check(none).unwrap_err(), CheckError::Ruling { .. }));
}

#[test]
fn what_self_and_labels_mean_is_the_servers_to_say() {
    let labels = RequestStatement { access: "self@env=prod".parse().unwrap(), ..asked() };
    let mut many = allowed();
    many.hosts.extend(["web-2".parse().unwrap()]);
    assert_eq!(check(told(&labels, many)).unwrap().pairs().count(), 2);
}

#[test]
fn a_decision_on_something_else_is_refused() {
    let changes: [fn(&mut DecisionStatement); 5] = [
        |said| said.request = Digest::of(b"other"),
        |said| said.ruling = Digest::of(b"other"),
        |said| said.id = "00000-00000".parse().unwrap(),
        |said| said.approver = "carol".parse().unwrap(),
        |said| said.header.server = server("ca.example.org"),
    ];
    for change in changes {
        let mut told = told(&asked(), allowed());
        told.decisions = vec![decided(&told, change)];
        assert!(mismatch(told).contains("decision"));
    }
    let mut told = told(&asked(), allowed());
    told.decisions = vec![wire::Decision { verdict: Approval::Deny, ..decided(&told, |_| {}) }];
    assert!(mismatch(told).contains("decision"));
}

#[test]
fn an_answer_about_something_else_than_was_signed_is_refused() {
    let known = check(told(&asked(), allowed())).unwrap();
    let again = || check(told(&asked(), allowed())).unwrap();
    assert!(again().with_text(&asked().digest()).is_ok());
    assert!(again().same_as(&known).is_ok());
    let other = RequestStatement { reason: "something else".parse().unwrap(), ..asked() };
    let said = |answer: Result<Checked, CheckError>| answer.unwrap_err().to_string();
    assert!(said(again().with_text(&other.digest())).contains("just signed"));
    let another = wire::Request { id: "00000-00000".parse().unwrap(), ..told(&asked(), allowed()) };
    assert!(said(check(another).unwrap().same_as(&known)).contains("not the request that was meant"));
    assert!(said(check(told(&other, allowed())).unwrap().same_as(&known)).contains("signed text"));
    let wider = Obligations { ttl: "1h".parse().unwrap(), ..allowed() };
    assert!(said(check(told(&asked(), wider)).unwrap().same_as(&known)).contains("ruling"));
}
