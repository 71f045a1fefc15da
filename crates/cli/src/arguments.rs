//! What `hallpass` understands: the one definition behind parsing, help, completions and man pages.

pub(crate) mod bundles;
pub(crate) mod edits;
mod granted;
mod looking;
pub(crate) mod policy;
mod run;
pub(crate) mod stops;

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use domain::{Access, RequestId, RuleName, Selector, Span, UserName};

use bundles::{HostCommand, UserCommand};
use edits::UserEdit;
pub(crate) use granted::{Extend, Rebind};
pub(crate) use looking::{AdminReport, Explain, Since};
pub(crate) use policy::{PolicyAsked, PolicyCan, PolicyCheck, PolicyCommand, PolicyDiff, PolicyWhoCan};
pub(crate) use run::Run;
use stops::{CaCommand, Stop};

use crate::at::At;

/// Ask for a login on a host, have it approved, and use it for as long as was granted.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// As they were parsed, but for one name that means two things.
    pub(crate) fn sorted(mut self) -> Self {
        // `admin user add --key FILE` is a key of the new user, and says nothing of what signs.
        if let Command::Admin(Admin { what: AdminCommand::User(UserCommand::Edit(UserEdit::Add(_))) }) = &self.command {
            self.global.key = None;
        }
        self
    }
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 denied, 4 timed out waiting.

Environment: HALLPASS_SERVER, HALLPASS_USER and HALLPASS_KEY stand for --server, --user and --key. \
HALLPASS_CONFIG names another configuration file than ~/.config/hallpass/config.toml. NO_COLOR turns colours off.";

const GLOBAL: &str = "Options of every command";

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print JSON for programs (docs/json.md) instead of text for people.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// The server, by its name in the configuration file.
    #[arg(long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) server: Option<String>,
    /// What signs: a key file, or a key in the ssh-agent by its fingerprint or comment. FIDO keys work through the agent.
    #[arg(long, global = true, value_name = "KEY", help_heading = GLOBAL)]
    pub(crate) key: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a session: sign a login statement, and start the client helper with a fresh connecting key.
    Login(LoginTo),
    /// End the session, and drop its connecting key and certificates.
    Logout,
    /// Show who I am, my requests, and my grants with when they end.
    Status(Status),
    /// List hosts, the logins that I may ask for, and who approves.
    Ls(Ls),
    /// Ask for a login on a host, or on hosts by labels; wait for approval, then fetch certificates.
    Request(Request),
    /// Ask for more time under a grant that is open: what it opens stays the same, and the longest time counts from its
    /// beginning.
    Extend(Extend),
    /// Put this session's connecting key in place of that of a request: on another machine, or after the client helper was
    /// restarted. The old key fetches nothing any more.
    Rebind(Rebind),
    /// Show one request with everything that was signed about it, checked here.
    Show(One),
    /// Say why a request needed what it needed, rule by rule, by the bundle that ruled on it.
    Explain(Explain),
    /// List the requests that wait for my decision, and break-glass that waits for my review.
    Inbox(Inbox),
    /// Approve a request, after showing what will be signed.
    Approve(Decide),
    /// Deny a request, after showing what will be signed.
    Deny(Decide),
    /// Review a break-glass: say what it was for, after showing it and what came of it. One is owed for each.
    Review(Review),
    /// Take my approval of a request back, before certificates came of it; it waits for approval again.
    Withdraw(Withdraw),
    /// Be done with a request: cancel it, or give its grant back.
    Done(Done),
    /// Stop access at once: of a request, a certificate, a user, a host, or everything; and lift that.
    Stop(Stop),
    /// Log in to a host under a grant; everything after the host goes to ssh.
    Ssh(Ssh),
    /// Run a command with access to a host, or to all hosts with some labels, for as long as it runs.
    Run(Run),
    /// Fetch a certificate under a grant, and load it into the running ssh-agent; or certificates into a directory.
    Cert(Cert),
    /// Run the client helper in the foreground; `login` starts it by itself.
    Agent(Agent),
    /// Print the lines for ~/.ssh/config that make plain ssh, scp, sftp and rsync work.
    SshConfig,
    /// Have a certificate ready for a host; called by ssh through `ssh-config`. Never asks and never waits.
    Ensure(Ensure),
    /// Administer the server.
    Admin(Admin),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Write the manual pages into a directory.
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct LoginTo {
    /// HOST[:PORT][#FINGERPRINT] of a server that is new here, or the name of one in the configuration file. The
    /// fingerprint is the SHA-256 of the server's ledger key, as its operator gives it; without it you are asked.
    #[arg(value_name = "SERVER")]
    pub(crate) place: Option<String>,
    /// The user to log in as; else the one of the configuration file, else the name of the Unix account.
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<UserName>,
    /// The name that a new server gets in the configuration file; else its host name.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Also requests that are over.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// Only hosts with all of these labels, such as env=prod,role=web.
    #[arg(value_name = "LABELS")]
    pub(crate) labels: Option<Selector>,
}

#[derive(Debug, Args)]
pub(crate) struct Request {
    /// [LOGIN@]HOST, or [LOGIN@]LABELS such as root@env=prod,role=web. Without a login: my own (`self`).
    #[arg(value_name = "[LOGIN@]HOST|LABELS")]
    pub(crate) access: Access,
    /// How long, such as 30m or 1h30m.
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) window: Span,
    /// Why; approvers read it, and it is kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: String,
    /// Start then and not at approval: 22:00, "Sat 22:00", "2026-03-07 22:00", each in my time zone or with one behind it, such
    /// as Europe/Berlin; or 2026-03-07T22:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<At>,
    /// Do not wait for approval.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Have certificates for this key of mine and not for the session's: its public key file. FIDO keys are fine.
    #[arg(long, value_name = "FILE")]
    pub(crate) connecting_key: Option<PathBuf>,
    /// Take this rule, and not the one that needs the fewest people.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<RuleName>,
    /// Take it at once, without approval, where a rule permits that: everybody in the group that reviews it is told, and while
    /// a review is owed, the next one takes an approval.
    #[arg(long, conflicts_with = "at")]
    pub(crate) break_glass: bool,
    /// Have at most this many certificates. Each new connection may take another one.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) uses: Option<NonZeroU32>,
    /// The ticket that this belongs to.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
    /// The one command that certificates may run.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The request, such as 7K3F9-QXMWT.
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
}

#[derive(Debug, Args)]
pub(crate) struct Inbox {
    /// Stay, and show requests as they come.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The request, such as 7K3F9-QXMWT.
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    /// A comment that is signed with the decision.
    #[arg(short = 'm', long = "message", value_name = "COMMENT")]
    pub(crate) comment: Option<String>,
    /// Sign without asking, after showing what.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Review {
    /// The request, such as 7K3F9-QXMWT.
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    /// What was found: what it was for, and whether it was right. It is signed and kept.
    #[arg(short = 'm', long = "message", value_name = "FOUND")]
    pub(crate) found: String,
    /// Sign without asking, after showing what.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Done {
    /// The request; may be left out when only one of mine is live.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<RequestId>,
    /// Why; it is signed and kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The request, such as 7K3F9-QXMWT.
    #[arg(value_name = "ID")]
    pub(crate) id: RequestId,
    /// Why; it is signed and kept.
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Ssh {
    /// [LOGIN@]HOST. Without a login: my own (`self`).
    #[arg(value_name = "[LOGIN@]HOST")]
    pub(crate) access: Access,
    /// What ssh gets after the host: its options, or a command.
    #[arg(value_name = "SSH ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Cert {
    /// [LOGIN@]HOST, or with --out [LOGIN@]LABELS such as root@env=prod,role=web. Without a login: my own (`self`).
    #[arg(value_name = "[LOGIN@]HOST|LABELS")]
    pub(crate) access: Access,
    /// Write each certificate and its public key into this directory, and leave the ssh-agent alone.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Agent {
    /// End the running helper: it wipes its keys, and takes back what it loaded.
    #[arg(long)]
    pub(crate) stop: bool,
    /// Leave the terminal and its session, as `login` wants it.
    #[arg(long, hide = true)]
    pub(crate) detach: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ensure {
    /// The host, as it was given to ssh (%n).
    #[arg(value_name = "HOST")]
    pub(crate) host: std::ffi::OsString,
    /// The login on it (%r).
    #[arg(value_name = "LOGIN")]
    pub(crate) login: std::ffi::OsString,
}

#[derive(Debug, Args)]
pub(crate) struct Admin {
    #[command(subcommand)]
    pub(crate) what: AdminCommand,
}

/// What administrators do.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Let the server issue certificates again, after it stopped by itself.
    Resume {
        /// Why it is safe; it is signed and kept.
        #[arg(short = 'm', long = "message", value_name = "REASON")]
        reason: String,
    },
    /// Rules: looked at before they are in force, put in force, and looked back at.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Show what the past says of the rules: those that nobody used, who approves, who could get in, users without keys.
    Report(AdminReport),
    /// Users and their keys: added in the files of a directory, taken away on the server at once.
    #[command(subcommand)]
    User(UserCommand),
    /// Hosts: added and listed in the files of a directory, joined and removed on the server at once.
    #[command(subcommand)]
    Host(HostCommand),
    /// What hosts are given of the CA.
    #[command(subcommand)]
    Ca(CaCommand),
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where the pages go; without it the main page is printed.
    #[arg(value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Reviewed texts: a change of a help text shows as a change of a file in `snapshots/`.
    #[test]
    fn help_texts_are_as_reviewed() {
        let mut hallpass = Arguments::command().term_width(100);
        hallpass.build();
        insta::assert_snapshot!("help-hallpass", hallpass.render_long_help());
        review_below(&mut hallpass, "help");
    }

    fn review_below(command: &mut clap::Command, name: &str) {
        for command in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            let name = format!("{name}-{}", command.get_name());
            insta::assert_snapshot!(name.clone(), command.render_long_help());
            review_below(command, &name);
        }
    }

    #[test]
    fn the_definitions_hold_together() {
        Arguments::command().debug_assert();
    }

    /// Clap gives a name one meaning in a whole command line: an argument that is called as a global option is, and is of
    /// another type, ends the program when it is read.
    #[test]
    fn no_argument_is_called_as_a_global_option_is() {
        let mut hallpass = Arguments::command();
        let ids = |command: &clap::Command, global: bool| -> Vec<String> {
            let arguments = command.get_arguments().filter(|argument| argument.is_global_set() == global);
            arguments.map(|argument| argument.get_id().to_string()).collect()
        };
        let global = ids(&hallpass, true);
        assert_eq!(global, ["json", "server", "key"]);
        hallpass.build();
        let (mut commands, mut found) = (vec![("hallpass".to_owned(), &hallpass)], Vec::new());
        while let Some((path, command)) = commands.pop() {
            let own = ids(command, false).into_iter().filter(|id| global.contains(id));
            found.extend(own.map(|id| format!("{path} {id}")));
            commands.extend(command.get_subcommands().map(|below| (format!("{path} {}", below.get_name()), below)));
        }
        assert_eq!(found, ["hallpass admin user add key"], "which `Arguments::sorted` takes apart");
        let removed = "hallpass admin user remove-key carol SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE -m lost";
        let removed = Arguments::try_parse_from(removed.split(' ')).unwrap();
        assert!(matches!(
            removed.command,
            Command::Admin(Admin { what: AdminCommand::User(UserCommand::RemoveKey { .. }) })
        ));
    }

    #[test]
    fn what_people_type_is_understood() {
        let parsed = |line: &str| Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command);
        assert!(matches!(
            parsed("hallpass request root@web-1 --for 30m -m x -- systemctl restart nginx").unwrap(),
            Command::Request(asked) if asked.command == ["systemctl", "restart", "nginx"]
        ));
        assert!(matches!(
            parsed("hallpass ssh root@web-1 -L 1:x:2 uptime -p").unwrap(),
            Command::Ssh(asked) if asked.rest == ["-L", "1:x:2", "uptime", "-p"]
        ));
        assert!(
            matches!(parsed("hallpass show 7k3f9qxmwt").unwrap(), Command::Show(one) if one.id.to_string() == "7K3F9-QXMWT")
        );
        let add = "hallpass admin user add carol --key a.pub --key b.pub --group eng";
        let parsed_add = Arguments::try_parse_from(add.split(' ')).unwrap().sorted();
        assert!(
            matches!(&parsed_add.command, Command::Admin(Admin { what: AdminCommand::User(UserCommand::Edit(UserEdit::Add(asked))) })
                if asked.key == ["a.pub", "b.pub"])
        );
        assert_eq!(parsed_add.global.key, None, "the keys of somebody else sign nothing");
        for wrong in [
            "hallpass",
            "hallpass request web-1 -m x",
            "hallpass request WEB --for 30m -m x",
            "hallpass request web-1 --for -5m -m x",
            "hallpass request web-1 --for 99999999h -m x",
            "hallpass request web-1 --for 30m -m x --at yesterday",
            "hallpass approve not-an-id",
            "hallpass admin resume",
            "hallpass request web-1 --for 5m -m x --break-glass --at 2026-03-01T14:00:00Z",
            "hallpass review 7K3F9-QXMWT",
            "hallpass admin user add carol",
            "hallpass admin user add Carol --key carol.pub",
            "hallpass admin host add web-2 --label env",
            "hallpass admin policy diff one",
            "hallpass admin policy import",
            "hallpass admin policy import --groups a.csv --teleport b.yaml",
            "hallpass admin policy replay --sshd-log auth.log",
            "hallpass admin policy replay --sshd-log auth.log --since 30d --with new",
            "hallpass admin policy replay --since yesterday --with new",
            "hallpass admin report --csv --json",
            "hallpass explain not-an-id",
        ] {
            assert_eq!(parsed(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
