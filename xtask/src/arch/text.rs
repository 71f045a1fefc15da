//! What a source file may not say, and how long it may be.

use super::files::File;

const LONG: usize = 400;
const TOO_LONG: usize = 450;
/// The crates that may name ssh-key's certificate types.
const NAMES_CERTIFICATES: [&str; 2] = ["crates/cert/", "crates/agent/"];

/// What is wrong in one file.
pub(super) fn check(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if lines > TOO_LONG && is_product(&file.path) {
        findings.push(format!("{}: {lines} lines; split it, {LONG} is the aim", file.path));
    }
    for (number, line) in file.text.lines().enumerate() {
        if let Some(why) = unwanted(line) {
            findings.push(format!("{}:{}: {why}", file.path, number + 1));
        }
    }
    if is_product(&file.path) && !NAMES_CERTIFICATES.iter().any(|prefix| file.path.starts_with(prefix)) {
        let named = certificate_types(&file.text);
        findings.extend(named.map(|line| {
            format!("{}:{line}: names ssh-key's certificate types; only `cert` and `agent` do", file.path)
        }));
    }
    findings
}

/// A file that grows too long, as a warning.
pub(super) fn long(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > LONG).then(|| format!("{}: {lines} lines", file.path))
}

fn is_product(path: &str) -> bool {
    path.starts_with("src/") || path.starts_with("crates/") && path.contains("/src/")
}

fn unwanted(line: &str) -> Option<&'static str> {
    const IGNORE: &str = concat!("#[", "ignore");
    const TODO: &str = concat!("todo", "!(");
    const UNIMPLEMENTED: &str = concat!("unimplemented", "!(");
    if line.contains(IGNORE) {
        Some("an ignored test proves nothing: mend it or remove it")
    } else if line.contains(TODO) || line.contains(UNIMPLEMENTED) {
        Some("unfinished")
    } else {
        None
    }
}

/// The lines on which `ssh_key::Certificate` or `ssh_key::certificate::...` is named, be it inside a group of a `use`.
fn certificate_types(text: &str) -> impl Iterator<Item = usize> + '_ {
    const CRATE: &str = concat!("ssh_key", "::");
    let paths = text.match_indices(CRATE);
    paths.filter_map(|(start, _)| {
        let (before, path) = text.split_at_checked(start)?;
        let path = path.strip_prefix(CRATE)?;
        let end = if path.starts_with('{') { path.find(';')? } else { path.find(|c: char| !is_path(c))? };
        let (path, _) = path.split_at_checked(end)?;
        let named = path.split(|c: char| !is_word(c)).any(|word| word == "Certificate" || word == "certificate");
        named.then(|| before.lines().count().max(1))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_path(c: char) -> bool {
    is_word(c) || c == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&File { path: path.into(), text: text.into() })
    }

    const SOURCE: &str = "crates/ca/src/lib.rs";

    #[test]
    fn certificate_types_belong_to_two_crates() {
        for named in [
            "use ssh_key::Certificate;",
            "use ssh_key::{Algorithm, certificate::{Builder, CertType}};",
            "use ssh_key::{\n    Algorithm,\n    Certificate,\n};",
            "fn f(c: &ssh_key::Certificate) {}",
            "let b = ssh_key::certificate::Builder::new();",
        ] {
            assert_eq!(found(SOURCE, &format!("//! x\n{named}\n")).len(), 1, "{named}");
            assert_eq!(found("crates/cert/src/lib.rs", named), Vec::<String>::new());
        }
        for innocent in
            ["use ssh_key::PublicKey;\nuse cert::Certificate;", "use ssh_key::{HashAlg};\nstruct Certificate;"]
        {
            assert_eq!(found(SOURCE, innocent), Vec::<String>::new());
        }
    }

    #[test]
    fn a_finding_names_its_line() {
        let text = format!("//! x\n\n{}]\nfn slow() {{}}\n", concat!("#[", "ignore"));
        assert!(found("tests/e2e/main.rs", &text).concat().starts_with("tests/e2e/main.rs:3: "));
        assert!(found(SOURCE, "//! x\nuse ssh_key::Certificate;\n").concat().starts_with("crates/ca/src/lib.rs:2: "));
    }

    #[test]
    fn what_is_unfinished_is_found() {
        assert_eq!(found(SOURCE, concat!("todo", "!()")).len(), 1);
        assert_eq!(found(SOURCE, concat!("unimplemented", "!(\"later\")")).len(), 1);
    }

    #[test]
    fn long_files_warn_and_longer_ones_fail() {
        let file = |lines: usize| File { path: SOURCE.into(), text: "//! x\n".repeat(lines) };
        assert!(long(&file(400)).is_none() && check(&file(400)).is_empty());
        assert!(long(&file(401)).is_some() && check(&file(450)).is_empty());
        assert_eq!(check(&file(451)).len(), 1);
    }
}
