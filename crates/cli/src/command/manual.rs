//! `hallpass completions` and `hallpass man`: from the same definitions as the commands.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::app::App;
use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};

pub(crate) fn completions(app: &App<'_>, shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hallpass", &mut script);
    print(app, &script)
}

pub(crate) fn pages(app: &App<'_>, out: Option<&Path>) -> Result<Exit, Failure> {
    let failed = |cause: io::Error| Failure::Write { what: "the manual".to_owned(), cause };
    match out {
        Some(dir) => clap_mangen::generate_to(Arguments::command(), dir).map_err(failed)?,
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page).map_err(failed)?;
            print(app, &page)?;
        }
    }
    Ok(Exit::Done)
}

fn print(app: &App<'_>, text: &[u8]) -> Result<Exit, Failure> {
    let printed = app.context.terminal.out(&String::from_utf8_lossy(text));
    printed.map_err(|cause| Failure::Write { what: "the result".to_owned(), cause })?;
    Ok(Exit::Done)
}
