//! What may have been meant by a name that is not there: the next step of a mistake.

use std::collections::BTreeSet;
use std::fmt::Display;

use directory::Directory;

/// As many names are listed; of more the first few are.
const LISTED: usize = 8;

/// For a group that is not in the directory.
pub(crate) fn group(directory: &Directory, given: impl Display) -> String {
    instead(&given.to_string(), directory.groups().map(|group| group.name.to_string()), "add it to directory.toml")
}

/// For a user who is not in the directory.
pub(crate) fn user(directory: &Directory, given: impl Display) -> String {
    instead(&given.to_string(), directory.users().map(|user| user.name.to_string()), "add it to directory.toml")
}

/// For a host that is not in the inventory. Aliases are names, too.
pub(crate) fn host(directory: &Directory, given: impl Display) -> String {
    let names = directory.hosts().flat_map(|host| std::iter::once(&host.name).chain(&host.aliases));
    instead(&given.to_string(), names.map(ToString::to_string), "add it to hosts.toml")
}

/// What to write instead of `given`, of what there is: the one that it is a slip of, else a list, and what to do otherwise.
pub(crate) fn instead(given: &str, there: impl Iterator<Item = String>, otherwise: &str) -> String {
    let there: BTreeSet<String> = there.collect();
    let slips = given.len().div_ceil(4);
    let nearest = there.iter().map(|name| (distance(given, name), name)).min();
    if let Some((_, name)) = nearest.filter(|(distance, _)| *distance <= slips) {
        return format!("is `{name}` meant? Else {otherwise}");
    }
    let listed: Vec<&str> = there.iter().take(LISTED).map(String::as_str).collect();
    match (listed.as_slice(), there.len().saturating_sub(LISTED)) {
        ([], _) => otherwise.to_owned(),
        (listed, 0) => format!("{otherwise}, or name one that is there: {}", listed.join(", ")),
        (listed, more) => format!("{otherwise}, or name one that is there: {} and {more} more", listed.join(", ")),
    }
}

/// How many letters one must put in, take out, or put in place of another.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (done, letter) in one.chars().enumerate() {
        let mut next = vec![done + 1];
        for (pair, theirs) in row.windows(2).zip(other.chars()) {
            let (&[corner, above], Some(&left)) = (pair, next.last()) else { continue };
            next.push((corner + usize::from(letter != theirs)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_name() {
        let told = |given: &str, there: &[&str]| instead(given, there.iter().map(ToString::to_string), "add it");
        assert_eq!(told("sri", &["eng", "sre"]), "is `sre` meant? Else add it");
        assert_eq!(told("qourum", &["max", "quorum", "ttl"]), "is `quorum` meant? Else add it");
        assert_eq!(told("boss", &["eng", "sre"]), "add it, or name one that is there: eng, sre");
        assert_eq!(told("boss", &[]), "add it");
        let many: Vec<String> = (0..10).map(|n| format!("group-{n}")).collect();
        let all = "group-0, group-1, group-2, group-3, group-4, group-5, group-6, group-7 and 2 more";
        assert_eq!(instead("x", many.into_iter(), "add it"), format!("add it, or name one that is there: {all}"));
    }

    #[test]
    fn the_distance_counts_single_letters() {
        for (one, other, letters) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("sre", "sre", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(one, other), letters, "{one} {other}");
        }
    }
}
