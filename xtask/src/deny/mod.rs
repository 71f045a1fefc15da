//! `cargo xtask deny`: what is built, compared with `deny.toml`, without the network.

mod licence;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{cargo, output};
use crate::failure::{self, Failure};
use crate::metadata::{FUZZED, Metadata, Package};
use rules::Rules;

/// Judges every package that a build or a test of the workspace compiles.
pub(crate) fn run() -> Result<(), Failure> {
    let rules: Rules = failure::toml_file("deny.toml")?;
    let metadata = Metadata::load()?;
    let built = built()?;
    let is_built = |package: &&Package| built.contains(&(package.name.clone(), package.version.clone()));
    let packages: Vec<&Package> = metadata.packages.iter().filter(is_built).collect();

    let mut findings = banned(&rules, &packages);
    findings.extend(licences(&rules, &packages));
    findings.extend(versions(&rules, &packages));
    findings.extend(sources(&rules, &metadata.packages));
    findings.extend(wildcards(&metadata));
    println!("{} packages judged", packages.len());
    Failure::unless_empty(findings)
}

/// Names and versions of what is compiled. `cargo metadata` alone knows more: it also names what a feature that is
/// off would bring.
fn built() -> Result<BTreeSet<(String, String)>, Failure> {
    let mut tree = cargo();
    tree.args([
        "tree",
        "--locked",
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    tree.env("CARGO_ENCODED_RUSTFLAGS", FUZZED);
    Ok(output(&mut tree)?.lines().filter_map(name_and_version).collect())
}

/// From `serde v1.0.229 (proc-macro) (*)`.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some((name.to_owned(), version.to_owned()))
}

fn banned(rules: &Rules, packages: &[&Package]) -> Vec<String> {
    let found = packages.iter().filter_map(|package| {
        let ban = rules.bans.deny.iter().find(|ban| ban.names(package))?;
        Some(format!("{} {} is banned: {}", package.name, package.version, ban.reason))
    });
    found.collect()
}

fn licences(rules: &Rules, packages: &[&Package]) -> Vec<String> {
    let theirs = packages.iter().filter(|package| package.source.is_some());
    let refused = theirs.filter_map(|package| {
        let expression = package.license.as_deref().unwrap_or("");
        match licence::allowed(expression, &rules.licenses.allow) {
            Ok(true) => None,
            Ok(false) => Some(format!("{}: the licence `{expression}` is not allowed", package.name)),
            Err(why) => Some(format!("{}: the licence `{expression}` cannot be read: {why}", package.name)),
        }
    });
    refused.collect()
}

/// One version of each crate, the skipped ones apart; and no skip that nothing needs.
fn versions(rules: &Rules, packages: &[&Package]) -> Vec<String> {
    let mut kept: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for package in packages {
        *all.entry(&package.name).or_default() += 1;
        if !rules.bans.skip.iter().any(|skip| skip.names(package)) {
            kept.entry(&package.name).or_default().push(&package.version);
        }
    }
    let double = kept.iter().filter(|(_, versions)| versions.len() > 1);
    let double = double.map(|(name, versions)| {
        format!("{name} is built in versions {}: `cargo tree -i {name}@VERSION` says for whom", versions.join(" and "))
    });
    let doubled = |package: &Package| all.get(package.name.as_str()).is_some_and(|count| *count > 1);
    let idle = rules.bans.skip.iter().filter(|skip| !packages.iter().any(|p| skip.names(p) && doubled(p)));
    double.chain(idle.map(|skip| format!("deny.toml: nothing needs the skip of `{}`", skip.spec))).collect()
}

fn sources(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let known = |source: &str| {
        source
            .strip_prefix("registry+")
            .is_some_and(|url| rules.sources.allow_registry.iter().any(|allowed| allowed == url))
    };
    let foreign = packages.iter().filter_map(|package| Some((package, package.source.as_deref()?)));
    foreign
        .filter(|(_, source)| !known(source))
        .map(|(package, source)| format!("{} comes from {source}: not an allowed source", package.name))
        .collect()
}

fn wildcards(metadata: &Metadata) -> Vec<String> {
    let declared = metadata.members().flat_map(|member| member.dependencies.iter().map(move |d| (member, d)));
    let any = declared.filter(|(_, dependency)| dependency.path.is_none() && dependency.req == "*");
    any.map(|(member, dependency)| format!("{} takes any version of `{}`", member.name, dependency.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [licenses]
        allow = ["MIT"]
        [bans]
        wildcards = "deny"
        allow-wildcard-paths = true
        multiple-versions = "deny"
        deny = [{ crate = "openssl", reason = "rustls" }]
        skip = [{ crate = "syn@2", reason = "old macros" }]
        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
        allow-registry = ["https://crates"]
    "#;

    fn package(name: &str, version: &str, source: &str) -> Package {
        let package = serde_json::json!({
            "id": name, "name": name, "version": version, "source": source, "license": "MIT", "manifest_path": "",
            "dependencies": [],
        });
        serde_json::from_value(package).unwrap()
    }

    fn rules() -> Rules {
        toml::from_str(RULES).unwrap()
    }

    #[test]
    fn a_line_of_the_tree_names_a_package() {
        assert_eq!(name_and_version("syn v3.0.10 (*)"), Some(("syn".into(), "3.0.10".into())));
        assert_eq!(name_and_version(""), None);
    }

    #[test]
    fn a_second_version_needs_a_skip_and_a_skip_needs_a_second_version() {
        let [two, three, four] =
            ["2.0.1", "3.0.0", "4.0.0"].map(|version| package("syn", version, "registry+https://crates"));
        assert_eq!(versions(&rules(), &[&two, &three]), Vec::<String>::new());
        assert_eq!(versions(&rules(), &[&two, &three, &four]).len(), 1);
        assert_eq!(versions(&rules(), &[&two]), ["deny.toml: nothing needs the skip of `syn@2`"]);
        assert_eq!(versions(&rules(), &[&three]), ["deny.toml: nothing needs the skip of `syn@2`"]);
    }

    #[test]
    fn bans_licences_and_sources_are_judged() {
        let openssl = package("openssl", "0.10.1", "registry+https://crates");
        assert_eq!(banned(&rules(), &[&openssl]), ["openssl 0.10.1 is banned: rustls"]);
        assert_eq!(licences(&rules(), &[&openssl]), Vec::<String>::new());
        let mut other = package("readline", "1.0.0", "registry+https://crates");
        for licence in [Some("GPL-3.0".to_owned()), None] {
            other.license = licence;
            assert_eq!(licences(&rules(), &[&other]).len(), 1);
        }
        let sourced = [
            openssl,
            package("forked", "1.0.0", "git+https://elsewhere#abc"),
            package("y", "1.0.0", "registry+https://other"),
        ];
        assert_eq!(sources(&rules(), &sourced).len(), 2);
    }
}
