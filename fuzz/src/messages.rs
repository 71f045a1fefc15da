//! The API's messages, in both directions.

use prost::Message;
use wire::v1;
use wire::{
    Head, Host, Identity, Issued, ListHosts, ListRequests, Request, ServerInfo, Session, SignedText, WatchRequests,
};

use crate::Target;
use crate::texts::example;

pub(crate) const TARGETS: [Target; 2] = [
    Target { name: "message-to-server", run: to_server, seeds: for_server },
    Target { name: "message-to-client", run: to_client, seeds: for_client },
];

fn to_server(data: &[u8]) -> bool {
    let read = [
        decode::<v1::Signed>(data).is_some_and(|signed| settles::<_, SignedText>(Some(signed))),
        decode::<v1::ListRequestsRequest>(data).is_some_and(|asked| ListRequests::try_from(asked).is_ok()),
        decode::<v1::WatchRequestsRequest>(data).is_some_and(|asked| WatchRequests::try_from(asked).is_ok()),
        decode::<v1::ListHostsRequest>(data).is_some_and(|asked| ListHosts::try_from(asked).is_ok()),
        decode::<v1::GetRequestRequest>(data).is_some_and(|asked| wire::request_id(&asked.id).is_ok()),
    ];
    read.contains(&true)
}

fn to_client(data: &[u8]) -> bool {
    let read = [
        decode::<v1::Request>(data).is_some_and(|request| settles::<_, Request>(Some(request))),
        decode::<v1::Checkpoint>(data).is_some_and(|head| settles::<_, Head>(Some(head))),
        decode::<v1::Host>(data).is_some_and(settles::<_, Host>),
        decode::<v1::WhoAmIResponse>(data).is_some_and(settles::<_, Identity>),
        decode::<v1::GetServerInfoResponse>(data).is_some_and(settles::<_, ServerInfo>),
        decode::<v1::Issued>(data).is_some_and(settles::<_, Issued>),
        decode::<v1::LoginResponse>(data).is_some_and(|session| Session::try_from(session).is_ok()),
    ];
    read.contains(&true)
}

fn decode<M: Message + Default>(data: &[u8]) -> Option<M> {
    M::decode(data).ok()
}

/// What was accepted goes back over the wire as the same.
fn settles<M, T>(message: M) -> bool
where
    T: TryFrom<M> + Into<M::Given> + Clone + PartialEq,
    M: Given + From<M::Given>,
{
    let Ok(parsed) = T::try_from(message) else { return false };
    let again = T::try_from(M::from(parsed.clone().into()));
    assert!(again.is_ok_and(|again| again == parsed), "it changed on the way");
    true
}

/// The message inside of what `wire` takes: itself, or what a field has when it is there.
trait Given {
    type Given;
}

impl<M> Given for Option<M> {
    type Given = M;
}

impl Given for v1::Host {
    type Given = Self;
}

impl Given for v1::WhoAmIResponse {
    type Given = Self;
}

impl Given for v1::GetServerInfoResponse {
    type Given = Self;
}

impl Given for v1::Issued {
    type Given = Self;
}

fn for_server() -> Vec<Vec<u8>> {
    let limits = v1::ListRequestsRequest { view: v1::View::Inbox.into(), limit: 100, live: true };
    vec![
        signed("request").encode_to_vec(),
        limits.encode_to_vec(),
        v1::WatchRequestsRequest { view: v1::View::Mine.into(), ..Default::default() }.encode_to_vec(),
        v1::ListHostsRequest { selector: "env=prod".to_owned() }.encode_to_vec(),
        v1::GetRequestRequest { id: "7K3F9-QXMWT".to_owned() }.encode_to_vec(),
    ]
}

fn for_client() -> Vec<Vec<u8>> {
    vec![
        request().encode_to_vec(),
        checkpoint().encode_to_vec(),
        host().encode_to_vec(),
        identity().encode_to_vec(),
        server_info().encode_to_vec(),
        issued().encode_to_vec(),
    ]
}

const TIME: u64 = 1_772_373_720;
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

fn signed(kind: &str) -> v1::Signed {
    v1::Signed { text: example(kind).into_bytes(), signature: b"SSHSIG and so on".to_vec() }
}

fn checkpoint() -> v1::Checkpoint {
    v1::Checkpoint { size: 4711, root: vec![7; 32], signature: vec![9; 64] }
}

fn request() -> v1::Request {
    v1::Request {
        rebinds: vec![signed("act")],
        id: "7K3F9-QXMWT".to_owned(),
        state: "approved".to_owned(),
        statement: Some(signed("request")),
        ruling: example("ruling").into_bytes(),
        decisions: vec![v1::Decision {
            statement: Some(signed("decision")),
            approver: "bob".to_owned(),
            time: TIME,
            verdict: "approve".to_owned(),
        }],
        submitted: TIME,
        pending_until: TIME,
        not_before: TIME,
        not_after: TIME,
        approvers: vec!["bob".to_owned()],
        endpoints: vec![v1::Endpoint {
            host: "web-1.example.com".to_owned(),
            address: "192.0.2.10".to_owned(),
            port: 22,
            via: "bastion-eu".to_owned(),
            aliases: vec!["web-1".to_owned()],
        }],
        missing: "1 of sre".to_owned(),
        used: 1,
        jump_hosts: vec![v1::Endpoint {
            host: "bastion-eu".to_owned(),
            address: "192.0.2.7".to_owned(),
            port: 22,
            via: String::new(),
            aliases: Vec::new(),
        }],
        review: Some(v1::Review { owed_since: TIME, statement: None, time: 0 }),
        certificates: vec![v1::UsedCertificate {
            serial: 4711,
            principal: "root@web-1.example.com".to_owned(),
            time: TIME,
            until: TIME,
        }],
    }
}

fn host() -> v1::Host {
    v1::Host {
        name: "web-1.example.com".to_owned(),
        aliases: vec!["web-1".to_owned()],
        address: "192.0.2.10".to_owned(),
        port: 22,
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        via: "bastion-eu".to_owned(),
        realm: "legacy".to_owned(),
        logins: vec![v1::HostLogin {
            login: "root".to_owned(),
            quorum: "1 of sre".to_owned(),
            rule: "prod-oncall".to_owned(),
            max_seconds: 3600,
            break_glass: "15m reviewed by security".to_owned(),
            break_glass_rule: "prod-oncall".to_owned(),
        }],
        jump_login: "jump".to_owned(),
    }
}

fn identity() -> v1::WhoAmIResponse {
    v1::WhoAmIResponse {
        user: "alice-admin".to_owned(),
        owner: "alice".to_owned(),
        groups: vec!["sre".to_owned()],
        rights: vec!["audit".to_owned()],
        expires: TIME,
        checkpoint: Some(checkpoint()),
        login: "alice".to_owned(),
    }
}

fn server_info() -> v1::GetServerInfoResponse {
    v1::GetServerInfoResponse {
        name: "ca.example.com/prod".to_owned(),
        ledger_key: vec![7; 32],
        tls_keys: b"hallpass-tls-keys v1\n".to_vec(),
        tls_keys_signature: vec![9; 64],
        api_version: wire::API_VERSION,
        oldest_client: "0.1.0".to_owned(),
        server_version: "0.1.0".to_owned(),
        time: TIME,
        user_ca: KEY.to_owned(),
    }
}

fn issued() -> v1::Issued {
    v1::Issued {
        pair: "root@web-1.example.com".to_owned(),
        serial: 4711,
        certificate: "ssh-ed25519-cert-v01@openssh.com AAAA".to_owned(),
        valid_before: TIME,
    }
}
