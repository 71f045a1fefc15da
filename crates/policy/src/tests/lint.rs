//! Warnings, as tables.

use directory::{Directory, Mistake, Source};

use super::{DIRECTORY, HOSTS, now};
use crate::{Files, lint};

/// The warnings that are about `access.toml` and Cedar: `LINE: MESSAGE`.
fn warnings(access: &str, cedar: Option<&str>) -> Vec<String> {
    let told = lint_all(DIRECTORY, access, cedar).into_iter().filter(|warning| warning.file != "directory.toml");
    told.map(|warning| format!("{}: {}", warning.line, warning.message)).collect()
}

fn lint_all(directory: &str, access: &str, cedar: Option<&str>) -> Vec<Mistake> {
    let files = Files {
        directory: Source::new("directory.toml", directory),
        hosts: Source::new("hosts.toml", HOSTS),
        access: Source::new("access.toml", access),
        cedar: cedar.map(|text| Source::new("access.cedar", text)),
    };
    let (directory, policy): (Directory, _) = files.understand().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    lint(&files, &policy, &directory, now())
}

/// `NAME: WHO LOGINS@HOSTS QUORUM MAX`, a line each.
fn rule(line: &str) -> String {
    let (name, rest) = line.split_once(": ").unwrap();
    let [who, access, quorum, max] = rest.split(" | ").collect::<Vec<_>>()[..] else { panic!("{line}") };
    let (logins, hosts) = access.split_once('@').unwrap();
    let logins: Vec<&str> = logins.split('+').collect();
    format!(
        "rule = [{{ name = {name:?}, who = {who:?}, logins = {logins:?}, hosts = {hosts:?}, \
         approve = {quorum:?}, max = {max:?}, ttl = \"1m\" }}]"
    )
}

fn rules(lines: &[&str]) -> String {
    let each = lines.iter().map(|line| rule(line).replace("rule = [{", "{").replace("}]", "}"));
    format!("rule = [\n{}\n]\n", each.collect::<Vec<_>>().join(",\n"))
}

#[test]
fn break_glass_that_nobody_else_could_review_is_told() {
    let with = |group: &str, more: &str| {
        let glass = format!("ttl = \"1m\", break_glass = \"5m reviewed by {group}\"{more}");
        warnings(&rule("a: sre | root@env=prod | 1 of security | 1h").replace("ttl = \"1m\"", &glass), None)
    };
    assert_eq!(with("security", ""), [""; 0]);
    assert_eq!(with("nobody", ""), ["1: nobody in `nobody` could review break-glass, so nobody can ask for it"]);
    assert_eq!(with("jobs", ""), ["1: nobody in `jobs` could review break-glass, so nobody can ask for it"]);
    let alone = "1: `alice`, `alice-2` can never ask for break-glass here: nobody else in `lonely` could review it";
    assert_eq!(with("lonely", ""), [alone]);
    assert_eq!(with("security", ", break_glass_key = \"sk\""), [""; 0], "bob has one");
}

#[test]
fn keys_that_nobody_has_and_conditions_that_matter_to_nobody_are_told() {
    let with = |more: &str, rest: &str| {
        let fine = rule("a: contractors | root@env=prod | 1 of security | 1h")
            .replace("ttl = \"1m\"", &format!("ttl = \"1m\"{more}"));
        warnings(&format!("{fine}\n{rest}"), None)
    };
    assert_eq!(with("", ""), [""; 0]);
    let asking = "1: nobody in `contractors` has a FIDO key, so nobody there can ask for this";
    assert_eq!(with(", requester_key = \"sk\"", ""), [asking]);
    let approving = with(", approver_key = \"sk\"", "");
    assert!(approving.contains(&"1: nobody in `security` has a FIDO key, so nobody there can approve this".to_owned()));
    assert!(approving.iter().any(|told| told.contains("nobody can have this approved")), "{approving:?}");
    let limits = [
        ("group = \"jobs\", when = \"08:00-18:00 UTC\"", "2: no quorum asks `jobs`, so this limits nobody"),
        ("group = \"security\", for = [\"sre\", \"nobody\"]", "2: nobody who is enabled is in the group `nobody`"),
        ("group = \"security\", hosts = [\"*\", \"env=x\"]", "2: no host has the labels `env=x`"),
        (
            "group = \"security\", hosts = \"role=db\"",
            "1: with what is required on `web-1`, `erin` can never have this approved",
        ),
    ];
    for (entry, expected) in limits {
        let told = with("", &format!("approver = [{{ {entry} }}]"));
        assert!(told.iter().any(|told| told.starts_with(expected)), "{entry}: {told:?}");
    }
    assert_eq!(
        with("", "approver = [{ group = \"security\", hosts = \"*\", when = \"Mon 08:00-09:00 UTC\" }]"),
        [""; 0]
    );
}

/// Each set of rules (in line 2 and after), what stands beside them, and the warnings.
#[test]
fn rules_that_mean_something_else_are_told() {
    let cases: &[(&[&str], &str, &[&str])] = &[
        (&["a: sre | root@env=prod | 1 of sre | 1h", "b: security | root@env=prod | 1 of sre | 1h"], "", &[]),
        (
            &["a: sre | root@env=prod | 1 of sre | 1h", "b: sre | root@role=db | 1 of security | 1h"],
            "",
            &["3: no request takes the rule `b` by itself: `a` comes first and gives as much"],
        ),
        (
            &["b: sre | root@role=db | 1 of security | 1h", "a: sre | root@env=prod | auto | 1h"],
            "",
            &["2: no request takes the rule `b` by itself: `a` asks fewer people and gives as much"],
        ),
        // What gives less is taken where more is wanted.
        (&["b: sre | root@role=db | 1 of security | 2h", "a: sre | root@env=prod | auto | 1h"], "", &[]),
        (
            &["prod: sre | root@env=prod | 1 of security | 1h", "web: sre | root@role=web | auto | 1h"],
            "",
            &["2: `web` undercuts this: alice as root on web-1 takes `auto`, and gets as much"],
        ),
        // Those on call are asked less on purpose.
        (&["prod: sre | root@env=prod | 1 of sre | 1h", "call: lonely | root@env=prod | auto | 1h"], "", &[]),
        // A prohibition stands where the two meet.
        (
            &["prod: sre | root@env=prod | 1 of security | 1h", "web: sre | root@role=web | auto | 1h"],
            "forbid = [{ hosts = \"web-1\" }]",
            &[],
        ),
        (
            &["a: sre | root@env=prod | 1 of sre | 1h"],
            "forbid = [{ hosts = \"env=prod\" }]",
            &[
                "2: no request can take the rule `a`: alice as root on db-1: forbidden on `db-1` by access.toml:4; no approval can change that",
            ],
        ),
        (
            &["a: sre | root@old-1 | auto | 1h"],
            "",
            &[
                "2: no request can take the rule `a`: alice as root on old-1: no rule lets `alice` ask for this login on `old-2`; `hallpass ls` shows what you may ask for",
            ],
        ),
        (
            &["a: contractors | self@env=prod | auto | 1h"],
            "",
            &[
                "2: no request can take the rule `a`: erin as self on db-1: the directory maps `self` to no login for `erin`; name the login, as in root@HOST",
            ],
        ),
        (
            &["a: nobody | root@env=prod | auto | 1h"],
            "",
            &["2: nobody who is enabled is in the group `nobody`, so no request takes this rule"],
        ),
        (
            &["a: sre | root@env=prd | auto | 1h"],
            "forbid = [{ hosts = [\"role=wbe\", \"env=stage\"] }]\nrequire = [{ hosts = \"env=tset\", max = \"1m\" }]",
            &[
                "2: no host has the labels `env=prd`, so no request takes this rule",
                "4: no host has the labels `role=wbe`",
                "5: no host has the labels `env=tset`, so this requires nothing",
            ],
        ),
    ];
    for (lines, beside, expected) in cases {
        assert_eq!(warnings(&format!("{}{beside}", rules(lines)), None), *expected, "{lines:?}");
    }
}

#[test]
fn rules_for_commands_and_hours_do_not_hide_what_others_mean() {
    let both = rules(&["a: sre | root@env=prod | 1 of sre | 1h", "b: sre | root@role=db | 1 of security | 1h"]);
    let expected = ["3: no request takes the rule `b` by itself: `a` comes first and gives as much"];
    for limit in ["commands = \"uptime\"", "when = \"08:00-18:00 UTC\""] {
        let beside = rules(&["c: sre | deploy@env=prod | auto | 1h"]).replace("ttl", &format!("{limit}, ttl"));
        let all = both.replace("\n]\n", ",\n") + beside.trim_start_matches("rule = [\n");
        assert_eq!(warnings(&all, None), expected, "{limit}");
    }
    // A prohibition of some hours proves nothing about the others.
    let forbid = "forbid = [{ hosts = \"role=db\", when = \"08:00-18:00 UTC\" }]";
    assert_eq!(warnings(&format!("{both}{forbid}"), None), [""; 0]);
}

/// Carol is in both groups, alice has two accounts, mallory is disabled.
#[test]
fn quorums_of_more_people_than_exist_are_told() {
    for (who, quorum, required, expected) in [
        ("sre", "2 of sre", "auto", ""),
        ("contractors", "3 of sre", "auto", ""),
        (
            "contractors",
            "4 of sre",
            "auto",
            "nobody can have this approved: of `4 of sre`, 1 of sre is left open whoever asks",
        ),
        ("sre", "3 of sre", "auto", "nobody can have this approved: of `3 of sre`, 1 of sre is left open whoever asks"),
        (
            "security",
            "2 of security",
            "auto",
            "nobody can have this approved: of `2 of security`, 1 of security is left open whoever asks",
        ),
        (
            "contractors",
            "2 of security, 3 of sre",
            "auto",
            "nobody can have this approved: of `2 of security, 3 of sre`, 1 of sre is left open whoever asks",
        ),
        (
            "sre",
            "1 of lonely",
            "auto",
            "`alice`, `alice-2` can never have this approved: of `1 of lonely`, 1 of lonely is left open when they ask",
        ),
        (
            "lonely",
            "1 of lonely",
            "auto",
            "nobody can have this approved: of `1 of lonely`, 1 of lonely is left open whoever asks",
        ),
        (
            "contractors",
            "2 of security",
            "3 of sre",
            "with what is required on `web-1`, nobody can have this approved: of `2 of security, 3 of sre`, 1 of sre is left open whoever asks",
        ),
        (
            "contractors",
            "1 of jobs",
            "auto",
            "nobody can have this approved: of `1 of jobs`, 1 of jobs is left open whoever asks",
        ),
    ] {
        let require = format!("require = [{{ hosts = \"web-1\", approve = {required:?} }}]");
        let told =
            warnings(&format!("{}{require}", rule(&format!("a: {who} | root@web-1 | {quorum} | 1h")) + "\n"), None);
        let expected: Vec<String> =
            Some(expected).filter(|e| !e.is_empty()).map(|e| format!("1: {e}")).into_iter().collect();
        assert_eq!(told, expected, "{who} {quorum}");
    }
}

#[test]
fn users_without_keys_and_groups_without_use_are_told() {
    let told: Vec<String> = lint_all(DIRECTORY, &rule("a: sre | root@web-1 | 1 of security | 1h"), None)
        .iter()
        .map(|warning| format!("{}:{}: {}", warning.line, warning.column, warning.message))
        .collect();
    let of_users = told.iter().filter(|told| told.ends_with("has no key, and so can neither ask nor decide")).count();
    assert_eq!(of_users, 6, "all but bob, and the disabled one: {told:#?}");
    let of_groups: Vec<&str> =
        told.iter().filter_map(|told| told.split_once("nothing uses the group ")).map(|(_, name)| name).collect();
    assert_eq!(
        of_groups,
        ["contractors", "jobs", "nobody", "lonely"]
            .map(|name| format!("`{name}`: no rule speaks of it, and it gives no right"))
    );
}

#[test]
fn hand_written_statements_are_looked_at_by_their_scopes() {
    let cedar = "@rule(\"r\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\")\n\
                 permit (principal in Group::\"sre\", action, resource in Label::\"env=prod\");\n\
                 forbid (principal in Group::\"nobody\", action, resource in Label::\"no=where\");";
    assert_eq!(
        warnings(&rule("a: sre | root@web-1 | 1 of security | 1h"), Some(cedar)),
        [
            "1: no request takes the rule `a` by itself: `r` asks fewer people and gives as much",
            "3: nobody who is enabled is in the group `nobody`: this matches nothing",
            "3: no host has the label `no=where`: this matches nothing",
        ]
    );
    // What holds only sometimes proves nothing about always.
    let sometimes = "@rule(\"r\") @quorum(\"auto\") @max(\"1h\") @ttl(\"1m\") permit (principal, action, resource) \
                     when { context.window < 60 };\nforbid (principal, action, resource) unless { context has ticket };";
    assert_eq!(warnings(&rule("a: sre | root@web-1 | 1 of security | 1h"), Some(sometimes)), [""; 0]);
}

#[test]
fn a_warning_points_at_what_it_is_about() {
    let access = "[[rule]]\nname = \"a\"\nwho = [\"sre\", \"nobody\"]\nhosts = [\"role=web,env=prod\", \"role=web,env=prd\"]\n\
                  logins = \"root\"\napprove = \"1 of sre\"\nmax = \"1h\"\nttl = \"1m\"\n";
    let told: Vec<String> =
        lint_all(DIRECTORY, access, None).iter().filter(|w| w.file == "access.toml").map(Mistake::render).collect();
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    access.toml:3:15: nobody who is enabled is in the group `nobody`
      who = ["sre", "nobody"]
                    ^^^^^^^^
      help: add a member in directory.toml, or leave the group out

    access.toml:4:31: no host has the labels `env=prd,role=web`
      hosts = ["role=web,env=prod", "role=web,env=prd"]
                                    ^^^^^^^^^^^^^^^^^^
      help: look at the labels in hosts.toml
    "#);
}
