//! Names that fit, made from names that may not.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// The most characters of a name that is made up, so that a number can follow.
const LONGEST: usize = 48;

/// Names given out so far: a foreign name gets one name, and two foreign names never share one by accident.
#[derive(Debug, Default)]
pub(crate) struct Names {
    given: BTreeMap<String, String>,
    /// Which foreign name has it, and the number that comes next after it.
    taken: BTreeMap<String, usize>,
}

impl Names {
    /// The name of a foreign one: itself if it is a name already, else one that is like it.
    pub(crate) fn name<T: FromStr + Display>(&mut self, foreign: &str, otherwise: &str) -> Option<Named<T>> {
        if let Some(name) = self.given.get(foreign) {
            return Named::new(name, foreign);
        }
        let like = match foreign.parse::<T>() {
            Ok(name) => name.to_string(),
            Err(_) => like(foreign).filter(|like| like.parse::<T>().is_ok()).unwrap_or_else(|| otherwise.to_owned()),
        };
        // With its number it may be too long by now.
        let name = Some(self.free(&like)).filter(|name| name.parse::<T>().is_ok());
        let name = name.unwrap_or_else(|| self.free(otherwise));
        let named = Named::new(&name, foreign)?;
        self.given.insert(foreign.to_owned(), name);
        Some(named)
    }

    /// This name, or it and the first number that makes it new.
    pub(crate) fn free(&mut self, like: &str) -> String {
        let mut number = self.taken.get(like).copied().unwrap_or(1);
        let mut name = like.to_owned();
        while self.taken.contains_key(&name) {
            number += 1;
            name = format!("{like}-{number}");
        }
        self.taken.insert(like.to_owned(), number);
        self.taken.entry(name.clone()).or_insert(1);
        name
    }
}

/// A name, and whether it is the foreign one as it was.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    pub(crate) name: T,
    pub(crate) exact: bool,
}

impl<T: FromStr> Named<T> {
    fn new(name: &str, foreign: &str) -> Option<Self> {
        Some(Self { name: name.parse().ok()?, exact: name == foreign })
    }
}

/// Lowercase, with `-` for whatever a name cannot hold.
pub(crate) fn like(foreign: &str) -> Option<String> {
    let mut name = String::new();
    for c in foreign.chars().take(LONGEST) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '.') => name.push(c),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_matches(['-', '.']).replace("..", ".").replace(".-", "-").replace("-.", "-");
    let name = name.trim_matches(['-', '.']);
    (!name.is_empty()).then(|| name.to_owned())
}
