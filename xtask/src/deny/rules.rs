//! `deny.toml` as read: the part of cargo-deny's format that is judged here, and nothing beside it, so that no line of
//! the file is silently without effect.

use serde::Deserialize;

use crate::metadata::Package;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) licenses: Licences,
    pub(super) bans: Bans,
    pub(super) sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Licences {
    pub(super) allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bans {
    #[serde(rename = "wildcards")]
    _wildcards: Deny,
    #[serde(rename = "multiple-versions")]
    _multiple_versions: Deny,
    #[serde(rename = "allow-wildcard-paths")]
    _allow_wildcard_paths: Yes,
    pub(super) deny: Vec<Spec>,
    pub(super) skip: Vec<Spec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sources {
    #[serde(rename = "unknown-registry")]
    _unknown_registry: Deny,
    #[serde(rename = "unknown-git")]
    _unknown_git: Deny,
    pub(super) allow_registry: Vec<String>,
}

/// The only level that is understood.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deny {
    Deny,
}

/// A switch that must be on.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct Yes;

impl TryFrom<bool> for Yes {
    type Error = &'static str;

    fn try_from(given: bool) -> Result<Self, &'static str> {
        if given { Ok(Self) } else { Err("only `true` is understood here") }
    }
}

/// A crate, perhaps of one version (`syn@2` is every 2.x.y), and why it is listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    #[serde(rename = "crate")]
    pub(super) spec: String,
    pub(super) reason: String,
}

impl Spec {
    /// Whether this is the package meant.
    pub(super) fn names(&self, package: &Package) -> bool {
        match self.spec.split_once('@') {
            None => self.spec == package.name,
            Some((name, version)) => {
                let rest = package.version.strip_prefix(version);
                name == package.name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(spec: &str, name: &str, version: &str) -> bool {
        let package = serde_json::json!({
            "id": "", "name": name, "version": version, "manifest_path": "", "dependencies": [],
        });
        Spec { spec: spec.into(), reason: String::new() }.names(&serde_json::from_value(package).unwrap())
    }

    #[test]
    fn a_version_is_meant_by_its_leading_numbers() {
        assert!(names("rand@0.1", "rand", "0.1.4"));
        assert!(!names("rand@0.1", "rand", "0.10.4"));
        assert!(names("ring", "ring", "0.17.0"));
        assert!(!names("ring", "ring-compat", "0.17.0"));
    }

    #[test]
    fn a_line_that_would_have_no_effect_is_refused() {
        assert!(toml::from_str::<Licences>("allow = []\ncopyleft = \"allow\"").is_err());
        let sources = |level: &str| {
            toml::from_str::<Sources>(&format!(
                "unknown-registry = \"{level}\"\nunknown-git = \"deny\"\nallow-registry = []"
            ))
        };
        assert!(sources("deny").is_ok() && sources("warn").is_err());
    }
}
