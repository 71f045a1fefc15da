//! How strong the key behind a signature must be.

use std::fmt;
use std::str::FromStr;

/// The text is no key strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `sk` (a FIDO key) or `sk-verified` (a FIDO key that asked for a PIN or finger)")]
pub struct KeyStrengthError;

/// What a signature shows of its key. `None` of it is any key that Hallpass takes; what is stronger is larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyStrength {
    /// A FIDO key, which somebody touched.
    Sk,
    /// A FIDO key that verified its user, by PIN or finger, as it signed.
    SkVerified,
}

impl KeyStrength {
    /// As people read it: `a FIDO key`.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Sk => "a FIDO key",
            Self::SkVerified => "a verified FIDO key",
        }
    }

    /// How to come by such a signature: the next step of a refusal.
    pub const fn how(self) -> &'static str {
        match self {
            Self::Sk => "sign with a key of kind ed25519-sk or ecdsa-sk (--key)",
            Self::SkVerified => {
                "sign with a FIDO key that asks for its PIN or a finger (--key); one is made by: \
                 ssh-keygen -t ed25519-sk -O verify-required"
            }
        }
    }
}

impl FromStr for KeyStrength {
    type Err = KeyStrengthError;

    fn from_str(given: &str) -> Result<Self, KeyStrengthError> {
        match given {
            "sk" => Ok(Self::Sk),
            "sk-verified" => Ok(Self::SkVerified),
            _ => Err(KeyStrengthError),
        }
    }
}

impl fmt::Display for KeyStrength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sk => "sk",
            Self::SkVerified => "sk-verified",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_two_is_the_larger_and_nothing_is_the_least() {
        assert!(Some(KeyStrength::SkVerified) > Some(KeyStrength::Sk) && Some(KeyStrength::Sk) > None);
        for strength in [KeyStrength::Sk, KeyStrength::SkVerified] {
            assert_eq!(strength.to_string().parse(), Ok(strength));
        }
        assert_eq!("SK".parse::<KeyStrength>(), Err(KeyStrengthError));
    }
}
