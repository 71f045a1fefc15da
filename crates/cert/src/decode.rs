//! The second opinion on what a CA is about to sign: a decoder that shares nothing with the encoder.

use std::collections::BTreeSet;
use std::fmt;

use domain::{Command, Extension, Networks, PublicKey, Serial, UnixTime};

use crate::draft::{Draft, KeyId, Principal};
use crate::reader::Reader;

/// A field of a certificate, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The kind of certificate, by the connecting key's algorithm.
    Kind,
    /// The nonce.
    Nonce,
    /// The connecting key.
    ConnectingKey,
    /// The serial.
    Serial,
    /// User or host.
    Type,
    /// The key id.
    KeyId,
    /// The principals.
    Principals,
    /// The first second of validity.
    ValidAfter,
    /// The second that ends validity.
    ValidBefore,
    /// The critical options.
    CriticalOptions,
    /// The extensions.
    Extensions,
    /// The reserved field.
    Reserved,
    /// The CA's key.
    CaKey,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind of key",
            Self::Nonce => "nonce",
            Self::ConnectingKey => "connecting key",
            Self::Serial => "serial",
            Self::Type => "type",
            Self::KeyId => "key id",
            Self::Principals => "list of principals",
            Self::ValidAfter => "start of validity",
            Self::ValidBefore => "end of validity",
            Self::CriticalOptions => "list of critical options",
            Self::Extensions => "list of extensions",
            Self::Reserved => "reserved field",
            Self::CaKey => "CA key",
        })
    }
}

/// How a certificate's bytes differ from what was drafted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The field is cut off, or says what Hallpass never writes.
    #[error("the certificate's {0} does not read as Hallpass writes it")]
    Malformed(Field),
    /// The field says something else.
    #[error("the certificate's {0} is not the one that was drafted")]
    Differs(Field),
    /// The last field is not the end.
    #[error("bytes follow the certificate's last field")]
    Trailing,
}

/// Reads the bytes and compares every field with the draft, the serial and the CA's key.
///
/// # Errors
/// The first field that is not as drafted.
pub fn recheck(bytes: &[u8], draft: &Draft, serial: Serial, ca_key: &PublicKey) -> Result<(), Mismatch> {
    let read = decode(bytes)?;
    // Taken apart, so that a field added to the draft cannot be forgotten here.
    let Draft {
        connecting_key,
        principal,
        key_id,
        valid_after,
        valid_before,
        force_command,
        source,
        verify_required,
        extensions,
        nonce,
    } = &read.draft;
    let critical =
        *force_command == draft.force_command && *source == draft.source && *verify_required == draft.verify_required;
    let as_drafted = [
        (Field::Nonce, *nonce == draft.nonce),
        (Field::ConnectingKey, *connecting_key == draft.connecting_key),
        (Field::Serial, read.serial == serial),
        (Field::KeyId, *key_id == draft.key_id),
        (Field::Principals, *principal == draft.principal),
        (Field::ValidAfter, *valid_after == draft.valid_after),
        (Field::ValidBefore, *valid_before == draft.valid_before),
        (Field::CriticalOptions, critical),
        (Field::Extensions, *extensions == draft.extensions),
        (Field::CaKey, read.ca_key == *ca_key),
    ];
    match as_drafted.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(Mismatch::Differs(field)),
        None => Ok(()),
    }
}

/// What the bytes say.
pub(crate) struct Decoded {
    pub(crate) draft: Draft,
    pub(crate) serial: Serial,
    pub(crate) ca_key: PublicKey,
}

/// Reads bytes in the one spelling that Hallpass writes: a user certificate with one principal, our key id, options that
/// we know, in order and once each, and nothing reserved.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, Mismatch> {
    let mut from = Reader::new(bytes);
    let kind = take(Field::Kind, from.text())?;
    let (plain_kind, key_fields) = take(Field::Kind, plain(kind))?;
    let nonce = take(Field::Nonce, from.string().and_then(|nonce| nonce.try_into().ok()))?;
    let key_fields = take(Field::ConnectingKey, from.raw_strings(key_fields))?;
    let connecting_key = take(Field::ConnectingKey, PublicKey::from_wire(&with_kind(plain_kind, key_fields)).ok())?;
    let serial = take(Field::Serial, from.u64().and_then(Serial::new))?;
    take(Field::Type, from.u32().filter(|number| *number == 1))?;
    let key_id: KeyId = take(Field::KeyId, from.text().and_then(|text| text.parse().ok()))?;
    let principal = take(Field::Principals, from.string().and_then(one_principal))?;
    let valid_after = take(Field::ValidAfter, from.u64().and_then(time))?;
    let valid_before = take(Field::ValidBefore, from.u64().and_then(time))?;
    let Critical { force_command, source, verify_required } =
        take(Field::CriticalOptions, from.string().and_then(critical))?;
    let extensions = take(Field::Extensions, from.string().and_then(flags))?;
    take(Field::Reserved, from.string().filter(|reserved| reserved.is_empty()))?;
    let ca_key = take(Field::CaKey, from.string().and_then(|blob| PublicKey::from_wire(blob).ok()))?;
    if !from.is_empty() {
        return Err(Mismatch::Trailing);
    }
    let draft = Draft {
        connecting_key,
        principal,
        key_id,
        valid_after,
        valid_before,
        force_command,
        source,
        verify_required,
        extensions,
        nonce,
    };
    Ok(Decoded { draft, serial, ca_key })
}

pub(crate) fn take<T>(field: Field, read: Option<T>) -> Result<T, Mismatch> {
    read.ok_or(Mismatch::Malformed(field))
}

/// The kind of the plain key, and how many strings or mpints it has.
pub(crate) fn plain(certificate_kind: &str) -> Option<(&'static str, usize)> {
    Some(match certificate_kind {
        "ssh-ed25519-cert-v01@openssh.com" => ("ssh-ed25519", 1),
        "ssh-rsa-cert-v01@openssh.com" => ("ssh-rsa", 2),
        "ecdsa-sha2-nistp256-cert-v01@openssh.com" => ("ecdsa-sha2-nistp256", 2),
        "ecdsa-sha2-nistp384-cert-v01@openssh.com" => ("ecdsa-sha2-nistp384", 2),
        "ecdsa-sha2-nistp521-cert-v01@openssh.com" => ("ecdsa-sha2-nistp521", 2),
        "sk-ssh-ed25519-cert-v01@openssh.com" => ("sk-ssh-ed25519@openssh.com", 2),
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com" => ("sk-ecdsa-sha2-nistp256@openssh.com", 3),
        _ => return None,
    })
}

/// A key's wire form: the name of its kind as a string, then its fields.
fn with_kind(kind: &str, fields: &[u8]) -> Vec<u8> {
    // The names above are short: the length has one byte that counts.
    let length = u8::try_from(kind.len()).unwrap_or_default();
    [&[0, 0, 0, length], kind.as_bytes(), fields].concat()
}

pub(crate) fn time(seconds: u64) -> Option<UnixTime> {
    UnixTime::new(seconds).ok()
}

pub(crate) fn one_principal(list: &[u8]) -> Option<Principal> {
    let mut from = Reader::new(list);
    let principal = from.text()?.parse().ok()?;
    from.is_empty().then_some(principal)
}

/// The critical options that OpenSSH knows for users.
#[derive(Default)]
struct Critical {
    force_command: Option<Command>,
    source: Option<Networks>,
    verify_required: bool,
}

/// Critical options that we know, in ascending order of their names. Data is a string in a string, or empty.
fn critical(list: &[u8]) -> Option<Critical> {
    let mut from = Reader::new(list);
    let (mut found, mut last) = (Critical::default(), "");
    while !from.is_empty() {
        let name = from.text()?;
        let mut data = Reader::new(from.string()?);
        if name <= last {
            return None;
        }
        match name {
            "force-command" => found.force_command = Some(data.text()?.parse().ok()?),
            "source-address" => found.source = Some(networks(data.text()?)?),
            "verify-required" => found.verify_required = true,
            _ => return None,
        }
        if !data.is_empty() {
            return None;
        }
        last = name;
    }
    Some(found)
}

/// Networks in ascending order with commas alone between them, none inside of another.
fn networks(value: &str) -> Option<Networks> {
    let each: Vec<_> = value.split(',').map(|network| network.parse().ok()).collect::<Option<_>>()?;
    Networks::new(each).filter(|networks| networks.openssh_value() == value)
}

/// Extensions that we know, in ascending order of their names, without data.
fn flags(list: &[u8]) -> Option<BTreeSet<Extension>> {
    let mut from = Reader::new(list);
    let mut last = "";
    let mut found = BTreeSet::new();
    while !from.is_empty() {
        let name = from.text()?;
        let extension = Extension::ALL.into_iter().find(|extension| extension.openssh_name() == name)?;
        if name <= last || !from.string()?.is_empty() {
            return None;
        }
        last = name;
        found.insert(extension);
    }
    Some(found)
}
