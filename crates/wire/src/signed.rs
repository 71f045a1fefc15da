//! What was signed: statements and the ledger's head, as bytes that are only bounded here.

use domain::Digest;

use crate::WireError;
use crate::error::exactly;
use crate::v1;

/// A canonical text and the SSHSIG signature over it, both within bounds and otherwise unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedText {
    text: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedText {
    /// Most bytes of a text: a fetch of 256 pairs whose names are as long as names may be.
    pub const MAX_TEXT: usize = 77 * 1024;
    /// Most bytes of a signature; RSA of 16,384 bits has 2 kB, its public key as much.
    pub const MAX_SIGNATURE: usize = 4 * 1024;

    /// A text with its signature.
    ///
    /// # Errors
    /// [`WireError::Missing`] and [`WireError::TooLong`].
    pub fn new(text: Vec<u8>, signature: Vec<u8>) -> Result<Self, WireError> {
        for (field, bytes, most) in
            [("text", text.len(), Self::MAX_TEXT), ("signature", signature.len(), Self::MAX_SIGNATURE)]
        {
            if bytes == 0 {
                return Err(WireError::Missing(field));
            }
            if bytes > most {
                return Err(WireError::TooLong { field, bytes, most });
            }
        }
        Ok(Self { text, signature })
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl TryFrom<Option<v1::Signed>> for SignedText {
    type Error = WireError;

    fn try_from(given: Option<v1::Signed>) -> Result<Self, WireError> {
        let given = given.ok_or(WireError::Missing("statement"))?;
        Self::new(given.text, given.signature)
    }
}

impl From<SignedText> for v1::Signed {
    fn from(signed: SignedText) -> Self {
        Self { text: signed.text, signature: signed.signature }
    }
}

/// The ledger's head as the server signed it; unchecked until the ledger key is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many entries.
    pub size: u64,
    /// The root hash.
    pub root: Digest,
    /// The ledger key's signature over the checkpoint's text.
    pub signature: [u8; 64],
}

impl TryFrom<Option<v1::Checkpoint>> for Head {
    type Error = WireError;

    fn try_from(given: Option<v1::Checkpoint>) -> Result<Self, WireError> {
        let given = given.ok_or(WireError::Missing("checkpoint"))?;
        Ok(Self {
            size: given.size,
            root: Digest::new(exactly("root", &given.root)?),
            signature: exactly("signature", &given.signature)?,
        })
    }
}

impl From<Head> for v1::Checkpoint {
    fn from(head: Head) -> Self {
        Self { size: head.size, root: head.root.as_bytes().to_vec(), signature: head.signature.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused_before_it_is_read() {
        let long = |text: usize, signature: usize| SignedText::new(vec![b'x'; text], vec![0; signature]);
        assert!(long(SignedText::MAX_TEXT, SignedText::MAX_SIGNATURE).is_ok());
        assert!(matches!(long(10 << 20, 1), Err(WireError::TooLong { field: "text", .. })));
        assert!(matches!(long(1, 4097), Err(WireError::TooLong { field: "signature", .. })));
        assert_eq!(long(0, 1), Err(WireError::Missing("text")));
        assert_eq!(long(1, 0), Err(WireError::Missing("signature")));
        assert_eq!(SignedText::try_from(None), Err(WireError::Missing("statement")));
    }

    #[test]
    fn a_head_has_exact_sizes() {
        let head = Head { size: 7, root: Digest::of(b"x"), signature: [3; 64] };
        assert_eq!(Head::try_from(Some(v1::Checkpoint::from(head))), Ok(head));
        let short = v1::Checkpoint { size: 7, root: vec![0; 31], signature: vec![0; 64] };
        assert_eq!(Head::try_from(Some(short)), Err(WireError::Size { field: "root", bytes: 31, exactly: 32 }));
    }
}
