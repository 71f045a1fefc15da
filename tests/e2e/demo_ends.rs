//! The demo, ended early or late, and where a program is missing: what it says, and that nothing of it stays.

use std::path::{Path, PathBuf};

use testkit::{Machine, Output, Result, eventually};
use tokio::process::Command;

use crate::processes::{Process, descendants, eventually_gone, that_name};
use crate::running::Program;
use crate::world::{HALLPASSD, find_id, is_root, keep_run_sshd, login, only_root_can, signal};

/// A demo, with a directory for temporary files that nobody else uses.
struct Demo {
    program: Program,
    place: tempfile::TempDir,
}

impl Demo {
    fn start(mut command: Command) -> Result<Self> {
        keep_run_sshd()?;
        let place = tempfile::tempdir()?;
        let temporary = place.path().join("tmp");
        std::fs::create_dir(&temporary)?;
        // A process group of its own, as a shell starts it.
        command.env("TMPDIR", temporary).current_dir("/").process_group(0);
        Ok(Self { program: Program::start(command, &place.path().join("screen"))?, place })
    }

    fn with(words: &[&str]) -> Result<Self> {
        let mut command = Command::new(HALLPASSD);
        command.arg("demo").args(words);
        Self::start(command)
    }

    /// Waits until it has ended and nothing stays; its exit code, and all that it said.
    async fn ends(self, started: Vec<Process>) -> Result<(Option<i32>, String)> {
        let (code, told) = self.program.ended().await?;
        eventually_gone(started).await?;
        let temporary = self.place.path().join("tmp");
        let nobody = async || that_name(&temporary).is_ok_and(|found| found.is_empty());
        eventually("no process names its directory any more", nobody)
            .await
            .map_err(|error| format!("{error}:\n{told}"))?;
        let left: Vec<PathBuf> = std::fs::read_dir(temporary)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
        assert_eq!(left, Vec::<PathBuf>::new(), "{told}");
        Ok((code, told))
    }
}

#[tokio::test]
async fn a_signal_in_the_middle_of_the_story_ends_it_and_everything_that_it_started() -> Result<()> {
    const SETTING_THE_STAGE: &str = "Hallpass, the whole story";
    const LOGGING_IN: &str = "3. Alice and Bob log in";
    const AT_THE_HOST: &str = "7. Plain ssh logs in";
    const WAITING_FOR_EXPIRY: &str = "seconds later. The ssh-agent has dropped it";
    // What a terminal sends goes to the whole group, whoever is in it.
    for (moment, name, whole_group, expected) in [
        (SETTING_THE_STAGE, "INT", true, 130),
        (LOGGING_IN, "TERM", false, 143),
        (AT_THE_HOST, "INT", true, 130),
        (WAITING_FOR_EXPIRY, "INT", false, 130),
        (WAITING_FOR_EXPIRY, "TERM", false, 143),
        (WAITING_FOR_EXPIRY, "HUP", true, 129),
    ] {
        let demo = Demo::with(&[])?;
        demo.program.says(moment).await?;
        let pid = demo.program.pid()?;
        let started = descendants(pid)?;
        if moment == WAITING_FOR_EXPIRY {
            assert!(started.len() >= 3, "two sshd and an ssh-agent run by now: {started:?}");
        }
        signal(if whole_group { format!("-{pid}") } else { pid.to_string() }, name)?;
        let (code, told) = demo.ends(started).await?;
        assert_eq!(code, Some(expected), "{moment}, {name}: {told}");
        let last = told.lines().last().unwrap_or_default();
        assert!(last.starts_with("Interrupted; everything that was started has been stopped"), "{moment}: {told}");
        assert!(!told.contains("That was the whole story"), "{moment}, {name}: {told}");
    }
    Ok(())
}

/// A command in another terminal, with this typed to it.
async fn typed(terminal: &Machine, command: &str, input: &str) -> Result<Output> {
    let piped = "printf '%s\\n' \"$2\" | sh -c \"$1\"";
    terminal.run("sh", &["-c", piped, "sh", command, input]).await
}

/// The same, where the command asks a person.
async fn answered(terminal: &Machine, command: &str, answer: &str) -> Result<Output> {
    terminal.write("command", command)?;
    typed(terminal, "script -qec 'sh command' /dev/null", answer).await
}

#[tokio::test]
async fn what_keep_prints_works_as_printed_until_ctrl_c_ends_it_all() -> Result<()> {
    let demo = Demo::with(&["--keep"])?;
    demo.program.says("check --config").await?;
    let told = demo.program.screen();
    let (_, afterwards) = told.split_once("It all stays until you press Ctrl-C").ok_or("it does not stay")?;
    let commands: Vec<&str> = afterwards.lines().filter_map(|line| line.strip_prefix("   ")).collect();
    let [request, inbox, approve, ssh, check] = commands[..] else {
        return Err(format!("other commands than expected: {commands:?}").into());
    };
    let terminal = Machine::new()?;
    let asked = typed(&terminal, request, "").await?.ok()?;
    let id = find_id(&asked).ok_or_else(|| format!("no id in {asked}"))?;
    let listed = typed(&terminal, inbox, "").await?.ok()?;
    assert!(listed.contains(&id), "{listed}");
    let approved = answered(&terminal, &approve.replace(" ID", &format!(" {id}")), "y").await?.ok()?;
    assert!(approved.contains("approved"), "{approved}");
    let there = typed(&terminal, ssh, "echo I am $(id -un)").await?.ok()?;
    assert!(there.contains(&format!("I am {}", login()?)), "{there}");
    let checked = typed(&terminal, check, "").await?.ok()?;
    assert!(checked.contains("no mistakes"), "{checked}");

    // Somebody is logged in when it ends.
    let open = terminal.command("sh", &["-c", &format!("{ssh} 'echo I am in; exec sleep 3600'")]);
    let open = Program::start(open, &terminal.path("session"))?;
    open.says("I am in").await?;
    let pid = demo.program.pid()?;
    let started = descendants(pid)?;
    assert!(started.iter().any(|process| process.command.contains("3600")), "{started:?}");
    signal(format!("-{pid}"), "INT")?;
    let (code, told) = demo.ends(started).await?;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.trim_end().ends_with("Everything that was started has been stopped and removed."), "{told}");
    assert_eq!(open.ended().await?.0, Some(255), "ssh loses its connection");
    Ok(())
}

#[tokio::test]
async fn without_openssh_it_names_the_package_and_tells_what_needs_none() -> Result<()> {
    for (program, package) in [("/usr/sbin/sshd", "openssh-server"), ("/usr/bin/ssh-agent", "openssh-client")] {
        let name = Path::new(program).file_name().and_then(|name| name.to_str()).ok_or("no name")?;
        let mut command = Command::new("unshare");
        command.arg("--mount").args(if is_root() { &[][..] } else { &["--user", "--map-root-user"] });
        command.args(["sh", "-c", "mount --bind /dev/null \"$1\" && exec \"$2\" demo", "sh", program, HALLPASSD]);
        let (code, told) = Demo::start(command)?.ends(Vec::new()).await?;
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains(&format!("{name} is not installed here; it is in {package}")), "{told}");
        for step in ["is approved", "6. Alice takes a certificate", "7. What was asked", "That was the whole story"] {
            assert!(told.contains(step), "`{step}` is missing:\n{told}");
        }
        assert!(!told.contains("Accepted publickey"), "{told}");
        let last = told.lines().last().unwrap_or_default();
        for words in ["Left out", name, package] {
            assert!(last.contains(words), "`{words}` is not in the last line:\n{told}");
        }
    }
    Ok(())
}

/// Runs the demo where nothing else runs, on a machine whose /run is empty, after this; true when /run/sshd is left.
async fn leaves_run_sshd(first: &str) -> Result<bool> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c"]);
    command.arg(format!("mount -t tmpfs tmpfs /run && {first} \"$1\" demo && ls /run | grep ^sshd$; true"));
    let place = tempfile::tempdir()?;
    command.arg("sh").arg(HALLPASSD).env("TMPDIR", place.path()).current_dir("/");
    let (code, told) = Program::start(command, &place.path().join("screen"))?.ended().await?;
    assert!(code == Some(0) && told.contains("That was the whole story"), "{told}");
    Ok(told.lines().last() == Some("sshd"))
}

#[tokio::test]
async fn the_directory_of_privilege_separation_goes_unless_another_sshd_needs_it() -> Result<()> {
    // Only root's sshd separates privileges by it.
    if !only_root_can() {
        return Ok(());
    }
    let another = "mkdir /run/bin && cp $(command -v sleep) /run/bin/sshd && { /run/bin/sshd 3600 & } &&";
    let (alone, beside_another) = tokio::join!(leaves_run_sshd(""), leaves_run_sshd(another));
    assert!(!alone?, "it was made, and left behind");
    assert!(beside_another?, "the other sshd would let nobody in any more");
    Ok(())
}
