//! Whatever is read, what is written is read back by the product, and says no more than it should.

use proptest::prelude::*;

use super::{keys, read_back};
use crate::{Draft, KeyFile, Log, Place, from_authorized_keys, from_groups, from_log, from_teleport};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const PRINT: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

/// Reads back, has no line but those that drafts have, and hides nothing.
fn holds(draft: &Draft) {
    let files = draft.files();
    read_back(&files);
    for text in [&files.directory, &files.hosts, &files.access] {
        let starts = ["#", "[[", "name = ", "keys = [", "    \"", "]", "login = ", "members = ", "who = ", "hosts = "];
        let others = ["logins = ", "approve = ", "max = ", "ttl = ", "allow = "];
        for line in text.lines().filter(|line| !line.is_empty()) {
            assert!(starts.iter().chain(&others).any(|start| line.starts_with(start)), "{line:?}");
            assert!(!line.contains(|c: char| c.is_control() || ('\u{200b}'..='\u{2069}').contains(&c)), "{line:?}");
        }
        assert!(!text.contains("\"auto\""), "{text}");
    }
}

/// Words that would break out of a string or a comment, with others between.
fn words() -> impl Strategy<Value = String> {
    let hostile = prop_oneof![
        Just("\"\n[[rule]]\n".to_owned()),
        Just("\u{202e}\u{2066}".to_owned()),
        Just("\\u000a\u{85}\u{2028}\0".to_owned()),
        Just("'''\"\"\"".to_owned()),
        Just("alice@x".to_owned()),
        Just("self".to_owned()),
        Just("todo-approvers".to_owned()),
        "[a-z0-9._@=,;:* -]{0,80}",
        any::<String>(),
    ];
    proptest::collection::vec(hostile, 0..4).prop_map(|parts| parts.concat())
}

/// What becomes of such lines, with options and without.
fn of_keys(lines: &[(String, String)], host: &str, login: &str) -> Draft {
    let text: String =
        lines.iter().map(|(options, comment)| format!("{options} {KEY} {comment}\n{comment}\n")).collect();
    let plain: String = lines.iter().map(|(_, comment)| format!("{KEY} {comment}\n")).collect();
    let file = |text: String| KeyFile {
        place: Place { host: host.to_owned(), login: login.to_owned() },
        name: format!("{host}/{login}"),
        bytes: text.into_bytes(),
    };
    let draft: Result<_, crate::ImportError> =
        from_authorized_keys(host, [Ok(file(text)), Ok(file(plain))], &[login.to_owned()]);
    draft.unwrap()
}

#[test]
fn an_account_that_is_called_self_breaks_no_draft() {
    holds(&of_keys(&[(String::new(), "self".to_owned())], "", "self"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_authorized_keys_breaks_a_draft(
        lines in proptest::collection::vec((words(), words()), 0..4), host in words(), login in words(),
    ) {
        holds(&of_keys(&lines, &host, &login));
    }

    #[test]
    fn no_log_breaks_a_draft(lines in proptest::collection::vec((words(), words(), words()), 0..6)) {
        let each = lines.iter().map(|(host, login, id)| format!(
            "Mar  1 14:02:00 {host} sshd[1]: Accepted publickey for {login} from ::1 port 1 ssh2: ED25519-CERT {PRINT} \
             ID {id} (serial 1) CA ED25519 {PRINT}\n{host} {login}\n"
        ));
        let text: String = each.collect();
        if let Ok(log) = Log::read(&text, text.as_bytes()) {
            holds(&from_log(&log));
        }
    }

    #[test]
    fn no_list_of_groups_breaks_a_draft(lines in proptest::collection::vec((words(), words()), 0..6)) {
        let text: String = lines.iter().map(|(user, groups)| format!("{user},{groups}\n")).collect();
        if let Ok(draft) = from_groups(&text, text.clone().into_bytes()) {
            holds(&draft);
        }
    }

    #[test]
    fn no_role_breaks_a_draft(w in proptest::collection::vec(words(), 8)) {
        // Debug's escapes are YAML's, but for the braces of \u{...}.
        let quoted: Vec<String> = w.iter().map(|word| format!("\"{}\"", yaml(word))).collect();
        let [a, b, c, d, e, f, g, h] = quoted.try_into().unwrap();
        let text = format!(
            "kind: role\nversion: {a}\nmetadata: {{name: {b}}}\nspec:\n  options: {{max_session_ttl: {c}, {d}: {e}}}\n  \
             allow:\n    logins: [root, {f}]\n    node_labels: {{env: prod, {g}: [{h}, x]}}\n    \
             request: {{roles: [{b}], thresholds: [{{approve: {c}}}]}}\n    review_requests: {{roles: [{b}]}}\n  \
             deny: {{logins: [{f}, guest], node_labels: {{{g}: {h}}}}}\n"
        );
        if let Ok(draft) = from_teleport(&a, text.into_bytes()) {
            holds(&draft);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in words()) {
        for input in [bytes, text.into_bytes()] {
            drop(from_groups("f", input.clone()).map(|draft| holds(&draft)));
            drop(from_teleport("f", input.clone()).map(|draft| holds(&draft)));
            drop(Log::read("f", input.as_slice()).map(|log| holds(&from_log(&log))));
        }
    }
}

fn yaml(word: &str) -> String {
    let escaped = |c: char| match c {
        ' '..='~' if c != '"' && c != '\\' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    word.chars().map(escaped).collect()
}

#[test]
fn a_key_for_one_command_becomes_no_rule() {
    let draft = keys(&[("web-1/root", &format!("command=\"id\" {KEY} alice\n"))]).unwrap();
    let files = draft.files();
    assert!(!files.access.contains("[[rule]]") && files.access.contains("command=\"id\""), "{}", files.access);
}
