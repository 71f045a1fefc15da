//! Where randomness comes from.

/// A cryptographic random source, handed in so that tests can repeat what they saw.
pub trait Random: Send + Sync {
    /// Fills the bytes with randomness.
    fn fill(&self, bytes: &mut [u8]);
}
