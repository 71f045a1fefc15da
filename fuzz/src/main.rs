//! The fuzzer: libFuzzer around one target, which `HALLPASS_FUZZ_TARGET` names.
//!
//! `cargo xtask fuzz` builds it with coverage feedback and `--cfg hallpass_fuzz`; without them there is nothing to run.
#![cfg_attr(hallpass_fuzz, no_main)]

#[cfg(hallpass_fuzz)]
mod fuzzer {
    use std::path::Path;
    use std::process::exit;
    use std::sync::OnceLock;

    use hallpass_fuzz::{Target, targets};

    static CHOSEN: OnceLock<Target> = OnceLock::new();

    libfuzzer_sys::fuzz_target!(init: prepare(), |data: &[u8]| {
        if let Some(target) = CHOSEN.get() {
            (target.run)(data);
        }
    });

    /// Writes the seeds of every target if asked to, and ends; else chooses the target.
    fn prepare() {
        if let Some(directory) = std::env::var_os("HALLPASS_FUZZ_SEEDS") {
            exit(if write_seeds(Path::new(&directory)).is_ok() { 0 } else { 1 });
        }
        let name = std::env::var("HALLPASS_FUZZ_TARGET").unwrap_or_default();
        match targets().into_iter().find(|target| target.name == name) {
            Some(target) => drop(CHOSEN.set(target)),
            None => exit(2),
        }
    }

    fn write_seeds(directory: &Path) -> std::io::Result<()> {
        for target in targets() {
            let place = directory.join(target.name);
            std::fs::create_dir_all(&place)?;
            for (number, seed) in (target.seeds)().into_iter().enumerate() {
                std::fs::write(place.join(format!("seed-{number}")), seed)?;
            }
        }
        Ok(())
    }
}

#[cfg(not(hallpass_fuzz))]
fn main() -> std::process::ExitCode {
    // Nothing to fuzz without coverage feedback: the exit code says so.
    std::process::ExitCode::FAILURE
}
