//! What the condition of a statement looks at, from Cedar's own JSON of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a condition looks at, beyond user, groups, host and labels.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The texts in it: logins by name are among them.
    pub(super) texts: BTreeSet<String>,
    /// Whether it looks at the request's time (other than by times of day), window, command or ticket.
    pub(super) at_the_request: bool,
    /// Whether it tells logins apart by other than comparing them with a text or with the user's own.
    pub(super) by_pattern: bool,
}

impl Looks {
    /// Of a statement; `Err` when Cedar cannot say, so that everything may matter.
    pub(super) fn of(statement: &cedar_policy::Policy) -> Self {
        let mut looks = Self::default();
        match statement.to_json().map(|mut json| json.get_mut("conditions").map(Value::take)) {
            Ok(conditions) => looks.walk(&conditions.unwrap_or_default()),
            Err(_) => (looks.at_the_request, looks.by_pattern) = (true, true),
        }
        looks
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(node) => node.iter().for_each(|(key, inner)| self.node(key, inner)),
            _ => {}
        }
    }

    fn node(&mut self, key: &str, inner: &Value) {
        match (key, inner) {
            ("Value", Value::String(text)) => drop(self.texts.insert(text.clone())),
            ("Var", Value::String(name)) => self.at_the_request |= name == "context",
            ("." | "has", Value::Object(read)) if is_compared(read) => {}
            ("like", _) => {
                self.by_pattern = true;
                self.walk(inner);
            }
            ("==" | "!=", Value::Object(sides)) if !is_plain(sides) => {
                self.by_pattern = true;
                self.walk(inner);
            }
            _ => self.walk(inner),
        }
    }
}

/// `context.login` and `context.when`: what is compared for all it can be.
fn is_compared(read: &Map<String, Value>) -> bool {
    let times_of_day = read.get("attr").and_then(Value::as_str) == Some("when");
    is_login(read) || is_var(read.get("left"), "context") && times_of_day
}

/// `context.login`.
fn is_login(read: &Map<String, Value>) -> bool {
    is_var(read.get("left"), "context") && read.get("attr").and_then(Value::as_str) == Some("login")
}

fn is_var(value: Option<&Value>, name: &str) -> bool {
    value.and_then(|value| value.get("Var")).and_then(Value::as_str) == Some(name)
}

/// A comparison with something fixed, or of the login with the user's own.
fn is_plain(sides: &Map<String, Value>) -> bool {
    let fixed = |side: &Value| side.get("Value").is_some();
    let own = |side: &Value| {
        let read = side.get(".").and_then(Value::as_object);
        read.is_some_and(|read| {
            is_login(read) || (is_var(read.get("left"), "principal") && !read.contains_key("right"))
        })
    };
    sides.values().any(fixed) || sides.values().all(own)
}
