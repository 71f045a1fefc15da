//! What cargo knows of the workspace, as far as the checks ask.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::command::{cargo, host_triple, output};
use crate::failure::Failure;

/// The cfg under which the fuzzer is built: what it needs is asked for too.
pub(crate) const FUZZED: &str = "--cfg=hallpass_fuzz";

/// `cargo metadata`, for this machine's platform.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

/// A package of the workspace or of the registry.
#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// A dependency as a manifest declares it.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    rename: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) req: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self, Failure> {
        let mut metadata = cargo();
        metadata.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host_triple()?]);
        let json = output(metadata.env("CARGO_ENCODED_RUSTFLAGS", FUZZED))?;
        serde_json::from_str(&json).map_err(Failure::Metadata)
    }

    /// The packages of the workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The name by which sources mention a dependency: the one that the manifest gives, or else that of its library.
    pub(crate) fn name_in_code(&self, dependency: &Dependency) -> String {
        let package = || self.packages.iter().find(|package| package.name == dependency.name);
        let library = || package()?.library();
        dependency.rename.as_deref().or_else(library).unwrap_or(&dependency.name).replace('-', "_")
    }

    /// The names of all packages below a package, tests apart, each with the chain that leads to it.
    pub(crate) fn below(&self, package: &Package) -> BTreeMap<&str, Vec<&str>> {
        let by_id: BTreeMap<&str, &Package> = self.packages.iter().map(|p| (p.id.as_str(), p)).collect();
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let mut chains: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut waiting = vec![(package.id.as_str(), Vec::new())];
        while let Some((id, above)) = waiting.pop() {
            let (Some(package), Some(node)) = (by_id.get(id), nodes.get(id)) else { continue };
            if chains.contains_key(package.name.as_str()) {
                continue;
            }
            let chain: Vec<&str> = above.into_iter().chain([package.name.as_str()]).collect();
            let built = node.deps.iter().filter(|edge| edge.dep_kinds.iter().any(|k| k.kind.as_deref() != Some("dev")));
            waiting.extend(built.map(|edge| (edge.pkg.as_str(), chain.clone())));
            chains.insert(package.name.as_str(), chain);
        }
        chains
    }
}

impl Package {
    /// The name of a crate of ours as the design has it: `domain` for `hallpass-domain`.
    pub(crate) fn short(&self) -> &str {
        short(&self.name)
    }

    fn library(&self) -> Option<&str> {
        let is_library =
            |target: &&Target| target.kind.iter().any(|kind| kind.ends_with("lib") || kind == "proc-macro");
        self.targets.iter().find(is_library).map(|target| target.name.as_str())
    }
}

impl Dependency {
    /// Whether only tests use it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }

    /// The name of a crate of ours as the design has it.
    pub(crate) fn short(&self) -> &str {
        short(&self.name)
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix("hallpass-").unwrap_or(name)
}
