//! Mail, through a program that takes messages as `sendmail` does.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use directory::Directory;
use domain::{EmailAddress, EmailError};

use super::message::Message;
use super::program::Words;

/// Bytes on each line of a body in base64, before encoding (RFC 2045: 76 characters).
const LINE: usize = 57;
/// Most characters of a subject; a line of a header has at most 998.
const SUBJECT: usize = 300;

/// Who gets mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MailTo {
    /// Whom a notice concerns, as far as `directory.toml` has an address.
    Concerned,
    /// This address, whatever happens.
    Always(EmailAddress),
}

impl FromStr for MailTo {
    type Err = EmailError;

    fn from_str(given: &str) -> Result<Self, EmailError> {
        if given == "concerned" { Ok(Self::Concerned) } else { given.parse().map(Self::Always) }
    }
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: Vec<MailTo>,
    pub(crate) from: EmailAddress,
    pub(crate) sendmail: Words,
}

impl Mail {
    /// The addresses that a message goes to.
    pub(crate) fn recipients(&self, message: &Message, directory: &Directory) -> BTreeSet<EmailAddress> {
        let addresses = self.to.iter().flat_map(|to| match to {
            MailTo::Always(address) => vec![address.clone()],
            MailTo::Concerned => message.to().filter_map(|user| directory.address_of(user)).cloned().collect(),
        });
        addresses.collect()
    }

    /// The program with its arguments: `-i`, so that a line with a dot alone ends nothing, sender and recipients.
    pub(crate) fn words(&self, recipients: &BTreeSet<EmailAddress>) -> Words {
        let sender = ["-i".to_owned(), "-f".to_owned(), self.from.to_string()];
        self.sendmail.with(sender.into_iter().chain(recipients.iter().map(ToString::to_string)))
    }

    /// The message itself, in lines that end as local programs want them. The body is in base64: words that people wrote
    /// are no header, whatever they hold, and no line is too long.
    pub(crate) fn compose(&self, message: &Message, recipients: &BTreeSet<EmailAddress>) -> Vec<u8> {
        let to = recipients.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(",\n ");
        let host = message.server().as_str().split('/').next().unwrap_or_default();
        let mut mail = format!(
            "From: Hallpass <{from}>\nTo: {to}\nSubject: [hallpass] {subject} ({about})\n\
             Message-ID: <{id}@{host}>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n",
            from = self.from,
            subject = message.headline().chars().take(SUBJECT).collect::<String>(),
            about = message.subject(),
            id = message.id(),
        );
        for line in words(message).as_bytes().chunks(LINE) {
            let _never_fails = writeln!(mail, "{}", Base64::encode_string(line));
        }
        mail.into_bytes()
    }
}

fn words(message: &Message) -> String {
    let mut text = format!("{}.\n\n", message.headline());
    for (name, value) in message.details() {
        let _never_fails = writeln!(text, "{:<11} {value}", format!("{name}:"));
    }
    let _never_fails = writeln!(text, "\nTo see it:  {}\n\n-- \nhallpassd of {}", message.next(), message.server());
    text
}
