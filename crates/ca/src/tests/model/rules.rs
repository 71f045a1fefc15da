//! What the model knows of the files that are in force.

use crate::tests::harness::*;

/// What alice asks for, and how many people it takes: of `sre`, but for the one in stages.
pub(super) const HOSTS: [(&str, usize); 4] =
    [("root@web-1", 1), ("root@two-1", 2), ("root@staged-1", 2), ("root@dev-1", 0)];
/// The one that takes one who leads, or is on duty after a while, and then one of `sre`.
pub(super) const STAGED: usize = 2;
/// The one for which nobody needs to be asked.
pub(super) const AUTO: usize = 3;
/// The one whose rule extends without asking anybody.
const RESTS: usize = 1;

/// The files in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// What every world begins with.
    AsTheyWere,
    /// Bob is in no group any more.
    BobLeft,
    BobDisabled,
    AliceDisabled,
    /// Each rule asks one more of `sre`, and gives ten minutes at most.
    Tightened,
}

/// What is in force, and who is stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Today {
    pub(super) rules: Rules,
    /// Alice, and bob.
    pub(super) stopped: [Option<u8>; 2],
}

impl Today {
    /// A person's disabling disables every account of theirs.
    pub(super) fn disabled(self, user: u8) -> bool {
        let accounts: &[(u8, Rules, &[u8])] =
            &[(ALICE, Rules::AliceDisabled, &[ALICE, ALICE_ADMIN]), (BOB, Rules::BobDisabled, &[BOB, BACKUP])];
        let out =
            |(person, rules, _): &&(u8, Rules, &[u8])| self.rules == *rules || self.stopped.contains(&Some(*person));
        accounts.iter().filter(out).any(|(_, _, accounts)| accounts.contains(&user))
    }

    /// Neither alice, by whatever account, nor a service, nor who is not asked.
    pub(super) fn in_sre(self, user: u8) -> bool {
        user == CAROL || user == BOB && self.rules != Rules::BobLeft && !self.disabled(BOB)
    }

    /// Whether they are asked in some stage, or stand in at some time.
    pub(super) fn may_decide(self, host: usize, user: u8) -> bool {
        let leads = user == DAVE || user == BOB && !self.disabled(BOB);
        self.in_sre(user) || host == STAGED && leads
    }

    pub(super) fn needs(self, host: usize) -> usize {
        HOSTS[host].1 + usize::from(self.rules == Rules::Tightened && host != STAGED)
    }

    /// How many people an extension takes, and whether it rests on what it extends.
    pub(super) fn extension(self, host: usize) -> (usize, bool) {
        if host == RESTS { (0, true) } else { (self.needs(host), false) }
    }

    pub(super) const fn longest(self) -> u64 {
        if matches!(self.rules, Rules::Tightened) { 600 } else { 3600 }
    }
}

impl Rules {
    pub(super) const ALL: [Self; 5] =
        [Self::AsTheyWere, Self::BobLeft, Self::BobDisabled, Self::AliceDisabled, Self::Tightened];

    /// The files that say so.
    pub(super) fn setup(self) -> Setup {
        let Setup { mut directory, mut access, .. } = Setup::default();
        directory.push_str("[[group]]\nname = \"watch\"\nmembers = [\"dave\"]\nrights = [\"stop\"]\n");
        access = access.replace("approve = \"2 of sre\"\n", "approve = \"2 of sre\"\nextend = \"auto\"\n");
        let edits: &[(&str, &str)] = match self {
            Self::AsTheyWere => &[],
            Self::BobLeft => &[("members = [\"bob\", ", "members = [")],
            Self::BobDisabled => &[("name = \"bob\"\n", "name = \"bob\"\ndisabled = true\n")],
            Self::AliceDisabled => &[("name = \"alice\"\n", "name = \"alice\"\ndisabled = true\n")],
            Self::Tightened => &[
                ("\"2 of sre\"", "\"3 of sre\""),
                ("\"1 of sre\"", "\"2 of sre\""),
                ("approve = \"auto\"", "approve = \"1 of sre\""),
                ("\"1h\"", "\"10m\""),
            ],
        };
        for (from, to) in edits {
            assert!(directory.contains(from) || access.contains(from), "{from}");
            (directory, access) = (directory.replace(from, to), access.replace(from, to));
        }
        Setup { directory, access, ..Setup::default() }
    }
}
