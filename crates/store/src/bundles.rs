//! Bundles: each load is an entry, and the content is kept by digest.

use std::collections::BTreeMap;

use domain::{Digest, UnixTime, UserName};
use ledger::{BundleFile, EntryKind, Payload, SignedText, bundle_digest};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::columns::{Column, Parsed};
use crate::entries;
use crate::statements::Statement;
use crate::writer::Transaction;

/// Policy, directory and hosts as they were loaded: contents by file name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// The files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// The bundle's digest: what rulings and entries name.
    pub fn digest(&self) -> Digest {
        bundle_digest(&self.listed())
    }

    fn listed(&self) -> Vec<BundleFile> {
        let file =
            |(name, content): (&String, &Vec<u8>)| BundleFile { name: name.clone(), digest: Digest::of(content) };
        self.files.iter().map(file).collect()
    }
}

/// How a bundle came to be in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From the server's own files.
    Files,
    /// Pushed by this user.
    Push(UserName),
    /// This user went back to it.
    RollBack(UserName),
}

impl Origin {
    const fn columns(&self) -> (&'static str, Option<&UserName>) {
        match self {
            Self::Files => ("files", None),
            Self::Push(user) => ("push", Some(user)),
            Self::RollBack(user) => ("roll-back", Some(user)),
        }
    }

    fn from_columns(origin: &str, user: Option<UserName>) -> Option<Self> {
        match (origin, user) {
            ("files", None) => Some(Self::Files),
            ("push", Some(user)) => Some(Self::Push(user)),
            ("roll-back", Some(user)) => Some(Self::RollBack(user)),
            _ => None,
        }
    }
}

/// Puts a bundle in force.
pub struct BundleTx {
    /// Now.
    pub now: UnixTime,
    /// What is loaded.
    pub bundle: Bundle,
    /// How.
    pub origin: Origin,
    /// What was in force when this was judged: [`Store::in_force`](crate::Store::in_force).
    pub in_force: u64,
    /// The act by which somebody loads it; none for the server's own files.
    pub act: Option<Statement>,
    /// What its other signers signed.
    pub signatures: Vec<SignedText>,
    /// Amendments, by their entries, that this bundle has caught up with.
    pub caught_up: Vec<u64>,
}

impl BundleTx {
    /// The first bundle of a ledger, from the server's own files: nobody is there yet who could have signed it.
    pub const fn first(now: UnixTime, bundle: Bundle) -> Self {
        let (origin, in_force) = (Origin::Files, 0);
        Self { now, bundle, origin, in_force, act: None, signatures: Vec::new(), caught_up: Vec::new() }
    }
}

/// A bundle that was put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The entry that says so.
    pub entry: u64,
    /// When.
    pub time: UnixTime,
    /// The bundle.
    pub digest: Digest,
    /// How.
    pub origin: Origin,
}

impl Transaction for BundleTx {
    /// The entry that puts it in force.
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        if batch.head.in_force != self.in_force {
            return Err(StoreError::BundleChanged);
        }
        if let Some(act) = &self.act {
            batch.use_up(act, 1)?;
        }
        for statement in self.signatures.into_iter().chain(self.act.map(Statement::into_signed)) {
            batch.append(self.now, &Payload::Act { statement })?;
        }
        let files = self.bundle.listed();
        let digest = bundle_digest(&files);
        for (file, content) in files.iter().zip(self.bundle.files.values()) {
            batch
                .connection
                .prepare_cached("INSERT OR IGNORE INTO files (digest, content) VALUES (?1, ?2)")?
                .execute(params![file.digest.as_bytes(), content])?;
        }
        let entry = batch.append(self.now, &Payload::Bundle { digest, files })?;
        let (origin, user) = self.origin.columns();
        batch
            .connection
            .prepare_cached("INSERT OR IGNORE INTO bundles (digest, entry) VALUES (?1, ?2)")?
            .execute(params![digest.as_bytes(), entry])?;
        batch
            .connection
            .prepare_cached("INSERT INTO loads (entry, digest, origin, user) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![entry, digest.as_bytes(), origin, user.map(UserName::as_str)])?;
        batch.drop_amendments(&self.caught_up)?;
        batch.head.bundle = Some(digest);
        batch.head.bundle_entry = entry;
        batch.head.in_force = entry;
        Ok(entry)
    }
}

/// Up to `limit` loads, the latest first.
pub(crate) fn loads(connection: &Connection, limit: u32) -> Result<Vec<Load>, StoreError> {
    let sql =
        "SELECT entry, time, digest, origin, user FROM loads JOIN entries ON idx = entry ORDER BY entry DESC LIMIT ?1";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([limit])?;
    let mut loads = Vec::new();
    while let Some(row) = rows.next()? {
        let (Column(time), Column(digest)) = (row.get(1)?, row.get(2)?);
        let user = row.get::<_, Option<Parsed<UserName>>>(4)?.map(|parsed| parsed.0);
        let origin = Origin::from_columns(&row.get::<_, String>(3)?, user);
        let origin = origin.ok_or_else(|| StoreError::damaged("a bundle was loaded in no known way"))?;
        loads.push(Load { entry: row.get(0)?, time, digest, origin });
    }
    Ok(loads)
}

/// The content of a bundle that was once in force.
pub(crate) fn read(connection: &Connection, digest: Digest) -> Result<Option<Bundle>, StoreError> {
    let sql = "SELECT payload FROM bundles JOIN entries ON idx = entry WHERE digest = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([digest.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Payload::Bundle { files, .. } = entries::payload(EntryKind::Bundle, row, 0)? else {
        return Err(StoreError::damaged("a bundle's entry is of another kind"));
    };
    let mut bundle = Bundle::default();
    for file in files {
        let mut select = connection.prepare_cached("SELECT content FROM files WHERE digest = ?1")?;
        let content = select.query_row([file.digest.as_bytes()], |row| row.get(0)).optional()?;
        let content: Vec<u8> = content.ok_or_else(|| StoreError::Damaged(format!("{} is missing", file.name)))?;
        bundle.files.insert(file.name, content);
    }
    if bundle.digest() == digest { Ok(Some(bundle)) } else { Err(StoreError::damaged("a bundle's file was changed")) }
}
