//! Messages of the agent protocol (RFC 9987) as bytes: a writer that wipes what it wrote, and a reader that never panics.

use zeroize::Zeroizing;

/// `SSH_AGENT_FAILURE`.
pub(crate) const FAILURE: u8 = 5;
/// `SSH_AGENT_SUCCESS`.
pub(crate) const SUCCESS: u8 = 6;
/// `SSH_AGENTC_REQUEST_IDENTITIES`.
pub(crate) const REQUEST_IDENTITIES: u8 = 11;
/// `SSH_AGENT_IDENTITIES_ANSWER`.
pub(crate) const IDENTITIES_ANSWER: u8 = 12;
/// `SSH_AGENTC_SIGN_REQUEST`.
pub(crate) const SIGN_REQUEST: u8 = 13;
/// `SSH_AGENT_SIGN_RESPONSE`.
pub(crate) const SIGN_RESPONSE: u8 = 14;
/// `SSH_AGENTC_ADD_IDENTITY`.
pub(crate) const ADD_IDENTITY: u8 = 17;
/// `SSH_AGENTC_REMOVE_IDENTITY`.
pub(crate) const REMOVE_IDENTITY: u8 = 18;
/// `SSH_AGENTC_ADD_ID_CONSTRAINED`.
pub(crate) const ADD_ID_CONSTRAINED: u8 = 25;
/// `SSH_AGENTC_EXTENSION`.
pub(crate) const EXTENSION: u8 = 27;
/// `SSH_AGENT_EXTENSION_FAILURE`.
pub(crate) const EXTENSION_FAILURE: u8 = 28;
/// `SSH_AGENT_EXTENSION_RESPONSE`.
pub(crate) const EXTENSION_RESPONSE: u8 = 29;
/// `SSH_AGENT_CONSTRAIN_LIFETIME`.
pub(crate) const CONSTRAIN_LIFETIME: u8 = 1;
/// `SSH_AGENT_RSA_SHA2_512`.
pub(crate) const RSA_SHA2_512: u32 = 4;

/// A message being written. Its bytes are wiped on drop, for some hold a private key.
pub(crate) struct Message(Zeroizing<Vec<u8>>);

impl Message {
    /// A message of this kind. `room` is how many bytes will follow: a message that holds a secret must name enough,
    /// or growing would leave a copy of it in freed memory.
    pub(crate) fn new(kind: u8, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room + 1);
        bytes.push(kind);
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A number of things that follow. What could be longer than 32 bits say is far beyond what a frame may hold.
    pub(crate) fn count(self, of: usize) -> Self {
        self.u32(u32::try_from(of).unwrap_or(u32::MAX))
    }

    /// A string with its length before it (RFC 4251 section 5).
    pub(crate) fn string(self, value: impl AsRef<[u8]>) -> Self {
        let mut longer = self.count(value.as_ref().len());
        longer.0.extend_from_slice(value.as_ref());
        longer
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What is left of a message; each method takes from the front, or answers `None` when too little is left.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// What is left, when it is to be read by somebody else.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Everything was read.
    pub(crate) const fn end(&self) -> Option<()> {
        if self.0.is_empty() { Some(()) } else { None }
    }
}
