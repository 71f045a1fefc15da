//! What another policy would have said.

use proptest::prelude::*;

use super::who::{ACCESSES, USERS, accesses, directories, understood};
use super::{ask, compile, directory, now};
use crate::{Course, Ruling, course, divergences, rule};

const WAS: &str = r#"
    [[rule]]
    name = "prod"
    who = "sre"
    hosts = "env=prod"
    logins = ["root"]
    approve = "1 of sre"
    max = "1h"
    ttl = "5m"
    allow = ["pty"]
"#;

/// What differs when this stands in place of that, and which way it goes.
fn changed(words: &str, from: &str, to: &str) -> (String, Course) {
    let ruled = |access: &str| rule(&compile(access, None).unwrap(), &directory(), &ask(words), now());
    let Ruling::Permitted(was) = ruled(WAS) else { panic!("{words} is refused") };
    assert!(WAS.contains(from), "{from}");
    let found = divergences(&was, &ruled(&WAS.replace(from, to)));
    (found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), course(&found))
}

#[test]
fn each_difference_is_told_and_which_way_it_goes() {
    for (from, to, told, course) in [
        ("1 of sre", "2 of sre", "2 of sre, not 1 of sre", Course::Stricter),
        ("1 of sre", "auto", "auto, not 1 of sre", Course::Looser),
        ("1 of sre", "1 of security", "1 of security, not 1 of sre", Course::Other),
        ("1h", "30m", "at most 30m, not 1h", Course::Stricter),
        ("5m", "10m", "certificates of 10m, not 5m", Course::Looser),
        ("[\"pty\"]", "[]", "without pty", Course::Stricter),
        ("[\"pty\"]", "[\"pty\", \"user-rc\"]", "also user-rc", Course::Looser),
        ("5m\"", "5m\"\n source = \"10.0.0.0/8\"", "from 10.0.0.0/8, not anywhere", Course::Stricter),
        ("\"prod\"", "\"other\"", "by other, not prod", Course::Other),
    ] {
        assert_eq!(changed("bob root@env=prod 30m", from, to), (told.to_owned(), course));
    }
    let (told, course) = changed("bob root@web-1 30m", "who = \"sre\"", "who = \"security\"");
    assert!(told.starts_with("refused: no rule lets `bob`"), "{told}");
    assert_eq!(course, Course::Refused);
    let both = changed(
        "bob root@web-1 30m",
        "approve = \"1 of sre\"\n    max = \"1h\"",
        "approve = \"auto\"\n    max = \"30m\"",
    );
    assert_eq!(both, ("auto, not 1 of sre; at most 30m, not 1h".to_owned(), Course::Other));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same files say the same; and rulings that are not told apart are equal.
    #[test]
    fn nothing_differs_exactly_where_the_rulings_are_equal(
        directory in directories(), first in accesses(), second in accesses(),
    ) {
        let (one, other) = (understood(&directory, &first), understood(&directory, &second));
        for words in USERS.iter().flat_map(|user| ACCESSES.iter().map(move |asked| format!("{user} {asked} 1m ticket=INC-1"))) {
            let Ruling::Permitted(was) = rule(&one.1, &one.0, &ask(&words), now()) else { continue };
            prop_assert_eq!(divergences(&was, &rule(&one.1, &one.0, &ask(&words), now())), Vec::new());
            let now = rule(&other.1, &other.0, &ask(&words), now());
            prop_assert_eq!(divergences(&was, &now).is_empty(), now == Ruling::Permitted(was.clone()), "{:?} {:?}", was, now);
        }
    }
}
