//! A case against what the policy says.

use std::collections::BTreeSet;
use std::ops::Range;

use directory::{Directory, Mistake};
use domain::{GroupName, Obligations, Span, UnixTime, UserName};
use toml::Spanned;

use super::{Answer, Case};
use crate::people::{Asked, approvers, open_slots};
use crate::{Policy, Ruling, rule};

/// What the policy said of a case.
#[derive(Debug)]
#[must_use = "a case may have failed"]
pub struct Judged {
    /// The ruling.
    pub ruling: Ruling,
    /// Where it is not what was expected; empty when the case holds.
    pub wrong: Vec<Mistake>,
}

impl Judged {
    /// The ruling in words: `1 of sre by prod-oncall`, or why it refuses.
    pub fn in_words(&self) -> String {
        match &self.ruling {
            Ruling::Refused(refusal) => format!("refused: {refusal}"),
            Ruling::Permitted(given) => {
                let review = given.break_glass.as_ref();
                let review = review.map_or_else(String::new, |group| format!(", reviewed by {group}"));
                format!("{} by {}{review}", given.quorum, given.rule)
            }
        }
    }
}

/// The rules and the people that cases are judged by.
type Loaded<'a> = (&'a Policy, &'a Directory);

impl Case<'_> {
    /// Asks the policy; `now` counts for a case without a time of its own.
    pub fn judge(&self, policy: &Policy, directory: &Directory, now: UnixTime) -> Judged {
        let ruling = rule(policy, directory, &self.ask, self.at.unwrap_or(now));
        let mut judged = Judged { ruling, wrong: Vec::new() };
        judged.wrong = match (&judged.ruling, self.expected.answer.get_ref()) {
            (Ruling::Refused(refusal), Answer::Refused) => self.reason(&refusal.to_string()),
            (Ruling::Permitted(given), Answer::Permitted(quorum)) if given.quorum == *quorum => {
                self.terms(given, (policy, directory), self.at.unwrap_or(now))
            }
            (_, expected) => {
                let expected = match expected {
                    Answer::Refused => "refused".to_owned(),
                    Answer::Permitted(quorum) => quorum.to_string(),
                };
                vec![self.differs(self.expected.answer.span(), &expected, &judged.in_words())]
            }
        };
        judged
    }

    fn reason(&self, refusal: &str) -> Vec<Mistake> {
        let other = self.expected.because.iter().filter(|words| !refusal.contains(words.get_ref().as_str()));
        other.map(|words| self.differs(words.span(), words.get_ref(), refusal)).collect()
    }

    fn terms(&self, given: &Obligations, loaded: Loaded<'_>, at: UnixTime) -> Vec<Mistake> {
        let expected = &self.expected;
        let mut wrong = Vec::new();
        wrong.extend(self.compare(expected.takes.as_ref(), &given.rule));
        wrong.extend(self.compare(expected.max.as_ref(), &given.max));
        wrong.extend(self.compare(expected.ttl.as_ref(), &given.ttl));
        if let Some(allow) = expected.allow.as_ref().filter(|allow| **allow != given.allow) {
            wrong.push(self.differs(self.place.clone(), &list("allow", allow), &list("allow", &given.allow)));
        }
        wrong.extend(self.restrictions(given));
        wrong.extend(self.suffices(given, loaded, at));
        wrong.extend(self.does_not_suffice(given, loaded, at));
        wrong
    }

    /// What certificates are restricted to, and the keys that it takes.
    fn restrictions(&self, given: &Obligations) -> Vec<Mistake> {
        let (expected, place) = (&self.expected, || self.place.clone());
        let mut wrong = Vec::new();
        if let Some(source) = expected.source.as_ref().filter(|source| Some(*source) != given.source.as_ref()) {
            let is =
                given.source.as_ref().map_or_else(|| "from anywhere".to_owned(), |given| format!("source = [{given}]"));
            wrong.push(self.differs(place(), &format!("source = [{source}]"), &is));
        }
        if expected.verify_required && !given.verify_required {
            wrong.push(self.differs(place(), "verify_required = true", "not asked"));
        }
        if expected.live_hosts && given.live.is_none() {
            wrong.push(self.differs(place(), "live_hosts = true", "the hosts of then alone"));
        }
        if let Some(other) =
            expected.reviewed_by.as_ref().filter(|group| Some(group.get_ref()) != given.break_glass.as_ref())
        {
            let given = given.break_glass.as_ref().map_or_else(|| "not break-glass".to_owned(), ToString::to_string);
            wrong.push(self.differs(other.span(), other.get_ref().as_str(), &given));
        }
        let keys = [(&expected.requester_key, given.requester_key), (&expected.approver_key, given.approver_key)];
        for (key, given) in keys {
            let Some(other) = key.as_ref().filter(|key| Some(*key.get_ref()) != given) else { continue };
            let given = given.map_or_else(|| "any key".to_owned(), |given| given.to_string());
            wrong.push(self.differs(other.span(), &other.get_ref().to_string(), &given));
        }
        wrong
    }

    fn compare<T: PartialEq + ToString>(&self, expected: Option<&Spanned<T>>, given: &T) -> Option<Mistake> {
        let other = expected.filter(|expected| expected.get_ref() != given)?;
        Some(self.differs(other.span(), &other.get_ref().to_string(), &given.to_string()))
    }

    fn suffices(&self, given: &Obligations, loaded: Loaded<'_>, at: UnixTime) -> Option<Mistake> {
        let people = &self.expected.approved_by;
        let place = span(people)?;
        let may = self.may(given, loaded, at);
        if let Some(other) = people.iter().find(|name| !may.contains(name.get_ref())) {
            let message = format!("`{}` may not approve this; who may: {}", other.get_ref(), names(&may));
            return Some(self.mistake(other.span(), &message));
        }
        let open = self.open(given, people, loaded, at);
        let message = || format!("expected that this is enough, and it leaves open {}", crate::who::slots(&open));
        (!open.is_empty()).then(|| self.mistake(place, &message()))
    }

    fn does_not_suffice(&self, given: &Obligations, loaded: Loaded<'_>, at: UnixTime) -> Option<Mistake> {
        let people = &self.expected.not_approved_by;
        let place = span(people)?;
        let enough = self.open(given, people, loaded, at).is_empty();
        enough.then(|| self.mistake(place, "expected that this is not enough, and it is"))
    }

    /// The slots that these leave open; who may not approve fills none.
    fn open(
        &self,
        given: &Obligations,
        people: &[Spanned<UserName>],
        (policy, directory): Loaded<'_>,
        at: UnixTime,
    ) -> Vec<GroupName> {
        let may = self.may(given, (policy, directory), at);
        let approving = people.iter().map(Spanned::get_ref).filter(|name| may.contains(*name)).cloned().collect();
        open_slots(policy, directory, self.approvals(given), &approving, at)
    }

    /// Who may approve at the time of the case.
    fn may(&self, given: &Obligations, (policy, directory): Loaded<'_>, at: UnixTime) -> BTreeSet<UserName> {
        approvers(policy, directory, self.approvals(given), at)
    }

    /// What approvers are asked, when they approve so long after the request.
    fn approvals<'a>(&'a self, given: &'a Obligations) -> Asked<'a> {
        let waited = self.expected.approved_after.unwrap_or(Span::ZERO);
        Asked { waited, ..Asked::new(&self.ask.requester, given) }
    }

    fn differs(&self, at: Range<usize>, expected: &str, happened: &str) -> Mistake {
        self.mistake(at, &format!("expected `{expected}`, and it is `{happened}`"))
    }

    pub(super) fn mistake(&self, at: Range<usize>, message: &str) -> Mistake {
        Mistake::new(self.source, at, message)
    }
}

/// From the first to the last of them; `None` when there is none.
fn span(people: &[Spanned<UserName>]) -> Option<Range<usize>> {
    Some(people.first()?.span().start..people.last()?.span().end)
}

fn list<T: ToString>(what: &str, items: &BTreeSet<T>) -> String {
    format!("{what} = [{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn names(people: &BTreeSet<UserName>) -> String {
    if people.is_empty() {
        return "nobody".to_owned();
    }
    people.iter().map(UserName::as_str).collect::<Vec<_>>().join(", ")
}
