//! `hallpass admin policy check`: mistakes, and what is hardly meant.

use directory::Mistake;
use serde::Serialize;

use super::Found;
use super::files::{self, FilesError};
use crate::app::{App, Look, Report};
use crate::arguments::PolicyCheck;
use crate::failure::{Exit, Failure};

pub(crate) fn run(app: &App<'_>, asked: &PolicyCheck) -> Result<Exit, Failure> {
    let now = app.context.now()?;
    let checked = match files::load(&asked.dir) {
        Ok(loaded) => {
            let warnings = policy::lint(&loaded.files, &loaded.policy, &loaded.directory, now);
            Checked::new(&FilesError::default(), &warnings)
        }
        Err(wrong) => Checked::new(&wrong, &[]),
    };
    let fails = checked.wrong > 0 || (asked.deny_warnings && !checked.warnings.is_empty());
    app.report(&checked)?;
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

#[derive(Serialize)]
struct Checked {
    problems: Vec<String>,
    mistakes: Vec<Found>,
    warnings: Vec<Found>,
    /// How many problems and mistakes there are.
    #[serde(skip)]
    wrong: usize,
    #[serde(skip)]
    rendered: Vec<String>,
}

impl Checked {
    fn new(wrong: &FilesError, warnings: &[Mistake]) -> Self {
        let warning = |warning: &Mistake| {
            let mut shown = warning.clone();
            shown.message = format!("warning: {}", warning.message);
            shown.render()
        };
        Self {
            problems: wrong.problems.clone(),
            mistakes: wrong.mistakes.iter().map(Found::from).collect(),
            warnings: warnings.iter().map(Found::from).collect(),
            wrong: wrong.problems.len() + wrong.mistakes.len(),
            rendered: wrong.rendered().chain(warnings.iter().map(warning)).collect(),
        }
    }
}

impl Report for Checked {
    fn text(&self, _: &Look<'_>) -> String {
        let each: String = self.rendered.iter().map(|found| format!("{found}\n\n")).collect();
        let warnings = counted(self.warnings.len(), "warning");
        let unseen = if self.wrong > 0 { "; warnings come once there are none" } else { "" };
        match (self.wrong, self.warnings.len()) {
            (0, 0) => "No mistakes, no warnings.\n".to_owned(),
            (0, _) => format!("{each}No mistakes, {warnings}.\n"),
            (wrong, _) => format!("{each}{}{unseen}.\n", counted(wrong, "mistake")),
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
