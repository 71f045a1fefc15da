//! Where files are: configuration, state and the helper's socket, by the XDG base directory specification.

use std::path::{Path, PathBuf};

use agent::ServerName;

use crate::context::Environment;

/// Nothing says where the user's files are.
#[derive(Debug, thiserror::Error)]
#[error("HOME is not set to an absolute path, so there is no place for configuration and state; set it")]
pub(crate) struct NoHome;

/// The user's directories.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    home: PathBuf,
    config: PathBuf,
    state: PathBuf,
    socket_dir: PathBuf,
}

impl Places {
    pub(crate) fn of(environment: &Environment) -> Result<Self, NoHome> {
        let home = environment.path("HOME").ok_or(NoHome)?;
        let config = environment.path("HALLPASS_CONFIG").unwrap_or_else(|| {
            environment.path("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("hallpass/config.toml")
        });
        let state = environment.path("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state")).join("hallpass");
        let socket_dir = environment.path("XDG_RUNTIME_DIR").map_or_else(|| state.clone(), |dir| dir.join("hallpass"));
        Ok(Self { home, config, state, socket_dir })
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// The client helper's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_dir.join("agent.sock")
    }

    /// Where sockets are, and what lasts no longer than a process.
    pub(crate) fn runtime(&self) -> &Path {
        &self.socket_dir
    }

    /// What is remembered of one server.
    pub(crate) fn server(&self, name: &ServerName) -> PathBuf {
        self.state.join("servers").join(name.as_str())
    }

    /// What plain ssh reads.
    pub(crate) fn ssh(&self) -> PathBuf {
        self.state.join("ssh")
    }

    /// `~/...` as a person writes it.
    pub(crate) fn expand(&self, given: &str) -> PathBuf {
        match given.strip_prefix("~/") {
            Some(below) => self.home.join(below),
            None => PathBuf::from(given),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)]) -> Places {
        Places::of(&Environment::new(variables.iter().copied())).unwrap()
    }

    #[test]
    fn directories_are_those_of_xdg() {
        let plain = places(&[("HOME", "/home/a")]);
        assert_eq!(plain.config(), Path::new("/home/a/.config/hallpass/config.toml"));
        assert_eq!(plain.socket(), Path::new("/home/a/.local/state/hallpass/agent.sock"));
        assert_eq!(plain.server(&"work".parse().unwrap()), Path::new("/home/a/.local/state/hallpass/servers/work"));
        let set = places(&[
            ("HOME", "/home/a"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_STATE_HOME", "/s"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
        ]);
        assert_eq!(set.config(), Path::new("/c/hallpass/config.toml"));
        assert_eq!(set.ssh(), Path::new("/s/hallpass/ssh"));
        assert_eq!(set.socket(), Path::new("/run/user/1/hallpass/agent.sock"));
    }

    #[test]
    fn the_configuration_file_can_be_named() {
        assert_eq!(places(&[("HOME", "/h"), ("HALLPASS_CONFIG", "/x.toml")]).config(), Path::new("/x.toml"));
        assert_eq!(places(&[("HOME", "/h")]).expand("~/.ssh/id"), Path::new("/h/.ssh/id"));
        assert!(Places::of(&Environment::default()).is_err());
    }
}
