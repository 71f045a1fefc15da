//! `hallpassd`: a few lines; all code lives in `crates/`.

use std::process::ExitCode;

#[cfg(feature = "demo")]
fn main() -> ExitCode {
    let matches = server::command().subcommand(demo::command()).get_matches();
    match matches.subcommand() {
        Some(("demo", demo)) => demo::run(demo),
        _ => server::run(&matches),
    }
}

#[cfg(not(feature = "demo"))]
fn main() -> ExitCode {
    server::run(&server::command().get_matches())
}
