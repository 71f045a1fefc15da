//! Dependencies that are declared and never mentioned.

use std::path::Path;

use super::files::File;
use super::table::Table;
use crate::metadata::{Dependency, Metadata, Package};
use crate::root::root;

/// A crate of fewer lines is still to be written: what it declares, and who declares it, announces what is coming.
const STUB: usize = 5;

/// Looks for each declared dependency's name in the sources that it is declared for.
pub(super) fn check(table: &Table, metadata: &Metadata, files: &[File]) -> Vec<String> {
    let stubs = metadata.members().filter(|member| is_stub(&sources(member, files)));
    let stubs: Vec<&str> = stubs.map(|member| member.name.as_str()).collect();
    let written = metadata.members().filter(|member| !stubs.contains(&member.name.as_str()));
    let idle = written.flat_map(|member| {
        let own = sources(member, files);
        let excused = table.unmentioned.get(member.short());
        member.dependencies.iter().filter_map(move |dependency| {
            let passes = excused.is_some_and(|names| names.contains(&dependency.name))
                || own.iter().any(|source| {
                    counts(dependency, source) && mentions(source.text, &metadata.name_in_code(dependency))
                });
            (!passes).then_some((member, dependency))
        })
    });
    idle.filter(|(_, dependency)| !stubs.contains(&dependency.name.as_str()))
        .map(|(member, dependency)| {
            format!("`{}` declares `{}` and never mentions it", member.short(), dependency.name)
        })
        .collect()
}

/// A file of one crate; the path is below the crate's directory.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

fn sources<'a>(member: &Package, files: &'a [File]) -> Vec<Source<'a>> {
    let directory = Path::new(&member.manifest_path).parent().and_then(|parent| parent.strip_prefix(root()).ok());
    let prefix = directory.map(|below| below.join("").to_string_lossy().into_owned()).unwrap_or_default();
    let own = files.iter().filter_map(|file| {
        let path = file.path.strip_prefix(&prefix)?;
        let is_own = path == "build.rs" || path.starts_with("src/") || path.starts_with("tests/");
        is_own.then_some(Source { path, text: &file.text })
    });
    own.collect()
}

fn is_stub(sources: &[Source<'_>]) -> bool {
    sources.iter().map(|source| source.text.lines().count()).sum::<usize>() < STUB
}

/// A dependency is used where it is declared for: by `build.rs`, by tests and sources, or by sources.
fn counts(dependency: &Dependency, source: &Source<'_>) -> bool {
    match dependency.kind.as_deref() {
        Some("build") => source.path == "build.rs",
        Some("dev") => source.path != "build.rs",
        _ => source.path.starts_with("src/"),
    }
}

fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(dependencies: serde_json::Value, path: &str, text: &str) -> Vec<String> {
        let member = serde_json::json!({
            "id": "a", "name": "hallpass-a", "version": "1", "dependencies": dependencies,
            "manifest_path": root().join("crates/a/Cargo.toml"),
        });
        let webpki = serde_json::json!({
            "id": "b", "name": "rustls-webpki", "version": "1", "dependencies": [], "manifest_path": "",
            "targets": [{ "name": "webpki", "kind": ["lib"] }],
        });
        let metadata = serde_json::json!({
            "packages": [member, webpki], "workspace_members": ["a"], "resolve": { "nodes": [] },
        });
        let table = "uses = {}\nonly = {}\nunmentioned = { a = [\"prost\"] }\n\
                     tests = { package = \"x\" }\npure = { crates = [], without = [] }";
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let files = [file("crates/a/src/lib.rs", "//! a\n\n\n\n\n"), file(path, text)];
        check(&toml::from_str(table).unwrap(), &serde_json::from_value(metadata).unwrap(), &files)
    }

    fn on(name: &str, kind: Option<&str>) -> serde_json::Value {
        serde_json::json!([{ "name": name, "kind": kind, "req": "1" }])
    }

    #[test]
    fn a_dependency_is_used_where_it_is_declared_for() {
        assert!(idle(on("ssh-key", None), "crates/a/src/b.rs", "use ssh_key::PublicKey;").is_empty());
        assert_eq!(idle(on("ssh-key", None), "crates/a/tests/b.rs", "use ssh_key::PublicKey;").len(), 1);
        assert!(idle(on("ssh-key", Some("dev")), "crates/a/tests/b.rs", "use ssh_key::PublicKey;").is_empty());
        assert_eq!(idle(on("ssh-key", Some("build")), "crates/a/src/b.rs", "use ssh_key::PublicKey;").len(), 1);
        assert_eq!(idle(on("ssh-key", None), "crates/b/src/b.rs", "use ssh_key::PublicKey;").len(), 1);
    }

    #[test]
    fn a_part_of_a_word_is_no_mention() {
        assert_eq!(idle(on("http", None), "crates/a/src/b.rs", "use http_body::Body; // https").len(), 1);
    }

    #[test]
    fn a_library_may_have_another_name_than_its_package() {
        assert!(idle(on("rustls-webpki", None), "crates/a/src/b.rs", "use webpki::EndEntityCert;").is_empty());
    }

    #[test]
    fn what_generated_code_uses_is_excused_by_name() {
        assert!(idle(on("prost", None), "crates/a/src/b.rs", "").is_empty());
    }
}
