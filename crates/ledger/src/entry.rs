//! One record of the ledger, and the envelope of it that the tree hashes.

use domain::{Digest, UnixTime};
use sha2::{Digest as _, Sha256};

use crate::codec::{DecodeError, Reader, Writer};
use crate::payload::Payload;

/// The version of the envelope's layout: its first byte.
const LAYOUT: u8 = 1;

/// What an entry records. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// The ledger's own beginning: entry 0.
    Genesis,
    /// A bundle was loaded.
    Bundle,
    /// A user logged in.
    Login,
    /// A request was submitted.
    Request,
    /// An approver decided.
    Decision,
    /// A certificate: the entry's index is its serial.
    Certificate,
    /// Any other change by somebody.
    Act,
    /// A pending request ran out of time.
    Expired,
    /// The server stopped issuing by itself.
    Halt,
}

impl EntryKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Genesis,
        Self::Bundle,
        Self::Login,
        Self::Request,
        Self::Decision,
        Self::Certificate,
        Self::Act,
        Self::Expired,
        Self::Halt,
    ];

    /// The number in envelopes.
    pub const fn number(self) -> u8 {
        match self {
            Self::Genesis => 0,
            Self::Bundle => 1,
            Self::Login => 2,
            Self::Request => 3,
            Self::Decision => 4,
            Self::Certificate => 5,
            Self::Act => 6,
            Self::Expired => 7,
            Self::Halt => 8,
        }
    }

    /// The kind of this number.
    ///
    /// # Errors
    /// When no kind has it.
    pub fn from_number(number: u8) -> Result<Self, DecodeError> {
        Self::ALL.into_iter().find(|k| k.number() == number).ok_or(DecodeError::Value("a kind of entry not known here"))
    }
}

/// One record: what the tree commits to, and beside it what may be pruned later.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the ledger; a certificate's serial.
    pub index: u64,
    /// When it was written.
    pub time: UnixTime,
    /// 32 random bytes, so that nobody can guess a pruned payload from its hash.
    pub salt: [u8; 32],
    /// What happened.
    pub payload: Payload,
}

impl Entry {
    /// The part that the tree commits to.
    pub fn envelope(&self) -> Envelope {
        Envelope {
            kind: self.payload.kind(),
            index: self.index,
            time: self.time,
            content: Envelope::content_of(&self.salt, &self.payload.encode()),
        }
    }
}

/// What the tree commits to: kind, index, time and a salted hash of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// What the entry records.
    pub kind: EntryKind,
    /// Its place in the ledger.
    pub index: u64,
    /// When it was written.
    pub time: UnixTime,
    /// SHA-256 of salt and payload.
    pub content: Digest,
}

impl Envelope {
    /// SHA-256 of salt and encoded payload. The salt has a fixed length, so the two cannot be split otherwise.
    pub fn content_of(salt: &[u8; 32], payload: &[u8]) -> Digest {
        Digest::new(Sha256::new().chain_update(salt).chain_update(payload).finalize().into())
    }

    /// The canonical bytes: the entry as tlog clients see it.
    pub fn encode(&self) -> Vec<u8> {
        Writer::default()
            .byte(LAYOUT)
            .byte(self.kind.number())
            .number(self.index)
            .number(self.time.seconds())
            .fixed(self.content.as_bytes())
            .done()
    }

    /// Reads the canonical bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != LAYOUT {
            return Err(DecodeError::Value("a layout not known here"));
        }
        let kind = EntryKind::from_number(reader.byte()?)?;
        let index = reader.number()?;
        let time = UnixTime::new(reader.number()?).map_err(|_| DecodeError::Value("a time after the year 9999"))?;
        let content = Digest::new(reader.fixed()?);
        reader.end()?;
        Ok(Self { kind, index, time, content })
    }

    /// The leaf of the tree: `SHA-256(0x00 || envelope)` (RFC 6962 section 2.1).
    pub fn leaf(&self) -> Digest {
        Digest::new(Sha256::new().chain_update([0]).chain_update(self.encode()).finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn envelope() -> Envelope {
        Envelope {
            kind: EntryKind::Certificate,
            index: 4711,
            time: UnixTime::new(1_772_373_720).unwrap(),
            content: Envelope::content_of(&[7; 32], b"payload"),
        }
    }

    #[test]
    fn the_envelope_is_these_bytes() {
        let bytes = envelope().encode();
        assert_eq!(bytes.len(), 50);
        assert_eq!(bytes[..18], [1, 5, 0, 0, 0, 0, 0, 0, 0x12, 0x67, 0, 0, 0, 0, 0x69, 0xa4, 0x46, 0xd8]);
        let salted = [[7; 32].as_slice(), b"payload"].concat();
        assert_eq!(bytes[18..], *Digest::of(&salted).as_bytes());
        assert_eq!(envelope().leaf(), Digest::of(&[&[0], bytes.as_slice()].concat()));
    }

    #[test]
    fn every_field_of_an_envelope_moves_the_leaf() {
        let one = envelope();
        for other in [
            Envelope { kind: EntryKind::Act, ..one },
            Envelope { index: 4712, ..one },
            Envelope { time: UnixTime::new(1).unwrap(), ..one },
            Envelope { content: Envelope::content_of(&[8; 32], b"payload"), ..one },
        ] {
            assert_ne!(other.leaf(), one.leaf(), "{other:?}");
        }
    }

    #[test]
    fn the_numbers_of_kinds_read_back() {
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::from_number(kind.number()), Ok(kind));
        }
        assert!(EntryKind::from_number(200).is_err());
    }

    proptest! {
        #[test]
        fn what_decodes_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..60), head in any::<bool>()) {
            let mut bytes = bytes;
            if head {
                bytes.splice(0..bytes.len().min(2), [1, 3]);
            }
            if let Ok(envelope) = Envelope::decode(&bytes) {
                prop_assert_eq!(envelope.encode(), bytes);
            }
        }
    }

    #[test]
    fn an_envelope_reads_back_and_nothing_else_does() {
        let bytes = envelope().encode();
        assert_eq!(Envelope::decode(&bytes), Ok(envelope()));
        assert_eq!(Envelope::decode(&bytes[..49]), Err(DecodeError::Short));
        assert_eq!(Envelope::decode(&[bytes.as_slice(), &[0]].concat()), Err(DecodeError::Long));
        assert!(Envelope::decode(&[&[2], &bytes[1..]].concat()).is_err());
    }
}
