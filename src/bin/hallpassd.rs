//! `hallpassd`: a few lines; all code lives in `crates/`.

fn main() -> std::process::ExitCode {
    server::run(&server::command().get_matches())
}
