//! Edits leave everything else as it is, whatever the layout.

use std::collections::BTreeSet;

use domain::{GroupName, HostName, UserName};
use proptest::prelude::*;

use super::{EditError, KeyLine, NewHost, NewUser, add_host, add_key, add_user, keys_of};
use crate::tests::{KEY_1, KEY_2};
use crate::{Approves, Directory, Group, Host, Kind, Mistakes, Source, User};

fn parse(directory: &Source, hosts: &str) -> Result<Directory, Mistakes> {
    Directory::parse(directory, &Source::new("hosts.toml", hosts))
}

fn carol() -> NewUser {
    NewUser {
        name: "carol".parse().unwrap(),
        kind: Kind::Person,
        owner: None,
        keys: vec![format!("{KEY_1} carol@laptop").parse().unwrap()],
        login: "carol".parse().ok(),
        email: "carol@example.com".parse().ok(),
        source: None,
    }
}

fn groups(names: &[&str]) -> BTreeSet<GroupName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// A list of these texts, laid out in one of the ways that people do.
fn list(items: Vec<String>) -> impl Strategy<Value = String> {
    let layouts = 0..8_usize;
    layouts.prop_map(move |layout| {
        let quoted: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
        let lines = |each: &str| quoted.iter().map(|item| each.replace('@', item)).collect::<Vec<_>>();
        match (layout, quoted.as_slice()) {
            (0, [one]) => one.clone(),
            (1, _) => format!("[{},]", quoted.join(" , ")).replace("[,]", "[]"),
            (2, [_, ..]) => format!("[\n  {},\n]", lines("@").join(",\n  ")),
            (3, [_, ..]) => format!("[ # who\n\t{}\n\t]", lines("@").join(",  # one, and more\n\t")),
            (4, [_, ..]) => format!("[\n    {}  # the last, for now\n    # nobody yet\n]", lines("@").join(",\n    ")),
            (5, [_, ..]) => format!("[\n  {} ]", lines("@").join(",\n  ")),
            (6, [_, ..]) => format!("[\n    {}\n  , ]", lines("@").join("\n  , ")),
            _ => format!("[{}]", quoted.join(", ")),
        }
    })
}

/// Files with `alice`, `bob` and the groups `a` and `b`.
fn files() -> impl Strategy<Value = String> {
    let members = prop::sample::subsequence(vec!["alice".to_owned(), "bob".to_owned()], 0..=2);
    let members = || (members.clone().prop_flat_map(list), any::<bool>(), any::<bool>());
    let keys = prop::collection::vec(Just(format!("{KEY_2} # no comment")), 0..=1).prop_flat_map(list);
    (members(), members(), keys, any::<bool>(), 0..4_usize, any::<bool>(), any::<bool>()).prop_map(
        |(a, b, keys, with_keys, order, crlf, ends)| {
            let group = |name: &str, (list, there, comment): (String, bool, bool)| {
                let comment = if comment { "  # a group" } else { "" };
                let members = if there { format!("members = {list}\n") } else { String::new() };
                format!("[[group]]\nname = {name:?}{comment}\n{members}")
            };
            let keys = if with_keys { format!("keys = {keys} # hers\n") } else { String::new() };
            let alice = format!("# The first.\n[[user]]\nname = \"alice\"\n{keys}\n");
            let bob = "[[user]] # another\nname = 'bob'\nlogin = \"\"\"bob\"\"\"\n";
            let (a, b) = (group("a", a), group("b", b));
            let text = match order {
                0 => format!("{alice}\n{bob}\n# Groups.\n{a}\n{b}"),
                1 => format!("{a}{b}\n{alice}{bob}# The end.\n"),
                2 => format!("\n{alice}{a}\n\n# Two.\n{bob}\n{b}"),
                _ => format!("user = [\n  {{ name = \"alice\" }},\n  {{ name = \"bob\" }}\n]\n\n{a}{b}"),
            };
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            if ends { text } else { text.trim_end().to_owned() }
        },
    )
}

/// How many lines of a text are not in another, in this order.
fn lines_lost(before: &str, after: &str) -> usize {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut kept = vec![vec![0; after.len() + 1]; before.len() + 1];
    for (i, line) in before.iter().enumerate() {
        for (j, other) in after.iter().enumerate() {
            kept[i + 1][j + 1] = if line == other { kept[i][j] + 1 } else { kept[i][j + 1].max(kept[i + 1][j]) };
        }
    }
    before.len() - kept[before.len()][after.len()]
}

fn users_and_groups(directory: &Directory) -> (Vec<User>, Vec<Group>) {
    (directory.users().cloned().collect(), directory.groups().cloned().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_added_user_is_all_that_is_more(text in files(), of in prop::sample::subsequence(vec!["a", "b"], 0..=2)) {
        let before = Source::new("directory.toml", text);
        let after = add_user(&before, &carol(), &groups(&of)).unwrap();
        let (mut users, mut all) = users_and_groups(&parse(&before, "").unwrap());
        let NewUser { name, kind, owner, keys, login, email, source } = carol();
        let keys = keys.iter().map(|line| line.key().clone()).collect();
        users.push(User { name: name.clone(), kind, owner, keys, login, email, source, disabled: false });
        for group in all.iter_mut().filter(|group| of.contains(&group.name.as_str())) {
            group.members.insert(name.clone());
        }
        let read = parse(&after, "").unwrap_or_else(|mistakes| panic!("{mistakes}\n{}", after.text));
        prop_assert_eq!(users_and_groups(&read), (users, all), "{}", after.text);
        // A list in one line, or whose last item gets its comma.
        let inline = usize::from(before.text.trim_start().starts_with("user"));
        prop_assert!(lines_lost(&before.text, &after.text) <= of.len() + inline, "{}", after.text);
        let bare = |text: &str| text.replace("\r\n", "").matches(['\r', '\n']).count();
        if before.text.contains("\r\n") {
            prop_assert_eq!(bare(&after.text), 0, "{:?}", after.text);
        } else {
            prop_assert!(!after.text.contains('\r'));
        }
    }

    #[test]
    fn an_added_key_is_all_that_is_more(text in files()) {
        let before = Source::new("directory.toml", text);
        let line: KeyLine = format!("{KEY_1} desk").parse().unwrap();
        for user in ["alice", "bob"] {
            let name: UserName = user.parse().unwrap();
            let after = add_key(&before, &name, &line).unwrap();
            let (mut users, all) = users_and_groups(&parse(&before, "").unwrap());
            users.iter_mut().filter(|user| user.name == name).for_each(|user| user.keys.push(line.key().clone()));
            let read = parse(&after, "").unwrap_or_else(|mistakes| panic!("{mistakes}\n{}", after.text));
            prop_assert_eq!(users_and_groups(&read), (users, all), "{}", after.text);
            prop_assert!(lines_lost(&before.text, &after.text) <= 1, "{}", after.text);
            let keys = keys_of(&after, &name).unwrap();
            prop_assert_eq!(keys.last(), Some(&line));
        }
    }
}

#[test]
fn an_added_user_reads_as_if_written_by_hand() {
    let before = Source::new(
        "directory.toml",
        "\
# People.

[[user]]
name = \"alice\"  # since 2019
login = \"alice\"

# Who is in what.

[[group]]
name = \"eng\"
members = [
  \"alice\",  # lead
]

[[group]]
name = \"sre\"
members = [\"alice\"]
",
    );
    let backup = NewUser {
        name: "backup".parse().unwrap(),
        kind: Kind::Service(Approves::ForItsOwner),
        owner: "alice".parse().ok(),
        keys: vec![KEY_1.parse().unwrap(), format!("{KEY_2} spare \"two\"").parse().unwrap()],
        login: None,
        email: None,
        source: "10.0.0.0/8, 192.0.2.7".parse().ok(),
    };
    let with_carol = add_user(&before, &carol(), &groups(&["eng", "sre"])).unwrap();
    let backup = NewUser { keys: backup.keys[1..].to_vec(), ..backup };
    insta::assert_snapshot!(add_user(&with_carol, &backup, &groups(&[])).unwrap().text);
}

#[test]
fn the_first_of_its_kind_goes_to_the_end() {
    let empty = Source::new("directory.toml", "");
    let name = |text: &str| text.replace(KEY_1, "KEY");
    let expected =
        "[[user]]\nname = \"carol\"\nkeys = [\"KEY carol@laptop\"]\nlogin = \"carol\"\nemail = \"carol@example.com\"\n";
    assert_eq!(name(&add_user(&empty, &carol(), &groups(&[])).unwrap().text), expected);
    for before in ["# Nobody yet.", "# Nobody yet.\n", "[[group]]\nname = \"a\"\n"] {
        let after = add_user(&Source::new("directory.toml", before), &carol(), &groups(&[])).unwrap();
        assert_eq!(name(&after.text), format!("{}\n\n{expected}", before.trim_end()));
    }
}

#[test]
fn what_has_no_place_says_what_there_is() {
    let source = Source::new("directory.toml", "[[group]]\nname = \"eng\"\n[[group]]\nname = \"sre\"\n");
    let told = |result: Result<Source, EditError>| result.unwrap_err().to_string();
    let none = told(add_user(&source, &carol(), &groups(&["srs"])));
    assert_eq!(none, "there is no group `srs` in directory.toml; there are eng, sre");
    let key = KEY_1.parse().unwrap();
    let nobody = told(add_key(&source, &"carol".parse().unwrap(), &key));
    assert!(nobody.starts_with("there is no user `carol` in directory.toml; add one with"), "{nobody}");
    let broken = told(add_user(&Source::new("directory.toml", "[[user]]\nname = "), &carol(), &groups(&[])));
    assert!(broken.starts_with("directory.toml:2:"), "{broken}");
}

/// A name that is taken, or a key of somebody else, is for whoever reads the result to tell.
#[test]
fn a_result_with_mistakes_tells_them_at_their_place() {
    let text = format!("[[user]]\nname = \"bob\"\nkeys = \"{KEY_1}\"\n");
    let after = add_user(&Source::new("directory.toml", text), &carol(), &groups(&[])).unwrap();
    let told = parse(&after, "").unwrap_err().to_string();
    assert!(told.starts_with("directory.toml:7:9: this key is already bound to `bob`, in line 3"), "{told}");
}

fn web_2() -> NewHost {
    NewHost {
        name: "web-2".parse().unwrap(),
        aliases: vec!["w2".parse().unwrap()],
        address: "192.0.2.7".parse().ok(),
        port: std::num::NonZeroU16::new(2222),
        labels: ["env=prod", "app.tier=web"].iter().map(|label| label.parse().unwrap()).collect(),
        via: "web-1".parse().ok(),
        realm: None,
        jump_login: "hop".parse().ok(),
        egress: "192.0.2.8, 198.51.100.0/24".parse().ok(),
    }
}

#[test]
fn an_added_host_is_all_that_is_more() {
    let one = "[[host]]\nname = \"web-1\"\njump_login = \"jump\"\n";
    let inline = "host = [ { name = \"web-1\", jump_login = \"jump\" } ] # all\n";
    let below =
        "[[host]]\nname = \"web-1\"\njump_login = \"jump\"\n[host.labels]\nenv = \"prod\" # for good\n\n# The end.\n";
    for (before, lost) in [(one, 0), (one.trim_end(), 0), (inline, 1), (below, 0)] {
        let source = Source::new("hosts.toml", before);
        let after = add_host(&source, &web_2()).unwrap();
        let read =
            parse(&Source::new("directory.toml", ""), &after.text).unwrap_or_else(|m| panic!("{m}\n{}", after.text));
        let NewHost { name, aliases, address, port, labels, via, realm, jump_login, egress } = web_2();
        let (address, port) = (address.unwrap(), port.unwrap());
        let expected = Host { name, aliases, address, port, labels, via, realm, jump_login, egress };
        assert_eq!(read.host("web-2"), Some(&expected), "{}", after.text);
        assert_eq!(read.hosts().count(), 2);
        assert_eq!(lines_lost(before, &after.text), lost, "{}", after.text);
    }
    let bare = NewHost { aliases: vec![], address: None, port: None, labels: BTreeSet::new(), via: None, ..web_2() };
    let bare = NewHost { jump_login: None, egress: None, ..bare };
    let after = add_host(&Source::new("hosts.toml", one), &bare).unwrap();
    assert_eq!(after.text, format!("{one}\n[[host]]\nname = \"web-2\"\n"));
    let name: HostName = "web-2".parse().unwrap();
    assert_eq!(parse(&Source::new("directory.toml", ""), &after.text).unwrap().host("web-2").unwrap().name, name);
}

#[test]
fn a_key_keeps_its_comment_unless_that_hides_something() {
    let line = |text: String| text.parse::<KeyLine>();
    let key = line(format!("{KEY_1}  carol  at home \n")).unwrap();
    assert_eq!((key.comment(), key.to_string()), ("carol  at home", format!("{KEY_1} carol  at home")));
    assert_eq!(line(KEY_1.to_owned()).unwrap().to_string(), KEY_1);
    for hidden in ["a\u{202e}b", "a\u{1b}[31m", "a\nb"] {
        assert!(line(format!("{KEY_1} {hidden}")).is_err(), "{hidden:?}");
    }
}
