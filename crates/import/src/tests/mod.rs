//! Whole drafts: golden files, the way back through the product's own parsers, and hostile input.

mod hostile;
mod replays;
mod samples;

use std::path::Path;

use directory::{Directory, Source};
use policy::Policy;

use crate::{
    Draft, Files, ImportError, KeyFile, Log, from_authorized_keys, from_groups, from_log, from_teleport, place,
};

/// What the product makes of the files.
fn read_back(files: &Files) -> (Directory, Policy) {
    let (users, hosts) = (Source::new("directory.toml", &*files.directory), Source::new("hosts.toml", &*files.hosts));
    let directory = Directory::parse(&users, &hosts).unwrap_or_else(|wrong| panic!("{wrong}\n{}", files.directory));
    let access = Source::new("access.toml", &*files.access);
    let policy = Policy::compile(&access, None, &directory).unwrap_or_else(|wrong| panic!("{wrong}\n{}", files.access));
    (directory, policy)
}

fn keys(files: &[(&str, &str)]) -> Result<Draft, ImportError> {
    let files = files.iter().map(|(path, text)| {
        let place = place(&path.split('/').collect::<Vec<_>>()).unwrap();
        Ok(KeyFile { place, name: (*path).to_owned(), bytes: text.as_bytes().to_vec() })
    });
    from_authorized_keys("keys", files, &[])
}

fn log(text: &str) -> Log {
    Log::read("auth.log", text.as_bytes()).unwrap()
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/samples").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The four drafts of the samples, by name.
fn drafts() -> [(&'static str, Draft); 4] {
    const KEYS: [&str; 5] = [
        "db_1/Backup",
        "db_1/root",
        "web-1/home/alice/.ssh/authorized_keys",
        "web-1/home/bob/.ssh/authorized_keys",
        "web-1/root/.ssh/authorized_keys",
    ];
    let texts = KEYS.map(|path| (path, sample(&format!("keys/{path}"))));
    let files: Vec<_> = texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
    [
        ("authorized-keys", keys(&files).unwrap()),
        ("sshd-log", from_log(&log(&sample("auth.log")))),
        ("groups", from_groups("groups.csv", sample("groups.csv").into_bytes()).unwrap()),
        ("teleport", from_teleport("roles.yaml", sample("roles.yaml").into_bytes()).unwrap()),
    ]
}
