//! Key revocation lists (KRLs): which certificates `sshd` refuses although they are still valid.
//!
//! ```text
//! CA key -> Serials  --encode-->  the file that RevokedKeys names  --decode-->  the same
//! ```
//!
//! The format is OpenSSH's PROTOCOL.krl; `ssh-key` has no encoder for it. Of its ways to revoke we use one: certificates by
//! their CA and serial. So a KRL takes access from nobody but the holders of these certificates, and says nothing else
//! about them. There is no signature in it, as OpenSSH refuses a KRL with one since 9.4.
//!
//! `sshd` refuses **every** key when it cannot read the KRL, so two things matter beyond the format:
//!
//! - Who writes the file must replace it as a whole, atomically.
//! - Every KRL is read back and compared before it leaves here. Above all no bitmap is longer than OpenSSH reads (16,384
//!   bits: `SSHBUF_MAX_BIGNUM`, sshbuf.h); `ssh-keygen -k` itself does not look, and writes KRLs that no OpenSSH takes.
//!
//! Nothing here is larger than what `ssh-keygen -k` makes of the same serials, if what that makes can be read: the
//! module `plan` finds the smallest division instead of guessing at it.

mod decode;
mod encode;
mod plan;
mod serials;

use std::collections::BTreeMap;
use std::fmt;

use domain::{KeyError, PublicKey, Serial, Text, UnixTime};

pub use serials::Serials;

/// Most bytes of a KRL. A run takes 21 at most; the rest is room for CAs.
const LONGEST: usize = 4 << 20;

/// Most bits of a bitmap that OpenSSH reads.
const MOST_BITS: u64 = 16_384;

/// `SSHKRL\n\0`
const MAGIC: u64 = 0x5353_484b_524c_0a00;
const FORMAT_VERSION: u32 = 1;

/// `KRL_SECTION_CERTIFICATES`
const CERTIFICATES: u8 = 1;
/// `KRL_SECTION_CERT_SERIAL_LIST`
const LIST: u8 = 0x20;
/// `KRL_SECTION_CERT_SERIAL_RANGE`
const RANGE: u8 = 0x21;
/// `KRL_SECTION_CERT_SERIAL_BITMAP`
const BITMAP: u8 = 0x22;

/// What a KRL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Krl {
    /// Grows with every change, so that nobody takes an older one for news (`krl_version`).
    pub number: u64,
    /// When it was made.
    pub generated: UnixTime,
    /// Words for whoever lists it with `ssh-keygen -Q -l`.
    pub comment: Option<Text>,
    /// What is revoked of each CA. A CA without serials is left out of the file.
    pub revoked: BTreeMap<PublicKey, Serials>,
}

impl Krl {
    /// Most runs of serials in a KRL, of all CAs together: serials without a gap between them are one run. `sshd` reads
    /// all of them at every login.
    pub const MOST_RUNS: usize = 1 << 17;

    /// The bytes of the file. The same KRL always gives the same bytes.
    ///
    /// # Errors
    /// [`KrlError::TooLarge`]: it has more runs than [`Krl::MOST_RUNS`], or too many CAs. [`KrlError::Differs`]: it would not
    /// read back as it is.
    pub fn encode(&self) -> Result<Vec<u8>, KrlError> {
        if self.revoked.values().map(|serials| serials.runs().len()).sum::<usize>() > Self::MOST_RUNS {
            return Err(KrlError::TooLarge);
        }
        let bytes = encode::encode(self)?;
        if self.is_same(&Self::decode(&bytes)?) { Ok(bytes) } else { Err(KrlError::Differs) }
    }

    /// Reads a KRL that revokes by CA and serial alone. Its sections may come in any order and number, so that a reader
    /// does not depend on how the writer divides serials.
    ///
    /// # Errors
    /// When it is no KRL, says anything else than serials of CAs, or is longer than [`Krl::encode`] makes one.
    pub fn decode(bytes: &[u8]) -> Result<Self, KrlError> {
        decode::decode(bytes)
    }

    /// Whether it revokes the certificate with this serial by this CA.
    pub fn revokes(&self, ca: &PublicKey, serial: Serial) -> bool {
        self.revoked.get(ca).is_some_and(|serials| serials.contains(serial))
    }

    fn is_same(&self, read: &Self) -> bool {
        // Taken apart, so that a field that is added cannot be forgotten here.
        let Self { number, generated, comment, revoked } = read;
        let ours = self.revoked.iter().filter(|(_, serials)| !serials.is_empty());
        *number == self.number && *generated == self.generated && *comment == self.comment && ours.eq(revoked)
    }
}

/// A part of a KRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KrlPart {
    /// Number, time, flags, reserved field and comment.
    Header,
    /// A section, or the head of one of a CA.
    Section,
    /// Serials one by one.
    List,
    /// Serials from one to another.
    Range,
    /// Serials as bits.
    Bitmap,
}

impl fmt::Display for KrlPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Section => "list of sections",
            Self::List => "list of serials",
            Self::Range => "range of serials",
            Self::Bitmap => "bitmap of serials",
        })
    }
}

/// Why a KRL was not made, or not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KrlError {
    /// It begins otherwise.
    #[error("this is not an OpenSSH revocation list (KRL) of format version 1")]
    NotKrl,
    /// The part is cut off, or says what Hallpass never writes.
    #[error("the KRL's {0} does not read as Hallpass writes it; fetch the KRL again")]
    Malformed(KrlPart),
    /// A section that revokes in another way than by serial.
    #[error("the KRL has a section of kind {0:#04x}, but Hallpass revokes by serials alone; fetch Hallpass's own KRL")]
    Unknown(u8),
    /// A CA's key is of a kind that Hallpass does not take.
    #[error("the KRL names a CA key that is not acceptable")]
    CaKey(#[source] KeyError),
    /// Beyond the bounds.
    #[error(
        "a KRL holds at most {} runs of serials and {LONGEST} bytes, and this one is larger; leave out what has ended",
        Krl::MOST_RUNS
    )]
    TooLarge,
    /// The bytes say something else than was to be written.
    #[error("the KRL does not read back as it was made, so it was thrown away; the KRL before it stays in force")]
    Differs,
}
