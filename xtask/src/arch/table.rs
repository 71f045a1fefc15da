//! `arch.toml` as read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::failure::{self, Failure};

/// Which crate may use which, and what else the checks go by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// For each crate, the crates of the workspace that it may use.
    pub(crate) uses: BTreeMap<String, BTreeSet<String>>,
    /// The package that tests/ belongs to.
    pub(crate) tests: Tests,
    /// What must have nothing of the outside world below it.
    pub(crate) pure: Pure,
    /// Dependencies that only some crates may name.
    pub(crate) only: BTreeMap<String, BTreeSet<String>>,
    /// Dependencies that only generated code mentions, so that no source of ours does.
    pub(crate) unmentioned: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tests {
    pub(crate) package: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pure {
    pub(crate) crates: BTreeSet<String>,
    pub(crate) without: BTreeSet<String>,
}

impl Table {
    /// Reads the file.
    pub(crate) fn load() -> Result<Self, Failure> {
        failure::toml_file("xtask/arch.toml")
    }
}
