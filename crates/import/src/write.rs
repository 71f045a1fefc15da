//! The three files of a draft. What stands in quotes is a type of `domain` with no quote in its grammar.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use crate::draft::{Draft, Forbid, Group, Host, Hosts, Rule, User};
use crate::todo::{Todo, shown};

/// What a draft becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Users and groups.
    pub directory: String,
    /// Hosts.
    pub hosts: String,
    /// Rules.
    pub access: String,
}

impl Files {
    /// How many guesses are left to decide.
    pub(crate) fn todos(&self) -> usize {
        let lines = [&self.directory, &self.hosts, &self.access].into_iter().flat_map(|text| text.lines());
        lines.filter(|line| line.starts_with("# TODO: ")).count()
    }
}

impl Draft {
    /// The files that say it.
    pub fn files(&self) -> Files {
        Files { directory: self.directory_text(), hosts: self.hosts_text(), access: self.access_text() }
    }

    fn directory_text(&self) -> String {
        let mut text = self.header("Users and groups");
        for (name, user) in &self.users {
            write_user(&mut text, name, user);
        }
        for (name, group) in &self.groups {
            write_group(&mut text, name, group);
        }
        if self.users.is_empty() && self.groups.is_empty() {
            text.push_str("\n# TODO: nothing there says who the users are; `hallpassd init` writes examples\n");
        }
        text
    }

    fn hosts_text(&self) -> String {
        let mut text = self.header("Hosts");
        for (name, host) in &self.hosts {
            write_host(&mut text, name, host);
        }
        text.push_str(if self.hosts.is_empty() {
            "\n# TODO: nothing there says which hosts there are; `hallpassd init` writes examples\n"
        } else {
            "\n# TODO: give the hosts labels, such as labels = { env = \"prod\" }: rules that name labels stay short\n"
        });
        text
    }

    fn access_text(&self) -> String {
        let mut text = self.header("Rules");
        if !self.todos.is_empty() {
            text.push('\n');
            todos(&mut text, &self.todos);
        }
        self.rules.iter().for_each(|rule| write_rule(&mut text, rule));
        self.forbids.iter().for_each(|forbid| write_forbid(&mut text, forbid));
        if self.rules.is_empty() {
            text.push_str("\n# TODO: no rule could be drafted; `hallpassd init` writes an example\n");
        }
        text
    }

    fn header(&self, what: &str) -> String {
        let from = shown(&self.from);
        format!(
            "# {what}, drafted by `hallpass admin policy import` from {from}.\n\
             # Every TODO is a guess, or something that has no counterpart here: decide it, then remove its line.\n"
        )
    }
}

fn write_user(text: &mut String, name: &impl Display, user: &User) {
    start(text, &user.todos, "user", Some(name));
    if !user.keys.is_empty() {
        text.push_str("keys = [\n");
        for key in &user.keys {
            line(text, format_args!("    \"{key}\","));
        }
        text.push_str("]\n");
    }
    if let Some(login) = &user.login {
        line(text, format_args!("login = \"{login}\""));
    }
}

fn write_group(text: &mut String, name: &impl Display, group: &Group) {
    start(text, &group.todos, "group", Some(name));
    line(text, format_args!("members = {}", list(&group.members)));
}

fn write_host(text: &mut String, name: &impl Display, host: &Host) {
    start(text, &host.todos, "host", Some(name));
}

fn write_rule(text: &mut String, rule: &Rule) {
    start(text, &rule.todos, "rule", Some(&rule.name));
    line(text, format_args!("who = {}", list(&rule.who)));
    line(text, format_args!("hosts = {}", list(&rule.hosts)));
    line(text, format_args!("logins = {}", list(&rule.logins)));
    line(text, format_args!("approve = \"{}\"", rule.approve));
    line(text, format_args!("max = \"{}\"", rule.max));
    // A certificate opens connections for minutes, whatever the window; and never outlives it.
    let ttl = if rule.max.seconds() < 300 { rule.max.to_string() } else { "5m".to_owned() };
    line(text, format_args!("ttl = \"{ttl}\""));
    let allow: BTreeSet<&str> = rule.allow.iter().map(|extension| extension.as_str()).collect();
    line(text, format_args!("allow = {}", list(&allow)));
}

fn write_forbid(text: &mut String, forbid: &Forbid) {
    start(text, &forbid.todos, "forbid", None::<&str>);
    line(text, format_args!("who = \"{}\"", forbid.who));
    if !forbid.hosts.is_empty() {
        line(text, format_args!("hosts = {}", list(&forbid.hosts)));
    }
    if !forbid.logins.is_empty() {
        line(text, format_args!("logins = {}", list(&forbid.logins)));
    }
}

fn start(text: &mut String, guesses: &[Todo], kind: &str, name: Option<&(impl Display + ?Sized)>) {
    text.push('\n');
    todos(text, guesses);
    line(text, format_args!("[[{kind}]]"));
    if let Some(name) = name {
        line(text, format_args!("name = \"{name}\""));
    }
}

fn todos(text: &mut String, todos: &[Todo]) {
    let mut said = BTreeSet::new();
    for todo in todos.iter().filter(|todo| said.insert(*todo)) {
        let _never_fails = write!(text, "{todo}");
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _never_fails = writeln!(text, "{line}");
}

fn list<T: Display>(items: &BTreeSet<T>) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

impl Display for Hosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Named(name) => name.fmt(f),
            Self::Labels(selector) => selector.fmt(f),
        }
    }
}
