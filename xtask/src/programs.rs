//! Each program built alone: it compiles without the others, and the target's helper has neither SQL nor policy engine.

use crate::command::{cargo, output, run};
use crate::failure::Failure;

/// The features of the programs, one each.
const FEATURES: [&str; 3] = ["host", "client", "server"];
/// What `hallpass-host` is built without.
const FORBIDDEN: [&str; 3] = ["rusqlite", "libsqlite3-sys", "cedar-policy"];

/// Lints each program with its feature alone.
pub(crate) fn compile() -> Result<(), Failure> {
    for feature in FEATURES {
        let mut clippy = cargo();
        clippy.args(["clippy", "--profile", "ci", "--locked", "--package", "hallpass", "--bins"]);
        run(clippy.args(["--no-default-features", "--features", feature, "--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// Asks cargo for the dependencies of the build with only the feature `host`.
pub(crate) fn host() -> Result<(), Failure> {
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--package", "hallpass", "--no-default-features", "--features", "host"]);
    tree.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let packages = output(&mut tree)?;
    println!("{} packages with --no-default-features --features host", packages.lines().count());
    Failure::unless_empty(forbidden(&packages))
}

fn forbidden(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<&str> = names.filter(|name| FORBIDDEN.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|name| format!("hallpass-host would be built with `{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_below_the_host_helper_is_found() {
        assert_eq!(forbidden("hallpass v0.1.0 (/x)\nclap v4.6.0\n"), Vec::<String>::new());
        assert_eq!(forbidden("hallpass v0.1.0\nrusqlite v0.41.0\nrusqlite v0.41.0 (*)\n").len(), 1);
    }
}
