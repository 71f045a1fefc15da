//! Labels and logins of a role as a rule says them, and what it cannot say.

use std::collections::BTreeSet;

use domain::{AskedLogin, Label, Selector};

use super::role::Conditions;
use crate::draft::Hosts;
use crate::names::like;
use crate::todo::shown;

/// The most combinations of alternatives that one rule lists.
const MOST: usize = 64;

/// What can be said, and the words of what cannot.
#[derive(Debug)]
pub(super) struct Said<T> {
    pub(super) said: BTreeSet<T>,
    pub(super) notes: Vec<String>,
}

impl Conditions {
    /// The hosts with all these labels, each combination of alternatives by itself.
    pub(super) fn hosts(&self) -> Said<Hosts> {
        let mut notes = Vec::new();
        let mut all = vec![Vec::new()];
        for (key, values) in &self.labels {
            if key == "*" && values.iter().all(|value| value == "*") {
                continue;
            }
            let alternatives: Vec<Label> = values.iter().filter_map(|value| label(key, value, &mut notes)).collect();
            // Every host must have one of them: without any that can be said, none is meant rather than all.
            all = all
                .iter()
                .flat_map(|so_far| alternatives.iter().map(|more| with(so_far, more)))
                .take(MOST + 1)
                .collect();
        }
        if all.len() > MOST {
            all.truncate(MOST);
            notes.push(format!("more than {MOST} combinations of labels; the others are left out"));
        }
        if self.labels.is_empty() {
            all.clear();
        }
        let said = all.iter().filter_map(|labels| hosts(labels)).collect();
        Said { said, notes }
    }

    /// The accounts, with `self` for what stands for the user's own.
    pub(super) fn logins(&self) -> Said<AskedLogin> {
        let mut logins = Said { said: BTreeSet::new(), notes: Vec::new() };
        for login in &self.logins {
            let words = shown(login);
            if own(login) {
                logins.said.insert(AskedLogin::Own);
                logins.notes.push(format!(
                    "`self` is a guess for `{words}`: it is the one `login` that directory.toml has for a user"
                ));
            } else {
                match login.parse() {
                    Ok(AskedLogin::Named(login)) => drop(logins.said.insert(AskedLogin::Named(login))),
                    Ok(AskedLogin::Own) | Err(_) => {
                        logins.notes.push(format!("the login `{words}` cannot be said, and is left out"))
                    }
                }
            }
        }
        logins
    }
}

/// `{{internal.logins}}` and its like: one variable of the user's, and nothing around it.
fn own(login: &str) -> bool {
    let inside = login.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
    let name = inside.and_then(|inside| inside.strip_prefix("internal.").or_else(|| inside.strip_prefix("external.")));
    name.is_some_and(|name| matches!(name, "logins" | "username" | "unix_login" | "login" | "email"))
}

fn label(key: &str, value: &str, notes: &mut Vec<String>) -> Option<Label> {
    let words = shown(&format!("{key}: {value}"));
    let pattern = |side: &str| side.contains(['*', '^', '$', '{', '(', '[', '|', '\\', '+', '?']);
    if pattern(key) || pattern(value) {
        notes.push(format!("the label `{words}` is a pattern or variable, which labels cannot say; it is left out"));
        return None;
    }
    if let Ok(label) = Label::new(key, value) {
        return Some(label);
    }
    let label = Label::new(&like(key)?, &like(value)?).ok()?;
    notes.push(format!("the label `{label}` is made of `{words}`; give it to the hosts in this form"));
    Some(label)
}

fn with(labels: &[Label], more: &Label) -> Vec<Label> {
    [labels, std::slice::from_ref(more)].concat()
}

fn hosts(labels: &[Label]) -> Option<Hosts> {
    if labels.is_empty() {
        return Some(Hosts::All);
    }
    let each: Vec<String> = labels.iter().map(ToString::to_string).collect();
    each.join(",").parse::<Selector>().ok().map(Hosts::Labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(labels: &[(&str, &[&str])]) -> Conditions {
        let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        Conditions {
            logins: Vec::new(),
            labels: labels.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect(),
        }
    }

    #[test]
    fn labels_are_said_narrower_and_never_wider() {
        for (labels, expected, notes) in [
            (&[][..], "", 0),
            (&[("*", &["*"][..])], "*", 0),
            (&[("env", &["prod"]), ("*", &["*"])], "env=prod", 0),
            (&[("env", &["prod", "stage"]), ("role", &["web"])], "env=prod,role=web env=stage,role=web", 0),
            (&[("env", &["prod", "^st.*$"])], "env=prod", 1),
            (&[("env", &["prod"]), ("region", &["us-*"])], "", 1),
            (&[("env", &["*"])], "", 1),
            (&[("team", &["{{external.team}}"])], "", 1),
            (&[("Env", &["Prod"])], "env=prod", 1),
            (&[("env", &[])], "", 0),
            (&[("Env", &["a"]), ("env", &["b"])], "", 1),
        ] {
            let Said { said, notes: told } = conditions(labels).hosts();
            let said: Vec<String> = said.iter().map(ToString::to_string).collect();
            assert_eq!((said.join(" ").as_str(), told.len()), (expected, notes), "{labels:?} {told:?}");
        }
    }

    #[test]
    fn many_alternatives_stay_few() {
        let values: Vec<String> = (0..100).map(|n| format!("v{n}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let Said { said, notes } = conditions(&[("a", &values), ("b", &values), ("c", &values)]).hosts();
        assert_eq!((said.len(), notes.len()), (MOST, 1));
    }

    #[test]
    fn logins_that_stand_for_the_user_are_self() {
        let logins = ["root", "{{internal.logins}}", "{{ external.username }}", "{{x}}-admin", "Administrator", "self"];
        let conditions = Conditions { logins: logins.map(str::to_owned).to_vec(), labels: Vec::new() };
        let Said { said, notes } = conditions.logins();
        assert_eq!(said.iter().map(ToString::to_string).collect::<Vec<_>>(), ["self", "root"]);
        assert_eq!(notes.len(), 5, "{notes:?}");
    }
}
