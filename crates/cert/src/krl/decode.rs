//! The decoder, which shares nothing with the encoder. It is as strict as OpenSSH's, and takes fewer kinds of sections.

use std::collections::BTreeMap;

use domain::{PublicKey, Serial, Text, UnixTime};

use super::serials::{Run, Serials};
use super::{BITMAP, CERTIFICATES, FORMAT_VERSION, Krl, KrlError, KrlPart, LIST, LONGEST, MAGIC, MOST_BITS, RANGE};
use crate::reader::Reader;

pub(super) fn decode(bytes: &[u8]) -> Result<Krl, KrlError> {
    if bytes.len() > LONGEST {
        return Err(KrlError::TooLarge);
    }
    let mut from = Reader::new(bytes);
    if from.u64() != Some(MAGIC) || from.u32() != Some(FORMAT_VERSION) {
        return Err(KrlError::NotKrl);
    }
    let header = header(&mut from);
    let (number, generated, comment) = take(KrlPart::Header, header)?;
    let mut read = Read::default();
    while !from.is_empty() {
        let (kind, section) = section(&mut from)?;
        match kind {
            CERTIFICATES => certificates(section, &mut read)?,
            _ => return Err(KrlError::Unknown(kind)),
        }
    }
    let revoked = read.runs.into_iter().map(|(ca, runs)| (ca, Serials::from_runs(runs))).collect();
    Ok(Krl { number, generated, comment, revoked })
}

/// Number, time and comment, behind the format's version.
fn header(from: &mut Reader<'_>) -> Option<(u64, UnixTime, Option<Text>)> {
    let number = from.u64()?;
    let generated = UnixTime::new(from.u64()?).ok()?;
    let _no_flags = from.u64().filter(|flags| *flags == 0)?;
    let _reserved = from.string().filter(|reserved| reserved.is_empty())?;
    let comment = match from.text()? {
        "" => None,
        comment => Some(comment.parse().ok()?),
    };
    Some((number, generated, comment))
}

fn section<'a>(from: &mut Reader<'a>) -> Result<(u8, &'a [u8]), KrlError> {
    take(KrlPart::Section, from.u8().zip(from.string()))
}

fn certificates(section_data: &[u8], read: &mut Read) -> Result<(), KrlError> {
    let mut from = Reader::new(section_data);
    let ca = take(KrlPart::Section, from.string())?;
    let ca = PublicKey::from_wire(ca).map_err(KrlError::CaKey)?;
    take(KrlPart::Section, from.string().filter(|reserved| reserved.is_empty()))?;
    // A CA of which nothing is revoked has no section.
    take(KrlPart::Section, (!from.is_empty()).then_some(()))?;
    let mut add = read.of(ca);
    while !from.is_empty() {
        let (kind, data) = section(&mut from)?;
        match kind {
            LIST => list(data, &mut add)?,
            RANGE => add(take(KrlPart::Range, range(data))?)?,
            BITMAP => bitmap(data, &mut add)?,
            _ => return Err(KrlError::Unknown(kind)),
        }
    }
    Ok(())
}

fn list(data: &[u8], add: &mut impl FnMut(Run) -> Result<(), KrlError>) -> Result<(), KrlError> {
    let mut from = Reader::new(data);
    while !from.is_empty() {
        add(Run::one(take(KrlPart::List, from.u64().and_then(Serial::new))?))?;
    }
    Ok(())
}

fn range(data: &[u8]) -> Option<Run> {
    let mut from = Reader::new(data);
    let run = Run::new(Serial::new(from.u64()?)?, Serial::new(from.u64()?)?)?;
    from.is_empty().then_some(run)
}

fn bitmap(data: &[u8], add: &mut impl FnMut(Run) -> Result<(), KrlError>) -> Result<(), KrlError> {
    let (first, bits) = take(KrlPart::Bitmap, bits(data))?;
    // From the lowest byte on, and in it from the lowest bit that is set to the next.
    for (byte, of_byte) in bits.iter().rev().zip((first..).step_by(8)) {
        let mut left = *byte;
        while left != 0 {
            add(Run::one(take(KrlPart::Bitmap, Serial::new(of_byte + u64::from(left.trailing_zeros())))?))?;
            left &= left - 1;
        }
    }
    Ok(())
}

/// The serial of the lowest bit, and a number that is spelled as an mpint must be: positive, and without bytes that could
/// be left away.
fn bits(data: &[u8]) -> Option<(u64, &[u8])> {
    let mut from = Reader::new(data);
    let (first, number) = (Serial::new(from.u64()?)?, from.string()?);
    let bits = match number {
        [0, bits @ ..] if bits.first().is_some_and(|top| *top >= 0x80) => bits,
        [1..0x80, ..] => number,
        _ => return None,
    };
    (from.is_empty() && bits.len() as u64 <= MOST_BITS / 8).then_some((first.get(), bits))
}

/// What was read of the sections.
#[derive(Default)]
struct Read {
    runs: BTreeMap<PublicKey, Vec<Run>>,
    count: usize,
}

impl Read {
    /// What takes the runs of one CA.
    fn of(&mut self, ca: PublicKey) -> impl FnMut(Run) -> Result<(), KrlError> {
        let (runs, count) = (self.runs.entry(ca).or_default(), &mut self.count);
        |run| {
            if runs.last_mut().is_some_and(|last| last.join(run)) {
                return Ok(());
            }
            *count += 1;
            runs.push(run);
            if *count > Krl::MOST_RUNS { Err(KrlError::TooLarge) } else { Ok(()) }
        }
    }
}

fn take<T>(part: KrlPart, read: Option<T>) -> Result<T, KrlError> {
    read.ok_or(KrlError::Malformed(part))
}
