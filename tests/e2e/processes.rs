//! What runs on this machine, as /proc tells it.

use std::path::Path;

use testkit::{Result, eventually};

/// A process; its number may be given to another once it has ended, the time of its start makes the difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) command: String,
    parent: u32,
    began: u64,
}

/// Every process that this one started, and those that they did, as long as both still run.
pub(crate) fn descendants(of: u32) -> Result<Vec<Process>> {
    let all = all()?;
    let mut found = vec![of];
    // A child may have a lower number than its parent, so that one pass is not enough.
    loop {
        let more = all.iter().find(|process| found.contains(&process.parent) && !found.contains(&process.id));
        match more {
            Some(process) => found.push(process.id),
            None => return Ok(all.into_iter().filter(|p| p.id != of && found.contains(&p.id)).collect()),
        }
    }
}

/// Processes whose command line or environment names this path.
pub(crate) fn that_name(path: &Path) -> Result<Vec<Process>> {
    let path = path.to_string_lossy();
    Ok(all()?.into_iter().filter(|p| p.command.contains(&*path) || read(p.id, "environ").contains(&*path)).collect())
}

/// Waits until all of these have ended.
pub(crate) async fn eventually_gone(started: Vec<Process>) -> Result<()> {
    let still = || -> Vec<Process> {
        let same = |was: &&Process| process(was.id).is_some_and(|now| now.began == was.began);
        started.iter().filter(same).cloned().collect()
    };
    let gone = eventually("every process that was started has ended", async || still().is_empty()).await;
    gone.map_err(|error| format!("{error}: {:?}", still()).into())
}

fn all() -> Result<Vec<Process>> {
    let numbered = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    Ok(std::fs::read_dir("/proc")?.filter_map(numbered).filter_map(process).collect())
}

/// One that runs; what has ended and only waits to be asked for its exit code does not.
fn process(id: u32) -> Option<Process> {
    let stat = read(id, "stat");
    // The name in parentheses may hold anything (proc(5)).
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let (state, parent, began) = (fields.first()?, fields.get(1)?, fields.get(19)?);
    let command = read(id, "cmdline").replace('\0', " ");
    (*state != "Z").then(|| Some(Process { id, command, parent: parent.parse().ok()?, began: began.parse().ok()? }))?
}

fn read(id: u32, file: &str) -> String {
    let read = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&read).into_owned()
}
