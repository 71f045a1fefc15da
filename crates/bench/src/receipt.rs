//! What was received: each certificate checked as a client would, and remembered to be compared with the ledger.

use std::collections::HashMap;

use base64ct::{Base64, Encoding as _};
use cert::Certificate;
use domain::{Digest, PublicKey};
use statement::Seen;
use wire::v1::FetchResponse;
use wire::{Head, Issued};

use crate::machine::cores;
use crate::taker::Taker;

/// A certificate that somebody holds now.
pub(crate) struct Receipt {
    pub(crate) serial: u64,
    /// SHA-256 of what the CA signed.
    pub(crate) to_be_signed: Digest,
    /// Whose it is.
    pair: String,
    seen: Seen,
}

/// Checks all answers, on every core; for those that are not what was asked for, says why.
pub(crate) fn check_all(
    responses: &[FetchResponse],
    takers: &mut [Taker],
    ca: &PublicKey,
) -> (Vec<Receipt>, Vec<String>) {
    let keys: HashMap<String, PublicKey> =
        takers.iter().map(|taker| (taker.pair.to_string(), taker.connecting_key.public().clone())).collect();
    let share = responses.len().div_ceil(cores()).max(1);
    let checked: Vec<Result<Receipt, String>> = std::thread::scope(|scope| {
        let check = |one| check(one, &keys, ca);
        let threads: Vec<_> = responses
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(check).collect::<Vec<_>>()))
            .collect();
        let panicked = |_| vec![Err("a thread panicked".to_owned())];
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(panicked)).collect()
    });
    let (mut receipts, mut wrong) = (Vec::with_capacity(checked.len()), Vec::new());
    for one in checked {
        match one {
            Ok(receipt) => receipts.push(receipt),
            Err(why) => wrong.push(why),
        }
    }
    remember_heads(&receipts, takers);
    (receipts, wrong)
}

/// Clients say what they have seen with their next statement.
fn remember_heads(receipts: &[Receipt], takers: &mut [Taker]) {
    let mut heads: HashMap<&str, &Seen> = HashMap::new();
    for receipt in receipts {
        let head = heads.entry(&receipt.pair).or_insert(&receipt.seen);
        if receipt.seen.size > head.size {
            *head = &receipt.seen;
        }
    }
    for taker in takers {
        let newest = heads.get(taker.pair.to_string().as_str()).map(|head| (*head).clone());
        taker.seen = newest.or(taker.seen.take());
    }
}

/// The same for answers that are no certificates.
pub(crate) fn remember_head(response: Option<&FetchResponse>, takers: &mut [Taker]) {
    let head = response.and_then(|response| Head::try_from(response.checkpoint.clone()).ok());
    for taker in takers {
        taker.seen = head.as_ref().map(seen).or(taker.seen.take());
    }
}

/// A head as the next statement names it.
pub(crate) const fn seen(head: &Head) -> Seen {
    Seen { size: head.size, root: head.root, signature: head.signature }
}

fn check(response: &FetchResponse, keys: &HashMap<String, PublicKey>, ca: &PublicKey) -> Result<Receipt, String> {
    let [issued] = response.certificates.as_slice() else {
        return Err(format!("{} certificates came for one pair", response.certificates.len()));
    };
    let issued = Issued::try_from(issued.clone()).map_err(|e| e.to_string())?;
    let head = Head::try_from(response.checkpoint.clone()).map_err(|e| e.to_string())?;
    let (serial, pair) = (issued.serial, issued.pair.to_string());
    let certificate = Certificate::from_openssh(&issued.certificate).map_err(|e| e.to_string())?;
    let key = keys.get(&pair).ok_or_else(|| format!("nobody asked for {pair}"))?;
    if certificate.serial() != serial || certificate.principals() != [pair.clone()] || certificate.public_key() != key {
        return Err(format!("certificate {serial} is not the one that was asked for"));
    }
    let to_be_signed = signed_part(&certificate, ca).ok_or_else(|| format!("certificate {serial} is not by the CA"))?;
    Ok(Receipt { serial: serial.get(), to_be_signed: Digest::of(&to_be_signed), pair, seen: seen(&head) })
}

/// What precedes the signature in a certificate (PROTOCOL.certkeys), if the CA signed it.
fn signed_part(certificate: &Certificate, ca: &PublicKey) -> Option<Vec<u8>> {
    let blob = Base64::decode_vec(certificate.to_openssh().split(' ').nth(1)?).ok()?;
    let signature = certificate.as_ssh_key().signature();
    let encoded: Vec<u8> = signature.clone().try_into().ok()?;
    let (signed, _length) = blob.strip_suffix(encoded.as_slice())?.split_last_chunk::<4>()?;
    cert::verify(ca, signed, signature).ok()?;
    Some(signed.to_vec())
}
