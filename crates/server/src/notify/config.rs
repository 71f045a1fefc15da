//! `[[notify]]` in `hallpassd.toml`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use directory::{Fields, Notes};
use domain::{EmailAddress, Event, ReceiverName, Span};
use toml::Spanned;

use super::endpoint::Endpoint;
use super::mail::{Mail, MailTo};
use super::program::Words;

/// How long an attempt may take, when nothing is said: the specification of Standard Webhooks says 15 to 30 s.
const TIMEOUT: u64 = 15;
/// How long it may be set to.
const LONGEST_TIMEOUT: u64 = 120;
/// What takes mail, when nothing is said.
const SENDMAIL: &str = "/usr/sbin/sendmail";

/// A receiver as it is written down. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: ReceiverName,
    pub(crate) on: BTreeSet<Event>,
    pub(crate) timeout: Span,
    pub(crate) route: Route,
}

/// How it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Url { endpoint: Endpoint, form: Form, secret_file: Option<PathBuf>, ca_file: Option<PathBuf> },
    Exec(Words),
    Email(Mail),
}

/// In which form a URL is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Slack,
    Teams,
}

/// A form that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `json`, `slack` or `teams`")]
pub(crate) struct UnknownForm;

impl FromStr for Form {
    type Err = UnknownForm;

    fn from_str(given: &str) -> Result<Self, UnknownForm> {
        match given {
            "json" => Ok(Self::Json),
            "slack" => Ok(Self::Slack),
            "teams" => Ok(Self::Teams),
            _ => Err(UnknownForm),
        }
    }
}

/// Reads every `[[notify]]`; what is wrong is noted.
pub(crate) fn entries(notes: &Notes<'_>, top: &Fields<'_>) -> Vec<Entry> {
    let mut named: BTreeSet<ReceiverName> = BTreeSet::new();
    let mut read = Vec::new();
    for fields in top.tables("notify") {
        let name = fields.required::<ReceiverName>("name");
        if let Some(name) = name.as_ref().filter(|name| !named.insert(name.get_ref().clone())) {
            notes.note(name.span(), format!("there are two receivers called `{}`", name.get_ref()));
        }
        let on = fields.filled_list::<Event>("on");
        let on = on.map_or_else(|| Event::ALL.into(), |on| on.into_iter().map(Spanned::into_inner).collect());
        let timeout = timeout(notes, &fields);
        let route = route(notes, &fields);
        fields.finish();
        read.extend(name.zip(route).map(|(name, route)| Entry { name: name.into_inner(), on, timeout, route }));
    }
    read
}

fn timeout(notes: &Notes<'_>, fields: &Fields<'_>) -> Span {
    let default = Span::from_seconds(TIMEOUT).unwrap_or(Span::ZERO);
    let Some(given) = fields.optional::<Span>("timeout") else { return default };
    if !(1..=LONGEST_TIMEOUT).contains(&given.get_ref().seconds()) {
        notes.note(given.span(), "expected a duration of 1s to 2m");
    }
    given.into_inner()
}

/// Exactly one of the three ways, and nothing that belongs to another.
fn route(notes: &Notes<'_>, fields: &Fields<'_>) -> Option<Route> {
    let url = fields.optional::<Endpoint>("url");
    let exec = fields.filled_list::<String>("exec");
    let email = fields.filled_list::<MailTo>("email");
    let format = fields.optional::<Form>("format");
    let secret_file = fields.optional::<PathBuf>("secret-file");
    let ca_file = fields.optional::<PathBuf>("ca-file");
    let from = fields.optional::<EmailAddress>("from");
    let sendmail = fields.filled_list::<String>("sendmail");

    let given = ["url", "exec", "email"].into_iter().filter(|way| fields.has(way)).collect::<Vec<_>>();
    let [way] = given.as_slice() else {
        let found = if given.is_empty() { "none of them".to_owned() } else { format!("`{}`", given.join("` and `")) };
        let message = format!("a receiver has one of `url`, `exec` and `email`; this one has {found}");
        notes.note_with_help(fields.span(), message, "write a [[notify]] of its own for each way");
        return None;
    };
    let belongs =
        [("format", "url"), ("secret-file", "url"), ("ca-file", "url"), ("from", "email"), ("sendmail", "email")];
    for (field, to) in belongs.into_iter().filter(|(field, to)| fields.has(field) && to != way) {
        notes.note(fields.span(), format!("`{field}` goes with `{to}`, and this receiver has `{way}`"));
    }
    match *way {
        "url" => {
            let form = format.map_or(Form::Json, Spanned::into_inner);
            let url = url?;
            if form == Form::Json && !fields.has("secret-file") {
                let help = "name a file with what both sides know: secret-file = \"webhook.secret\"; make it with: \
                            (umask 077; echo whsec_$(head -c 32 /dev/urandom | base64) > webhook.secret)";
                notes.note_with_help(url.span(), "JSON is signed, and there is no `secret-file` to sign it with", help);
            }
            let [secret_file, ca_file] = [secret_file, ca_file].map(|file| file.map(Spanned::into_inner));
            Some(Route::Url { endpoint: url.into_inner(), form, secret_file, ca_file })
        }
        "exec" => words(notes, fields, exec?).map(Route::Exec),
        _ => {
            let to: Vec<MailTo> = email?.into_iter().map(Spanned::into_inner).collect();
            let sendmail = match sendmail {
                Some(given) => words(notes, fields, given)?,
                None => Words::new(vec![SENDMAIL.to_owned()]).ok()?,
            };
            let Some(from) = from else {
                if !fields.has("from") {
                    let help = "add from = \"hallpass@example.com\"";
                    notes.note_with_help(fields.span(), "mail has a sender, and there is no `from`", help);
                }
                return None;
            };
            Some(Route::Email(Mail { to, from: from.into_inner(), sendmail }))
        }
    }
}

fn words(notes: &Notes<'_>, fields: &Fields<'_>, given: Vec<Spanned<String>>) -> Option<Words> {
    let span = given.first().map_or_else(|| fields.span(), Spanned::span);
    let words = Words::new(given.into_iter().map(Spanned::into_inner).collect());
    words.map_err(|error| notes.note(span, error.to_string())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use directory::{Mistake, Source};

    fn parse(text: &str) -> Result<Vec<Entry>, Vec<Mistake>> {
        let source = Source::new("hallpassd.toml", text);
        let notes = Notes::new(&source);
        let table = notes.toml();
        let top = Fields::top(&notes, table.get_ref());
        let read = entries(&notes, &top);
        top.finish();
        let mistakes = notes.into_mistakes();
        if mistakes.is_empty() { Ok(read) } else { Err(mistakes) }
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let text = "[[notify]]\nname = \"siem\"\nurl = \"https://siem.example.com/in\"\nsecret-file = \"s\"\n\
                    [[notify]]\nname = \"mail\"\nemail = \"concerned\"\nfrom = \"hallpass@example.com\"\n\
                    [[notify]]\nname = \"page\"\nexec = [\"/bin/page\", \"-x\"]\non = \"expiry\"\ntimeout = \"5s\"\n";
        let [siem, mail, page] = parse(text).unwrap().try_into().unwrap();
        assert_eq!((siem.on, siem.timeout.seconds()), (Event::ALL.into(), 15));
        assert!(matches!(siem.route, Route::Url { form: Form::Json, ca_file: None, .. }));
        let Route::Email(mail) = mail.route else { panic!("no mail") };
        assert_eq!((mail.to, mail.sendmail.program().to_str()), (vec![MailTo::Concerned], Some(SENDMAIL)));
        assert_eq!((page.on, page.timeout.seconds()), ([Event::Expiry].into(), 5));
    }

    #[test]
    fn each_mistake_is_told_at_its_line_with_what_to_do() {
        const URL: &str = "[[notify]]\nname = \"a\"\nurl = \"https://x.example/secret\"\nformat = \"slack\"\n";
        let table = [
            ("[[notify]]\nurl = \"https://x.example/\"\nformat = \"slack\"\n".to_owned(), 1, "`name` is missing"),
            ("[[notify]]\nname = \"a\"\n".to_owned(), 1, "none of them"),
            (format!("{URL}exec = [\"/bin/true\"]\n"), 1, "`url` and `exec`"),
            (format!("{URL}{URL}"), 6, "two receivers called `a`"),
            (format!("{URL}colour = \"red\"\n"), 5, "unknown field `colour`"),
            (format!("{URL}on = []\n"), 5, "`on` is empty"),
            (format!("{URL}on = [\"fetch\"]\n"), 5, "`submit`, `decision`, `escalation`, `expiry`, `break-glass`"),
            (format!("{URL}timeout = \"0s\"\n"), 5, "1s to 2m"),
            (format!("{URL}timeout = \"1h\"\n"), 5, "1s to 2m"),
            (format!("{URL}from = \"a@example.com\"\n"), 1, "`from` goes with `email`"),
            (URL.replace("slack", "irc"), 4, "`json`, `slack` or `teams`"),
            (URL.replace("slack", "json"), 3, "no `secret-file`"),
            (URL.replace("https", "http"), 3, "https://"),
            (URL.replace("https://", "https://me:pw@"), 3, "user and password"),
            ("[[notify]]\nname = \"a\"\nexec = [\"page\"]\n".to_owned(), 3, "whole path"),
            ("[[notify]]\nname = \"a\"\nexec = []\n".to_owned(), 3, "`exec` is empty"),
            (
                "[[notify]]\nname = \"a\"\nemail = [\"nobody\"]\nfrom = \"a@example.com\"\n".to_owned(),
                3,
                "mail address",
            ),
            ("[[notify]]\nname = \"a\"\nemail = \"concerned\"\n".to_owned(), 1, "no `from`"),
        ];
        for (text, line, says) in table {
            let mistakes = parse(&text).unwrap_err();
            let found = mistakes.iter().find(|m| m.message.contains(says) || m.help.iter().any(|h| h.contains(says)));
            assert_eq!(found.map(|mistake| mistake.line), Some(line), "{text}{mistakes:#?}");
        }
    }
}
