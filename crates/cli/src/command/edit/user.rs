//! `hallpass admin user`: users and their keys.

use std::path::Path;

use directory::edit::{self, KeyLine, NewUser};
use directory::{Approves, Kind};
use domain::Networks;
use policy::Files;
use serde::Serialize;

use super::{in_place, key};
use crate::app::{App, Look, Report};
use crate::arguments::edits::{UserAdd, UserEdit, UserKeys};
use crate::command::edit::EditFailure;
use crate::command::policy::load;
use crate::failure::{Exit, Failure};
use crate::table::Table;

pub(crate) fn run(app: &App<'_>, command: &UserEdit) -> Result<Exit, Failure> {
    match command {
        UserEdit::Add(asked) => add(app, asked)?,
        UserEdit::Keys(asked) => match &asked.add {
            Some(file) => add_key(app, asked, file)?,
            None => list(app, asked)?,
        },
    }
    Ok(Exit::Done)
}

fn add(app: &App<'_>, asked: &UserAdd) -> Result<(), Failure> {
    let UserAdd { name, key: files, group, login, email, kind, owner, source, approves, at } = asked;
    let kind = match kind {
        Kind::Service(_) if *approves => Kind::Service(Approves::ForItsOwner),
        Kind::Person if *approves || !source.is_empty() => return Err(EditFailure::OnlyPrograms.into()),
        other => *other,
    };
    let keys = files.iter().map(|file| key(Path::new(file))).collect::<Result<Vec<KeyLine>, _>>()?;
    let user = NewUser {
        name: name.clone(),
        kind,
        owner: owner.clone(),
        keys,
        login: login.clone(),
        email: email.clone(),
        source: Networks::listed(source.clone()).map_err(EditFailure::Networks)?,
    };
    let groups = group.iter().cloned().collect();
    in_place(app, &at.dir, |files| {
        Ok(Files { directory: edit::add_user(&files.directory, &user, &groups)?, ..files.clone() })
    })
}

fn add_key(app: &App<'_>, asked: &UserKeys, file: &Path) -> Result<(), Failure> {
    let key = key(file)?;
    in_place(app, &asked.at.dir, |files| {
        Ok(Files { directory: edit::add_key(&files.directory, &asked.name, &key)?, ..files.clone() })
    })
}

fn list(app: &App<'_>, asked: &UserKeys) -> Result<(), Failure> {
    let loaded = load(&asked.at.dir)?;
    let keys = edit::keys_of(&loaded.files.directory, &asked.name).map_err(EditFailure::NoSuch)?;
    app.report(&Keys { user: asked.name.to_string(), keys: keys.iter().map(Key::from).collect() })
}

#[derive(Serialize)]
struct Keys {
    user: String,
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    kind: &'static str,
    fingerprint: String,
    comment: Option<String>,
    key: String,
}

impl From<&KeyLine> for Key {
    fn from(line: &KeyLine) -> Self {
        Self {
            kind: line.key().kind(),
            fingerprint: line.key().fingerprint().to_string(),
            comment: Some(line.comment().to_owned()).filter(|comment| !comment.is_empty()),
            key: line.key().to_string(),
        }
    }
}

impl Report for Keys {
    fn text(&self, look: &Look<'_>) -> String {
        if self.keys.is_empty() {
            return format!("{} has no key, and so can neither ask nor decide.\n", self.user);
        }
        let mut table = Table::new(["KIND", "FINGERPRINT", "COMMENT"]);
        for key in &self.keys {
            table.row([key.kind.into(), (&key.fingerprint).into(), key.comment.as_deref().unwrap_or_default().into()]);
        }
        table.render(look.colours)
    }
}
