//! The machine below: its cores, the file system of the store, and what one fsync costs there.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::failure::Failure;
use crate::figures::{median, micros};

/// How many times the probe appends and syncs.
const PROBES: usize = 200;

/// How many threads can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// The type of the file system that a directory is on, as the kernel names it.
pub(crate) fn file_system(directory: &Path) -> Result<String, Failure> {
    let directory = directory.canonicalize().map_err(Failure::file(directory))?;
    let mounts = Path::new("/proc/self/mountinfo");
    let text = std::fs::read_to_string(mounts).map_err(Failure::file(mounts))?;
    Ok(deepest(&text, &directory).unwrap_or("unknown").to_owned())
}

/// Whether what was synced there survives a power cut: not in memory, and not where nobody knows.
pub(crate) fn is_durable(file_system: &str) -> bool {
    !matches!(file_system, "tmpfs" | "ramfs" | "rootfs" | "unknown")
}

/// The type in the last line, of those that name the longest mount point above the directory (proc_pid_mountinfo(5)).
fn deepest<'a>(mountinfo: &'a str, directory: &Path) -> Option<&'a str> {
    let above = mountinfo.lines().filter_map(|line| {
        let (mount, rest) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?.replace("\\040", " ");
        let depth = Path::new(&point).components().count();
        directory.starts_with(&point).then_some((depth, rest.split(' ').next()?))
    });
    above.max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

/// The median of one append of a page and its `fdatasync`, in microseconds.
pub(crate) fn sync_us(directory: &Path) -> Result<f64, Failure> {
    let path = directory.join("sync-probe");
    let mut file = File::create(&path).map_err(Failure::file(&path))?;
    let mut took = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let start = Instant::now();
        file.write_all(&[0x5a; 4096]).and_then(|()| file.sync_data()).map_err(Failure::file(&path))?;
        took.push(micros(start.elapsed()));
    }
    drop(file);
    std::fs::remove_file(&path).map_err(Failure::file(&path))?;
    Ok(median(&took))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                          23 22 0:5 / /dev rw - devtmpfs udev rw\n\
                          24 22 0:6 / /tmp rw shared:1 - tmpfs tmpfs rw\n\
                          25 24 0:7 / /tmp/on\\040disk rw - xfs /dev/vdb rw\n";

    #[test]
    fn the_deepest_mount_point_says_where_a_directory_is() {
        for (directory, kind) in
            [("/work", "ext4"), ("/tmp/x", "tmpfs"), ("/tmpx", "ext4"), ("/tmp/on disk/y", "xfs"), ("/", "ext4")]
        {
            assert_eq!(deepest(MOUNTS, Path::new(directory)), Some(kind), "{directory}");
        }
    }

    #[test]
    fn memory_is_no_place_for_a_durable_ledger() {
        assert!(is_durable("ext4") && is_durable("overlay"));
        assert!(!is_durable("tmpfs") && !is_durable("ramfs") && !is_durable("unknown"));
    }
}
