//! `hallpass admin policy diff`: who gains, who loses what from one bundle to another.

use std::path::Path;

use policy::{AccessChange, Approvable, Difference, Effect, FileChange, Files, LoginOf, Opening};
use serde::Serialize;

use super::files::{Loaded, load};
use crate::app::{App, Look, Report};
use crate::arguments::PolicyDiff;
use crate::failure::{Exit, Failure};
use crate::table::{Tone, toned};
use crate::terminal::Colours;

pub(crate) fn run(app: &App<'_>, asked: &PolicyDiff) -> Result<Exit, Failure> {
    compare(app, asked).map_err(|why| Failure::NotCompared(Box::new(why)))
}

fn compare(app: &App<'_>, asked: &PolicyDiff) -> Result<Exit, Failure> {
    let (old, new) = (side(&asked.old)?, side(&asked.new)?);
    let at = asked.as_of.map_or_else(|| app.context.now(), Ok)?;
    let difference = policy::difference(old.read(), new.read(), at);
    let same = difference.is_empty();
    let same_texts = texts(&old.files) == texts(&new.files);
    app.report(&Compared { same, same_texts, told: Told::from(&difference) })?;
    Ok(if same { Exit::Done } else { Exit::Failed })
}

/// One of the two bundles.
fn side(given: &Path) -> Result<Loaded, Failure> {
    Ok(load(given)?)
}

fn texts(files: &Files) -> [Option<&str>; 4] {
    let Files { directory, hosts, access, cedar } = files;
    [Some(directory), Some(hosts), Some(access), cedar.as_ref()].map(|source| source.map(|source| source.text.as_str()))
}

#[derive(Serialize)]
struct Compared {
    same: bool,
    #[serde(skip)]
    same_texts: bool,
    #[serde(flatten)]
    told: Told,
}

impl Report for Compared {
    fn text(&self, look: &Look<'_>) -> String {
        match (self.same, self.same_texts) {
            (true, true) => "No difference.\n".to_owned(),
            (true, false) => "No difference in what they mean; only how it is written differs.\n".to_owned(),
            (false, _) => self.told.text(look.colours),
        }
    }
}

/// A difference as programs read it, and as people do.
#[derive(Serialize)]
pub(crate) struct Told {
    access: Vec<Access>,
    files: Vec<File>,
    not_compared: Vec<String>,
}

#[derive(Serialize)]
struct Access {
    effect: &'static str,
    #[serde(skip)]
    mark: Effect,
    users: Vec<String>,
    logins: Vec<String>,
    hosts: Vec<String>,
    before: Vec<Open>,
    after: Vec<Open>,
    approvers_added: Vec<String>,
    approvers_removed: Vec<String>,
    approvable: &'static str,
    at: Vec<String>,
    commands: Vec<String>,
    text: String,
}

#[derive(Serialize)]
struct Open {
    rule: String,
    quorum: String,
    max: String,
    ttl: String,
    extensions: Vec<&'static str>,
    tickets: Vec<String>,
    source: Option<String>,
    verify_required: bool,
    live_hosts: bool,
    requester_key: Option<String>,
    approver_key: Option<String>,
    extend: Option<String>,
    break_glass: Option<Broken>,
    realm: Option<String>,
    realm_hosts: Option<usize>,
}

/// What a rule permits as break-glass.
#[derive(Serialize)]
struct Broken {
    max: String,
    reviewed_by: String,
    requester_key: Option<String>,
}

#[derive(Serialize)]
struct File {
    effect: &'static str,
    #[serde(skip)]
    mark: Effect,
    about: &'static str,
    names: Vec<String>,
    text: String,
}

const fn in_a_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Loosens => "loosens",
        Effect::Tightens => "tightens",
        Effect::Otherwise => "otherwise",
    }
}

impl From<&Difference> for Told {
    fn from(difference: &Difference) -> Self {
        Self {
            access: difference.access.iter().map(Access::from).collect(),
            files: difference.files.iter().map(File::from).collect(),
            not_compared: difference.unseen.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&AccessChange> for Access {
    fn from(change: &AccessChange) -> Self {
        let login = |login: &LoginOf| match login {
            LoginOf::Named(login) => login.to_string(),
            LoginOf::Own => "self".to_owned(),
            LoginOf::AnyOther => "*".to_owned(),
        };
        Self {
            effect: in_a_word(change.effect),
            mark: change.effect,
            users: texts_of(&change.users),
            logins: change.logins.iter().map(login).collect(),
            hosts: texts_of(&change.hosts),
            before: change.before.iter().map(Open::from).collect(),
            after: change.after.iter().map(Open::from).collect(),
            approvers_added: texts_of(&change.approvers_added),
            approvers_removed: texts_of(&change.approvers_removed),
            approvable: match change.approvable {
                Approvable::AsBefore => "as-before",
                Approvable::Now => "now",
                Approvable::NoLonger => "no-longer",
                Approvable::OtherReason => "other-reason",
            },
            at: texts_of(&change.at),
            commands: texts_of(&change.commands),
            text: change.to_string(),
        }
    }
}

impl From<&Opening> for Open {
    fn from(opening: &Opening) -> Self {
        // Named one by one, so that what an opening gets in time is told to programs, too.
        let Opening {
            rule,
            quorum,
            max,
            ttl,
            allow,
            tickets,
            source,
            verify_required,
            requester_key,
            approver_key,
            live_hosts,
            extend,
            break_glass,
            realm,
        } = opening;
        Self {
            rule: rule.to_string(),
            quorum: quorum.to_string(),
            max: max.to_string(),
            ttl: ttl.to_string(),
            extensions: allow.iter().map(|extension| extension.as_str()).collect(),
            tickets: tickets.clone(),
            source: source.as_ref().map(ToString::to_string),
            verify_required: *verify_required,
            live_hosts: *live_hosts,
            requester_key: requester_key.as_ref().map(ToString::to_string),
            approver_key: approver_key.as_ref().map(ToString::to_string),
            extend: extend.as_ref().map(ToString::to_string),
            break_glass: break_glass.as_ref().map(|broken| Broken {
                max: broken.terms.max.to_string(),
                reviewed_by: broken.terms.review.to_string(),
                requester_key: broken.requester_key.as_ref().map(ToString::to_string),
            }),
            realm: realm.as_ref().map(|realm| realm.name.to_string()),
            realm_hosts: realm.as_ref().map(|realm| realm.hosts.len()),
        }
    }
}

impl From<&FileChange> for File {
    fn from(change: &FileChange) -> Self {
        let FileChange { effect, about, names, words } = change.clone();
        Self { effect: in_a_word(effect), mark: effect, about: about.as_str(), names, text: words }
    }
}

fn texts_of<'a, T: ToString + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    items.into_iter().map(ToString::to_string).collect()
}

impl Told {
    /// What loosens, then what tightens, then the rest, access before files in each; and what was not compared.
    pub(crate) fn text(&self, colours: Colours) -> String {
        let mut parts = Vec::new();
        for (effect, tone) in
            [(Effect::Loosens, Tone::Waiting), (Effect::Tightens, Tone::Good), (Effect::Otherwise, Tone::Plain)]
        {
            let access = self.access.iter().filter(|change| change.mark == effect).map(|change| &change.text);
            let files = self.files.iter().filter(|change| change.mark == effect).map(|change| &change.text);
            let line = |text: &String| format!("{}\n", toned(&format!("{} {text}", effect.mark()), tone, colours));
            let lines: String = access.chain(files).map(line).collect();
            parts.extend(Some(lines).filter(|lines| !lines.is_empty()));
        }
        let unseen: String = self.not_compared.iter().map(|unseen| format!("Not compared: {unseen}.\n")).collect();
        parts.extend(Some(unseen).filter(|unseen| !unseen.is_empty()));
        parts.join("\n")
    }
}
