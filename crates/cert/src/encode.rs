//! The encoder of what a CA signs (draft-ietf-sshm-cert; RFC 4251, section 5).

use domain::{PublicKey, Serial};

use crate::decode::Field;
use crate::draft::{CertError, Draft};

/// `SSH2_CERT_TYPE_USER`
const USER: u32 = 1;

pub(crate) fn to_be_signed(draft: &Draft, serial: Serial, ca_key: &PublicKey) -> Result<Vec<u8>, CertError> {
    let key = draft.connecting_key.to_wire();
    let (kind, key_fields) = split_kind(&key);
    let mut out = Vec::with_capacity(key.len() + 512);

    string(&mut out, Field::Kind, &certificate_kind(kind))?;
    string(&mut out, Field::Nonce, &draft.nonce)?;
    out.extend_from_slice(key_fields);
    out.extend_from_slice(&serial.get().to_be_bytes());
    out.extend_from_slice(&USER.to_be_bytes());
    string(&mut out, Field::KeyId, draft.key_id.to_string().as_bytes())?;
    // A string of strings. Never empty: OpenSSH's library reads an empty list as "everyone".
    let mut principals = Vec::new();
    string(&mut principals, Field::Principals, draft.principal.to_string().as_bytes())?;
    string(&mut out, Field::Principals, &principals)?;
    out.extend_from_slice(&draft.valid_after.seconds().to_be_bytes());
    out.extend_from_slice(&draft.valid_before.seconds().to_be_bytes());
    let critical = draft.critical_options();
    options(&mut out, Field::CriticalOptions, critical.iter().map(|(name, value)| (*name, value.as_str())))?;
    options(&mut out, Field::Extensions, draft.extensions.iter().map(|extension| (extension.openssh_name(), "")))?;
    string(&mut out, Field::Reserved, b"")?;
    string(&mut out, Field::CaKey, &ca_key.to_wire())?;
    Ok(out)
}

/// Options sorted by the bytes of their names, as the format asks; that is not the order of their short names, as `X`
/// sorts before `a`. A value is a string inside the data string; a flag has empty data.
fn options<'a>(
    out: &mut Vec<u8>,
    field: Field,
    named: impl Iterator<Item = (&'static str, &'a str)>,
) -> Result<(), CertError> {
    let mut sorted: Vec<_> = named.collect();
    sorted.sort_unstable();
    let mut list = Vec::new();
    for (name, value) in sorted {
        string(&mut list, field, name.as_bytes())?;
        let mut data = Vec::new();
        if !value.is_empty() {
            string(&mut data, field, value.as_bytes())?;
        }
        string(&mut list, field, &data)?;
    }
    string(out, field, &list)
}

fn string(out: &mut Vec<u8>, field: Field, bytes: &[u8]) -> Result<(), CertError> {
    let length = u32::try_from(bytes.len()).map_err(|_| CertError::TooLong(field))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// A key's wire form is its kind as a string, then the fields that the certificate repeats after its nonce.
fn split_kind(blob: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = blob.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    rest.split_at_checked(length).unwrap_or((rest, &[]))
}

/// `ssh-ed25519` becomes `ssh-ed25519-cert-v01@openssh.com`; the FIDO kinds have that domain already.
fn certificate_kind(kind: &[u8]) -> Vec<u8> {
    let stem = kind.strip_suffix(b"@openssh.com").unwrap_or(kind);
    [stem, b"-cert-v01@openssh.com"].concat()
}
