//! Every way from one state to the next: the one table that random histories are held to, and that the diagram in
//! docs/lifecycle.md is drawn from.

use std::fmt::Write as _;

use crate::state::StateName::{self, Approved, Cancelled, Denied, Expired, GivenBack, Pending, Stopped};

/// One way from a state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Where it leads from; a new request comes from nowhere.
    pub from: Option<StateName>,
    /// Where it leads.
    pub to: StateName,
    /// What takes it there.
    pub by: &'static str,
}

const fn way(from: Option<StateName>, to: StateName, by: &'static str) -> Transition {
    Transition { from, to, by }
}

/// All of them: nothing else ever happens to a state.
pub const TRANSITIONS: [Transition; 11] = [
    way(None, Pending, "asked"),
    way(None, Approved, "asked, and nobody needs to approve"),
    way(Some(Pending), Approved, "the last approval of its quorum"),
    way(Some(Pending), Denied, "one deny"),
    way(Some(Pending), Cancelled, "cancelled by its user, or what it extends was"),
    way(Some(Pending), Expired, "its time without an answer, or its window, is over"),
    way(Some(Pending), Stopped, "stopped, or what it extends was"),
    way(Some(Approved), Pending, "an approval withdrawn of which nothing came"),
    way(Some(Approved), GivenBack, "given back by its user, or what it extends was"),
    way(Some(Approved), Expired, "its window is over"),
    way(Some(Approved), Stopped, "stopped, or what it extends was"),
];

/// The table as a state diagram in Mermaid's text form.
#[must_use]
pub fn diagram() -> String {
    let mut drawn = String::from("stateDiagram-v2\n");
    let name = |state: StateName| state.as_str().replace('-', "_");
    for Transition { from, to, by } in TRANSITIONS {
        let from = from.map_or_else(|| "[*]".to_owned(), name);
        // Writing to a string does not fail.
        let _written = writeln!(drawn, "    {from} --> {}: {by}", name(to));
    }
    for end in StateName::all().filter(|state| !TRANSITIONS.iter().any(|way| way.from == Some(*state))) {
        let _written = writeln!(drawn, "    {} --> [*]", name(end));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagram_of_the_docs_is_drawn_from_the_table() {
        let page = include_str!("../../../docs/lifecycle.md");
        let drawn = format!("```mermaid\n{}```\n", diagram());
        assert!(page.contains(&drawn), "docs/lifecycle.md should hold:\n{drawn}");
    }

    #[test]
    fn every_state_is_reached_and_no_way_is_there_twice() {
        for state in StateName::all() {
            assert!(TRANSITIONS.iter().any(|way| way.to == state), "{state}");
        }
        for (place, one) in TRANSITIONS.iter().enumerate() {
            let same = |other: &&Transition| (other.from, other.to) == (one.from, one.to);
            assert_eq!(TRANSITIONS.iter().filter(same).count(), 1, "{place}");
        }
    }
}
