//! The story, step by step.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::error::DemoError;
use crate::host::Host;
use crate::person::Person;
use crate::stage::{Real, Stage, TTL};
use crate::{Afterwards, say};

/// Tells it; the stage still stands.
pub(crate) async fn tell() -> Result<Stage, DemoError> {
    let began = Instant::now();
    say("Hallpass, the whole story, on 127.0.0.1 only.");
    let stage = Stage::set().await?;
    say(&format!("Everything is in {} and goes with it.", stage.dir.display()));
    the_stage(&stage);
    log_in(&stage).await?;
    ask(&stage).await?;
    approve(&stage).await?;
    match &stage.real {
        Ok(real) => {
            fetch(&stage, real).await?;
            let fetched = Instant::now();
            log_in_to_the_host(&stage, real).await?;
            another_host(&stage, real).await?;
            expire(&stage, real, fetched).await?;
        }
        Err(_) => fetch_to_a_file(&stage).await?,
    }
    show(&stage).await?;
    say(&format!("\nThat was the whole story, in {} seconds.", began.elapsed().as_secs()));
    Ok(stage)
}

/// Clears the stage, and says what was left out.
pub(crate) async fn end(stage: Stage, afterwards: Afterwards) {
    let left_out = stage.real.as_ref().err().copied();
    stage.clear().await;
    if afterwards == Afterwards::Stay {
        say("\nEverything that was started has been stopped and removed.");
    }
    if let Some(missing) = left_out {
        say(&format!(
            "Left out, because {} is not installed: the ssh-agent, and logging in to a real sshd. Install the package \
             {}, then run the demo again.",
            missing.program, missing.package
        ));
    }
}

fn the_stage(stage: &Stage) {
    say("\n1. A server, hallpassd, with four keys of its own: user CA, host CA, ledger key, TLS key.");
    say(&format!("   It listens on {}; its ledger key, which clients pin, has the fingerprint", stage.address));
    say(&format!("   {}", stage.fingerprint));
    match &stage.real {
        Ok(_) => {
            say(
                "\n2. Two hosts, web-1 and db-1: the system's own sshd. All that web-1 knows of Hallpass is in these lines:",
            );
            for line in Host::lines(&stage.ca, "web-1") {
                say(&format!("      {line}"));
            }
        }
        Err(missing) => {
            say(&format!(
                "\n2. There would be two hosts, but {} is not installed here; it is in {}.",
                missing.program, missing.package
            ));
            say("   The steps that need no host go on.");
        }
    }
}

async fn log_in(stage: &Stage) -> Result<(), DemoError> {
    say("\n3. Alice and Bob log in: each signs with a key that the server's directory binds to them.");
    let place = format!("{}#{}", stage.address, stage.fingerprint);
    for person in [&stage.alice, &stage.bob] {
        let key = person.home.join(".ssh/id_ed25519");
        let words = ["login", &place, "--as", "demo", "--user", person.name, "--key", &key.to_string_lossy()];
        person.types(&words, "a session begins").await?;
    }
    Ok(())
}

async fn ask(stage: &Stage) -> Result<(), DemoError> {
    say(&format!("\n4. Alice asks for the login `{}` on web-1, and says why. Her signature is on it.", stage.login));
    let access = format!("{}@web-1", stage.login);
    let access = if access.starts_with("self@") { access } else { "self@web-1".to_owned() };
    let words = ["request", &access, "--for", "10m", "-m", "INC-42 disk full", "--no-wait"];
    stage.alice.types(&words, "the request waits for an approval").await
}

async fn approve(stage: &Stage) -> Result<(), DemoError> {
    let id = stage.alice.last_id().ok_or(DemoError::NoId)?.to_string();
    say("\n5. Bob sees it. His own client checks Alice's signature, and shows what his own will bind to.");
    stage.bob.types(&["inbox"], "the request is listed").await?;
    stage.bob.types(&["approve", &id], "the request is approved").await
}

async fn fetch(stage: &Stage, real: &Real) -> Result<(), DemoError> {
    say(&format!(
        "\n6. Alice takes a certificate. It opens connections for {TTL} seconds; the helper loads it into her ssh-agent."
    ));
    stage.alice.types(&["cert", "web-1"], "the certificate is in the ssh-agent").await?;
    let listed = real.ssh_add(&["-l"]).await?;
    show_output("ssh-add -l", &listed);
    require(listed.status.success(), "ssh-add -l", &listed, "the ssh-agent holds the certificate")
}

/// Where no ssh-agent is.
async fn fetch_to_a_file(stage: &Stage) -> Result<(), DemoError> {
    say(&format!("\n6. Alice takes a certificate. It opens connections for {TTL} seconds."));
    let out = stage.dir.join("alice/certificates");
    stage.alice.types(&["cert", "web-1", "--out", &out.to_string_lossy()], "the certificate is in a file").await
}

async fn log_in_to_the_host(stage: &Stage, real: &Real) -> Result<(), DemoError> {
    say("\n7. Plain ssh logs in to web-1, with what the ssh-agent holds:");
    let output = real.ssh_by_agent(stage, &real.web, "echo I am $(id -un) on web-1").await?;
    require(output.status.success(), "ssh", &output, "sshd accepts the certificate")?;
    say("\n   web-1's own log says who, under which request, until when, and which entry of the ledger:");
    if let Some(line) = real.web.logged("Accepted publickey").await {
        say(&format!("      {line}"));
    }
    Ok(())
}

async fn another_host(stage: &Stage, real: &Real) -> Result<(), DemoError> {
    say("\n8. The same certificate on db-1, which trusts the same CA: it is for one login on one host.");
    let output = real.ssh_by_agent(stage, &real.db, "true").await?;
    require(!output.status.success(), "ssh", &output, "sshd refuses the certificate")?;
    if let Some(line) = real.db.logged("authorized principal").await {
        say(&format!("   db-1's log: {line}"));
    }
    Ok(())
}

async fn expire(stage: &Stage, real: &Real, fetched: Instant) -> Result<(), DemoError> {
    let over = Duration::from_secs(TTL + 1);
    say(&format!("\n9. {TTL} seconds later. The ssh-agent has dropped it:"));
    tokio::time::sleep(over.saturating_sub(fetched.elapsed())).await;
    let listed = real.ssh_add(&["-l"]).await?;
    show_output("ssh-add -l", &listed);
    require(!listed.status.success(), "ssh-add -l", &listed, "the ssh-agent is empty again")?;
    say("\n   And the very same certificate, offered from its file with Alice's connecting key:");
    let output = real.ssh_by_file(stage, &real.web, "true").await?;
    require(!output.status.success(), "ssh", &output, "sshd refuses the expired certificate")?;
    if let Some(line) = real.web.logged("expired").await {
        say(&format!("   web-1's log: {line}"));
    }
    Ok(())
}

async fn show(stage: &Stage) -> Result<(), DemoError> {
    let id = stage.alice.last_id().ok_or(DemoError::NoId)?.to_string();
    let number = if stage.real.is_ok() { 10 } else { 7 };
    say(&format!(
        "\n{number}. What was asked, decided and signed is in the ledger, each under the signature of who did it:"
    ));
    stage.bob.types(&["show", &id], "the request is shown").await?;
    say("\n   Alice is done, and gives back what is left of her ten minutes:");
    stage.alice.types(&["done", &id], "the grant is given back").await
}

impl Real {
    async fn ssh_add(&self, words: &[&str]) -> Result<Output, DemoError> {
        let mut command = Command::new(&self.programs.ssh_add);
        command.args(words).env("SSH_AUTH_SOCK", &self.agent_socket);
        output(command, "ssh-add").await
    }

    /// As anybody would: what the agent holds is offered.
    async fn ssh_by_agent(&self, stage: &Stage, host: &Host, remote: &str) -> Result<Output, DemoError> {
        let mut command = self.ssh(host);
        command.arg("-o").arg(format!("IdentityAgent={}", self.agent_socket.display()));
        self.say_and_run(command, stage, host, remote).await
    }

    /// The certificate's own file, and the connecting key in the client helper.
    async fn ssh_by_file(&self, stage: &Stage, host: &Host, remote: &str) -> Result<Output, DemoError> {
        let (key, certificate) = stage.alice.ssh_files(stage.login.as_str(), host.name);
        let mut command = self.ssh(host);
        command.arg("-o").arg(format!("IdentityAgent={}", stage.alice.helper().display()));
        command.arg("-o").arg("IdentitiesOnly=yes");
        command.arg("-o").arg(format!("IdentityFile={}", key.display()));
        command.arg("-o").arg(format!("CertificateFile={}", certificate.display()));
        self.say_and_run(command, stage, host, remote).await
    }

    fn ssh(&self, host: &Host) -> Command {
        let mut command = Command::new(&self.programs.ssh);
        command.args(["-F", "none", "-p", &host.port.to_string()]);
        command.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no"]);
        command.args(["-o", "GlobalKnownHostsFile=/dev/null"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", host.known_hosts.display()));
        command
    }

    async fn say_and_run(
        &self,
        mut command: Command,
        stage: &Stage,
        host: &Host,
        remote: &str,
    ) -> Result<Output, DemoError> {
        command.arg(format!("{}@127.0.0.1", stage.login)).arg(remote);
        say(&format!("\n   alice$ ssh -p {} {}@127.0.0.1 '{remote}'", host.port, stage.login));
        let output = output(command, "ssh").await?;
        for line in lines(&output) {
            say(&format!("   {line}"));
        }
        Ok(output)
    }
}

async fn output(mut command: Command, what: &'static str) -> Result<Output, DemoError> {
    // Ctrl-C is for the story, in which no step fails by it.
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    command.output().await.map_err(|cause| DemoError::Start { what, cause })
}

fn show_output(command: &str, output: &Output) {
    say(&format!("\n   alice$ {command}"));
    for line in lines(output) {
        say(&format!("   {line}"));
    }
}

fn lines(output: &Output) -> Vec<String> {
    let text = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn require(as_told: bool, command: &str, output: &Output, expected: &'static str) -> Result<(), DemoError> {
    if as_told {
        return Ok(());
    }
    Err(DemoError::Unexpected { command: command.to_owned(), exit: output.status.to_string(), expected })
}

/// Says that everything stays until Ctrl-C, with commands to try.
pub(crate) fn what_to_try(stage: &Stage) {
    say("\nIt all stays until you press Ctrl-C.");
    let hallpass = own_sibling("hallpass");
    if !hallpass.exists() {
        say("The commands below need the client; from the source directory, build it first:");
        say(&format!("   cargo build --bin hallpass && cp target/debug/hallpass {}", hallpass.display()));
    }
    say("In another terminal, Alice asks:");
    say(&format!("   {} request web-1 --for 10m -m \"to try it\" --no-wait", typed(&stage.alice, &hallpass)));
    say("Bob looks, and approves by the id that the request has got:");
    let bob = typed(&stage.bob, &hallpass);
    say(&format!("   {bob} inbox"));
    say(&format!("   {bob} approve ID"));
    if let Ok(real) = &stage.real {
        say("Alice logs in, as often as she likes within her ten minutes:");
        let alice = typed(&stage.alice, &hallpass);
        let known = format!("-o UserKnownHostsFile={}", real.web.known_hosts.display());
        say(&format!("   {alice} ssh web-1 {known}"));
    }
    say("The server's own files, and a check of them:");
    say(&format!("   {} check --config {}", own_sibling("hallpassd").display(), stage.config.display()));
}

/// What stands before a person's command in another terminal.
fn typed(person: &Person, hallpass: &Path) -> String {
    let (home, run) = (person.home.display(), person.home.join("run"));
    // What this terminal says of another home or key would win.
    let other =
        "-u HALLPASS_CONFIG -u HALLPASS_SERVER -u HALLPASS_USER -u HALLPASS_KEY -u XDG_CONFIG_HOME -u XDG_STATE_HOME";
    format!("env {other} HOME={home} XDG_RUNTIME_DIR={} {}", run.display(), hallpass.display())
}

/// A program beside this one.
fn own_sibling(name: &str) -> std::path::PathBuf {
    std::env::current_exe().map_or_else(|_| Path::new(name).to_owned(), |own| own.with_file_name(name))
}
