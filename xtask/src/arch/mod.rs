//! `cargo xtask arch`: the shape of the code, compared with `arch.toml`.

mod direction;
mod files;
mod manifests;
mod table;
mod text;
mod unused;

use crate::failure::Failure;
use crate::metadata::Metadata;

/// Runs every check and reports all findings at once.
pub(crate) fn run() -> Result<(), Failure> {
    let table = table::Table::load()?;
    let metadata = Metadata::load()?;
    let files = files::load()?;
    let members: Vec<_> = metadata.members().collect();

    let mut findings = direction::check(&table, &members);
    findings.extend(direction::pure(&table, &metadata));
    findings.extend(manifests::check(&members)?);
    findings.extend(files.iter().flat_map(text::check));
    findings.extend(unused::check(&table, &metadata, &files));
    for warning in files.iter().filter_map(text::long) {
        println!("warning: {warning}");
    }
    println!("{} crates and {} files looked at", members.len(), files.len());
    Failure::unless_empty(findings)
}
