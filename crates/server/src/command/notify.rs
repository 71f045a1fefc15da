//! `hallpassd notify`: a test for one receiver, past the queue.

use std::io;

use directory::Right;
use domain::{Clock as _, ReceiverName, TimeError, UserName};

use crate::check::{self, CheckError, Checked};
use crate::command::{ConfigArgs, NotifyArgs};
use crate::layout::Layout;
use crate::notify::{Delivered, Failure, Message, Output, Receiver, TestError};
use crate::{SystemClock, SystemRandom};

#[derive(Debug, thiserror::Error)]
pub(super) enum NotifyError {
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("hallpassd.toml has no receiver `{0}`; {known}", known = known(.1))]
    Unknown(ReceiverName, Vec<ReceiverName>),
    #[error("the machine's clock is wrong; set it, then try again")]
    Clock(#[from] TimeError),
    #[error("the test cannot be written")]
    Test(#[from] TestError),
    #[error("the test cannot be sent")]
    Runtime(#[source] io::Error),
    #[error("the receiver `{0}` was not told")]
    Failed(ReceiverName, #[source] Failure),
    #[error(
        "the receiver `{0}` mails to whom a notice concerns, and no user with the right `admin`, who would get a test, has \
         an `email` in directory.toml; add one, or an address to `email` in hallpassd.toml"
    )]
    Nobody(ReceiverName),
}

fn known(names: &[ReceiverName]) -> String {
    if names.is_empty() {
        return "it has none: add a [[notify]]".to_owned();
    }
    format!("it has {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

pub(super) fn run(args: NotifyArgs) -> Result<String, NotifyError> {
    let NotifyArgs { name, config: ConfigArgs { config } } = args;
    let Checked { config, files, receivers } = check::all(&Layout::of_config(&config))?;
    let names = receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let receiver = receivers.into_iter().find(|receiver| receiver.name == name);
    let receiver: Receiver = receiver.ok_or_else(|| NotifyError::Unknown(name.clone(), names))?;
    let (now, directory) = (SystemClock.wall()?, files.bundle.directory());
    let admins = directory.users().filter(|user| directory.has_right(&user.name, Right::Admin));
    let to: Vec<UserName> = admins.map(|user| user.name.clone()).collect();
    let message = Message::test(name.clone(), config.name, to.into_iter(), now, &SystemRandom)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(NotifyError::Runtime)?;
    match runtime.block_on(receiver.tell(&message, directory, now, Output::Shown)) {
        Ok(Delivered::Answered(status, body)) => {
            Ok(format!("`{name}` answered {status}{}{body}\n", if body.is_empty() { "" } else { ": " }))
        }
        Ok(Delivered::Taken) => Ok(format!("`{name}` took the test: its program ended with success\n")),
        Ok(Delivered::Mailed(1)) => Ok(format!("`{name}` took a mail to 1 address\n")),
        Ok(Delivered::Mailed(addresses)) => Ok(format!("`{name}` took a mail to {addresses} addresses\n")),
        Ok(Delivered::NobodyHasAnAddress) => Err(NotifyError::Nobody(name)),
        Err(failure) => Err(NotifyError::Failed(name, failure)),
    }
}
