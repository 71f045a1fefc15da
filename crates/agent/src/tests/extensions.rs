//! The extension messages as bytes.

use proptest::prelude::*;

use super::openssh::OpenSsh;
use crate::extension::{Answer, Ask, CREATE_KEY, DROP_KEY, LOAD, SHUT_DOWN, STATUS};
use crate::message::{EXTENSION, Message, Reader};
use crate::{HeldKey, Load, LoadedCertificate, Refusal, Status};

const NAMES: [&str; 6] = [STATUS, CREATE_KEY, DROP_KEY, LOAD, SHUT_DOWN, "other@hallpass"];

proptest! {
    #[test]
    fn no_bytes_upset_a_reader(name in 0..NAMES.len(), bytes: Vec<u8>) {
        let named = Message::new(29, 0).string(NAMES[name]);
        let answered = [named.bytes(), &bytes].concat();
        drop(Ask::read(NAMES[name], &bytes));
        drop(Answer::read(NAMES[name], &answered));
        prop_assert!(Ask::read("other@hallpass", &bytes).is_none());
        prop_assert!(Answer::read(STATUS, &bytes).is_none());
    }
}

#[tokio::test]
async fn a_load_request_reads_back() {
    let openssh = OpenSsh::new();
    let key = openssh.keygen("ed25519", "k").await;
    let load = Load {
        server: "prod".parse().unwrap(),
        host: "web-1".parse().unwrap(),
        agent: "/run/agent.sock".into(),
        certificate: openssh.certify(&key, 4711, "+5m").await,
    };
    let message = load.write(Message::new(EXTENSION, 0).string(LOAD));
    let mut reader = Reader::new(&message.bytes()[1..]);
    assert_eq!(reader.text(), Some(LOAD));
    let fields = reader.rest();
    assert!(matches!(Ask::read(LOAD, fields), Some(Ask::Load(read)) if *read == load));
    for cut in 0..fields.len() {
        assert!(Ask::read(LOAD, &fields[..cut]).is_none(), "cut at {cut}");
    }
    assert!(Ask::read(LOAD, &[fields, &[0]].concat()).is_none());
}

#[test]
fn a_status_reads_back() {
    let status = Status {
        version: "0.1.0".into(),
        keys: vec![HeldKey {
            server: "prod".parse().unwrap(),
            public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
                .parse()
                .unwrap(),
        }],
        loaded: vec![LoadedCertificate {
            server: "prod".parse().unwrap(),
            host: "web-1".parse().unwrap(),
            agent: "/run/agent.sock".into(),
            until: domain::UnixTime::new(1_772_373_720).unwrap(),
        }],
    };
    let message = Answer::Status(status.clone()).write(STATUS);
    assert!(matches!(Answer::read(STATUS, message.bytes()), Some(Answer::Status(read)) if read == status));
    assert!(Answer::read(LOAD, message.bytes()).is_none(), "the answer to something else");
}

#[test]
fn every_refusal_reads_back() {
    for refusal in [
        Refusal::NoKey,
        Refusal::OtherKey,
        Refusal::Expired,
        Refusal::Full,
        Refusal::Key("why".into()),
        Refusal::Agent("why".into()),
        Refusal::Clock,
    ] {
        let message = Answer::Refused(refusal.clone()).write(LOAD);
        assert!(matches!(Answer::read(LOAD, message.bytes()), Some(Answer::Refused(read)) if read == refusal));
    }
}
