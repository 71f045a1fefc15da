//! What an entry says, beside its envelope: statements with their signatures, and what they led to.

use domain::{Digest, Origin, RequestId};

use crate::checkpoint::LedgerKey;
use crate::codec::{DecodeError, Reader, Writer};
use crate::entry::EntryKind;

/// A statement as it was signed: its text, and the raw SSHSIG.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedText {
    /// The canonical text.
    pub text: String,
    /// The SSHSIG blob (PROTOCOL.sshsig), without armour.
    pub signature: Vec<u8>,
}

impl SignedText {
    /// SHA-256 of the text without its signature: what others refer to, and what is remembered against replay.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    fn write(&self, writer: &mut Writer) {
        writer.string(self.text.as_bytes()).string(&self.signature);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { text: reader.text()?.to_owned(), signature: reader.string()?.to_owned() })
    }
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Its name, such as `access.toml`.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// The digest of a bundle: of its files' names and digests, in the order of the names.
pub fn bundle_digest(files: &[BundleFile]) -> Digest {
    let mut writer = Writer::default();
    write_files(&mut writer, files);
    Digest::of(&writer.done())
}

/// The fetch that a certificate came from. One fetch makes up to 256 certificates; its text is kept once.
#[derive(Clone, PartialEq, Eq)]
pub enum FetchProof {
    /// The first certificate of the fetch carries the statement.
    Statement(SignedText),
    /// The others name the entry of the first.
    Entry(u64),
}

/// What happened.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// The ledger begins.
    Genesis {
        /// The server's name.
        origin: Origin,
        /// The key that signs its checkpoints.
        ledger_key: LedgerKey,
    },
    /// A bundle was loaded; its content is kept by digest.
    Bundle {
        /// The bundle's digest.
        digest: Digest,
        /// Its files.
        files: Vec<BundleFile>,
    },
    /// A user logged in.
    Login {
        /// The login statement.
        statement: SignedText,
    },
    /// A request was submitted.
    Request {
        /// The id it was given.
        request: RequestId,
        /// The request statement.
        statement: SignedText,
        /// The canonical text of its ruling.
        ruling: String,
    },
    /// An approver decided.
    Decision {
        /// The request.
        request: RequestId,
        /// The decision statement.
        statement: SignedText,
    },
    /// A certificate is about to be signed.
    Certificate {
        /// The request it comes from.
        request: RequestId,
        /// The fetch it comes from.
        fetch: FetchProof,
        /// Everything that the CA signs (PROTOCOL.certkeys): key, serial, principal, times, options, CA key.
        to_be_signed: Vec<u8>,
    },
    /// Another change by somebody.
    Act {
        /// The act statement.
        statement: SignedText,
    },
    /// A pending request ran out of time.
    Expired {
        /// The request.
        request: RequestId,
    },
    /// The server stopped issuing by itself.
    Halt {
        /// Why, in words.
        reason: String,
    },
}

impl Payload {
    /// The kind of entry that holds this.
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Genesis { .. } => EntryKind::Genesis,
            Self::Bundle { .. } => EntryKind::Bundle,
            Self::Login { .. } => EntryKind::Login,
            Self::Request { .. } => EntryKind::Request,
            Self::Decision { .. } => EntryKind::Decision,
            Self::Certificate { .. } => EntryKind::Certificate,
            Self::Act { .. } => EntryKind::Act,
            Self::Expired { .. } => EntryKind::Expired,
            Self::Halt { .. } => EntryKind::Halt,
        }
    }

    /// The canonical bytes. The kind is not among them: the envelope has it.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        match self {
            Self::Genesis { origin, ledger_key } => {
                writer.string(origin.as_str().as_bytes()).fixed(ledger_key.as_bytes());
            }
            Self::Bundle { digest, files } => {
                writer.fixed(digest.as_bytes());
                write_files(&mut writer, files);
            }
            Self::Login { statement } | Self::Act { statement } => statement.write(&mut writer),
            Self::Request { request, statement, ruling } => {
                write_id(&mut writer, *request);
                statement.write(&mut writer);
                writer.string(ruling.as_bytes());
            }
            Self::Decision { request, statement } => {
                write_id(&mut writer, *request);
                statement.write(&mut writer);
            }
            Self::Certificate { request, fetch, to_be_signed } => {
                write_id(&mut writer, *request);
                write_fetch(&mut writer, fetch);
                writer.string(to_be_signed);
            }
            Self::Expired { request } => write_id(&mut writer, *request),
            Self::Halt { reason } => {
                writer.string(reason.as_bytes());
            }
        }
        writer.done()
    }

    /// Reads the canonical bytes of an entry of this kind.
    ///
    /// # Errors
    /// When they are none, or not the one spelling.
    pub fn decode(kind: EntryKind, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let payload = Self::read(kind, &mut reader)?;
        reader.end()?;
        Ok(payload)
    }

    /// The request and the bytes to be signed of a certificate's entry, where they stand.
    ///
    /// # Errors
    /// When the bytes are no payload of a certificate.
    pub fn certificate(bytes: &[u8]) -> Result<(RequestId, &[u8]), DecodeError> {
        let mut reader = Reader::new(bytes);
        let request = read_id(&mut reader)?;
        match reader.byte()? {
            0 => drop((reader.string()?, reader.string()?)),
            1 => drop(reader.number()?),
            _ => return Err(DecodeError::Value("a fetch")),
        }
        let to_be_signed = reader.string()?;
        reader.end()?;
        Ok((request, to_be_signed))
    }

    fn read(kind: EntryKind, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            EntryKind::Genesis => Self::Genesis {
                origin: reader.text()?.parse().map_err(|_| DecodeError::Value("a server name"))?,
                ledger_key: LedgerKey::new(reader.fixed()?).map_err(|_| DecodeError::Value("a ledger key"))?,
            },
            EntryKind::Bundle => {
                let digest = Digest::new(reader.fixed()?);
                let mut files = Vec::new();
                while reader.end().is_err() {
                    files.push(BundleFile { name: reader.text()?.to_owned(), digest: Digest::new(reader.fixed()?) });
                }
                Self::Bundle { digest, files }
            }
            EntryKind::Login => Self::Login { statement: SignedText::read(reader)? },
            EntryKind::Request => Self::Request {
                request: read_id(reader)?,
                statement: SignedText::read(reader)?,
                ruling: reader.text()?.to_owned(),
            },
            EntryKind::Decision => Self::Decision { request: read_id(reader)?, statement: SignedText::read(reader)? },
            EntryKind::Certificate => Self::Certificate {
                request: read_id(reader)?,
                fetch: read_fetch(reader)?,
                to_be_signed: reader.string()?.to_owned(),
            },
            EntryKind::Act => Self::Act { statement: SignedText::read(reader)? },
            EntryKind::Expired => Self::Expired { request: read_id(reader)? },
            EntryKind::Halt => Self::Halt { reason: reader.text()?.to_owned() },
        })
    }
}

fn write_files(writer: &mut Writer, files: &[BundleFile]) {
    for file in files {
        writer.string(file.name.as_bytes()).fixed(file.digest.as_bytes());
    }
}

fn write_id(writer: &mut Writer, request: RequestId) {
    writer.string(request.to_string().as_bytes());
}

fn read_id(reader: &mut Reader<'_>) -> Result<RequestId, DecodeError> {
    let text = reader.text()?;
    // A request id is forgiving to people; a record has one spelling.
    let id = text.parse::<RequestId>().ok().filter(|id| id.to_string() == text);
    id.ok_or(DecodeError::Value("a request id"))
}

fn write_fetch(writer: &mut Writer, fetch: &FetchProof) {
    match fetch {
        FetchProof::Statement(statement) => {
            writer.byte(0);
            statement.write(writer);
        }
        FetchProof::Entry(first) => {
            writer.byte(1).number(*first);
        }
    }
}

fn read_fetch(reader: &mut Reader<'_>) -> Result<FetchProof, DecodeError> {
    match reader.byte()? {
        0 => SignedText::read(reader).map(FetchProof::Statement),
        1 => reader.number().map(FetchProof::Entry),
        _ => Err(DecodeError::Value("a fetch")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples() -> Vec<Payload> {
        let statement = SignedText { text: "hallpass-request v1\nserver: x\n".into(), signature: vec![1, 2, 3] };
        let request = RequestId::from_random(4711);
        let ledger_key = crate::checkpoint::tests::key();
        vec![
            Payload::Genesis { origin: "ca.example.com/prod".parse().unwrap(), ledger_key },
            Payload::Bundle { digest: Digest::of(b"b"), files: vec![] },
            Payload::Bundle {
                digest: Digest::of(b"b"),
                files: ["access.toml", "hosts.toml"]
                    .map(|n| BundleFile { name: n.into(), digest: Digest::of(n.as_bytes()) })
                    .into(),
            },
            Payload::Login { statement: statement.clone() },
            Payload::Request { request, statement: statement.clone(), ruling: "hallpass-ruling v1\n".into() },
            Payload::Decision { request, statement: statement.clone() },
            Payload::Certificate {
                request,
                fetch: FetchProof::Statement(statement.clone()),
                to_be_signed: vec![9; 40],
            },
            Payload::Certificate { request, fetch: FetchProof::Entry(17), to_be_signed: vec![9; 40] },
            Payload::Act { statement },
            Payload::Expired { request },
            Payload::Halt { reason: "the clock jumped".into() },
        ]
    }

    #[test]
    fn every_payload_reads_back() {
        for payload in samples() {
            let bytes = payload.encode();
            assert!(Payload::decode(payload.kind(), &bytes) == Ok(payload), "{bytes:?}");
        }
    }

    #[test]
    fn a_certificate_is_found_in_its_payload() {
        for payload in samples() {
            let Payload::Certificate { request, to_be_signed, .. } = &payload else { continue };
            let bytes = payload.encode();
            assert_eq!(Payload::certificate(&bytes), Ok((*request, to_be_signed.as_slice())));
            for cut in 0..bytes.len() {
                assert!(Payload::certificate(&bytes[..cut]).is_err(), "cut at {cut}");
            }
            assert_eq!(Payload::certificate(&[bytes.as_slice(), &[0]].concat()), Err(DecodeError::Long));
        }
    }

    #[test]
    fn the_digest_of_a_bundle_covers_names_and_contents() {
        let file = |name: &str, content: &[u8]| BundleFile { name: name.into(), digest: Digest::of(content) };
        let bundle = [file("access.toml", b"a"), file("hosts.toml", b"h")];
        let expected = [b"\0\0\0\x0baccess.toml", Digest::of(b"a").as_bytes().as_slice()].concat();
        assert_eq!(bundle_digest(&bundle[..1]), Digest::of(&expected));
        for other in [[file("access.toml", b"b"), bundle[1].clone()], [file("b.toml", b"a"), bundle[1].clone()]] {
            assert_ne!(bundle_digest(&other), bundle_digest(&bundle));
        }
    }

    #[test]
    fn a_payload_cut_or_lengthened_is_refused() {
        for payload in samples() {
            let bytes = payload.encode();
            let whole_files = |cut: usize| matches!(payload, Payload::Bundle { .. }) && cut == 32;
            for cut in (0..bytes.len()).filter(|cut| !whole_files(*cut)) {
                let read = Payload::decode(payload.kind(), &bytes[..cut]);
                assert!(read.is_err() || read.is_ok_and(|other| other != payload && other.encode() == bytes[..cut]));
            }
            let longer = [bytes.as_slice(), &[0]].concat();
            assert!(Payload::decode(payload.kind(), &longer).is_err());
        }
    }

    proptest! {
        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(
            sample in 0..11usize, at in any::<prop::sample::Index>(), to: u8,
        ) {
            let payload = &samples()[sample];
            let mut bytes = payload.encode();
            let at = at.index(bytes.len());
            bytes[at] = to;
            for kind in EntryKind::ALL {
                if let Ok(read) = Payload::decode(kind, &bytes) {
                    prop_assert_eq!(read.encode(), bytes.clone());
                }
            }
        }
    }
}
