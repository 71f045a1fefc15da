//! A role as far as rules can say it, and the words of all else.

use std::collections::BTreeSet;

use domain::{Extension, Span};

use crate::todo::{At, shown};
use crate::yaml::{Node, Value};

/// A role.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) at: At,
    pub(super) max: Option<Span>,
    pub(super) extensions: BTreeSet<Extension>,
    pub(super) allow: Conditions,
    pub(super) deny: Conditions,
    pub(super) request: Request,
    /// The roles whose requests its holders review.
    pub(super) reviews: Vec<String>,
    /// What has no counterpart, in its own words.
    pub(super) unsaid: Vec<String>,
}

/// What a role allows or denies on hosts.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) logins: Vec<String>,
    pub(super) labels: Vec<(String, Vec<String>)>,
}

/// What its holders may ask for.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) roles: Vec<String>,
    /// How many approve; one if it does not say.
    pub(super) approve: Option<u32>,
    pub(super) max: Option<Span>,
}

impl Role {
    pub(super) fn read(node: &Node, file: &str) -> Option<Self> {
        let name = node.get("metadata")?.get("name")?.text()?.to_owned();
        let mut reading = Reading { file, unsaid: Vec::new() };
        reading.rest(node, "", &["kind", "version", "metadata", "spec"]);
        // Ids and revisions are Teleport's own counting.
        node.get("metadata")
            .into_iter()
            .for_each(|meta| reading.rest(meta, "metadata.", &["name", "id", "revision", "namespace"]));
        let empty = Node { line: node.line, value: Value::Map(Vec::new()) };
        let spec = node.get("spec").unwrap_or(&empty);
        reading.rest(spec, "spec.", &["options", "allow", "deny"]);
        let part = |name: &str| spec.get(name).unwrap_or(&empty);
        let (allow, deny, options) = (part("allow"), part("deny"), part("options"));
        reading.rest(allow, "spec.allow.", &["logins", "node_labels", "request", "review_requests"]);
        reading.rest(deny, "spec.deny.", &["logins", "node_labels"]);
        let (max, extensions) = reading.options(options);
        let mut role = Self {
            name,
            at: At { file: file.to_owned(), line: node.line },
            max,
            extensions,
            allow: conditions(allow),
            deny: conditions(deny),
            request: allow.get("request").map(|request| reading.request(request)).unwrap_or_default(),
            reviews: allow.get("review_requests").map(|reviews| reading.reviews(reviews)).unwrap_or_default(),
            unsaid: Vec::new(),
        };
        role.version(node.get("version"), &mut reading);
        Some(Self { unsaid: reading.unsaid, ..role })
    }

    /// A role of v3 opens all hosts if it says nothing of them; those since open none.
    fn version(&mut self, version: Option<&Node>, reading: &mut Reading<'_>) {
        match version.and_then(Node::text) {
            Some("v3") if self.allow.labels.is_empty() && !self.allow.logins.is_empty() => {
                self.allow.labels.push(("*".to_owned(), vec!["*".to_owned()]));
                reading.unsaid.push(format!(
                    "a role of v3 without node_labels opens all hosts, and so does the rule ({})",
                    self.at
                ));
            }
            Some("v3" | "v4" | "v5" | "v6" | "v7" | "v8") => {}
            other => {
                let version = shown(other.unwrap_or("none"));
                reading
                    .unsaid
                    .push(format!("`version: {version}`: known are v3 to v8; is it read as meant? ({})", self.at));
            }
        }
    }
}

fn conditions(node: &Node) -> Conditions {
    let labels = node.get("node_labels").into_iter().flat_map(Node::pairs);
    Conditions {
        logins: node.get("logins").into_iter().flat_map(Node::texts).map(str::to_owned).collect(),
        labels: labels.map(|(key, values)| (key.to_owned(), values.texts().map(str::to_owned).collect())).collect(),
    }
}

/// What has no counterpart, noted while a role is read.
struct Reading<'f> {
    file: &'f str,
    unsaid: Vec<String>,
}

impl Reading<'_> {
    fn unsaid(&mut self, path: &str, node: &Node) {
        let at = At { file: self.file.to_owned(), line: node.line };
        let words = shown(&format!("{path}: {}", node.words()));
        self.unsaid.push(format!("`{words}` has no counterpart here ({at})"));
    }

    fn rest(&mut self, node: &Node, path: &str, known: &[&str]) {
        for (key, value) in node.pairs().filter(|(key, _)| !known.contains(key)) {
            self.unsaid(&format!("{path}{key}"), value);
        }
    }

    fn options(&mut self, options: &Node) -> (Option<Span>, BTreeSet<Extension>) {
        // Sessions of Teleport have a terminal always; what else they have is said, or left away.
        let (mut max, mut extensions) = (None, BTreeSet::from([Extension::Pty]));
        for (key, value) in options.pairs() {
            let extension = match key {
                "max_session_ttl" => {
                    max = self.span("spec.options.max_session_ttl", value);
                    continue;
                }
                "forward_agent" => Extension::AgentForwarding,
                "port_forwarding" => Extension::PortForwarding,
                "permit_x11_forwarding" => Extension::X11Forwarding,
                _ => {
                    self.unsaid(&format!("spec.options.{key}"), value);
                    continue;
                }
            };
            match value.text() {
                Some("true" | "yes" | "on") => drop(extensions.insert(extension)),
                Some("false" | "no" | "off") => {}
                _ => self.unsaid(&format!("spec.options.{key}"), value),
            }
        }
        (max, extensions)
    }

    fn span(&mut self, path: &str, value: &Node) -> Option<Span> {
        let span = value.text().and_then(|text| text.parse().ok()).filter(|span| *span != Span::ZERO);
        if span.is_none() {
            self.unsaid(path, value);
        }
        span
    }

    fn request(&mut self, node: &Node) -> Request {
        let mut request = Request::default();
        for (key, value) in node.pairs() {
            match key {
                // Requests for hosts (search_as_roles) and for roles are one thing here.
                "roles" | "search_as_roles" => request.roles.extend(value.texts().map(str::to_owned)),
                "max_duration" => request.max = self.span("spec.allow.request.max_duration", value),
                "thresholds" => request.approve = self.thresholds(value),
                _ => self.unsaid(&format!("spec.allow.request.{key}"), value),
            }
        }
        request
    }

    /// The largest of them: which applies depends on filters that have no counterpart.
    fn thresholds(&mut self, node: &Node) -> Option<u32> {
        let mut most = None;
        for threshold in node.items() {
            let approve = match threshold.get("approve") {
                None => Some(1),
                Some(count) => count.text().and_then(|text| text.parse::<u32>().ok()),
            };
            match approve.filter(|count| (1..=9999).contains(count)) {
                Some(count) => most = most.max(Some(count)),
                None => self.unsaid("spec.allow.request.thresholds", threshold),
            }
            // One deny ends a request here, too.
            let others = threshold
                .pairs()
                .filter(|(key, value)| !matches!((*key, value.text()), ("approve" | "name", _) | ("deny", Some("1"))));
            for (key, value) in others {
                self.unsaid(&format!("spec.allow.request.thresholds.{key}"), value);
            }
        }
        if node.items().len() > 1 {
            let words = "several thresholds: the largest `approve` was taken";
            self.unsaid.push(format!("{words}: `{}`", shown(&node.words())));
        }
        most
    }

    fn reviews(&mut self, node: &Node) -> Vec<String> {
        self.rest(node, "spec.allow.review_requests.", &["roles"]);
        node.get("roles").into_iter().flat_map(Node::texts).map(str::to_owned).collect()
    }
}
