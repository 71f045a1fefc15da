//! What tells certificates apart, read without the rest: a stop looks through thousands of them while nobody is issued any.

use domain::{Serial, UnixTime};

use crate::decode::{Field, Mismatch, one_principal, plain, take, time};
use crate::draft::{KeyId, Principal};
use crate::reader::Reader;

/// Who a certificate is for, what it opens and until when, and which CA it names. That its bytes are in the one spelling
/// that Hallpass writes was seen when they were made; here keys, options and extensions are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The serial, which is the index of the ledger entry.
    pub serial: Serial,
    /// The request, and who asked.
    pub key_id: KeyId,
    /// What it opens.
    pub principal: Principal,
    /// No longer valid from this second on.
    pub valid_before: UnixTime,
    /// The CA's key in its wire form (RFC 4253 section 6.6).
    pub ca_key: &'a [u8],
}

impl<'a> Summary<'a> {
    /// Reads the bytes that a CA signs.
    ///
    /// # Errors
    /// When they end early, go on after their end, or have no serial, key id, principal or end that Hallpass writes.
    pub fn of(to_be_signed: &'a [u8]) -> Result<Self, Mismatch> {
        let mut from = Reader::new(to_be_signed);
        let (_, key_fields) = take(Field::Kind, from.text().and_then(plain))?;
        take(Field::Nonce, from.string())?;
        take(Field::ConnectingKey, from.raw_strings(key_fields))?;
        let serial = take(Field::Serial, from.u64().and_then(Serial::new))?;
        take(Field::Type, from.u32())?;
        let key_id = take(Field::KeyId, from.text().and_then(|text| text.parse().ok()))?;
        let principal = take(Field::Principals, from.string().and_then(one_principal))?;
        take(Field::ValidAfter, from.u64())?;
        let valid_before = take(Field::ValidBefore, from.u64().and_then(time))?;
        // Critical options, extensions, and the reserved field.
        take(Field::CriticalOptions, from.raw_strings(3))?;
        let ca_key = take(Field::CaKey, from.string())?;
        if !from.is_empty() {
            return Err(Mismatch::Trailing);
        }
        Ok(Self { serial, key_id, principal, valid_before, ca_key })
    }
}
