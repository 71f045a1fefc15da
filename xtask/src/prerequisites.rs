//! What the tests need beside Rust: found, installed when root can, named when not.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{cargo, on_path, output, run};
use crate::failure::Failure;
use crate::root::root;

/// A file or program, and the Debian package that brings it.
struct Need {
    what: What,
    package: &'static str,
}

enum What {
    Program(&'static str),
    File(&'static str),
}

const NEEDS: [Need; 14] = [
    Need { what: What::File("/usr/sbin/sshd"), package: "openssh-server" },
    Need { what: What::Program("ssh"), package: "openssh-client" },
    Need { what: What::Program("ssh-agent"), package: "openssh-client" },
    Need { what: What::Program("ssh-keygen"), package: "openssh-client" },
    Need { what: What::File("/usr/lib/openssh/sftp-server"), package: "openssh-sftp-server" },
    // A FIDO token in software: the tests' stand-in for a real one.
    Need { what: What::File("/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so"), package: "openssh-tests" },
    Need { what: What::Program("rsync"), package: "rsync" },
    Need { what: What::Program("strace"), package: "strace" },
    // A network that nobody outside connects into.
    Need { what: What::Program("nsenter"), package: "util-linux" },
    Need { what: What::Program("ip"), package: "iproute2" },
    // A small disk to fill, signals, and a terminal for whoever is asked.
    Need { what: What::Program("mount"), package: "mount" },
    Need { what: What::Program("kill"), package: "procps" },
    Need { what: What::Program("script"), package: "bsdutils" },
    // libFuzzer is C++.
    Need { what: What::Program("g++"), package: "g++" },
];

/// Makes sure that everything is there.
pub(crate) fn ensure() -> Result<(), Failure> {
    components()?;
    let missing = missing_packages(&NEEDS);
    if missing.is_empty() {
        println!("all there");
        return Ok(());
    }
    println!("missing: {}", missing.join(" "));
    if is_root()? && on_path("apt-get") {
        install(&missing)?;
    }
    match missing_packages(&NEEDS) {
        missing if missing.is_empty() => Ok(()),
        missing => Err(Failure::Findings(vec![format!(
            "the tests need these packages (Debian's names): apt-get install {}",
            missing.join(" ")
        )])),
    }
}

/// rustfmt and clippy: a minimal installation of Rust leaves them out.
fn components() -> Result<(), Failure> {
    let there = |tool: &str| cargo().args([tool, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let absent = ["fmt", "clippy"].into_iter().filter(|tool| !there(tool).is_ok_and(|status| status.success()));
    Failure::unless_empty(
        absent.map(|tool| format!("`cargo {tool}` is missing: rustup component add rustfmt clippy")).collect(),
    )
}

fn missing_packages(needs: &[Need]) -> Vec<&'static str> {
    let mut missing: Vec<_> = needs.iter().filter(|need| !is_there(need)).map(|need| need.package).collect();
    missing.dedup();
    missing
}

fn is_there(need: &Need) -> bool {
    match need.what {
        What::Program(name) => on_path(name),
        What::File(path) => Path::new(path).is_file(),
    }
}

/// Fails when the tests left something out because they did not run as root.
pub(crate) fn nothing_left_out() -> Result<(), Failure> {
    let checks = checks_for_root(&root().join("tests/e2e"))?;
    println!("{checks} checks of tests/e2e need root");
    if is_root()? { Ok(()) } else { Failure::unless_empty(left_out(checks)) }
}

fn left_out(checks: usize) -> Vec<String> {
    let said = format!("{checks} checks of tests/e2e need root and were left out: run `cargo xtask test` as root");
    (checks > 0).then_some(said).into_iter().collect()
}

/// How often the tests in a directory ask whether they may do what only root can.
fn checks_for_root(tests: &Path) -> Result<usize, Failure> {
    let unread = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { path, source }
    };
    let mut checks = 0;
    for file in std::fs::read_dir(tests).map_err(unread(tests))? {
        let path = file.map_err(unread(tests))?.path();
        let text = std::fs::read_to_string(&path).map_err(unread(&path))?;
        checks += text.matches("only_root_can()").count() - text.matches("fn only_root_can()").count();
    }
    Ok(checks)
}

fn is_root() -> Result<bool, Failure> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// A fresh machine has no package lists: they are fetched when the first try fails.
fn install(packages: &[&str]) -> Result<(), Failure> {
    let install = || {
        let mut apt = apt_get();
        apt.args(["install", "--yes", "--no-install-recommends"]).args(packages);
        run(&mut apt)
    };
    install().or_else(|_| {
        run(apt_get().arg("update"))?;
        install()
    })
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    apt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_missing_once_however_much_of_it_is() {
        let needs = [
            Need { what: What::File("/nowhere/a"), package: "openssh-client" },
            Need { what: What::Program("no-such-program-anywhere"), package: "openssh-client" },
            Need { what: What::Program("sh"), package: "dash" },
        ];
        assert_eq!(missing_packages(&needs), ["openssh-client"]);
    }

    #[test]
    fn what_needs_root_is_counted_and_closes_the_gate_to_others() {
        let checks = checks_for_root(&root().join("tests/e2e")).unwrap();
        assert!(checks > 0, "the tests ask in other words by now");
        let told = Failure::unless_empty(left_out(checks)).unwrap_err().to_string();
        assert!(told.contains(&format!("{checks} checks of tests/e2e need root and were left out")), "{told}");
        assert!(left_out(0).is_empty());
    }
}
