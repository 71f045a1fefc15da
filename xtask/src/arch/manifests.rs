//! What every manifest says alike.

use std::path::Path;

use crate::failure::{self, Failure};
use crate::metadata::Package;

/// Every crate inherits the workspace's lints, and the workspace forbids `unsafe`.
pub(super) fn check(members: &[&Package]) -> Result<Vec<String>, Failure> {
    let workspace: toml::Table = failure::toml_file("Cargo.toml")?;
    let mut findings = Vec::new();
    if lookup(&workspace, &["workspace", "lints", "rust", "unsafe_code"]).and_then(toml::Value::as_str)
        != Some("forbid")
    {
        findings.push("Cargo.toml: `workspace.lints.rust.unsafe_code` is not \"forbid\"".to_owned());
    }
    for member in members {
        let manifest: toml::Table = failure::toml_file(Path::new(&member.manifest_path))?;
        if !inherits_lints(&manifest) {
            findings.push(format!("{}: lacks `[lints] workspace = true`", member.manifest_path));
        }
    }
    Ok(findings)
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    lookup(manifest, &["lints", "workspace"]).and_then(toml::Value::as_bool) == Some(true)
}

fn lookup<'a>(table: &'a toml::Table, keys: &[&str]) -> Option<&'a toml::Value> {
    let (last, tables) = keys.split_last()?;
    tables.iter().try_fold(table, |table, key| table.get(*key)?.as_table())?.get(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_the_workspace_lints_is_told_from_one_with_them() {
        assert!(inherits_lints(&toml::from_str("[lints]\nworkspace = true").unwrap()));
        assert!(!inherits_lints(&toml::from_str("[lints]\nworkspace = false").unwrap()));
        assert!(!inherits_lints(&toml::from_str("[lints.rust]\nunsafe_code = \"allow\"").unwrap()));
        assert!(!inherits_lints(&toml::Table::new()));
    }
}
