//! The commands, a module each.

mod admin;
mod agent;
mod amend;
mod bundles;
mod ca;
mod cert;
mod decide;
mod done;
mod drafting;
mod edit;
mod ensure;
mod extend;
mod inbox;
mod login;
mod logout;
mod looking;
mod ls;
mod manual;
mod policy;
mod rebind;
mod request;
mod review;
mod run;
mod show;
mod ssh;
mod ssh_config;
mod status;
mod stop;
mod withdraw;

pub(crate) use bundles::BundleError;
pub(crate) use ca::KrlFailure;
pub(crate) use drafting::DraftingError;
pub(crate) use edit::EditFailure;
pub(crate) use login::LoginError;
pub(crate) use policy::{FilesError, NoCases};
pub(crate) use run::PrivateError;
pub(crate) use stop::StopError;

use crate::app::App;
use crate::arguments::stops::CaCommand;
use crate::arguments::{AdminCommand, Command};
use crate::failure::{Exit, Failure};

/// Runs one command.
pub(crate) async fn run(app: &App<'_>, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Login(asked) => login::run(app, asked).await,
        Command::Logout => logout::run(app).await,
        Command::Status(asked) => status::run(app, asked).await,
        Command::Ls(asked) => ls::run(app, asked).await,
        Command::Request(asked) => Box::pin(request::run(app, asked)).await,
        Command::Extend(asked) => Box::pin(extend::run(app, asked)).await,
        Command::Rebind(asked) => rebind::run(app, asked).await,
        Command::Show(asked) => show::run(app, asked).await,
        Command::Explain(asked) => looking::explain::run(app, asked).await,
        Command::Inbox(asked) => inbox::run(app, asked).await,
        Command::Approve(asked) => decide::run(app, asked, domain::Approval::Approve).await,
        Command::Deny(asked) => decide::run(app, asked, domain::Approval::Deny).await,
        Command::Review(asked) => review::run(app, asked).await,
        Command::Withdraw(asked) => withdraw::run(app, asked).await,
        Command::Done(asked) => done::run(app, asked).await,
        Command::Stop(asked) => stop::run(app, asked).await,
        Command::Ssh(asked) => ssh::run(app, asked).await,
        Command::Run(asked) => Box::pin(run::run(app, asked)).await,
        Command::Cert(asked) => cert::run(app, asked).await,
        Command::Agent(asked) => agent::run(app, asked).await,
        Command::SshConfig => ssh_config::run(app),
        Command::Ensure(asked) => ensure::run(app, asked).await,
        Command::Admin(asked) => match &asked.what {
            AdminCommand::Resume { reason } => admin::resume(app, reason).await,
            AdminCommand::Policy(command) => policy::run(app, command).await,
            AdminCommand::User(command) => amend::user(app, command).await,
            AdminCommand::Host(command) => amend::host(app, command).await,
            AdminCommand::Ca(CaCommand::Krl { out }) => ca::krl(app, out).await,
            AdminCommand::Report(asked) => looking::report::run(app, asked).await,
        },
        Command::Completions(asked) => manual::completions(app, asked.shell),
        Command::Man(asked) => manual::pages(app, asked.out.as_deref()),
    }
}
