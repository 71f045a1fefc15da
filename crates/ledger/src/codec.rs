//! The one binary encoding of envelopes, payloads and the frontier: RFC 4251 section 5 without its optional forms.
//!
//! Big-endian integers, and strings of bytes behind a `uint32` length. Each value has one spelling.

/// Why bytes of the ledger were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the record ends early; the store is damaged, restore it from its backup")]
    Short,
    /// Bytes are left over.
    #[error("the record goes on after its end; the store is damaged, restore it from its backup")]
    Long,
    /// A value that this kind of record cannot hold.
    #[error("the record holds a value that cannot be there: {0}; the store is damaged or of a newer version")]
    Value(&'static str),
}

/// Writes values one after the other.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.fixed(&number.to_be_bytes())
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn string(&mut self, bytes: &[u8]) -> &mut Self {
        // Nothing that enters the ledger comes near 4 GiB: statements are bounded on arrival. Were it to, the record
        // would be cut to what its length says, never mislabelled.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.fixed(&length.to_be_bytes());
        let kept = usize::try_from(length).unwrap_or(usize::MAX);
        self.fixed(bytes.get(..kept).unwrap_or(bytes))
    }

    pub(crate) fn done(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Reads values one after the other; `end` refuses what is left over.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        self.fixed().map(u64::from_be_bytes)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (value, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*value)
    }

    pub(crate) fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = u32::from_be_bytes(self.fixed()?);
        let length = usize::try_from(length).map_err(|_| DecodeError::Short)?;
        let (value, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(value)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        str::from_utf8(self.string()?).map_err(|_| DecodeError::Value("text that is not UTF-8"))
    }

    pub(crate) const fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Long) }
    }
}
