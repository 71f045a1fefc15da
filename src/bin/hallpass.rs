//! `hallpass`: a few lines; all code lives in `crates/`.

fn main() -> std::process::ExitCode {
    cli::main()
}
