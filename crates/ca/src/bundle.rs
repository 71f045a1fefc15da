//! The bundle: policy, directory and hosts as loaded, one content-addressed unit (invariant 11); and what is in force:
//! a bundle with the amendments that came after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use directory::{Directory, Mistakes};
use domain::{Amendment, Digest, GroupName, HostName, SlotClosed, StopTarget, UnixTime, UserName};
use policy::{Files, Matter, Policy};
use request::Judging;
use store::{Amended, Standing};

use crate::stop::StopRefused;

/// Policy, directory and hosts that were loaded together.
pub struct Bundle {
    digest: Digest,
    kept: store::Bundle,
    directory: Directory,
    policy: Policy,
}

impl Bundle {
    /// Parses and compiles the files.
    ///
    /// # Errors
    /// Every mistake in all of them at once.
    pub fn load(files: &Files) -> Result<Self, Mistakes> {
        let (directory, policy) = files.understand()?;
        let kept = store::Bundle { files: files.contents() };
        Ok(Self { digest: kept.digest(), kept, directory, policy })
    }

    /// What rulings and entries name.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The files, as the store keeps them.
    pub const fn kept(&self) -> &store::Bundle {
        &self.kept
    }

    /// Users, groups, hosts, as the files have them.
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The rules.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Of these amendments, those that still change something beside this bundle, and those that it has caught up with.
    pub(crate) fn sort(&self, amendments: &[Amended]) -> (Vec<Amended>, Vec<u64>) {
        let (mut stand, mut caught_up): (Vec<Amended>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut directory = self.directory.clone();
        for amended in amendments {
            if directory.amendable(&amended.amendment).is_ok() {
                directory = directory.amended([&amended.amendment]);
                stand.push(amended.clone());
            } else {
                caught_up.push(amended.entry);
            }
        }
        (stand, caught_up)
    }
}

/// What is ruled by: a bundle with the amendments that came after it.
pub struct InForce {
    bundle: Arc<Bundle>,
    directory: Directory,
    amendments: Vec<Amended>,
    stops: Vec<Standing>,
    entry: u64,
    version: u64,
}

impl InForce {
    /// A bundle that the entry `entry` put in force, as it is since the entry `version`.
    pub(crate) fn new(
        bundle: Arc<Bundle>,
        amendments: Vec<Amended>,
        stops: Vec<Standing>,
        entry: u64,
        version: u64,
    ) -> Self {
        let amended = bundle.directory.amended(amendments.iter().map(|amended| &amended.amendment));
        let stopped: Vec<Amendment> = stops.iter().flat_map(|stop| as_amendments(&amended, &stop.target)).collect();
        let directory = if stopped.is_empty() { amended } else { amended.amended(&stopped) };
        Self { bundle, directory, amendments, stops, entry, version }
    }

    /// The same with these stops, since the entry `version`.
    pub(crate) fn with_stops(&self, stops: Vec<Standing>, version: u64) -> Self {
        Self::new(Arc::clone(&self.bundle), self.amendments.clone(), stops, self.entry, version)
    }

    /// The stops in force.
    pub(crate) fn stops(&self, now: UnixTime) -> impl Iterator<Item = &Standing> {
        self.stops.iter().filter(move |stop| stop.until.is_none_or(|until| now < until))
    }

    /// The stop of this.
    pub(crate) fn stop_of(&self, target: &StopTarget, now: UnixTime) -> Option<&Standing> {
        self.stops(now).find(|stop| stop.target == *target)
    }

    /// Refuses while everything is stopped.
    pub(crate) fn not_all_stopped(&self, now: UnixTime) -> Result<(), StopRefused> {
        let Some(Standing { user, entry, reason, until, .. }) = self.stop_of(&StopTarget::All, now) else {
            return Ok(());
        };
        Err(StopRefused::All { user: user.clone(), entry: *entry, reason: reason.clone(), until: *until })
    }

    /// The groups in which nobody is left to sign another bundle.
    pub(crate) fn locked_out(&self) -> Vec<GroupName> {
        let Some(signers) = self.policy().signers() else { return Vec::new() };
        let everybody = self.directory.users().map(|user| user.name.clone()).collect();
        policy::unsigned(&self.directory, signers, &everybody)
    }

    /// What rulings and entries name.
    pub fn digest(&self) -> Digest {
        self.bundle.digest
    }

    /// Users, groups and hosts, as amended.
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What decisions are judged by.
    pub(crate) fn judging(&self) -> Judging<'_> {
        Judging { directory: &self.directory, slots: self }
    }

    /// The rules.
    pub fn policy(&self) -> &Policy {
        &self.bundle.policy
    }

    /// The bundle by itself.
    pub const fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// The bundle's files, by name.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.bundle.kept.files
    }

    /// What amends it, in the order of the acts.
    pub fn amendments(&self) -> impl Iterator<Item = &Amendment> {
        self.amendments.iter().map(|amended| &amended.amendment)
    }

    pub(crate) fn amended(&self) -> &[Amended] {
        &self.amendments
    }

    /// The entry that put the bundle in force: what the next one comes after.
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// The entry of the last change: what a grant was made under.
    pub const fn version(&self) -> u64 {
        self.version
    }
}

/// What a stop comes to while it stands: its user is as good as disabled, its host as good as gone. A plain certificate opens
/// every host of its realm, so the whole realm goes.
fn as_amendments(directory: &Directory, target: &StopTarget) -> Vec<Amendment> {
    match target {
        StopTarget::User(user) => vec![Amendment::DisableUser(user.clone())],
        StopTarget::Host(name) => match directory.host(name.as_str()).and_then(|host| host.realm.as_ref()) {
            Some(realm) => directory.realm_hosts(realm).map(|host| Amendment::RemoveHost(host.name.clone())).collect(),
            None => vec![Amendment::RemoveHost(name.clone())],
        },
        StopTarget::Request(_) | StopTarget::Serial(_) | StopTarget::All => Vec::new(),
    }
}

impl request::Slots for InForce {
    fn slot(
        &self,
        group: &GroupName,
        requester: &UserName,
        hosts: &BTreeSet<HostName>,
        at: UnixTime,
    ) -> Result<(), SlotClosed> {
        policy::slot(self.policy(), &self.directory, group, Matter { requester, hosts }, at)
    }
}
