//! The policy: every statement of `access.toml` and of hand-written Cedar, ready to be asked.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use cedar_policy::EntityUid;
use directory::{Directory, Mistakes, Notes, Source};
use domain::{AskedLogin, Quorum, RuleName};
use toml::Spanned;

use crate::access::{self, Approver, Entry, Read, Says};
use crate::approvers::Approving;
use crate::cedar::{self, Meaning, Statement};
use crate::compile;
use crate::conditions::Conditions;
use crate::facts::Vocabulary;
use crate::instead;
use crate::signers::Quorums;
use crate::slice::Slices;
use crate::terms::Path;

/// Rules, requirements and prohibitions, free of mistakes.
#[derive(Debug)]
pub struct Policy {
    pub(crate) statements: Vec<Statement>,
    pub(crate) slices: Slices,
    pub(crate) vocabulary: Vocabulary,
    /// The times of day and the patterns that any statement names.
    pub(crate) conditions: Conditions,
    /// The logins that `access.toml` names in rules: what `candidates` tries.
    pub(crate) logins: BTreeSet<AskedLogin>,
    /// `access.toml` as read.
    pub(crate) entries: Vec<Entry>,
    pub(crate) approvers: Vec<Approver>,
    /// The conditions on approvers.
    pub(crate) approving: Approving,
    /// Who must sign the next bundle.
    signers: Option<Quorum>,
    lifters: Option<Quorum>,
    /// How many of the statements are those of `access.toml`; hand-written ones follow.
    pub(crate) compiled: usize,
    text: String,
}

impl Policy {
    /// Compiles `access.toml`, and the hand-written Cedar beside it if there is any.
    ///
    /// # Errors
    /// Every mistake in both, at once.
    pub fn compile(access: &Source, cedar: Option<&Source>, directory: &Directory) -> Result<Self, Mistakes> {
        let in_access = Notes::new(access);
        let mut loading = Loading::default();
        loading.access(&in_access, directory);
        let vocabulary = Vocabulary::new().map_err(|error| in_access.note(0..0, error.to_string()));
        let mut mistakes = in_access.into_mistakes();
        if let Some(cedar) = cedar {
            let in_cedar = Notes::new(cedar);
            loading.cedar(&in_cedar, directory);
            mistakes.extend(in_cedar.into_mistakes());
        }
        let Ok(vocabulary) = vocabulary else { return Err(Mistakes(mistakes)) };
        let Loading { statements, logins, entries, approvers, approving, signers, lifters, compiled, text, .. } =
            loading;
        let slices = Slices::new(&statements, compiled);
        let mut conditions = Conditions::default();
        for named in statements.iter().map(|statement| &statement.conditions) {
            conditions.add(&named.schedules, &named.patterns);
        }
        Mistakes(mistakes).unless_any(Self {
            statements,
            slices,
            vocabulary,
            conditions,
            logins,
            entries,
            approvers,
            approving,
            signers,
            lifters,
            compiled,
            text,
        })
    }

    /// Who must sign the bundle that comes after this one; `None` where an administrator alone may put it in force.
    pub const fn signers(&self) -> Option<&Quorum> {
        self.signers.as_ref()
    }

    /// Who must say that a stop may end; `None` where an administrator alone does.
    pub const fn lifters(&self) -> Option<&Quorum> {
        self.lifters.as_ref()
    }

    /// The names of all rules.
    pub fn rules(&self) -> BTreeSet<&RuleName> {
        self.statements.iter().filter_map(Statement::rule).collect()
    }

    /// What `access.toml` became: the text that is in force.
    pub fn cedar_text(&self) -> &str {
        &self.text
    }
}

/// The statements so far.
#[derive(Default)]
struct Loading {
    statements: Vec<Statement>,
    /// The path of each rule, and the file that has it.
    rules: HashMap<RuleName, (Path, String)>,
    logins: BTreeSet<AskedLogin>,
    entries: Vec<Entry>,
    approvers: Vec<Approver>,
    approving: Approving,
    signers: Option<Quorum>,
    lifters: Option<Quorum>,
    compiled: usize,
    text: String,
}

impl Loading {
    fn access(&mut self, notes: &Notes<'_>, directory: &Directory) {
        let Read { entries, approvers, quorums } = access::read(notes, directory);
        let Quorums { signers, lift } = quorums.unwrap_or_default();
        self.signers = signers.map(Spanned::into_inner);
        self.lifters = lift.map(Spanned::into_inner);
        if notes.any() {
            return;
        }
        for entry in &entries {
            for text in compile::statements(notes, entry) {
                if let Some(statement) = self.statement(notes, &text, &entry.span) {
                    statement.conditions.add(&entry.scope.when, &entry.scope.commands);
                }
                self.text.push_str(&text);
                self.text.push('\n');
            }
            if let Says::Rule(..) = entry.says {
                self.logins.extend(entry.scope.logins.iter().cloned());
            }
        }
        for approver in &approvers {
            let text = self.approving.add(notes, approver);
            self.text.push_str(&text);
        }
        self.compiled = self.statements.len();
        (self.entries, self.approvers) = (entries, approvers);
    }

    fn cedar(&mut self, notes: &Notes<'_>, directory: &Directory) {
        let Some(validator) = cedar::validator(notes) else { return };
        for place in cedar::split(&notes.source().text) {
            let text = notes.source().text.get(place.clone()).unwrap_or_default();
            let Some(statement) = self.statement(notes, text, &place) else { continue };
            match Conditions::named_in(&statement.policy) {
                Ok(conditions) => statement.conditions = conditions,
                Err(message) => notes.note(place.clone(), message),
            }
            cedar::validate(notes, &validator, statement, &place);
            known_names(notes, directory, statement, &place);
        }
    }

    fn statement(&mut self, notes: &Notes<'_>, text: &str, place: &Range<usize>) -> Option<&mut Statement> {
        let statement = cedar::understand(notes, text, place, self.statements.len())?;
        self.consistent(notes, &statement, place);
        self.statements.push(statement);
        self.statements.last_mut()
    }

    /// Several statements may be one rule; then they ask the same.
    fn consistent(&mut self, notes: &Notes<'_>, statement: &Statement, place: &Range<usize>) {
        let Meaning::Rule(name, path) = &statement.meaning else { return };
        let file = &notes.source().name;
        let (first, of) = self.rules.entry(name.clone()).or_insert_with(|| (path.clone(), file.clone()));
        if of != file {
            notes.note(place.clone(), format!("the rule `{name}` is already in {of}"));
        } else if first != path {
            notes.note(place.clone(), format!("the rule `{name}` asks for something else in an earlier statement"));
        }
    }
}

/// A misspelt name, in scope or condition, would match nobody, and a `forbid` would forbid nothing. Labels come and go
/// with hosts.
fn known_names(notes: &Notes<'_>, directory: &Directory, statement: &Statement, place: &Range<usize>) {
    let (quorums, break_glass) = match &statement.meaning {
        Meaning::Rule(_, path) => ([Some(&path.quorum), path.extend.as_ref()], path.break_glass.as_ref()),
        Meaning::Requirement(terms) => ([terms.quorum.as_ref(), terms.extend.as_ref()], None),
        Meaning::Prohibition(_) => ([None, None], None),
    };
    if let Some(group) = break_glass.map(|terms| &terms.review).filter(|group| directory.group(group).is_none()) {
        let help = instead::group(directory, group);
        let message = format!("the group `{group}` of @break_glass is not in the directory");
        notes.note_with_help(place.clone(), message, help);
    }
    for (quorum, annotation) in quorums.into_iter().zip(["quorum", "extend"]) {
        for group in quorum.into_iter().flat_map(Quorum::groups) {
            if directory.group(group).is_none() {
                let help = instead::group(directory, group);
                let message = format!("the group `{group}` of @{annotation} is not in the directory");
                notes.note_with_help(place.clone(), message, help);
            }
        }
    }
    let named: BTreeSet<EntityUid> = statement.policy.entity_literals().into_iter().collect();
    for uid in named.iter().filter(|uid| !is_known(directory, uid)) {
        notes.note(place.clone(), format!("{uid} is not in the directory; a host goes by its canonical name"));
    }
}

fn is_known(directory: &Directory, uid: &EntityUid) -> bool {
    let id = uid.id().unescaped();
    match uid.type_name().basename() {
        "User" => id.parse().is_ok_and(|name| directory.user(&name).is_some()),
        "Group" => id.parse().is_ok_and(|name| directory.group(&name).is_some()),
        "Host" => directory.host(id).is_some_and(|host| host.name.as_str() == id),
        _ => true,
    }
}
