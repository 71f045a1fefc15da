//! What drafts of rules are made from; and the drafts, which the product itself must take.

use directory::{Directory, Source};
use import::{Draft, ImportError, KeyFile, Log, Place, from_authorized_keys, from_groups, from_log, from_teleport};
use policy::Policy;

use crate::Target;

pub(crate) const TARGETS: [Target; 4] = [
    Target { name: "authorized-keys", run: authorized_keys, seeds: key_seeds },
    Target { name: "sshd-log", run: sshd_log, seeds: log_seeds },
    Target { name: "group-list", run: group_list, seeds: group_seeds },
    Target { name: "teleport-roles", run: teleport_roles, seeds: role_seeds },
];

const KEYS: &str = r#"# on call
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ alice@laptop
restrict,pty,from="192.0.2.0/24",command="echo \"a, b\"" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ x
"#;

const LOG: &str = "\
Mar  1 14:02:00 web-1 sshd[1]: Accepted publickey for root from 192.0.2.7 port 1 ssh2: ED25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
2026-03-01T14:02:00+0000 web-2 sshd-session[1]: message repeated 2 times: [ Accepted publickey for al from ::1 port 1 ssh2: ED25519-CERT SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU ID alice (serial 7) CA ED25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU]
Mar  1 14:02:00 web-1 sshd[1]: Accepted password for root from 192.0.2.7 port 1 ssh2
";

const ROLES: &str = "\
kind: role
version: v7
metadata: {name: prod}
spec:
  options: {max_session_ttl: 8h, forward_agent: true}
  allow:
    logins: [root, '{{internal.logins}}']
    node_labels: {env: [prod, stage], '*': '*'}
    request: {roles: [prod], thresholds: [{approve: 2, deny: 1}]}
    review_requests: {roles: ['p*']}
  deny: {logins: [guest], node_labels: {data: pii}}
---
kind: role
version: v3
metadata: {name: everywhere}
spec: {allow: {logins: [ops]}}
";

fn authorized_keys(data: &[u8]) -> bool {
    let place = Place { host: "web-1".to_owned(), login: "root".to_owned() };
    let file = KeyFile { place, name: "web-1/root".to_owned(), bytes: data.to_vec() };
    drafted(from_authorized_keys::<ImportError>("keys", [Ok(file)], &[]))
}

fn sshd_log(data: &[u8]) -> bool {
    drafted(Log::read("auth.log", data).map(|log| from_log(&log)))
}

fn group_list(data: &[u8]) -> bool {
    drafted(from_groups("groups.csv", data.to_vec()))
}

fn teleport_roles(data: &[u8]) -> bool {
    drafted(from_teleport("roles.yaml", data.to_vec()))
}

/// What was drafted is read back by the product's own parsers, and lets nobody in without being asked.
fn drafted(draft: Result<Draft, ImportError>) -> bool {
    let Ok(draft) = draft else { return false };
    let files = draft.files();
    let (users, hosts) = (Source::new("directory.toml", files.directory), Source::new("hosts.toml", files.hosts));
    let directory = Directory::parse(&users, &hosts);
    assert!(directory.is_ok(), "{directory:?}");
    let policy =
        directory.and_then(|directory| Policy::compile(&Source::new("access.toml", files.access), None, &directory));
    assert!(policy.as_ref().is_ok_and(|policy| !policy.cedar_text().contains("@quorum(\"auto\")")), "{policy:?}");
    true
}

fn key_seeds() -> Vec<Vec<u8>> {
    vec![KEYS.as_bytes().to_vec()]
}

fn log_seeds() -> Vec<Vec<u8>> {
    vec![LOG.as_bytes().to_vec()]
}

fn group_seeds() -> Vec<Vec<u8>> {
    ["user,group\nalice,sre\n\"Bob B\",sre;Domain Admins\n", "alice,\n"].map(|text| text.as_bytes().to_vec()).to_vec()
}

fn role_seeds() -> Vec<Vec<u8>> {
    let json = r#"[{"kind":"role","version":"v7","metadata":{"name":"a"},"spec":{"allow":{"logins":["root"],"node_labels":{"*":"*"}}}}]"#;
    vec![ROLES.as_bytes().to_vec(), json.as_bytes().to_vec()]
}
