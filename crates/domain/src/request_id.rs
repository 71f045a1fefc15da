//! Request ids: ten characters of Crockford base32, shown `7K3F9-QXMWT`.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: usize = 10;

/// Why a request id was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a request id is ten letters and digits such as 7K3F9-QXMWT")]
pub struct RequestIdError;

/// The id of a request: 50 bits, unguessable enough to name and not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// An id from random bits; the upper 14 are dropped.
    pub const fn from_random(bits: u64) -> Self {
        Self(bits & ((1 << 50) - 1))
    }

    fn letters(self) -> [char; LETTERS] {
        std::array::from_fn(|place| {
            let digit = (self.0 >> (5 * (LETTERS - 1 - place))) & 31;
            // `digit` is below 32, the length of the alphabet.
            usize::try_from(digit).ok().and_then(|d| ALPHABET.get(d)).map_or('?', |b| char::from(*b))
        })
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;

    /// Takes either case, with the hyphen in its place or without; the letters I, L and O are read as Crockford
    /// reads them.
    fn from_str(given: &str) -> Result<Self, RequestIdError> {
        let compact: Vec<u8> = match given.len() {
            10 => given.bytes().collect(),
            11 if given.as_bytes().get(5) == Some(&b'-') => {
                given.bytes().enumerate().filter(|(at, _)| *at != 5).map(|(_, b)| b).collect()
            }
            _ => return Err(RequestIdError),
        };
        compact.into_iter().try_fold(0u64, |bits, letter| Ok((bits << 5) | digit(letter)?)).map(Self)
    }
}

fn digit(letter: u8) -> Result<u64, RequestIdError> {
    let canonical = match letter.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    let place = ALPHABET.iter().position(|l| *l == canonical).ok_or(RequestIdError)?;
    u64::try_from(place).map_err(|_| RequestIdError)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.letters().into_iter().enumerate() {
            if place == 5 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_reads_back(bits: u64) {
            let id = RequestId::from_random(bits);
            let shown = id.to_string();
            prop_assert_eq!(shown.len(), 11);
            prop_assert_eq!(shown.parse::<RequestId>(), Ok(id));
            prop_assert_eq!(shown.to_lowercase().replace('-', "").parse::<RequestId>(), Ok(id));
        }
    }

    #[test]
    fn what_people_misread_is_understood() {
        assert_eq!("OIL00-00000".parse::<RequestId>(), "01100-00000".parse());
        for bad in ["", "7K3F9", "7K3F9-QXMW", "7K3F9-QXMWU", "7K3F-9QXMWT", "7K3F9-QXMWT-", "７K3F9QXMW"] {
            assert_eq!(bad.parse::<RequestId>(), Err(RequestIdError), "{bad}");
        }
    }
}
