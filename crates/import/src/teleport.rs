//! Drafts from Teleport's roles (`tctl get roles`).
//!
//! ```text
//! role with logins and node_labels --------------------> [[rule]] for the group of those who hold it
//! allow.request.roles of another role, its thresholds --> who may ask for it, and how many approve
//! allow.review_requests.roles of a third ---------------> the group that approves
//! deny.logins, deny.node_labels -----------------------> [[forbid]]
//! ```

mod labels;
mod role;
mod rules;

use crate::draft::Draft;
use crate::error::{ImportError, text};
use crate::todo::{At, Todo, shown};
use crate::yaml::{Node, Value, documents};
use role::Role;

/// Drafts groups and rules from roles.
///
/// # Errors
/// A file that is too large or no text, and the line on which it is no YAML.
pub fn from_teleport(name: &str, bytes: Vec<u8>) -> Result<Draft, ImportError> {
    let source = text(name, bytes)?;
    let mut draft = Draft::new(name);
    let mut roles: Vec<Role> = Vec::new();
    // `tctl get` writes documents as YAML, and one list as JSON.
    for node in documents(name, &source.text)?.iter().flat_map(Node::items) {
        let at = At { file: name.to_owned(), line: node.line };
        let is_role = node.get("kind").and_then(Node::text) == Some("role");
        match Role::read(node, name).filter(|_| is_role) {
            Some(role) if roles.iter().any(|other| other.name == role.name) => {
                let why = format!("the role `{}` is there twice; remove one of the two", shown(&role.name));
                return Err(ImportError::Line { file: at.file, line: at.line, why });
            }
            Some(role) => roles.push(role),
            None if node.value == Value::Text(String::new()) => {}
            None => draft
                .todos
                .push(Todo::new(format!("no role with a name, and not read: {} ({at})", shown(&node.words())))),
        }
    }
    if roles.is_empty() {
        let why = "no role is in this file; give what `tctl get roles` prints".to_owned();
        return Err(ImportError::Line { file: name.to_owned(), line: 1, why });
    }
    rules::draft(&mut draft, &roles);
    Ok(draft)
}
