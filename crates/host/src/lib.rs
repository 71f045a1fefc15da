//! `hallpass-host`: the root-side helper on targets.
//!
//! So far it does one thing: it answers sshd's AuthorizedPrincipalsCommand without asking anybody.
//!
//! ```text
//! sshd --(%u)--> hallpass-host principals --host web-1.example.com -- root  -->  root@web-1.example.com
//! ```

mod arguments;
mod principals;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};

/// Runs the program on the arguments of this process.
pub fn main() -> ExitCode {
    match run(std::env::args_os(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(usage)) => {
            // clap knows what belongs on which stream; a reader who went away is no failure of ours.
            drop(usage.print());
            ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
        }
        Err(failure) => {
            drop(writeln!(io::stderr(), "hallpass-host: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the program on these arguments; the answer goes to `out`, and nothing does unless all of it is right.
///
/// # Errors
/// When the arguments are not understood, or name what is no login or host.
pub fn run<A>(arguments: A, out: &mut dyn Write) -> Result<(), Failure>
where
    A: IntoIterator<Item: Into<OsString> + Clone>,
{
    let answer = match Arguments::try_parse_from(arguments)?.command {
        Command::Principals(asked) => format!("{}\n", asked.answer()?).into_bytes(),
        Command::Man => man_page()?,
    };
    out.write_all(&answer)?;
    Ok(out.flush()?)
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Not how the program is called; also carries help and version.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// A name that no certificate can carry.
    #[error(transparent)]
    Principals(#[from] principals::PrincipalsError),
    /// Nobody reads the answer.
    #[error("the answer could not be written")]
    Output(#[from] io::Error),
}

fn man_page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).section("8").render(&mut page)?;
    Ok(page)
}
