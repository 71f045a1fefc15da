//! What strace saw: system calls that begin and end among others.

/// The calls that wait for the disk.
pub(crate) const SYNCS: &str = "fsync,fdatasync";
/// The calls that take bytes from a connection.
pub(crate) const RECEIVES: &str = "read,readv,recvfrom,recvmsg";
/// The calls that give bytes to a connection.
pub(crate) const SENDS: &str = "write,writev,sendto,sendmsg";

/// A system call on an open file, as `strace -f -yy -s 0` shows it.
#[derive(Debug)]
pub(crate) struct Call {
    name: String,
    /// Descriptor and file, as in `12<TCP:[127.0.0.1:7922->127.0.0.1:40000]>`.
    pub(crate) file: String,
    /// The line of its begin.
    pub(crate) began: usize,
    /// The line of its end.
    pub(crate) ended: usize,
    /// What it returned: how many bytes; 0 for an error.
    pub(crate) result: u64,
}

impl Call {
    /// Whether it is one of these, named as for strace.
    pub(crate) fn is(&self, of: &str) -> bool {
        of.split(',').any(|name| name == self.name)
    }
}

/// The calls that ended, in the order of their ends.
pub(crate) fn calls(lines: &[&str]) -> Vec<Call> {
    let (mut open, mut all) = (std::collections::BTreeMap::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let Some((thread, rest)) = line.split_once(' ').map(|(thread, rest)| (thread, rest.trim_start())) else {
            continue;
        };
        let begun = if rest.starts_with("<...") { open.remove(thread) } else { begun(at, rest) };
        match begun {
            Some(call) if rest.ends_with("<unfinished ...>") => drop(open.insert(thread, call)),
            Some(call) => all.push(Call { ended: at, result: result(rest), ..call }),
            None => (),
        }
    }
    all
}

/// The begin of `sendto(12<TCP:[...]>, ""..., 600, MSG_NOSIGNAL, NULL, 0) = 600`; a file's name holds `->` and no `>,`.
fn begun(at: usize, call: &str) -> Option<Call> {
    let (name, words) = call.split_once('(')?;
    let file = words.split([',', ')', ' ']).next()?;
    Some(Call { name: name.to_owned(), file: file.to_owned(), began: at, ended: at, result: 0 })
}

/// The number after the last `=`.
fn result(call: &str) -> u64 {
    let number = call.rsplit_once(" = ").and_then(|(_, result)| result.split(' ').next()?.parse().ok());
    number.unwrap_or_default()
}
