//! Who must sign a bundle before it is put in force, and who lifts a stop: `[policy] signers = "2 of admins"` and
//! `lift = "2 of admins"` in `access.toml`.

use std::collections::BTreeSet;

use directory::{Directory, Fields, Notes};
use domain::{GroupName, Quorum, Span, UserName, Voter, missing};
use toml::Spanned;

use crate::instead;

/// What `[policy]` says.
#[derive(Debug, Default)]
pub(crate) struct Quorums {
    /// Who signs the next bundle.
    pub(crate) signers: Option<Spanned<Quorum>>,
    /// Who lifts a stop.
    pub(crate) lift: Option<Spanned<Quorum>>,
}

impl Quorums {
    /// Takes what another `[policy]` says; twice the same is a mistake.
    pub(crate) fn join(&mut self, notes: &Notes<'_>, again: Self) {
        for (first, again) in [(&mut self.signers, again.signers), (&mut self.lift, again.lift)] {
            if let (Some(first), Some(again)) = (first.as_ref(), again.as_ref()) {
                let line = notes.line(first.span().start);
                notes.note(again.span(), format!("this is said already in line {line}"));
            }
            *first = again.or_else(|| first.take());
        }
    }
}

/// Reads `[policy]`.
pub(crate) fn read(notes: &Notes<'_>, directory: &Directory, top: &Fields<'_>) -> Option<Quorums> {
    let table = top.table("policy")?;
    let (signers, lift) = (table.optional("signers"), table.optional("lift"));
    table.finish();
    let quorums = Quorums { signers, lift };
    for (quorum, what) in [(&quorums.signers, "change the policy"), (&quorums.lift, "lift a stop")] {
        if let Some(quorum) = quorum {
            possible(notes, directory, quorum, what);
        }
    }
    Some(quorums)
}

/// Whether there are people to fill a quorum.
fn possible(notes: &Notes<'_>, directory: &Directory, signers: &Spanned<Quorum>, what: &str) {
    let quorum = signers.get_ref();
    if quorum.is_auto() {
        let help = "name groups and counts, such as \"2 of admins\", or leave it out";
        notes.note_with_help(signers.span(), "`auto` is nobody's signature", help);
    }
    if quorum.stages() > 1 || quorum.longest_wait() > Span::ZERO {
        let help = "name groups and counts alone, such as \"2 of admins, 1 of security\"";
        notes.note_with_help(signers.span(), "these are asked all at once, and nobody stands in for them", help);
    }
    let unknown: Vec<&GroupName> =
        quorum.groups().into_iter().filter(|group| directory.group(group).is_none()).collect();
    for group in &unknown {
        let help = instead::group(directory, group);
        notes.note_with_help(signers.span(), format!("the group `{group}` is not in the directory"), help);
    }
    let open = unsigned(directory, quorum, &everybody(directory));
    if unknown.is_empty() && !open.is_empty() {
        // It would need signatures that nobody can make: then nothing could ever be changed, or no stop be lifted.
        let message = format!("with these signers nobody could {what} any more: {}", lacking(&open));
        let help = "a signer is an enabled person with a key of their own, and signs for one group";
        notes.note_with_help(signers.span(), message, help);
    }
}

/// The slots of the signers' quorum that these users leave open. Only enabled people with a key count, each person once; no
/// program does, whatever it may approve: a bundle says which programs may.
pub fn unsigned(directory: &Directory, signers: &Quorum, by: &BTreeSet<UserName>) -> Vec<GroupName> {
    missing(signers, &by.iter().filter_map(|name| voter(directory, name)).collect::<Vec<_>>(), Span::ZERO)
}

fn voter(directory: &Directory, name: &UserName) -> Option<Voter> {
    let has_key = directory.user(name).is_some_and(|user| !user.keys.is_empty());
    let counts = has_key && directory.is_enabled_person(name);
    let owner = directory.owner_of(name).filter(|_| counts)?.clone();
    Some(Voter { owner, groups: directory.groups_of(name).cloned().collect() })
}

/// Whether a user could fill a place of the signers' quorum, by whatever right.
pub fn signs(directory: &Directory, signers: &Quorum, name: &UserName) -> bool {
    let voter = voter(directory, name);
    voter.is_some_and(|voter| signers.groups().into_iter().any(|group| voter.groups.contains(group)))
}

/// Who could fill a place of the quorum.
pub(crate) fn counting<'d>(directory: &'d Directory, quorum: &Quorum) -> BTreeSet<&'d UserName> {
    directory.users().map(|user| &user.name).filter(|name| signs(directory, quorum, name)).collect()
}

fn everybody(directory: &Directory) -> BTreeSet<UserName> {
    directory.users().map(|user| user.name.clone()).collect()
}

/// The open slots in words.
pub(crate) fn lacking(open: &[GroupName]) -> String {
    format!("nobody is left for {}", crate::who::slots(open))
}

#[cfg(test)]
mod tests {
    use directory::{Mistakes, Source};

    use super::*;
    use crate::Policy;

    const KEYS: [&str; 2] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0wJEqlXWXmHhnBxNVLHT1Z2fZ4a0mLhMnuRHbD1fIo",
    ];

    fn directory() -> Directory {
        let [one, two] = KEYS;
        let users = format!(
            "user = [{{ name = \"alice\", keys = [\"{one}\"] }}, {{ name = \"alice-2\", owner = \"alice\" }}, \
             {{ name = \"bob\", keys = [\"{two}\"] }}, {{ name = \"carol\" }}]\n\
             group = [{{ name = \"admins\", members = [\"alice\", \"alice-2\", \"bob\", \"carol\"] }}]"
        );
        Directory::parse(&Source::new("directory.toml", users), &Source::new("hosts.toml", "")).unwrap()
    }

    fn compiled(access: &str) -> Result<Policy, Mistakes> {
        Policy::compile(&Source::new("access.toml", access), None, &directory())
    }

    #[test]
    fn signers_are_people_with_keys_each_once() {
        let policy = compiled("[policy]\nsigners = \"2 of admins\"\n").unwrap();
        let signers = policy.signers().unwrap();
        let by = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let open = |names: &[&str]| unsigned(&directory(), signers, &by(names)).len();
        assert_eq!(open(&["alice", "bob"]), 0);
        assert_eq!(open(&["alice", "alice-2"]), 1, "one person");
        assert_eq!(open(&["alice", "carol"]), 1, "carol has no key");
        assert!(compiled("").unwrap().signers().is_none());
    }

    #[test]
    fn signers_that_would_lock_everybody_out_are_a_mistake() {
        for (signers, told) in [
            ("3 of admins", "nobody could change the policy any more"),
            ("auto", "nobody's signature"),
            ("1 of admin", "not in the directory"),
        ] {
            let mistakes = compiled(&format!("[policy]\nsigners = \"{signers}\"\n")).unwrap_err();
            assert!(mistakes.0.iter().any(|m| m.message.contains(told) && m.line == 2), "{signers}: {mistakes}");
        }
        assert!(compiled("[policy]\nsigner = \"1 of admins\"\n").is_err());
        let twice = "[policy]\nsigners = \"1 of admins\"\n[[forbid]]\nlogins = [\"root\"]\n[policy]\nsigners = \"2 of admins\"\n";
        assert!(compiled(twice).is_err(), "two are not one");
    }
}
