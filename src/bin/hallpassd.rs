//! `hallpassd`: a few lines; all code lives in `crates/`.

use std::process::ExitCode;

/// Calls are made in one thread, written in a second and answered in a third: the system's allocator locks at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
