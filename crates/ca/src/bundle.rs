//! The bundle: policy, directory and hosts as loaded, one content-addressed unit (invariant 11); and what is in force:
//! a bundle with the amendments that came after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use directory::{Directory, Mistakes, Right, User};
use domain::{Amendment, Digest, GroupName, HostName, RealmName, SlotClosed, StopTarget, Target, UnixTime, UserName};
use policy::{Files, Matter, Policy};
use request::Judging;
use store::{Amended, Standing};

use crate::stop::StopRefused;

/// Policy, directory and hosts that were loaded together.
pub struct Bundle {
    digest: Digest,
    kept: store::Bundle,
    directory: Arc<Directory>,
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
        Ok(Self { digest: kept.digest(), kept, directory: Arc::new(directory), policy })
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
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The rules.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Of these amendments, those that still change something beside this bundle, and those that it has caught up with.
    pub(crate) fn sort(&self, amendments: &[Amended]) -> (Vec<Amended>, Vec<u64>) {
        let (mut stand, mut caught_up): (Vec<Amended>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut directory = Arc::clone(&self.directory);
        for amended in amendments {
            if directory.amendable(&amended.amendment).is_ok() {
                directory = Arc::new(directory.amended([&amended.amendment]));
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
    /// The bundle's, as amended.
    amended: Arc<Directory>,
    /// The same without what is stopped.
    directory: Arc<Directory>,
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
        let amended = amended(&bundle.directory, amendments.iter().map(|amended| &amended.amendment));
        let directory = without(&amended, stops.iter().map(stopped));
        Self { bundle, amended, directory, amendments, stops, entry, version }
    }

    /// The same with these stops, and with one that is about to be committed. It is made before that, so that nothing can
    /// fail afterwards; what only the commit tells, [`InForce::since`] puts in.
    pub(crate) fn with_stops(&self, stops: Vec<Standing>, new: Option<Stopped<'_>>) -> Self {
        let directory = without(&self.amended, stops.iter().map(stopped).chain(new));
        let (bundle, amended, amendments) =
            (Arc::clone(&self.bundle), Arc::clone(&self.amended), self.amendments.clone());
        Self { bundle, amended, directory, amendments, stops, entry: self.entry, version: self.version }
    }

    /// The same since this entry, and the stop that it is of.
    pub(crate) fn since(mut self, entry: u64, new: Option<Standing>) -> Self {
        self.version = entry;
        self.stops.extend(new);
        self
    }

    /// The realm of a plain host that is to be stopped.
    pub(crate) fn realm_of(&self, target: &StopTarget) -> Option<RealmName> {
        let StopTarget::Host(name) = target else { return None };
        self.amended.host(name.as_str()).and_then(|host| host.realm.clone())
    }

    /// Every stop that was not lifted, those among them whose time is over.
    pub(crate) fn all_stops(&self) -> &[Standing] {
        &self.stops
    }

    /// Users, groups and hosts as amended, what is stopped among them.
    pub(crate) fn stopped_too(&self) -> &Directory {
        &self.amended
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

    /// Refuses while everything is stopped, or the host that is asked for.
    pub(crate) fn not_stopped(&self, asked: &Target, now: UnixTime) -> Result<(), StopRefused> {
        self.not_all_stopped(now)?;
        let Target::Host(name) = asked else { return Ok(()) };
        let host = self.amended.host(name.as_str()).filter(|_| self.directory.host(name.as_str()).is_none());
        match host {
            Some(host) => Err(StopRefused::Host(host.name.clone())),
            None => Ok(()),
        }
    }

    /// The groups in which nobody is left to sign another bundle, or to lift a stop; and whether nobody is left to
    /// administer.
    pub(crate) fn locked_out(&self) -> Vec<String> {
        let acts =
            |user: &User| self.directory.has_right(&user.name, Right::Admin) && !self.directory.is_disabled(&user.name);
        let admin = if self.directory.users().any(acts) { None } else { Some("the right admin".to_owned()) };
        self.open_quorums().into_iter().chain(admin).collect()
    }

    /// The groups in which nobody is left to sign another bundle, or to lift a stop.
    pub(crate) fn open_quorums(&self) -> Vec<String> {
        let everybody: BTreeSet<UserName> = self.directory.users().map(|user| user.name.clone()).collect();
        let open = |quorum: &domain::Quorum| policy::unsigned(&self.directory, quorum, &everybody);
        let quorums = [self.policy().signers(), self.policy().lifters()];
        let groups: BTreeSet<GroupName> = quorums.into_iter().flatten().flat_map(open).collect();
        groups.iter().map(ToString::to_string).collect()
    }

    /// What rulings and entries name.
    pub fn digest(&self) -> Digest {
        self.bundle.digest
    }

    /// Users, groups and hosts, as amended, and without what is stopped.
    pub fn directory(&self) -> &Directory {
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

/// What is stopped, and the realm of a plain host as it was then.
pub(crate) type Stopped<'s> = (&'s StopTarget, Option<&'s RealmName>);

fn stopped(stop: &Standing) -> Stopped<'_> {
    (&stop.target, stop.realm.as_ref())
}

/// The directory without what is stopped.
fn without<'s>(directory: &Arc<Directory>, stops: impl Iterator<Item = Stopped<'s>>) -> Arc<Directory> {
    let gone: Vec<Amendment> = stops.flat_map(|stop| as_amendments(directory, stop)).collect();
    amended(directory, gone.iter())
}

/// The directory with these amendments: itself where there are none, as ten thousand hosts take some megabytes.
fn amended<'a>(directory: &Arc<Directory>, amendments: impl ExactSizeIterator<Item = &'a Amendment>) -> Arc<Directory> {
    if amendments.len() == 0 { Arc::clone(directory) } else { Arc::new(directory.amended(amendments)) }
}

/// What a stop comes to while it stands: its user is as good as disabled, its host as good as gone. A plain certificate opens
/// every host of its realm, so the whole realm goes, also when a bundle has dropped the host.
fn as_amendments(directory: &Directory, (target, realm): Stopped<'_>) -> Vec<Amendment> {
    let gone = |realm| directory.realm_hosts(realm).map(|host| Amendment::RemoveHost(host.name.clone()));
    match target {
        StopTarget::User(user) => vec![Amendment::DisableUser(user.clone())],
        StopTarget::Host(name) => {
            let now = directory.host(name.as_str()).and_then(|host| host.realm.as_ref());
            let realms = [realm, now].into_iter().flatten();
            realms.flat_map(gone).chain([Amendment::RemoveHost(name.clone())]).collect()
        }
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
