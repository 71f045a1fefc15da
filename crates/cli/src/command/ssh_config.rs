//! `hallpass ssh-config`: the lines that make plain ssh work.

use serde::Serialize;

use crate::app::{App, Look, Report};
use crate::failure::{Exit, Failure};
use crate::ssh_files::{SshFilesError, quoted};

pub(crate) fn run(app: &App<'_>) -> Result<Exit, Failure> {
    app.report(&Lines { lines: lines(app)? })?;
    Ok(Exit::Done)
}

/// ssh gives the line of `exec` to the user's shell, after it put in what the user typed as host and login: within
/// single quotes only a single quote can break out, and the criteria before it, which ssh judges first, keep those away.
/// `ensure` itself takes nothing outside the grammar.
fn lines(app: &App<'_>) -> Result<String, Failure> {
    let own = app.context.processes.own_path();
    let own = own.map_err(|cause| Failure::Start { program: "hallpass", cause })?;
    let program = quoted(&own)?;
    let program = program.trim_matches('"');
    if program.contains('\'') {
        return Err(SshFilesError::Path(own).into());
    }
    let dir = app.places.ssh();
    let file = |name: &str| quoted(&dir).map(|dir| format!("\"{}/{name}\"", dir.trim_matches('"')));
    let (hosts, key, certificate) = (dir.join("hosts.*"), file("%r@%n.pub")?, file("%r@%n-cert.pub")?);
    let (hosts, socket) = (quoted(&hosts)?, quoted(&app.places.socket())?);
    Ok(format!(
        "# Hallpass: put these lines at the top of ~/.ssh/config. Where the login is not typed (ssh LOGIN@HOST), a line\n\
         # `User LOGIN` for the host must stand above them.\n\
         Include {hosts}\n\
         Match !originalhost \"*'*\" !user \"*'*\" exec \"'{program}' ensure -- '%n' '%r'\"\n    \
             IdentityAgent {socket}\n    \
             IdentitiesOnly yes\n    \
             IdentityFile {key}\n    \
             CertificateFile {certificate}\n\
         Match all\n"
    ))
}

#[derive(Serialize)]
struct Lines {
    lines: String,
}

impl Report for Lines {
    fn text(&self, _: &Look<'_>) -> String {
        self.lines.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;
    use crate::testing::{Script, context};

    fn lines_for(home: &Path) -> String {
        let variables = [("HOME", home.to_str().unwrap()), ("XDG_RUNTIME_DIR", "/run/user/1")];
        let context = context(&variables, &Script::answering(&[]));
        let arguments = Arguments::parse_from(["hallpass", "ssh-config"]);
        lines(&App::new(&context, arguments.global).unwrap()).unwrap()
    }

    #[test]
    fn the_lines_are_as_reviewed() {
        insta::assert_snapshot!("ssh-config", lines_for(Path::new("/home/alice")));
    }

    /// What ssh makes of the lines: with an `ensure` that always succeeds and notes how it was called.
    fn ssh(dir: &Path, host: &str) -> (String, String) {
        let noted = dir.join("noted");
        let ensure = format!("/bin/echo called '%n' '%r' >>{}", noted.display());
        let config = lines_for(dir).replace("'/usr/bin/hallpass' ensure -- '%n' '%r'", &ensure);
        std::fs::write(dir.join("config"), config).unwrap();
        let done = Command::new("ssh").arg("-G").arg("-F").arg(dir.join("config")).args(["--", host]).output().unwrap();
        (String::from_utf8_lossy(&done.stdout).into_owned(), std::fs::read_to_string(noted).unwrap_or_default())
    }

    #[test]
    fn ssh_asks_the_helper_and_shows_its_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let (settings, noted) = ssh(dir.path(), "root@web-1");
        assert_eq!(noted, "called web-1 root\n");
        let state = dir.path().join(".local/state/hallpass/ssh");
        for line in [
            "identityagent /run/user/1/hallpass/agent.sock".to_owned(),
            "identitiesonly yes".to_owned(),
            format!("identityfile {}/%r@%n.pub", state.display()),
            format!("certificatefile {}/%r@%n-cert.pub", state.display()),
        ] {
            assert!(settings.contains(&line), "{line} in {settings}");
        }
    }

    #[test]
    fn where_a_host_is_reached_comes_from_the_inventory() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = dir.path().join(".local/state/hallpass/ssh/hosts.work");
        std::fs::create_dir_all(hosts.parent().unwrap()).unwrap();
        std::fs::write(
            &hosts,
            "Host web-1.example.com web-1\n    HostName 192.0.2.10\n    Port 2222\n    ProxyJump b\n",
        )
        .unwrap();
        let (settings, noted) = ssh(dir.path(), "root@web-1");
        for line in ["hostname 192.0.2.10\n", "port 2222\n", "proxyjump b\n"] {
            assert!(settings.contains(line), "{line} in {settings}");
        }
        assert_eq!(noted, "called web-1 root\n", "by the name that was typed");
    }

    #[test]
    fn nothing_that_is_typed_reaches_the_shell() {
        for typed in ["x';touch${IFS}pwned;'@web-1", "root@x';touch${IFS}pwned;'", "$(touch${IFS}pwned)@web-1"] {
            let dir = tempfile::tempdir().unwrap();
            let (_, noted) = ssh(dir.path(), typed);
            assert!(!noted.contains("called") || noted.contains("$("), "{typed}: {noted}");
            for place in [dir.path(), Path::new(".")] {
                assert!(!place.join("pwned").exists(), "{typed}");
            }
        }
    }
}
