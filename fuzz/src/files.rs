//! The administrator's files.

use directory::{Directory, Source};

use crate::Target;

pub(crate) const TARGETS: [Target; 1] = [Target { name: "directory", run, seeds }];

/// Stands between the two files.
const BETWEEN: &str = "\n%%\n";

const USERS: &str = r#"
[[user]]
name = "alice"
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ alice@laptop"]
login = "alice"
[[user]]
name = "backup"
kind = "service"
owner = "alice"
disabled = true
[[group]]
name = "sre"
members = ["alice"]
rights = ["admin", "audit"]
"#;

const HOSTS: &str = r#"
[[host]]
name = "web-1.example.com"
aliases = ["web-1"]
address = "192.0.2.10"
port = 22
labels = { env = "prod", role = "web" }
via = "bastion-eu"
[[host]]
name = "bastion-eu"
realm = "legacy"
"#;

/// What is wrong is told, at whatever place in whatever text.
fn run(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let (users, hosts) = text.split_once(BETWEEN).unwrap_or((text, ""));
    match Directory::parse(&Source::new("directory.toml", users), &Source::new("hosts.toml", hosts)) {
        Ok(_) => true,
        Err(mistakes) => {
            assert!(!mistakes.to_string().is_empty());
            false
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    vec![[USERS, HOSTS].join(BETWEEN).into_bytes(), b"".to_vec()]
}
