//! Bundles: each load is an entry, and the content is kept by digest.

use std::collections::BTreeMap;

use domain::{Digest, UnixTime};
use ledger::{BundleFile, EntryKind, Payload, bundle_digest};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::entries;
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

/// Puts a bundle in force.
pub struct BundleTx {
    /// Now.
    pub now: UnixTime,
    /// What was loaded.
    pub bundle: Bundle,
}

impl Transaction for BundleTx {
    type Output = Digest;

    fn run(self, batch: &mut Batch<'_>) -> Result<Digest, StoreError> {
        let files = self.bundle.listed();
        let digest = bundle_digest(&files);
        for (file, content) in files.iter().zip(self.bundle.files.values()) {
            batch
                .connection
                .prepare_cached("INSERT OR IGNORE INTO files (digest, content) VALUES (?1, ?2)")?
                .execute(params![file.digest.as_bytes(), content])?;
        }
        let entry = batch.append(self.now, &Payload::Bundle { digest, files })?;
        batch
            .connection
            .prepare_cached("INSERT OR IGNORE INTO bundles (digest, entry) VALUES (?1, ?2)")?
            .execute(params![digest.as_bytes(), entry])?;
        batch.head.bundle = Some(digest);
        Ok(digest)
    }
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
