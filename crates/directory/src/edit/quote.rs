//! Values as TOML.

use std::collections::BTreeSet;
use std::fmt::Display;

use domain::Label;

/// A text in quotes.
pub(super) fn text<T: Display + ?Sized>(value: &T) -> String {
    toml::Value::String(value.to_string()).to_string()
}

/// A list of texts; of several, each has its line.
pub(super) fn list<T: Display>(values: &[T]) -> String {
    match values {
        [one] => format!("[{}]", text(one)),
        several => {
            let lines: String = several.iter().map(|value| format!("  {},\n", text(value))).collect();
            format!("[\n{lines}]")
        }
    }
}

/// Labels as a table in one line.
pub(super) fn table(labels: &BTreeSet<Label>) -> String {
    let pair = |label: &Label| format!("{} = {}", key(label.key()), text(label.value()));
    format!("{{ {} }}", labels.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// A key, bare where it may be.
fn key(name: &str) -> String {
    let bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { name.to_owned() } else { text(name) }
}
