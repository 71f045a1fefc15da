//! The encoder.

use domain::{PublicKey, Text};

use super::plan::{SubSection, plan};
use super::serials::{Run, Serials};
use super::{BITMAP, CERTIFICATES, FORMAT_VERSION, Krl, KrlError, LIST, MAGIC, RANGE};

pub(super) fn encode(krl: &Krl) -> Result<Vec<u8>, KrlError> {
    let mut out = Vec::new();
    number(&mut out, MAGIC);
    out.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
    number(&mut out, krl.number);
    number(&mut out, krl.generated.seconds());
    let (no_flags, reserved) = (0, b"");
    number(&mut out, no_flags);
    string(&mut out, reserved)?;
    string(&mut out, krl.comment.as_ref().map_or("", Text::as_str).as_bytes())?;
    for (ca, serials) in krl.revoked.iter().filter(|(_, serials)| !serials.is_empty()) {
        out.push(CERTIFICATES);
        string(&mut out, &certificates(ca, serials)?)?;
    }
    Ok(out)
}

fn certificates(ca: &PublicKey, serials: &Serials) -> Result<Vec<u8>, KrlError> {
    let (mut out, reserved) = (Vec::new(), b"");
    string(&mut out, &ca.to_wire())?;
    string(&mut out, reserved)?;
    for sub_section in plan(serials.runs()) {
        let (kind, data) = match sub_section {
            SubSection::List(runs) => (LIST, list(&runs)),
            SubSection::Range(run) => (RANGE, [run.first().to_be_bytes(), run.last().to_be_bytes()].concat()),
            SubSection::Bitmap(runs) => (BITMAP, bitmap(runs)?),
        };
        out.push(kind);
        string(&mut out, &data)?;
    }
    Ok(out)
}

fn list(runs: &[Run]) -> Vec<u8> {
    let mut out = Vec::new();
    for serial in runs.iter().flat_map(|run| run.first()..=run.last()) {
        number(&mut out, serial);
    }
    out
}

/// The serial of the first bit, then an mpint: its lowest bit, in its last byte, is the first.
fn bitmap(runs: &[Run]) -> Result<Vec<u8>, KrlError> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Err(KrlError::Differs) };
    let bytes_to = |serial: u64| usize::try_from((serial - first.first()) / 8).map_err(|_| KrlError::TooLarge);
    // One bit more than there are serials, so that the number is not negative.
    let mut bits = vec![0_u8; bytes_to(last.last() + 1)? + 1];
    for serial in runs.iter().flat_map(|run| run.first()..=run.last()) {
        if let Some(byte) = bits.get_mut(bytes_to(serial)?) {
            *byte |= 1 << ((serial - first.first()) % 8);
        }
    }
    bits.reverse();
    let mut out = Vec::new();
    number(&mut out, first.first());
    string(&mut out, &bits)?;
    Ok(out)
}

fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), KrlError> {
    let length = u32::try_from(bytes.len()).map_err(|_| KrlError::TooLarge)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
