//! What a policy is to say of requests, written down by those who wrote its rules: `policy-tests/*.toml`.

mod judge;

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use directory::{Directory, Fields, Mistakes, Notes, Source};
use domain::{
    Access, Command, Extension, GroupName, KeyStrength, Network, Networks, Owes, Quorum, QuorumError, RuleName, Span,
    Target, Text, UnixTime, UserName,
};
use toml::Spanned;

use crate::instead::{self, instead};
use crate::{Ask, Policy};
pub use judge::Judged;

/// One `[[case]]`: a request, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Case<'s> {
    source: &'s Source,
    place: Range<usize>,
    /// What it shows, in words.
    pub name: String,
    /// The request.
    pub ask: Ask,
    /// When it is made; `None` is now.
    pub at: Option<UnixTime>,
    expected: Expected,
}

/// The answer that a case expects.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Refused,
    Permitted(Quorum),
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        if given == "refused" {
            return Ok(Self::Refused);
        }
        let quorum = given.parse().map_err(|error| match error {
            QuorumError::Grammar => {
                "expected `refused`, `auto`, or counts such as `2 of sre, 1 of security`".to_owned()
            }
            other => other.to_string(),
        });
        quorum.map(Self::Permitted)
    }
}

/// `break_glass = "first"`: as break-glass, when nothing is owed; or `"owed"`, when a review is.
#[derive(Debug, Clone, Copy)]
struct Broken(Owes);

impl FromStr for Broken {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given {
            "first" => Ok(Self(Owes::Nothing)),
            "owed" => Ok(Self(Owes::Review)),
            _ => Err("expected `first` (nothing is owed), or `owed` (a review is)"),
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Owes::Nothing => "first",
            Owes::Review => "owed",
        })
    }
}

/// Everything that a case expects; what is absent is not looked at.
#[derive(Debug, Clone)]
struct Expected {
    answer: Spanned<Answer>,
    because: Option<Spanned<String>>,
    takes: Option<Spanned<RuleName>>,
    max: Option<Spanned<Span>>,
    ttl: Option<Spanned<Span>>,
    allow: Option<BTreeSet<Extension>>,
    source: Option<Networks>,
    verify_required: bool,
    live_hosts: bool,
    requester_key: Option<Spanned<KeyStrength>>,
    approver_key: Option<Spanned<KeyStrength>>,
    reviewed_by: Option<Spanned<GroupName>>,
    approved_by: Vec<Spanned<UserName>>,
    not_approved_by: Vec<Spanned<UserName>>,
    /// How long after the request those approve; at once if absent.
    approved_after: Option<Span>,
}

impl Expected {
    /// Whether anything is expected that only a permission has.
    const fn has_terms(&self) -> bool {
        // Taken apart, so that what is expected in time is looked at here too.
        let Self {
            answer: _,
            because: _,
            takes,
            max,
            ttl,
            allow,
            source,
            verify_required,
            live_hosts,
            requester_key,
            approver_key,
            reviewed_by,
            approved_by,
            not_approved_by,
            approved_after: _,
        } = self;
        let gives = takes.is_some() || max.is_some() || ttl.is_some() || allow.is_some() || source.is_some();
        let keys = requester_key.is_some() || approver_key.is_some();
        let asks = *live_hosts || *verify_required || keys || reviewed_by.is_some();
        gives || asks || !approved_by.is_empty() || !not_approved_by.is_empty()
    }
}

/// Reads the cases of one file.
///
/// # Errors
/// Every mistake in it. Names that the other files do not have are mistakes: a misspelt user would be refused, and the
/// case that expects that would show nothing.
pub fn read_cases<'s>(source: &'s Source, policy: &Policy, directory: &Directory) -> Result<Vec<Case<'s>>, Mistakes> {
    let notes = Notes::new(source);
    let reader = Reader { notes: &notes, source, policy, directory };
    let cases = notes.read(|top, cases: &mut Vec<Case<'s>>| {
        cases.extend(top.tables("case").into_iter().filter_map(|fields| reader.case(fields)));
        top.finish();
    });
    if cases.is_empty() && !notes.any() {
        notes.note_with_help(0..0, "there is no case in this file", "write one under [[case]]");
    }
    Mistakes(notes.into_mistakes()).unless_any(cases)
}

struct Reader<'r, 's> {
    notes: &'r Notes<'r>,
    source: &'s Source,
    policy: &'r Policy,
    directory: &'r Directory,
}

impl<'s> Reader<'_, 's> {
    fn case(&self, fields: Fields<'_>) -> Option<Case<'s>> {
        let place = fields.span();
        let name = fields.required::<String>("name");
        let ask = self.ask(&fields);
        let at = fields.optional("at").map(Spanned::into_inner);
        let expected = self.expected(&fields);
        fields.finish();
        let name = name?.into_inner();
        Some(Case { source: self.source, place, name, ask: ask?, at, expected: expected? })
    }

    fn ask(&self, fields: &Fields<'_>) -> Option<Ask> {
        let user = fields.required::<UserName>("user");
        let access = fields.required::<Access>("ask");
        let window = fields.required::<Span>("for");
        let command = fields.optional::<Command>("command").map(Spanned::into_inner);
        let ticket = fields.optional::<Text>("ticket").map(Spanned::into_inner);
        let rule = fields.optional::<RuleName>("rule");
        let break_glass = fields.optional::<Broken>("break_glass").map(|given| given.into_inner().0);
        user.iter().for_each(|user| self.known_user(user));
        rule.iter().for_each(|rule| self.known_rule(rule));
        access.iter().for_each(|access| self.known_hosts(access));
        let Access { login, target } = access?.into_inner();
        let (requester, window) = (user?.into_inner(), window?.into_inner());
        let rule = rule.map(Spanned::into_inner);
        Some(Ask { requester, login, target, window, command, ticket, rule, break_glass, keys: None, extends: None })
    }

    fn expected(&self, fields: &Fields<'_>) -> Option<Expected> {
        let answer = fields.required::<Answer>("expect");
        let because = fields.optional::<String>("because");
        let takes = fields.optional::<RuleName>("takes");
        let (max, ttl) = (fields.optional::<Span>("max"), fields.optional::<Span>("ttl"));
        let allow = fields.list("allow").map(|allow| allow.into_iter().map(Spanned::into_inner).collect());
        let source = fields.filled_list::<Network>("source").unwrap_or_default();
        let source = Networks::new(source.into_iter().map(Spanned::into_inner));
        let (verify_required, live_hosts) = (fields.flag("verify_required"), fields.flag("live_hosts"));
        let (requester_key, approver_key) = (fields.optional("requester_key"), fields.optional("approver_key"));
        let reviewed_by = fields.optional::<GroupName>("reviewed_by");
        let approved_by = fields.filled_list::<UserName>("approved_by").unwrap_or_default();
        let not_approved_by = fields.filled_list::<UserName>("not_approved_by").unwrap_or_default();
        let approved_after = fields.optional::<Span>("approved_after");
        if let Some(after) = approved_after.as_ref().filter(|_| approved_by.is_empty() && not_approved_by.is_empty()) {
            let help = "name them: approved_by or not_approved_by";
            self.notes.note_with_help(after.span(), "nobody is said to approve then", help);
        }
        let approved_after = approved_after.map(Spanned::into_inner);
        takes.iter().for_each(|rule| self.known_rule(rule));
        for group in reviewed_by.iter().filter(|group| self.directory.group(group.get_ref()).is_none()) {
            self.notes.note(group.span(), format!("the group `{}` is not in the directory", group.get_ref()));
        }
        approved_by.iter().chain(&not_approved_by).for_each(|user| self.known_user(user));
        let expected = Expected {
            answer: answer?,
            because,
            takes,
            max,
            ttl,
            allow,
            source,
            verify_required,
            live_hosts,
            requester_key,
            approver_key,
            reviewed_by,
            approved_by,
            not_approved_by,
            approved_after,
        };
        self.possible(&expected);
        Some(expected)
    }

    /// A refusal has no terms, and what is permitted has no reason to be refused.
    fn possible(&self, expected: &Expected) {
        let Expected { answer, because, .. } = expected;
        match answer.get_ref() {
            Answer::Refused => {
                if expected.has_terms() {
                    let help = "of a refusal only `because` can be expected";
                    self.notes.note_with_help(answer.span(), "this expects a refusal and what it permits", help);
                }
            }
            Answer::Permitted(quorum) => {
                for group in quorum.groups().into_iter().filter(|group| self.directory.group(group).is_none()) {
                    let help = instead::group(self.directory, group);
                    let message = format!("the group `{group}` is not in the directory");
                    self.notes.note_with_help(answer.span(), message, help);
                }
                if let Some(because) = because {
                    let help = "`because` belongs to expect = \"refused\"";
                    self.notes.note_with_help(because.span(), "what is permitted has no such reason", help);
                }
            }
        }
    }

    fn known_user(&self, user: &Spanned<UserName>) {
        let name = user.get_ref();
        if self.directory.user(name).is_none() {
            let help = instead::user(self.directory, name);
            self.notes.note_with_help(user.span(), format!("the user `{name}` is not in the directory"), help);
        }
    }

    fn known_hosts(&self, access: &Spanned<Access>) {
        let (message, help) = match &access.get_ref().target {
            Target::Host(name) if self.directory.host(name.as_str()).is_none() => {
                (format!("the host `{name}` is not in the hosts file"), instead::host(self.directory, name))
            }
            Target::Labels(labels) if self.directory.select(labels).next().is_none() => {
                (format!("no host has the labels `{labels}`"), "look at the labels in hosts.toml".to_owned())
            }
            _ => return,
        };
        self.notes.note_with_help(access.span(), message, help);
    }

    fn known_rule(&self, rule: &Spanned<RuleName>) {
        let (name, rules) = (rule.get_ref(), self.policy.rules());
        if !rules.contains(name) {
            let help = instead(name.as_str(), rules.iter().map(ToString::to_string), "add it to access.toml");
            self.notes.note_with_help(rule.span(), format!("there is no rule `{name}`"), help);
        }
    }
}

impl Case<'_> {
    /// Where it stands: `FILE:LINE`.
    pub fn place(&self) -> String {
        let start = self.mistake(self.place.clone(), "");
        format!("{}:{}", start.file, start.line)
    }

    /// The request in words: `alice root@web-1 30m`.
    pub fn asked(&self) -> String {
        let Ask { requester, login, target, window, command, ticket, rule, break_glass, keys: _, extends: _ } =
            &self.ask;
        let ticket = ticket.as_ref().map(|ticket| format!(" --ticket {ticket}")).unwrap_or_default();
        let rule = rule.as_ref().map(|rule| format!(" --rule {rule}")).unwrap_or_default();
        let broken = break_glass.map_or_else(String::new, |owes| format!(" --break-glass ({})", Broken(owes)));
        let command = command.as_ref().map(|command| format!(" -- {command}")).unwrap_or_default();
        format!("{requester} {login}@{target} {window}{ticket}{rule}{broken}{command}")
    }
}
