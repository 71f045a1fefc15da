//! Building the fuzzer: LLVM's coverage passes through RUSTFLAGS, which stable Rust takes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::command::{cargo, host_triple, output};
use crate::failure::Failure;
use crate::metadata::FUZZED;
use crate::root::at;

/// What libFuzzer needs to see: each edge by a counter, each counter's place, and what is compared with what.
const FLAGS: [&str; 6] = [
    FUZZED,
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// The target that must fail, because the fuzzer sees coverage.
pub(super) const FEEDBACK: &str = "feedback";

/// A built fuzzer, with its targets and their seeds.
pub(super) struct Fuzzer {
    program: PathBuf,
    /// A directory for each target.
    pub(super) seeds: PathBuf,
    /// The names of the targets, but for [`FEEDBACK`].
    pub(super) targets: Vec<String>,
}

/// One line of cargo's JSON.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

impl Fuzzer {
    /// Compiles the light crates once more, instrumented and with few optimisations; proc macros and build scripts are
    /// shared with the other builds, as the flags are for the target only.
    pub(super) fn build() -> Result<Self, Failure> {
        let mut build = cargo();
        build.args(["build", "--profile", "ci", "--locked", "--package", "hallpass-fuzz", "--bin", "hallpass-fuzz"]);
        build.args(["--target", &host_triple()?, "--message-format", "json-render-diagnostics"]);
        build.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")).env("CARGO_PROFILE_CI_OPT_LEVEL", "1");
        println!("$ cargo build --package hallpass-fuzz, with coverage feedback");
        let messages = output(&mut build)?;
        let mut executables =
            messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable);
        let program = executables.next_back().ok_or_else(|| Failure::Findings(vec!["cargo built no fuzzer".into()]))?;
        Self::with_seeds(program)
    }

    fn with_seeds(program: PathBuf) -> Result<Self, Failure> {
        let seeds = at("fuzz/corpus/seeds");
        let unusable = |source| Failure::File { path: seeds.clone(), source };
        if seeds.exists() {
            std::fs::remove_dir_all(&seeds).map_err(unusable)?;
        }
        // libFuzzer says on stderr which sanitizers it misses; there are none on stable.
        output(Command::new(&program).env("HALLPASS_FUZZ_SEEDS", &seeds).stderr(Stdio::null()))?;
        let entries = std::fs::read_dir(&seeds).map_err(unusable)?.filter_map(Result::ok);
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut targets: Vec<String> = names.filter(|name| name != FEEDBACK).collect();
        targets.sort_unstable();
        Ok(Self { program, seeds, targets })
    }

    /// A target by its name.
    pub(super) fn target(&self, name: &str) -> Result<String, Failure> {
        let known = self.targets.iter().find(|target| *target == name);
        known.cloned().ok_or_else(|| {
            Failure::Usage(format!("there is no target `{name}`; there are: {}", self.targets.join(", ")))
        })
    }

    /// The command that feeds one target; what breaks it is kept in fuzz/artifacts.
    pub(super) fn command(&self, target: &str, artifacts: &Path) -> Command {
        let mut fuzzer = Command::new(&self.program);
        fuzzer.env("HALLPASS_FUZZ_TARGET", target).env("RUST_BACKTRACE", "1");
        fuzzer.arg(format!("-artifact_prefix={}/{target}-", artifacts.display()));
        // A parser that takes seconds or gigabytes for some kilobytes is broken too.
        fuzzer.args(["-timeout=20", "-rss_limit_mb=1024", "-max_len=8192", "-print_final_stats=1"]);
        fuzzer
    }
}
