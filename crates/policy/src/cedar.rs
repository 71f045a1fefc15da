//! Cedar statements understood: what they mean to a ruling, and every mistake at its place.

use std::ops::Range;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use directory::Notes;
use domain::{NameError, RuleName};
use miette::Diagnostic;

use crate::conditions::Conditions;
use crate::instead::instead;
use crate::terms::{Path, Terms};

/// What a policy can speak of.
const SCHEMA: &str = include_str!("schema.cedarschema");

/// What a statement means to a ruling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    /// A complete path to access.
    Rule(RuleName, Path),
    /// Adds to every path, and never opens one.
    Requirement(Terms),
    /// Wins over all; the words say what forbids.
    Prohibition(String),
}

/// One Cedar statement, understood.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) policy: Policy,
    pub(crate) meaning: Meaning,
    /// The times of day and the patterns that its conditions name.
    pub(crate) conditions: Conditions,
    /// Where it stands in its file; what an entry became stands where the entry does.
    pub(crate) place: Range<usize>,
}

impl Statement {
    /// The rule that it is, or is a part of.
    pub(crate) const fn rule(&self) -> Option<&RuleName> {
        match &self.meaning {
            Meaning::Rule(name, _) => Some(name),
            Meaning::Requirement(_) | Meaning::Prohibition(_) => None,
        }
    }
}

/// Understands one statement; `None` after noting why not. `place` is where it stands in the file, `number` among all
/// statements.
pub(crate) fn understand(notes: &Notes<'_>, text: &str, place: &Range<usize>, number: usize) -> Option<Statement> {
    let line = notes.place(place.start);
    // Cedar's errors name the id: so it says where to look.
    let id = PolicyId::new(format!("{line}#{number}"));
    let policy = match Policy::parse(Some(id), text) {
        Ok(policy) => policy,
        Err(errors) => {
            errors.iter().for_each(|error| notes.note(within(place, error), error.to_string()));
            return None;
        }
    };
    match meaning(&policy, line) {
        Ok(meaning) => Some(Statement { policy, meaning, conditions: Conditions::default(), place: place.clone() }),
        Err(wrongs) => {
            for Wrong { annotation, message, help } in wrongs {
                let at = annotation.and_then(|key| annotation_in(text, &key));
                let at = at.map_or_else(|| place.clone(), |at| place.start + at.start..place.start + at.end);
                match help {
                    Some(help) => notes.note_with_help(at, message, help),
                    None => notes.note(at, message),
                }
            }
            None
        }
    }
}

/// The number that [`understand`] was given.
pub(crate) fn number(id: &PolicyId) -> Option<usize> {
    let text: &str = id.as_ref();
    text.rsplit_once('#').and_then(|(_, number)| number.parse().ok())
}

/// The statements of a hand-written text: each from its first character to its semicolon, comments between them left
/// out. What is no statement fails when it is parsed.
pub(crate) fn split(text: &str) -> Vec<Range<usize>> {
    let (mut statements, mut start, mut in_string) = (Vec::new(), None, false);
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if in_string => drop(bytes.next()),
            b'"' => {
                in_string = !in_string;
                start.get_or_insert(at);
            }
            _ if in_string => {}
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                while bytes.next_if(|(_, byte)| *byte != b'\n').is_some() {}
            }
            b';' => statements.push(start.take().unwrap_or(at)..at + 1),
            byte if !byte.is_ascii_whitespace() => {
                start.get_or_insert(at);
            }
            _ => {}
        }
    }
    statements.extend(start.map(|start| start..text.len()));
    statements
}

/// Notes where a statement speaks of what the schema does not have.
pub(crate) fn validate(notes: &Notes<'_>, validator: &Validator, statement: &Statement, place: &Range<usize>) {
    let alone = PolicySet::from_policies([statement.policy.clone()]);
    match alone.map(|alone| validator.validate(&alone, ValidationMode::Strict)) {
        Ok(result) => {
            for error in result.validation_errors() {
                notes.note(within(place, error), error.to_string());
            }
        }
        Err(error) => notes.note(place.clone(), error.to_string()),
    }
}

/// The validator over the schema of `schema.cedarschema`.
pub(crate) fn validator(notes: &Notes<'_>) -> Option<Validator> {
    let schema = Schema::from_cedarschema_str(SCHEMA).map_err(|error| notes.note(0..0, error.to_string())).ok();
    schema.map(|(schema, _)| Validator::new(schema))
}

/// Where an error is, by its first label.
fn within(place: &Range<usize>, error: &dyn Diagnostic) -> Range<usize> {
    let label = error.labels().and_then(|mut labels| labels.next());
    let at = label.map(|label| place.start + label.offset()..place.start + label.offset() + label.len());
    at.unwrap_or_else(|| place.clone())
}

fn annotation_in(text: &str, key: &str) -> Option<Range<usize>> {
    let written = format!("@{key}");
    text.find(&written).map(|at| at..at + written.len())
}

/// What is wrong with a statement's annotations.
struct Wrong {
    annotation: Option<String>,
    message: String,
    help: Option<String>,
}

impl Wrong {
    fn with(annotation: &str, message: impl Into<String>) -> Self {
        Self { annotation: Some(annotation.to_owned()), message: message.into(), help: None }
    }

    fn unknown(annotation: &str) -> Self {
        let known = ["rule", "require", "forbid"].into_iter().chain(Terms::ANNOTATIONS);
        let help = instead(annotation, known.map(ToOwned::to_owned), "leave it out");
        Self { help: Some(help), ..Self::with(annotation, format!("unknown annotation `@{annotation}`")) }
    }

    fn whole(message: &str) -> Self {
        Self { annotation: None, message: message.to_owned(), help: None }
    }
}

/// The annotations of one statement.
#[derive(Default)]
struct Noted {
    rule: Option<RuleName>,
    require: bool,
    forbid: Option<String>,
    terms: Terms,
}

impl Noted {
    fn take(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        match key {
            "rule" => self.rule = Some(value.parse().map_err(|error: NameError| Wrong::with(key, error.to_string()))?),
            "require" => self.require = true,
            "forbid" => self.forbid = Some(value.to_owned()),
            _ if Terms::ANNOTATIONS.contains(&key) => {
                self.terms.take(key, value).map_err(|message| Wrong::with(key, message))?;
            }
            _ => return Err(Wrong::unknown(key)),
        }
        Ok(())
    }
}

/// Reads the annotations. What is unknown or missing refuses the statement: a misspelt `@quorum` must not open a path
/// that asks nobody.
fn meaning(policy: &Policy, line: String) -> Result<Meaning, Vec<Wrong>> {
    let mut noted = Noted::default();
    let wrongs: Vec<Wrong> = policy.annotations().filter_map(|(key, value)| noted.take(key, value).err()).collect();
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    let Noted { rule, require, forbid, terms } = noted;
    let misplaced = if rule.is_some() { terms.not_of_a_rule() } else { terms.not_of_a_requirement() };
    let unsound = terms.contradiction().or(misplaced);
    let sound = unsound.map_or(Ok(()), |(field, message)| Err(Wrong::with(field, message)));
    let nothing = terms == Terms::default();
    let meaning = match (policy.effect(), rule, require, forbid) {
        (Effect::Permit, Some(name), false, None) => sound.and_then(|()| {
            let path =
                terms.complete().map_err(|missing| Wrong::with("rule", format!("this rule has no @{missing}")))?;
            Ok(Meaning::Rule(name, path))
        }),
        (Effect::Permit, None, true, None) if nothing => {
            Err(Wrong::with("require", "this requirement asks for nothing"))
        }
        (Effect::Permit, None, true, None) if terms.live_hosts => {
            Err(Wrong::with("live_hosts", "hosts are live by a rule; a requirement only takes away"))
        }
        (Effect::Permit, None, true, None) => sound.map(|()| Meaning::Requirement(terms)),
        (Effect::Permit, ..) => {
            Err(Wrong::whole("a permit is either a rule, with @rule, or a requirement, with @require"))
        }
        (Effect::Forbid, None, false, words) if nothing => Ok(Meaning::Prohibition(words.unwrap_or(line))),
        (Effect::Forbid, ..) => Err(Wrong::whole("a forbid has no annotation but @forbid")),
    };
    meaning.map_err(|wrong| vec![wrong])
}
