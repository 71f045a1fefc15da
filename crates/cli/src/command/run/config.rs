//! The ssh configuration of a run: a block for each name of each host, then what the user's and the system's files say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::{HostName, Pair};

use super::private::Private;
use crate::app::App;
use crate::checked::Checked;
use crate::failure::Failure;
use crate::grants::{Fleet, Reached};
use crate::jumps;
use crate::ssh_files::{self, quoted};

pub(super) fn text(app: &App<'_>, private: &Private, fleet: &Fleet<'_>) -> Result<String, Failure> {
    let mut text = String::from("# Written by hallpass for one command; gone when it ends.\n");
    let request = fleet.held.request;
    let on_the_way: BTreeSet<&Pair> =
        fleet.reached.iter().flat_map(|reached| jumps::before(request, &reached.pair.host)).collect();
    // By their logins, as a jump host may itself be among the hosts, as another.
    for jump in on_the_way {
        let _never_fails = writeln!(text, "Match originalhost {} user {}", jump.host, jump.login);
        let reached = Reached { pair: jump.clone(), endpoint: jumps::endpoint(request, &jump.host) };
        text.push_str(&block(private, request, &jump.host, &reached)?);
    }
    for reached in &fleet.reached {
        for name in names(reached) {
            let _never_fails = writeln!(text, "Host {name}\n    User {}", reached.pair.login);
            text.push_str(&block(private, request, name, reached)?);
        }
    }
    let own = quoted(&app.places.home().join(".ssh/config"))?;
    let _never_fails = writeln!(text, "Match all\n    Include {own}\n    Include /etc/ssh/ssh_config");
    Ok(text)
}

/// How a host is reached under this name, and with what.
fn block(private: &Private, request: &Checked, name: &HostName, of: &Reached<'_>) -> Result<String, Failure> {
    let mut text = String::new();
    if let Some(endpoint) = of.endpoint {
        let jump = jumps::proxy_jump(request, &of.pair.host, endpoint);
        text.push_str(&ssh_files::reached(name, &endpoint.address, endpoint.port, jump));
    }
    let (socket, key) = (quoted(&private.socket())?, quoted(&private.key())?);
    let certificate = quoted(&private.certificate(&of.pair))?;
    let _never_fails = writeln!(
        text,
        "    IdentityAgent {socket}\n    IdentitiesOnly yes\n    IdentityFile {key}\n    CertificateFile {certificate}"
    );
    Ok(text)
}

fn names<'r>(reached: &'r Reached<'_>) -> impl Iterator<Item = &'r HostName> {
    let aliases = reached.endpoint.iter().flat_map(|endpoint| &endpoint.aliases);
    std::iter::once(&reached.pair.host).chain(aliases)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use wire::Endpoint;

    use super::*;
    use crate::arguments::Arguments;
    use crate::checked::tests::{allowed, asked, check, told};
    use crate::grants::{Held, Holder};
    use crate::testing::{Script, context};

    #[test]
    fn each_name_of_a_host_has_its_certificate_and_other_hosts_have_none() {
        let home = tempfile::tempdir().unwrap();
        let context = context(&[("HOME", home.path().to_str().unwrap())], &Script::answering(&[]));
        let app = App::new(&context, Arguments::parse_from(["hallpass", "status"]).global).unwrap();
        let private = Private::make(&app).unwrap();
        let request = check(told(&asked(), allowed())).unwrap();
        let endpoint = Endpoint {
            host: "web-1".parse().unwrap(),
            address: "192.0.2.1".to_owned(),
            port: 2222,
            via: None,
            aliases: vec!["w1".parse().unwrap()],
        };
        let reached = vec![Reached { pair: "root@web-1".parse().unwrap(), endpoint: Some(&endpoint) }];
        let held = Held { request: &request, holder: Holder::Own("/key.pub".into()) };
        let text = text(&app, &private, &Fleet { held, reached }).unwrap();
        private.write_config(&text).unwrap();
        let ssh = |host: &str| {
            let shown = std::process::Command::new("ssh").arg("-G").arg("-F").arg(private.config()).arg(host).output();
            String::from_utf8(shown.unwrap().stdout).unwrap()
        };
        let certificate =
            format!("certificatefile {}\n", private.certificate(&"root@web-1".parse().unwrap()).display());
        for name in ["web-1", "w1"] {
            let shown = ssh(name);
            let agent = format!("identityagent {}\n", private.socket().display());
            let alias = format!("hostkeyalias {name}\n");
            for line in ["user root\n", "hostname 192.0.2.1\n", "port 2222\n", &alias, &agent, &certificate] {
                assert!(shown.contains(line), "{line} in {shown}");
            }
        }
        assert!(!ssh("web-2").contains(&certificate));
    }
}
