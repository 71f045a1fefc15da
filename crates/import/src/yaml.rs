//! YAML as a tree with lines: no anchors, no keys twice, and no deeper than anybody writes it.

use saphyr_parser::{Event, Parser, Span};

use crate::error::ImportError;

/// The deepest nesting.
const DEEPEST: usize = 32;

/// A value and the line on which it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A value; what is not text to YAML (`true`, `2`) is text here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Reads every document of a file.
///
/// # Errors
/// The line on which it is no YAML, or more than is taken here.
pub(crate) fn documents(name: &str, text: &str) -> Result<Vec<Node>, ImportError> {
    let wrong = |line: usize, why: &str| ImportError::Line { file: name.to_owned(), line, why: why.to_owned() };
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut documents = Vec::new();
    while let Some((event, line)) = reader.next().map_err(|(line, why)| wrong(line, &why))? {
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => break,
            event => documents.push(reader.node(event, line, 0).map_err(|(line, why)| wrong(line, &why))?),
        }
    }
    Ok(documents)
}

type Wrong = (usize, String);

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, usize)>, Wrong> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, Span { start, .. }))) => Ok(Some((event, start.line()))),
            Some(Err(error)) => Err((error.marker().line(), format!("no YAML: {}", error.info()))),
        }
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Node, Wrong> {
        if depth > DEEPEST {
            return Err((line, format!("nested deeper than {DEEPEST}; no role is")));
        }
        let value = match event {
            Event::Scalar(text, ..) => Value::Text(text.into_owned()),
            Event::SequenceStart(..) => Value::List(self.list(depth)?),
            Event::MappingStart(..) => Value::Map(self.map(depth)?),
            Event::Alias(_) => {
                return Err((line, "aliases (`*name`) are not read; write out what it stands for".to_owned()));
            }
            _ => return Err((line, "no YAML: a value is missing".to_owned())),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut items = Vec::new();
        while let Some((event, line)) = self.next()? {
            match event {
                Event::SequenceEnd => break,
                event => items.push(self.node(event, line, depth + 1)?),
            }
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Node)>, Wrong> {
        let mut pairs: Vec<(String, Node)> = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        while let Some((event, line)) = self.next()? {
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err((line, "a key is text, and nothing else".to_owned())),
            };
            if !known.insert(key.clone()) {
                return Err((line, format!("the key `{}` is there twice", crate::todo::shown(&key))));
            }
            let Some((event, line)) = self.next()? else { break };
            pairs.push((key, self.node(event, line, depth + 1)?));
        }
        Ok(pairs)
    }
}

impl Node {
    /// The text; none for lists and maps, nor for a `null`.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if !matches!(text.as_str(), "" | "~" | "null") => Some(text),
            _ => None,
        }
    }

    /// What a map has under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.pairs().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// What a map holds.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &Self)> {
        let pairs = if let Value::Map(pairs) = &self.value { pairs.as_slice() } else { &[] };
        pairs.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// The items of a list, or the one that stands for a list of one.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The texts of a list, or the one text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.items().iter().filter_map(Self::text)
    }

    /// The same on one line, for comments.
    pub(crate) fn words(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::List(items) => format!("[{}]", items.iter().map(Self::words).collect::<Vec<_>>().join(", ")),
            Value::Map(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(key, node)| format!("{key}: {}", node.words())).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_trees_with_lines() {
        let read = documents("f", "a: 1\nb:\n- x\n- {c: 'y z'}\n---\n[p, q]\n").unwrap();
        assert_eq!(read[0].words(), "{a: 1, b: [x, {c: y z}]}");
        assert_eq!(read[0].get("b").unwrap().items()[1].line, 4);
        assert_eq!((read[1].words().as_str(), read[1].line), ("[p, q]", 6));
        assert_eq!(documents("f", "").unwrap(), []);
    }

    #[test]
    fn what_is_not_taken_is_told_by_line() {
        let deep = "[".repeat(100);
        for (text, told) in [
            ("a: &x 1\nb: *x\n", "f:2: aliases"),
            ("a: 1\na: 2\n", "f:2: the key `a` is there twice"),
            ("a: 1\n  b: 2\n", "f:2: no YAML"),
            ("? [a]\n: b\n", "f:1: a key is text"),
            ("a: 'x", "f:1: no YAML"),
            (deep.as_str(), "f:1: nested deeper than 32"),
        ] {
            let error = documents("f", text).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
