//! Bundles on their way: their files in parts, and what is told of them.

use std::collections::BTreeMap;

use domain::{Amendment, Digest, RequestId, UnixTime, UserName};

use crate::error::{each, optional, parsed, shown, time};
use crate::{Head, LiveCertificate, SignedText, WireError, v1};

/// Most bytes of all files of a bundle.
pub const LARGEST_BUNDLE: usize = 32 * 1024 * 1024;
/// Most bytes of one part.
const PART: usize = 64 * 1024;
/// Most files; four names there are, and one too many is told by name.
const FILES: usize = 8;
/// Most signatures that come with a bundle.
const SIGNATURES: usize = 64;

/// A bundle's files as they come in; each part is taken by its file's name.
#[derive(Debug, Default)]
pub struct Incoming {
    files: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl Incoming {
    /// Takes a part.
    ///
    /// # Errors
    /// When the files are too large, or too many.
    pub fn take(&mut self, part: v1::FilePart) -> Result<(), WireError> {
        self.bytes = self.bytes.saturating_add(part.content.len()).saturating_add(part.name.len());
        if self.bytes > LARGEST_BUNDLE {
            return Err(WireError::TooLong { field: "bundle", bytes: self.bytes, most: LARGEST_BUNDLE });
        }
        self.files.entry(part.name).or_default().extend(part.content);
        if self.files.len() > FILES { Err(too_many("file", FILES)) } else { Ok(()) }
    }

    /// The files by name.
    pub fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        self.files
    }
}

/// The files in parts.
pub fn parts(files: &BTreeMap<String, Vec<u8>>) -> Vec<v1::FilePart> {
    let of_file = |(name, content): (&String, &Vec<u8>)| {
        let part = |content: &[u8]| v1::FilePart { name: name.clone(), content: content.to_vec() };
        // An empty file is a file.
        if content.is_empty() { vec![part(&[])] } else { content.chunks(PART).map(part).collect() }
    };
    files.iter().flat_map(of_file).collect()
}

/// The signatures that come with a bundle.
///
/// # Errors
/// When one is missing or too long, or there are too many.
pub fn signatures(given: Vec<v1::Signed>) -> Result<Vec<SignedText>, WireError> {
    if given.len() > SIGNATURES {
        return Err(too_many("signatures", SIGNATURES));
    }
    given.into_iter().map(|signed| SignedText::try_from(Some(signed))).collect()
}

/// A bundle that was put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleLoad {
    /// The ledger's entry that says so.
    pub entry: u64,
    /// When.
    pub time: UnixTime,
    /// The bundle.
    pub digest: Digest,
    /// `files`, `push` or `roll-back`.
    pub origin: String,
    /// Who did it; nobody where it came from the server's own files.
    pub user: Option<UserName>,
}

impl TryFrom<v1::BundleLoad> for BundleLoad {
    type Error = WireError;

    fn try_from(load: v1::BundleLoad) -> Result<Self, WireError> {
        Ok(Self {
            entry: load.entry,
            time: time("time", load.time)?,
            digest: parsed("digest", &load.digest)?,
            origin: shown("origin", load.origin, 32)?,
            user: optional("user", &load.user)?,
        })
    }
}

/// What a bundle's files come after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleHead {
    /// The bundle.
    pub digest: Digest,
    /// The entry of the bundle that is in force.
    pub in_force: u64,
    /// What amends the bundle in force.
    pub amendments: Vec<Amendment>,
}

impl TryFrom<v1::BundleHead> for BundleHead {
    type Error = WireError;

    fn try_from(head: v1::BundleHead) -> Result<Self, WireError> {
        let amendment = |given: v1::Amendment| {
            let refused = |why: domain::AmendmentError| WireError::Field { field: "amendments", why: why.to_string() };
            Amendment::parse(&given.verb, &given.target).map_err(refused)
        };
        Ok(Self {
            digest: parsed("digest", &head.digest)?,
            in_force: head.in_force,
            amendments: head.amendments.into_iter().map(amendment).collect::<Result<_, _>>()?,
        })
    }
}

/// What an amendment did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// The ledger's head.
    pub head: Head,
    /// How many sessions ended.
    pub sessions: u32,
    /// The requests that ended.
    pub requests: Vec<RequestId>,
    /// Certificates that were valid, and are revoked.
    pub live: Vec<LiveCertificate>,
    /// The groups in which nobody is left to sign another bundle.
    pub locked_out: Vec<String>,
}

impl TryFrom<v1::AmendResponse> for Amended {
    type Error = WireError;

    fn try_from(answer: v1::AmendResponse) -> Result<Self, WireError> {
        Ok(Self {
            head: answer.checkpoint.try_into()?,
            sessions: answer.sessions,
            requests: each("requests", &answer.requests)?,
            live: answer.live.into_iter().map(LiveCertificate::try_from).collect::<Result<_, _>>()?,
            locked_out: answer
                .locked_out
                .into_iter()
                .map(|one| shown("locked_out", one, 100))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn too_many(field: &'static str, most: usize) -> WireError {
    WireError::Field { field, why: format!("there are more than {most}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_together_from_their_parts() {
        let files =
            BTreeMap::from([("access.toml".to_owned(), vec![7; 3 * PART + 1]), ("hosts.toml".to_owned(), Vec::new())]);
        let mut incoming = Incoming::default();
        for part in parts(&files) {
            assert!(part.content.len() <= PART);
            incoming.take(part).unwrap();
        }
        assert_eq!(incoming.into_files(), files);
    }

    #[test]
    fn a_bundle_that_is_too_large_is_refused_as_it_comes() {
        let mut incoming = Incoming::default();
        let part = || v1::FilePart { name: "hosts.toml".into(), content: vec![0; 1024 * 1024] };
        let taken = (0..64).take_while(|_| incoming.take(part()).is_ok()).count();
        assert_eq!(taken, 31, "names count too");
        let named = |n: usize| v1::FilePart { name: format!("{n}"), content: Vec::new() };
        let mut incoming = Incoming::default();
        assert!((0..9).any(|n| incoming.take(named(n)).is_err()));
    }
}
