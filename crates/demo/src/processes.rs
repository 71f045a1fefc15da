//! What runs on this machine, as proc(5) tells.

use std::collections::BTreeSet;
use std::{fs, io};

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) name: String,
    parent: u32,
}

/// All that run, but for those that have ended and only wait to be asked for their exit code.
pub(crate) fn running() -> io::Result<Vec<Process>> {
    let numbered = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    // Some end while this looks at them.
    Ok(fs::read_dir("/proc")?.filter_map(numbered).filter_map(process).collect())
}

fn process(id: u32) -> Option<Process> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    let over = field("State")?.starts_with('Z');
    (!over).then_some(())?;
    Some(Process { id, name: field("Name")?.to_owned(), parent: field("PPid")?.parse().ok()? })
}

/// Those among them that this one started, and those that they did.
pub(crate) fn started_by(id: u32, all: &[Process]) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([id]);
    // A child may stand before its parent.
    while let Some(more) = all.iter().find(|process| found.contains(&process.parent) && !found.contains(&process.id)) {
        found.insert(more.id);
    }
    found.remove(&id);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_and_theirs_are_found_in_whatever_order() {
        let process = |id, parent| Process { id, parent, name: "x".to_owned() };
        let all = [process(1, 0), process(3, 9), process(5, 1), process(7, 5), process(9, 7), process(6, 1)];
        assert_eq!(started_by(5, &all), BTreeSet::from([3, 7, 9]));
        assert_eq!(started_by(3, &all), BTreeSet::new());
    }

    #[test]
    fn this_process_is_seen_to_run() {
        let own = std::process::id();
        let all = running().unwrap();
        let seen = all.iter().find(|process| process.id == own).unwrap();
        assert!(started_by(seen.parent, &all).contains(&own));
    }
}
