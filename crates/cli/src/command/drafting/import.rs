//! `hallpass admin policy import`: the three files, drafted from what is there today.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use import::{Draft, Files, Log, Login, Proof, from_authorized_keys, from_groups, from_log, from_teleport, shown};
use serde::Serialize;

use super::key_files::KeyFiles;
use super::{DraftingError, bytes, log};
use crate::app::{App, Look, Report};
use crate::arguments::policy::{From, Import};
use crate::failure::{Exit, Failure};
use crate::table::Table;

pub(crate) fn run(app: &App<'_>, asked: &Import) -> Result<Exit, Failure> {
    let (draft, logins) = draft(&asked.from)?;
    if draft.is_empty() && logins.as_ref().is_none_or(Vec::is_empty) {
        return Err(DraftingError::Nothing(asked.from.path().to_owned()).into());
    }
    let files = write(&asked.out, &draft.files())?;
    let counts = draft.counts();
    app.report(&Imported {
        files: files.iter().map(|path| path.display().to_string()).collect(),
        users: counts.users,
        groups: counts.groups,
        hosts: counts.hosts,
        rules: counts.rules,
        todos: counts.todos,
        logins,
    })?;
    Ok(Exit::Done)
}

/// The draft, and for a log the logins that it counted.
fn draft(from: &From) -> Result<(Draft, Option<Vec<Counted>>), DraftingError> {
    let name = |path: &Path| path.display().to_string();
    let draft = match (&from.authorized_keys, &from.sshd_log, &from.groups, &from.teleport) {
        (Some(dir), ..) => {
            let files = KeyFiles::below(dir)?;
            from_authorized_keys(&name(dir), files.read(), &files.others)?
        }
        (_, Some(file), ..) => {
            let log = log(file)?;
            return Ok((from_log(&log), Some(counted(&log))));
        }
        (_, _, Some(file), _) => from_groups(&name(file), bytes(file)?)?,
        _ => from_teleport(&name(from.path()), bytes(from.path())?)?,
    };
    Ok((draft, None))
}

fn counted(log: &Log) -> Vec<Counted> {
    let mut logins: Vec<Counted> = log.logins().map(|(login, times)| Counted::new(login, times)).collect();
    logins.sort_by_key(|login| std::cmp::Reverse(login.times));
    logins
}

/// Writes the three files, or none: what an administrator has is never written over.
fn write(dir: &Path, files: &Files) -> Result<Vec<PathBuf>, Failure> {
    let texts = [("directory.toml", &files.directory), ("hosts.toml", &files.hosts), ("access.toml", &files.access)];
    let paths = texts.map(|(name, text)| (dir.join(name), text));
    if let Some((path, _)) = paths.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(DraftingError::Exists(path.clone()).into());
    }
    fs::create_dir_all(dir).map_err(|cause| Failure::Write { what: dir.display().to_string(), cause })?;
    for (path, text) in &paths {
        let written = OpenOptions::new().write(true).create_new(true).open(path);
        let written = written.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => DraftingError::Exists(path.clone()).into(),
            _ => Failure::Write { what: path.display().to_string(), cause },
        })?;
    }
    Ok(paths.map(|(path, _)| path).to_vec())
}

#[derive(Serialize)]
struct Imported {
    files: Vec<String>,
    users: usize,
    groups: usize,
    hosts: usize,
    rules: usize,
    todos: usize,
    logins: Option<Vec<Counted>>,
}

/// Logins of the past that are alike.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Counted {
    pub(super) host: String,
    pub(super) login: String,
    pub(super) key: Option<String>,
    pub(super) certificate_id: Option<String>,
    pub(super) method: String,
    pub(super) times: u64,
}

impl Counted {
    pub(super) fn new(login: &Login, times: u64) -> Self {
        let (certificate_id, method) = match &login.proof {
            Proof::Key(_) => (None, "publickey".to_owned()),
            Proof::Certificate { id, .. } => (Some(id.clone()), "publickey".to_owned()),
            Proof::Other(method) => (None, method.clone()),
        };
        let key = login.proof.key().map(|key| key.to_string());
        Self { host: login.host.clone(), login: login.login.clone(), key, certificate_id, method, times }
    }

    /// Who it was, as far as the log says: words of others, so nothing in them reaches the terminal as it is.
    pub(super) fn who(&self) -> String {
        shown(self.certificate_id.as_ref().or(self.key.as_ref()).unwrap_or(&self.method))
    }

    pub(super) fn access(&self) -> String {
        shown(&format!("{}@{}", self.login, self.host))
    }
}

impl Report for Imported {
    fn text(&self, look: &Look<'_>) -> String {
        let mut text = String::new();
        if let Some(logins) = &self.logins {
            let mut table = Table::new(["TIMES", "LOGIN", "BY"]);
            logins.iter().for_each(|login| table.row([login.times.into(), login.access().into(), login.who().into()]));
            text = table.render(look.colours) + "\n";
        }
        let Self { users, groups, hosts, rules, todos, .. } = self;
        let files = self.files.join(", ");
        text + &format!(
            "Drafted users: {users}, groups: {groups}, hosts: {hosts}, rules: {rules}. Left to decide: {todos}.\n\
             Wrote {files}.\n\
             Decide each TODO in them; `hallpassd check` then shows what is wrong, and `hallpass admin policy replay --sshd-log` \
             what past logins would need.\n"
        )
    }
}
