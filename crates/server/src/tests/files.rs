//! The server's files: how they are made, checked and loaded anew.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::harness::{Hands, Person, World, append, made, serve};
use crate::check;
use crate::layout::Layout;
use crate::{InitError, KeysAre, Setup, StartError, SystemClock, SystemRandom, init};

#[test]
fn a_new_server_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    for path in walk(&root) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", path.display());
    }
    for file in ["hallpassd.toml", "ca.pub", "keys/user_ca", "keys/host_ca", "keys/ledger", "keys/tls.pem", "realms"] {
        assert!(root.join(file).exists(), "{file}");
    }
    let ca_pub = fs::read_to_string(root.join("ca.pub")).unwrap();
    assert!(ca_pub.starts_with("ssh-ed25519 ") && ca_pub.ends_with('\n') && ca_pub.lines().count() == 1, "{ca_pub}");
    assert!(check::all(&Layout::of_directory(&root)).is_ok());
}

fn walk(path: &Path) -> Vec<std::path::PathBuf> {
    let mut all = vec![path.to_owned()];
    if path.is_dir() {
        all.extend(fs::read_dir(path).unwrap().flat_map(|entry| walk(&entry.unwrap().path())));
    }
    all
}

fn setup(root: &Path) -> Setup {
    Setup {
        directory: root.to_owned(),
        name: "ca.example.com".parse().unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics: "127.0.0.1:0".parse().unwrap(),
        admins: vec![("alice".parse().unwrap(), Person::new("alice").public())],
        signers: None,
        keys_are: KeysAre::Unencrypted,
    }
}

fn try_init(setup: &Setup) -> Result<domain::Digest, InitError> {
    init(setup, |_| None, &SystemClock, Arc::new(SystemRandom))
}

#[test]
fn a_directory_with_anything_in_it_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter"), "dear").unwrap();
    assert!(matches!(try_init(&setup(directory.path())), Err(InitError::NotEmpty(_))));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn of_two_attempts_at_once_one_succeeds_and_the_other_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("deep/server");
    let made: Vec<Result<_, _>> = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8).map(|_| scope.spawn(|| try_init(&setup(&root)))).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
    for refused in made.iter().filter_map(|made| made.as_ref().err()) {
        assert!(matches!(refused, InitError::NotEmpty(_)), "{refused:?}");
    }
    assert!(check::all(&Layout::of_directory(&root)).is_ok());
    assert!(!root.join(".init").exists());
}

#[test]
fn an_attempt_beside_another_leaves_its_files_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".init"), "").unwrap();
    assert!(matches!(try_init(&setup(directory.path())), Err(InitError::NotEmpty(_))));
    assert!(directory.path().join(".init").exists());
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    let mut twice = setup(&root);
    let key = twice.admins[0].1.clone();
    twice.admins.push(("bob".parse().unwrap(), key));
    assert!(matches!(try_init(&twice), Err(InitError::Admins(_))));
    let no_passphrase = Setup { keys_are: "env:NOT_SET".parse().unwrap(), ..setup(&root) };
    assert!(matches!(try_init(&no_passphrase), Err(InitError::Passphrase(_))));
    assert!(!root.exists());
}

#[test]
fn signers_who_could_not_sign_are_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    for (signers, told) in [
        ("2 of admins", "nobody is left for 1 of admins"),
        ("1 of sre", "the group `sre` is not in the directory"),
        ("auto", "`auto` is nobody's signature"),
    ] {
        let impossible = Setup { signers: signers.parse().ok(), ..setup(&root) };
        let refused = try_init(&impossible).unwrap_err();
        assert!(matches!(refused, InitError::Signers(_)), "{refused:?}");
        let refused = refused.to_string();
        assert!(refused.contains(told) && refused.contains("name more administrators (--admin)"), "{refused}");
        assert!(!root.exists());
    }
}

#[tokio::test]
async fn signers_are_fixed_when_the_server_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    let config = root.join("hallpassd.toml");
    let mut two = Setup { signers: "2 of admins".parse().ok(), ..setup(&root) };
    two.admins.push(("bob".parse().unwrap(), Person::new("bob").public()));
    try_init(&two).unwrap();
    let made = fs::read_to_string(root.join("access.toml")).unwrap();
    for (file, text) in [
        // Neither without the signers, nor with others.
        ("access.toml", made.replace("2 of admins", "1 of admins")),
        ("access.toml", String::new()),
    ] {
        fs::write(root.join(file), text).unwrap();
        let refused = serve(&config, Hands::now()).await.err().unwrap();
        let told = crate::error::chain(&refused);
        assert!(matches!(refused, StartError::Ca(_)) && told.contains("lacks a signature from admins"), "{told}");
    }
    fs::write(root.join("access.toml"), made).unwrap();
    let running = serve(&config, Hands::now()).await.unwrap();
    assert_eq!(
        running.ca().checkpoint().checkpoint.size,
        2,
        "the genesis entry, and the bundle that `init` put in force"
    );
}

#[tokio::test]
async fn without_signers_files_may_be_edited_before_the_first_start_and_what_init_wrote_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    append(&root.join("hosts.toml"), "[[host]]\nname = \"dev-1\"\n");
    let running = serve(&root.join("hallpassd.toml"), Hands::now()).await.unwrap();
    let loads = running.ca().loads().unwrap();
    assert_eq!(loads.iter().map(|load| load.entry).collect::<Vec<_>>(), [2, 1]);
    let first = running.ca().kept_bundle(loads[1].digest).unwrap();
    assert_eq!(first.files["hosts.toml"], directory::SAMPLE_HOSTS.as_bytes());
    assert!(running.ca().bundle().directory().host("dev-1").is_some());
}

#[test]
fn keys_are_encrypted_with_the_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    let encrypted = Setup { keys_are: "env:PASS".parse().unwrap(), ..setup(&root) };
    init(&encrypted, |_| Some("correct horse".into()), &SystemClock, Arc::new(SystemRandom)).unwrap();
    let passphrase = signer::Passphrase::new("correct horse").unwrap();
    for key in ["user_ca", "host_ca", "ledger"] {
        let path = root.join("keys").join(key);
        assert!(signer::load_ed25519(&path, None).is_err(), "{key}");
        assert!(signer::load_ed25519(&path, Some(&passphrase)).is_ok(), "{key}");
    }
}

#[test]
fn every_mistake_in_all_files_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    append(&root.join("hallpassd.toml"), "[limits]\nsession = \"long\"\n");
    append(&root.join("directory.toml"), "[[user]]\nname = \"Bob\"\n");
    append(&root.join("hosts.toml"), "[[host]]\nname = \"old-1\"\nrealm = \"legacy\"\n");
    append(&root.join("access.toml"), "[[rule]]\nname = \"x\"\nwho = \"nobody\"\n");
    fs::set_permissions(root.join("keys/ledger"), Permissions::from_mode(0o640)).unwrap();
    let told = check::all(&Layout::of_directory(&root)).err().unwrap().to_string();
    for expected in [
        "hallpassd.toml:",
        "directory.toml:",
        "hosts.toml:",
        "access.toml:",
        "keys/ledger can be read or changed by others",
        "the realm `legacy` has no user CA",
        "hallpassd realm legacy",
        "^",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

#[test]
fn what_is_in_the_way_of_the_realms_keys_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    fs::write(root.join("realms/Not a realm.key"), "").unwrap();
    let told = check::all(&Layout::of_directory(&root)).err().unwrap();
    assert!(told.problems.iter().any(|problem| problem.contains("Not a realm.key is in the way")), "{told}");
}

#[test]
fn a_realm_without_a_key_is_told_where_a_host_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    let hosts = "# realm = \"legacy\"\n[[host]]\nname = \"old-1\"\nrealm = \"legacy\"\n";
    fs::write(root.join("hosts.toml"), hosts).unwrap();
    let told = check::all(&Layout::of_directory(&root)).err().unwrap();
    assert_eq!((told.mistakes.0[0].line, told.mistakes.0[0].column), (4, 9), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told_with_the_mistakes_in_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    fs::remove_file(root.join("directory.toml")).unwrap();
    fs::remove_file(root.join("access.toml")).unwrap();
    fs::create_dir(root.join("access.toml")).unwrap();
    append(&root.join("hosts.toml"), "[[host]]\nname = \"A\"\n");
    let told = check::all(&Layout::of_directory(&root)).err().unwrap();
    assert_eq!(told.problems.len(), 2, "{told}");
    assert_eq!(told.mistakes.0.len(), 1, "{told}");
}

#[test]
fn a_wrong_path_to_the_configuration_is_the_only_mistake_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("server");
    made(&root, &Person::new("alice"));
    for wrong in [directory.path().join("hallpassd.toml"), root.clone()] {
        let told = check::all(&Layout::of_config(&wrong)).err().unwrap();
        assert_eq!((told.problems.len(), told.mistakes.0.len()), (1, 0), "{told}");
        assert!(told.problems[0].contains(&wrong.display().to_string()), "{told}");
    }
}

#[tokio::test]
async fn a_bad_file_leaves_the_old_ones_in_force() {
    let world = World::start().await;
    let before = world.running.ca().bundle().digest();
    append(&world.root().join("access.toml"), "[[rule]]\n");
    let refused = world.running.reload().await.unwrap_err().to_string();
    assert!(refused.contains("access.toml:"), "{refused}");
    assert_eq!(world.running.ca().bundle().digest(), before);
    assert!(world.submit(&world.bob, "self@dev-1").await.is_ok());
}

#[tokio::test]
async fn good_files_are_loaded_whole_and_become_an_entry() {
    let world = World::start().await;
    let entries = world.running.ca().checkpoint().checkpoint.size;
    append(&world.root().join("hosts.toml"), "[[host]]\nname = \"dev-2\"\nlabels = { env = \"dev\" }\n");
    let loaded = world.running.reload().await.unwrap();
    assert_eq!(world.running.ca().bundle().digest(), loaded);
    assert_eq!(world.running.ca().checkpoint().checkpoint.size, entries + 1);
    assert!(world.submit(&world.bob, "self@dev-2").await.is_ok());
}

#[tokio::test]
async fn a_server_does_not_start_with_mistakes_or_beside_another() {
    let world = World::start().await;
    let config = world.root().join("hallpassd.toml");
    let second = serve(&config, world.clock.clone()).await.err().unwrap();
    assert!(matches!(second, StartError::Store(store::OpenError::InUse(_))), "{second:?}");
    append(&world.root().join("hosts.toml"), "[[host]]\n");
    let wrong = serve(&config, world.clock.clone()).await.err().unwrap();
    assert!(matches!(wrong, StartError::Check(_)), "{wrong:?}");
}
