use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::*;
use crate::OpenError;
use crate::files::Files;
use crate::migrations::{MIGRATIONS, migrate};

fn open(directory: &TempDir) -> Result<Store, OpenError> {
    Store::open(&directory.path().join("store"), signer(), random())
}

fn not_opened(directory: &TempDir) -> OpenError {
    open(directory).map(drop).unwrap_err()
}

/// Changes the database behind the store's back.
fn tamper(directory: &TempDir, sql: &str) {
    Connection::open(directory.path().join("store/hallpass.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_store_has_one_server_at_a_time() {
    let (directory, store) = fresh();
    let error = not_opened(&directory);
    assert!(matches!(error, OpenError::InUse(_)));
    assert!(error.to_string().contains("another hallpassd has the store"), "{error}");
    drop(store);
    open(&directory).unwrap();
}

#[test]
fn a_new_ledger_begins_with_its_origin_and_key() {
    let (_directory, store) = fresh();
    let genesis = &store.entries(0, 10).unwrap()[0];
    assert!(
        genesis.payload
            == ledger::Payload::Genesis { origin: "ca.example.com".parse().unwrap(), ledger_key: *store.ledger_key() }
    );
    assert_eq!((genesis.index, genesis.time), (0, at(0)));
    assert_intact(&store);
}

#[test]
fn files_are_for_their_owner_only() {
    let (directory, _store) = fresh();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let store = directory.path().join("store");
    assert_eq!(mode(&store), 0o700);
    let mut seen = 0;
    for file in fs::read_dir(&store).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3, "database, log and lock");
}

#[test]
fn what_is_no_store_is_said_to_be_none() {
    let directory = TempDir::new().unwrap();
    assert!(matches!(not_opened(&directory), OpenError::Missing(_)));
    fs::create_dir_all(directory.path().join("store/hallpass.db")).unwrap();
    let error = not_opened(&directory);
    assert!(matches!(&error, OpenError::File { path, .. } if path.ends_with("store/hallpass.db")), "{error:?}");
    fs::remove_dir(directory.path().join("store/hallpass.db")).unwrap();
    fs::write(directory.path().join("store/hallpass.db"), "not a database, but long enough to look like a header")
        .unwrap();
    assert!(matches!(not_opened(&directory), OpenError::Store(StoreError::Damaged(_))));
    fs::write(directory.path().join("store/hallpass.db"), "").unwrap();
    assert!(matches!(not_opened(&directory), OpenError::Unfinished));
}

#[test]
fn a_store_is_never_made_over_another() {
    let (directory, store) = fresh();
    drop(store);
    let again = Store::init(&directory.path().join("store"), signer(), random(), at(9), None).map(drop).unwrap_err();
    assert!(matches!(again, OpenError::Exists(_)));
    assert_eq!(open(&directory).unwrap().entries(0, 1).unwrap()[0].time, at(0));
}

#[test]
fn the_first_bundle_is_in_force_from_the_first_checkpoint_on() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let bundle = Bundle { files: [("access.toml".to_owned(), b"# none".to_vec())].into() };
    drop(Store::init(&path, signer(), random(), at(0), Some(bundle.clone())).unwrap());
    let store = open(&directory).unwrap();
    assert_eq!((store.bundle_in_force(), store.bundle_entry(), store.in_force()), (Some(bundle.digest()), 1, 1));
    assert_eq!(store.bundle(bundle.digest()).unwrap(), Some(bundle));
    assert_eq!(store.checkpoint().checkpoint.size, 2);
    assert_eq!(store.checkpoint_at(1).unwrap(), None, "no checkpoint is without it");
}

#[test]
fn the_ledger_of_another_key_is_refused() {
    let (directory, store) = fresh();
    drop(store);
    let other = CheckpointSigner::new("ca.example.com".parse().unwrap(), SigningKey::from_bytes(&[8; 32]));
    let renamed = CheckpointSigner::new("ca.example.org".parse().unwrap(), SigningKey::from_bytes(&[7; 32]));
    for signer in [other, renamed] {
        let error = Store::open(&directory.path().join("store"), signer, random()).map(drop).unwrap_err();
        assert!(matches!(error, OpenError::OtherLedger(_)));
    }
}

#[test]
fn a_ledger_whose_parts_do_not_fit_is_refused() {
    for sql in [
        "DELETE FROM entries WHERE idx = 0",
        "INSERT INTO entries (idx, kind, time, content) VALUES (1, 0, 0, x'00')",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET root = zeroblob(32)",
        "UPDATE head SET frontier = zeroblob(8)",
        "UPDATE head SET frontier = x'00'",
    ] {
        let (directory, store) = fresh();
        drop(store);
        tamper(&directory, sql);
        let error = not_opened(&directory);
        assert!(matches!(error, OpenError::Store(StoreError::Damaged(_)) | OpenError::Unfinished), "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn an_entry_that_was_changed_is_not_handed_out() {
    let (directory, store) = fresh();
    store.submit(submission(1)).await.unwrap();
    drop(store);
    tamper(
        &directory,
        "UPDATE entries SET payload = CAST(replace(payload, 'request 1', 'request 2') AS BLOB) WHERE idx = 1",
    );
    let error = refused(open(&directory).unwrap().entries(0, 10).map(drop));
    assert!(matches!(error, StoreError::Damaged(what) if what.contains("entry 1")));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (directory, store) = fresh();
    drop(store);
    tamper(&directory, "PRAGMA user_version = 99");
    let error = not_opened(&directory);
    assert!(matches!(error, OpenError::Newer { found: 99, known } if known == newest()), "{error}");
    let version = Connection::open(directory.path().join("store/hallpass.db")).unwrap().pragma_query_value(
        None,
        "user_version",
        |row| row.get::<_, u32>(0),
    );
    assert_eq!(version, Ok(99));
}

/// The schema of this version.
fn newest() -> u64 {
    MIGRATIONS.len().try_into().unwrap()
}

/// The migrations of a version with one more.
fn with(more: &str) -> Vec<&str> {
    MIGRATIONS.iter().copied().chain([more]).collect()
}

#[test]
fn a_store_from_before_amendments_keeps_its_bundle_in_force() {
    let (directory, store) = fresh();
    drop(store);
    let files = Files::at(&directory.path().join("store"));
    fs::remove_file(files.database()).unwrap();
    let mut connection = Connection::open(files.database()).unwrap();
    migrate(&mut connection, &files, &MIGRATIONS[..1]).unwrap();
    connection
        .execute_batch(
            "INSERT INTO head (one, frontier, time, forgotten, epoch, bundle) VALUES (1, x'', 0, 0, 0, x'aa'); \
             INSERT INTO bundles (digest, entry) VALUES (x'aa', 7)",
        )
        .unwrap();
    migrate(&mut connection, &files, MIGRATIONS).unwrap();
    let head = connection.query_row("SELECT bundle_entry, in_force FROM head", [], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?))
    });
    assert_eq!(head, Ok((7, 7)));
    let load: String = connection.query_row("SELECT origin FROM loads WHERE entry = 7", [], |row| row.get(0)).unwrap();
    assert_eq!(load, "files");
}

#[test]
fn an_older_store_is_copied_before_it_is_migrated() {
    let (directory, store) = fresh();
    drop(store);
    let files = Files::at(&directory.path().join("store"));
    let mut connection = Connection::open(files.database()).unwrap();
    let newer = with("CREATE TABLE extra (x INTEGER) STRICT");
    migrate(&mut connection, &files, &newer).unwrap();
    connection.execute("INSERT INTO extra VALUES (1)", []).unwrap();
    // Once is enough: nothing is copied or done again.
    fs::write(files.copy_of(newest() + 1), "").unwrap();
    migrate(&mut connection, &files, &newer).unwrap();

    let copy = Connection::open(files.copy_of(newest())).unwrap();
    let entries: u32 = copy.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 1);
    assert_eq!(copy.pragma_query_value(None, "user_version", |row| row.get(0)), Ok(newest()));
    assert!(copy.prepare("SELECT * FROM extra").is_err());
    assert_eq!(fs::metadata(files.copy_of(newest())).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_migration_that_fails_or_cannot_be_copied_leaves_the_store_as_it_was() {
    let (directory, store) = fresh();
    drop(store);
    let files = Files::at(&directory.path().join("store"));
    let mut connection = Connection::open(files.database()).unwrap();
    let broken = with("CREATE TABLE extra (x INTEGER) STRICT; SELECT nonsense");
    let error = migrate(&mut connection, &files, &broken).unwrap_err();
    assert!(matches!(error, OpenError::Migration { to, .. } if to == newest() + 1));
    fs::remove_file(files.copy_of(newest())).unwrap();
    fs::create_dir(files.copy_of(newest())).unwrap();
    let fine = with("CREATE TABLE extra (x INTEGER) STRICT");
    assert!(matches!(migrate(&mut connection, &files, &fine), Err(OpenError::File { .. })));
    assert!(connection.prepare("SELECT * FROM extra").is_err());
    drop(connection);
    open(&directory).unwrap();
}
