//! Whose keys a file holds, by where it lies in the copy of the hosts' files.

/// The host and account that an authorized_keys file is for, as its path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The host.
    pub host: String,
    /// The account.
    pub login: String,
}

/// Reads the path of a file below the directory: `HOST/LOGIN`, `HOST/LOGIN/authorized_keys`, or as on the host itself,
/// `HOST/home/LOGIN/.ssh/authorized_keys` and `HOST/root/.ssh/authorized_keys`.
pub fn place(path: &[&str]) -> Option<Place> {
    let (host, login) = match path {
        [host, login] | [host, login, "authorized_keys"] => (host, login),
        [host, "root", ".ssh", FILE | SECOND] => (host, &"root"),
        [host, .., login, ".ssh", FILE | SECOND] => (host, login),
        [host, "etc", "ssh", "authorized_keys" | "authorized_keys.d", login] => (host, login),
        _ => return None,
    };
    Some(Place { host: (*host).to_owned(), login: (*login).to_owned() })
}

const FILE: &str = "authorized_keys";
/// sshd's default for AuthorizedKeysFile has this one, too (sshd_config(5)).
const SECOND: &str = "authorized_keys2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_host_and_login() {
        for (path, expected) in [
            ("web-1/root", Some(("web-1", "root"))),
            ("web-1/deploy/authorized_keys", Some(("web-1", "deploy"))),
            ("web-1/home/alice/.ssh/authorized_keys", Some(("web-1", "alice"))),
            ("web-1/root/.ssh/authorized_keys2", Some(("web-1", "root"))),
            ("web-1/var/lib/backup/.ssh/authorized_keys", Some(("web-1", "backup"))),
            ("web-1/etc/ssh/authorized_keys.d/alice", Some(("web-1", "alice"))),
            ("web-1/home/alice/.ssh/known_hosts", None),
            ("notes.txt", None),
        ] {
            let found = place(&path.split('/').collect::<Vec<_>>());
            let found = found.as_ref().map(|place| (place.host.as_str(), place.login.as_str()));
            assert_eq!(found, expected, "{path}");
        }
    }
}
