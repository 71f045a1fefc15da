//! Who uses whom.

use super::table::Table;
use crate::metadata::{Dependency, Metadata, Package};

/// Compares the manifests' dependencies with the table.
pub(super) fn check(table: &Table, members: &[&Package]) -> Vec<String> {
    let unknown = members.iter().filter(|member| !table.uses.contains_key(member.short()));
    let mut findings: Vec<String> = unknown
        .map(|member| format!("crate `{}` is not in xtask/arch.toml: say there what it may use", member.short()))
        .collect();
    for member in members {
        let wrong = member.dependencies.iter().filter_map(|dependency| judge(table, member, dependency));
        findings.extend(wrong);
    }
    findings
}

fn judge(table: &Table, user: &Package, used: &Dependency) -> Option<String> {
    let (from, to) = (user.short(), used.short());
    if used.path.is_none() {
        let named_by = table.only.get(&used.name)?;
        let list = || named_by.iter().cloned().collect::<Vec<_>>().join(", ");
        return (!named_by.contains(from)).then(|| format!("`{from}` names `{}`: only {} may", used.name, list()));
    }
    if used.is_dev() && from == table.tests.package {
        return None;
    }
    let allowed = table.uses.get(from)?.contains(to);
    (!allowed).then(|| format!("`{from}` uses `{to}`: not in the direction of xtask/arch.toml"))
}

/// Looks below the pure crates for what waits, stores or talks.
pub(super) fn pure(table: &Table, metadata: &Metadata) -> Vec<String> {
    let pure = metadata.members().filter(|member| table.pure.crates.contains(member.short()));
    let impure = pure.flat_map(|member| {
        let below = metadata.below(member);
        let found = below.into_iter().filter(|(name, _)| table.pure.without.contains(*name));
        found
            .map(|(name, chain)| {
                format!("`{}` is pure, yet has `{name}` below it: {}", member.short(), chain.join(" -> "))
            })
            .collect::<Vec<_>>()
    });
    impure.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TABLE: &str = r#"
        [uses]
        domain = []
        store = ["domain"]
        hallpass = ["store"]
        [tests]
        package = "hallpass"
        [pure]
        crates = ["domain"]
        without = ["tokio"]
        [only]
        rusqlite = ["store"]
        [unmentioned]
    "#;

    fn package(name: &str, dependencies: serde_json::Value) -> Package {
        let package = serde_json::json!({
            "id": name, "name": name, "version": "0.1.0", "manifest_path": "/x/Cargo.toml", "dependencies": dependencies,
        });
        serde_json::from_value(package).unwrap()
    }

    fn ours(name: &str, kind: Option<&str>) -> serde_json::Value {
        serde_json::json!({ "name": format!("hallpass-{name}"), "rename": name, "kind": kind, "path": "/x", "req": "*" })
    }

    fn theirs(name: &str) -> serde_json::Value {
        serde_json::json!({ "name": name, "kind": null, "req": "1" })
    }

    fn found(name: &str, dependencies: &[serde_json::Value]) -> Vec<String> {
        let table: Table = toml::from_str(TABLE).unwrap();
        check(&table, &[&package(name, dependencies.into())])
    }

    #[test]
    fn an_arrow_of_the_table_passes() {
        assert_eq!(found("hallpass-store", &[ours("domain", None), theirs("rusqlite")]), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_backwards_is_found_in_tests_too() {
        assert_eq!(found("hallpass-domain", &[ours("store", None)]).len(), 1);
        assert_eq!(found("hallpass-domain", &[ours("store", Some("dev"))]).len(), 1);
    }

    #[test]
    fn tests_of_the_whole_may_use_every_crate_and_nothing_else_may() {
        assert_eq!(found("hallpass", &[ours("testkit", Some("dev"))]), Vec::<String>::new());
        assert_eq!(found("hallpass", &[ours("testkit", None)]).len(), 1);
        assert_eq!(found("hallpass-store", &[ours("testkit", Some("dev"))]).len(), 1);
    }

    #[test]
    fn sql_outside_the_store_is_found() {
        assert_eq!(found("hallpass-domain", &[theirs("rusqlite")]), ["`domain` names `rusqlite`: only store may"]);
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        assert_eq!(found("hallpass-audit", &[]).len(), 1);
    }

    #[test]
    fn an_engine_deep_below_a_pure_crate_is_found_with_its_chain() {
        let node = |id: &str, deps: &[&str], kind: Option<&str>| {
            let deps: Vec<_> =
                deps.iter().map(|d| serde_json::json!({ "pkg": d, "dep_kinds": [{ "kind": kind }] })).collect();
            serde_json::json!({ "id": id, "deps": deps })
        };
        let metadata = |kind: Option<&str>| -> Metadata {
            let names = ["hallpass-domain", "between", "tokio"];
            let packages: Vec<_> = names
                .iter()
                .map(|n| serde_json::json!({ "id": n, "name": n, "version": "1", "manifest_path": "", "dependencies": [] }))
                .collect();
            let nodes = [
                node("hallpass-domain", &["between"], kind),
                node("between", &["tokio"], None),
                node("tokio", &[], None),
            ];
            let all = serde_json::json!({
                "packages": packages, "workspace_members": BTreeSet::from(["hallpass-domain"]), "resolve": { "nodes": nodes },
            });
            serde_json::from_value(all).unwrap()
        };
        let table: Table = toml::from_str(TABLE).unwrap();
        let found = pure(&table, &metadata(None));
        assert_eq!(found, ["`domain` is pure, yet has `tokio` below it: hallpass-domain -> between -> tokio"]);
        assert_eq!(pure(&table, &metadata(Some("dev"))), Vec::<String>::new());
    }
}
