//! `hallpass admin policy test`: the cases of `policy-tests/*.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use directory::{Mistake, Mistakes, Source};
use policy::{Case, Judged};
use serde::Serialize;

use super::Found;
use super::files::{self, FilesError, Loaded};
use crate::app::{App, Look, Report};
use crate::failure::{Exit, Failure};
use crate::table::{Cell, Table, Tone};

/// Where the cases are, in the directory of the other files.
const CASES: &str = "policy-tests";

/// There is nothing to run, and a test that does not run shows nothing.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no file {}/NAME.toml; write one, for example:\n\n{EXAMPLE}\ndocs/policy.md says what else a case can expect",
    dir.display()
)]
pub(crate) struct NoCases {
    dir: PathBuf,
}

const EXAMPLE: &str = "\
[[case]]
name = \"on call gets root on prod with one approval\"
user = \"alice\"
ask = \"root@web-1\"
for = \"30m\"
expect = \"1 of sre\"
";

pub(crate) fn run(app: &App<'_>, dir: &Path) -> Result<Exit, Failure> {
    let now = app.context.now()?;
    let loaded = files::load(dir)?;
    let sources = sources(dir)?;
    let cases = cases(&sources, &loaded)?;
    let judged = cases.iter().map(|case| (case, case.judge(&loaded.policy, &loaded.directory, now)));
    let cases: Vec<Tried> = judged.map(|(case, judged)| Tried::new(case, &judged)).collect();
    let failed = cases.iter().filter(|case| !case.holds).count();
    app.report(&Tested { passed: cases.len() - failed, failed, cases })?;
    Ok(if failed > 0 { Exit::Failed } else { Exit::Done })
}

fn sources(dir: &Path) -> Result<Vec<Source>, Failure> {
    let names = names(&dir.join(CASES)).map_err(|error| {
        let problem = format!("{} cannot be read: {error}", dir.join(CASES).display());
        FilesError { problems: vec![problem], mistakes: Vec::new() }
    })?;
    if names.is_empty() {
        return Err(NoCases { dir: dir.join(CASES) }.into());
    }
    let mut wrong = FilesError::default();
    let sources = names.iter().filter_map(|name| wrong.read(dir, &format!("{CASES}/{name}"))).collect();
    if wrong.problems.is_empty() && wrong.mistakes.is_empty() { Ok(sources) } else { Err(wrong.into()) }
}

/// The files by name; none when the directory is not there.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_str().ok_or_else(|| io::Error::other(format!("the name {name:?} is not UTF-8")))?;
        if name.ends_with(".toml") && !name.starts_with('.') {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn cases<'s>(sources: &'s [Source], loaded: &Loaded) -> Result<Vec<Case<'s>>, FilesError> {
    let (mut cases, mut wrong) = (Vec::new(), FilesError::default());
    for source in sources {
        match policy::read_cases(source, &loaded.policy, &loaded.directory) {
            Ok(read) => cases.extend(read),
            Err(Mistakes(mistakes)) => wrong.mistakes.extend(mistakes),
        }
    }
    if wrong.mistakes.is_empty() { Ok(cases) } else { Err(wrong) }
}

#[derive(Serialize)]
struct Tested {
    passed: usize,
    failed: usize,
    cases: Vec<Tried>,
}

#[derive(Serialize)]
struct Tried {
    place: String,
    name: String,
    asked: String,
    ruling: String,
    holds: bool,
    wrong: Vec<Found>,
    #[serde(skip)]
    rendered: Vec<String>,
}

impl Tried {
    fn new(case: &Case<'_>, judged: &Judged) -> Self {
        Self {
            place: case.place(),
            name: case.name.clone(),
            asked: case.asked(),
            ruling: judged.in_words(),
            holds: judged.wrong.is_empty(),
            wrong: judged.wrong.iter().map(Found::from).collect(),
            rendered: judged.wrong.iter().map(Mistake::render).collect(),
        }
    }
}

impl Report for Tested {
    fn text(&self, look: &Look<'_>) -> String {
        let mut table = Table::new(["", "CASE", "ASKED", "RULING"]);
        for case in &self.cases {
            let mark = if case.holds { Cell::new("ok", Tone::Good) } else { Cell::new("FAILED", Tone::Bad) };
            table.row([mark, (&case.name).into(), (&case.asked).into(), (&case.ruling).into()]);
        }
        let failures = self.cases.iter().flat_map(|case| case.rendered.iter().map(move |wrong| (case, wrong)));
        let failures: String = failures.map(|(case, wrong)| format!("\n{}:\n{wrong}\n", case.name)).collect();
        let all = self.cases.len();
        format!("{}{failures}\n{} of {all} cases hold.\n", table.render(look.colours), self.passed)
    }
}
