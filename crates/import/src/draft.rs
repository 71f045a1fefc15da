//! What is drafted: users, groups, hosts and rules, each with what was guessed about it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AskedLogin, Extension, GroupName, HostName, Login, PublicKey, Quorum, RuleName, Selector, Span, UserName,
};

use crate::names::{Named, Names};
use crate::todo::Todo;

/// The group that stands where somebody has to say who approves. It has no members: nothing is granted until then.
pub(crate) const APPROVERS: &str = "todo-approvers";

/// The bundle that was drafted; every name in it is one that the product takes.
#[derive(Debug)]
pub struct Draft {
    pub(crate) from: String,
    pub(crate) users: BTreeMap<UserName, User>,
    pub(crate) groups: BTreeMap<GroupName, Group>,
    pub(crate) hosts: BTreeMap<HostName, Host>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) forbids: Vec<Forbid>,
    /// What belongs to no entry of `access.toml`.
    pub(crate) todos: Vec<Todo>,
    pub(crate) user_names: Names,
    pub(crate) group_names: Names,
    pub(crate) host_names: Names,
    pub(crate) rule_names: Names,
}

#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) keys: BTreeSet<PublicKey>,
    pub(crate) login: Option<Login>,
    pub(crate) todos: Vec<Todo>,
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) members: BTreeSet<UserName>,
    pub(crate) todos: Vec<Todo>,
}

#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) todos: Vec<Todo>,
}

/// Hosts as a rule names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hosts {
    All,
    Named(HostName),
    Labels(Selector),
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: RuleName,
    pub(crate) who: BTreeSet<GroupName>,
    pub(crate) hosts: BTreeSet<Hosts>,
    pub(crate) logins: BTreeSet<AskedLogin>,
    pub(crate) approve: Quorum,
    pub(crate) max: Span,
    pub(crate) allow: BTreeSet<Extension>,
    pub(crate) todos: Vec<Todo>,
}

#[derive(Debug)]
pub(crate) struct Forbid {
    pub(crate) who: GroupName,
    pub(crate) hosts: BTreeSet<Hosts>,
    pub(crate) logins: BTreeSet<AskedLogin>,
    pub(crate) todos: Vec<Todo>,
}

/// How much was drafted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Users in `directory.toml`.
    pub users: usize,
    /// Groups in `directory.toml`.
    pub groups: usize,
    /// Hosts in `hosts.toml`.
    pub hosts: usize,
    /// Rules and prohibitions in `access.toml`.
    pub rules: usize,
    /// Guesses in all of them.
    pub todos: usize,
}

impl Draft {
    /// An empty draft, to be filled from `from`.
    pub(crate) fn new(from: impl Into<String>) -> Self {
        let mut group_names = Names::default();
        group_names.free(APPROVERS);
        Self {
            from: from.into(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            hosts: BTreeMap::new(),
            rules: Vec::new(),
            forbids: Vec::new(),
            todos: Vec::new(),
            user_names: Names::default(),
            group_names,
            host_names: Names::default(),
            rule_names: Names::default(),
        }
    }

    /// How much was drafted.
    pub fn counts(&self) -> Counts {
        Counts {
            users: self.users.len(),
            groups: self.groups.len(),
            hosts: self.hosts.len(),
            rules: self.rules.len() + self.forbids.len(),
            todos: self.files().todos(),
        }
    }

    /// Whether the source said nothing that a draft could be made of, or ask about.
    pub fn is_empty(&self) -> bool {
        let Self { users, groups, hosts, rules, forbids, todos, .. } = self;
        let entries = users.is_empty() && groups.is_empty() && hosts.is_empty() && rules.is_empty();
        entries && forbids.is_empty() && todos.is_empty()
    }

    /// The user with a foreign name; new ones begin empty.
    pub(crate) fn user(&mut self, foreign: &str) -> Option<Named<UserName>> {
        let named: Named<UserName> = self.user_names.name(foreign, "unnamed")?;
        self.users.entry(named.name.clone()).or_default();
        Some(named)
    }

    /// The group with a foreign name.
    pub(crate) fn group(&mut self, foreign: &str) -> Option<Named<GroupName>> {
        let named: Named<GroupName> = self.group_names.name(foreign, "unnamed")?;
        self.groups.entry(named.name.clone()).or_default();
        Some(named)
    }

    /// The host with a foreign name.
    pub(crate) fn host(&mut self, foreign: &str) -> Option<HostName> {
        let named: Named<HostName> = self.host_names.name(foreign, "unnamed")?;
        let host = self.hosts.entry(named.name.clone()).or_default();
        if !named.exact && host.todos.is_empty() {
            let words =
                format!("`{}` cannot be a host's name here; this one was made of it", crate::todo::shown(foreign));
            host.todos.push(Todo::new(words));
        }
        Some(named.name)
    }

    /// As many of a group that somebody has to fill first.
    pub(crate) fn approvers(&mut self, count: u32) -> Option<Quorum> {
        let group: GroupName = APPROVERS.parse().ok()?;
        let entry = self.groups.entry(group).or_default();
        if entry.todos.is_empty() {
            let words = "a placeholder: put the people here who approve, or name other groups in the rules. \
                         Until then nobody can approve, and nothing is granted";
            entry.todos.push(Todo::new(words));
        }
        format!("{count} of {APPROVERS}").parse().ok()
    }

    /// A rule's name that no other has.
    pub(crate) fn rule_name(&mut self, like: &str) -> Option<RuleName> {
        let like = crate::names::like(like).unwrap_or_else(|| "unnamed".to_owned());
        self.rule_names.free(&like).parse().ok()
    }
}
