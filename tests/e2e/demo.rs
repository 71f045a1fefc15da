//! The first command of the README.

use std::process::Stdio;

use testkit::Result;
use tokio::process::Command;

use crate::world::{HALLPASSD, is_root, keep_run_sshd};

async fn demo(mut command: Command) -> Result<(String, bool)> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await?;
    let told = String::from_utf8(output.stdout)?;
    let place = told.split_whitespace().find(|word| word.contains("hallpass-demo-")).ok_or("no directory is named")?;
    assert!(!std::path::Path::new(place).exists(), "{place} was left behind");
    Ok((told, output.status.success()))
}

const TOLD: [&str; 6] = [
    "is approved",
    "is in the ssh-agent",
    "Accepted publickey",
    "Certificate does not contain an authorized principal",
    "Certificate invalid: expired",
    "That was the whole story",
];

#[tokio::test]
async fn the_demo_tells_the_whole_story_and_leaves_nothing_behind() -> Result<()> {
    the_story(Command::new(HALLPASSD)).await
}

async fn the_story(mut command: Command) -> Result<()> {
    keep_run_sshd()?;
    command.arg("demo").current_dir("/");
    let (told, done) = demo(command).await?;
    assert!(done, "{told}");
    for words in TOLD {
        assert!(told.contains(words), "`{words}` is missing:\n{told}");
    }
    Ok(())
}

/// An account with a shell and a home, whose password is not `locked` for sshd; made by root for this test.
struct Ordinary;

impl Ordinary {
    const NAME: &str = "hallpass-e2e";

    fn make() -> Result<Self> {
        let made = std::process::Command::new("useradd")
            .args(["--create-home", "--password", "*", "--shell", "/bin/sh", Self::NAME])
            .status()?;
        // 9: an earlier run was cut off before it could remove the account.
        if made.success() || made.code() == Some(9) { Ok(Self) } else { Err(format!("useradd: {made}").into()) }
    }
}

impl Drop for Ordinary {
    fn drop(&mut self) {
        let mut remove = std::process::Command::new("userdel");
        drop(remove.args(["--remove", Self::NAME]).stderr(Stdio::null()).status());
    }
}

#[tokio::test]
async fn the_demo_works_for_an_ordinary_user() -> Result<()> {
    // Who is no root has just seen it, as oneself.
    if !is_root() {
        return the_story(Command::new(HALLPASSD)).await;
    }
    let _account = Ordinary::make()?;
    let copy = tempfile::Builder::new().prefix("hallpassd-").tempdir()?;
    let program = copy.path().join("hallpassd");
    std::fs::copy(HALLPASSD, &program)?;
    for path in [copy.path(), &program] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", Ordinary::NAME, "--regid", Ordinary::NAME, "--clear-groups"]).arg(program);
    the_story(command).await
}
