//! Fixed-size values: digests, nonces, serials.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// Why a hexadecimal value was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0} lowercase hexadecimal digits")]
pub struct HexError(usize);

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Wraps the bytes.
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(hex: &str) -> Result<Self, HexError> {
                let mut bytes = [0; $bytes];
                match base16ct::lower::decode(hex, &mut bytes) {
                    Ok(whole) if whole.len() == $bytes => Ok(Self(bytes)),
                    _ => Err(HexError($bytes * 2)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; $bytes * 2];
                f.write_str(base16ct::lower::encode_str(&self.0, &mut digits).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

fixed!(
    /// A SHA-256 digest, shown as 64 lowercase hexadecimal digits.
    Digest, 32
);
fixed!(
    /// 128 random bits that make two statements with the same words differ.
    Nonce, 16
);

impl Digest {
    /// SHA-256 of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// A certificate's serial number, which is the index of its ledger entry. Never 0: that is the genesis entry, and
/// OpenSSH cannot revoke serial 0 (PROTOCOL.krl).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(u64);

impl Serial {
    /// A serial from a ledger index; `None` for 0 and for what SQLite and sshd's log could not hold (above 2^63 - 1).
    pub const fn new(index: u64) -> Option<Self> {
        if index == 0 || index > i64::MAX as u64 { None } else { Some(Self(index)) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), hex);
        assert_eq!(hex.parse(), Ok(digest));
        for bad in ["", hex.split_at(62).0, &hex.to_uppercase(), &format!("{hex}00")] {
            assert_eq!(bad.parse::<Digest>(), Err(HexError(64)), "{bad}");
        }
    }

    #[test]
    fn serial_zero_does_not_exist() {
        assert_eq!(Serial::new(0), None);
        assert_eq!(Serial::new(u64::MAX), None);
        assert_eq!(Serial::new(4711).map(Serial::get), Some(4711));
    }
}
