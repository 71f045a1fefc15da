//! Every parser of outside bytes, ready to be fed with anything.
//!
//! A target takes bytes and says whether its parser accepted them. It panics when something that must hold does not:
//! above all, that what was accepted is written back as the same bytes. Each target has seeds that its parser accepts;
//! the tests hold them to that, so that fuzzing never starts from stale examples.

mod agents;
mod certificates;
mod feedback;
mod files;
mod imports;
mod messages;
mod records;
mod revocations;
mod texts;
mod vocabulary;

/// A parser under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Feeds the parser and gives whether it accepted.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that it accepts.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub fn targets() -> Vec<Target> {
    let groups: [&[Target]; 10] = [
        &feedback::TARGETS,
        &vocabulary::TARGETS,
        &files::TARGETS,
        &imports::TARGETS,
        &texts::TARGETS,
        &certificates::TARGETS,
        &revocations::TARGETS,
        &records::TARGETS,
        &messages::TARGETS,
        &agents::TARGETS,
    ];
    groups.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_accepted() {
        for target in targets() {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{} has no seed", target.name);
            for (number, seed) in seeds.iter().enumerate() {
                assert!((target.run)(seed), "seed {number} of {}: {:?}", target.name, seed.escape_ascii().to_string());
            }
        }
    }

    #[test]
    fn a_damaged_seed_breaks_no_parser() {
        for target in targets().iter().filter(|target| target.name != feedback::NAME) {
            for seed in (target.seeds)() {
                for at in 0..seed.len() {
                    (target.run)(&seed[..at]);
                    let mut changed = seed.clone();
                    changed[at] ^= 1 << (at % 8);
                    (target.run)(&changed);
                }
            }
        }
    }

    #[test]
    fn names_of_targets_are_unique() {
        let mut names: Vec<_> = targets().iter().map(|target| target.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
