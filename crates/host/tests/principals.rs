//! What sshd gets to read.

use hallpass_host::Failure;

fn ask(arguments: &[&str]) -> (Result<(), Failure>, String) {
    let mut out = Vec::new();
    let outcome = hallpass_host::run(["hallpass-host"].iter().chain(arguments), &mut out);
    (outcome, String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn the_answer_is_one_scoped_principal_and_a_newline() {
    for arguments in [
        &["principals", "--host", "web-1.example.com", "root"][..],
        &["principals", "--host", "web-1.example.com", "--", "root"],
        &["principals", "--host=web-1.example.com", "root"],
    ] {
        let (outcome, out) = ask(arguments);
        outcome.unwrap();
        assert_eq!(out, "root@web-1.example.com\n");
    }
}

#[test]
fn a_login_outside_the_grammar_is_refused_in_silence() {
    let long = "a".repeat(33);
    for login in ["", "Root", "root,admin", "root@web-2", "root\nadmin", "*", "%u", " root", "1x", "-x", &long] {
        let (outcome, out) = ask(&["principals", "--host", "web-1", "--", login]);
        assert!(matches!(outcome, Err(Failure::Principals(_))), "{login:?}");
        assert_eq!(out, "", "{login:?}");
    }
}

#[test]
fn a_login_that_looks_like_an_option_is_still_a_login() {
    for login in ["--help", "-h", "--version", "-V", "--host=web-2"] {
        for arguments in
            [vec!["principals", "--host", "web-1", login], vec!["principals", "--host", "web-1", "--", login]]
        {
            let (outcome, out) = ask(&arguments);
            let failure = outcome.unwrap_err();
            let refused = match &failure {
                Failure::Usage(usage) => usage.exit_code() == 2,
                Failure::Principals(_) => true,
                Failure::Output(_) => false,
            };
            assert!(refused, "{login:?}: {failure}");
            assert_eq!(out, "", "{login:?}");
        }
    }
}

#[test]
fn a_host_outside_the_grammar_is_refused_in_silence() {
    for host in ["", "Web-1", "web_1", "web-1.", "web-1,web-2", "web-1\n", "root@web-1"] {
        let (outcome, out) = ask(&["principals", "--host", host, "root"]);
        assert!(matches!(outcome, Err(Failure::Principals(_))), "{host:?}");
        assert_eq!(out, "", "{host:?}");
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_refused_in_silence() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let arguments = ["hallpass-host", "principals", "--host", "web-1"].map(OsStr::new);
    let mut out = Vec::new();
    let outcome = hallpass_host::run(arguments.into_iter().chain([OsStr::from_bytes(b"ro\xffot")]), &mut out);
    assert!(matches!(outcome, Err(Failure::Principals(_))));
    assert_eq!(out, b"");
}

#[test]
fn a_call_without_host_or_login_is_a_question_of_usage() {
    for arguments in [&["principals"][..], &["principals", "--host", "web-1"], &["principals", "root"], &[]] {
        let (outcome, out) = ask(arguments);
        let Err(Failure::Usage(usage)) = outcome else { panic!("{arguments:?}") };
        assert_eq!(usage.exit_code(), 2, "{arguments:?}");
        assert_eq!(out, "");
    }
}

#[test]
fn the_refusal_shows_no_raw_control_character() {
    let (outcome, _) = ask(&["principals", "--host", "web-1", "ro\u{1b}[31mot"]);
    let shown = outcome.unwrap_err().to_string();
    assert!(shown.contains("\\u{1b}") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn help_and_manual_show_the_line_for_sshd() {
    let (outcome, _) = ask(&["help", "principals"]);
    let Err(Failure::Usage(help)) = outcome else { panic!("help is shown by clap") };
    assert_eq!(help.exit_code(), 0);
    assert!(
        help.to_string().contains("AuthorizedPrincipalsCommand /usr/bin/hallpass-host principals --host"),
        "{help}"
    );
    let (outcome, page) = ask(&["man"]);
    outcome.unwrap();
    assert!(page.starts_with(".ie") || page.contains(".TH hallpass-host 8"), "{page}");
    assert!(page.contains("AuthorizedPrincipalsCommand"), "{page}");
}
