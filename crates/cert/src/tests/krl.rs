//! Revocation lists: what is written reads back, nothing else is read, and no division of the serials is smaller.

use std::collections::BTreeSet;
use std::time::Instant;

use domain::PublicKey;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::{CONNECTING_KEYS, TestCa, connecting_key, serial, time};
use crate::{Krl, KrlError, KrlPart, Serials};

/// A KRL of one CA.
pub(super) fn krl(ca: &TestCa, serials: impl IntoIterator<Item = u64>) -> Krl {
    let serials: Serials = serials.into_iter().map(serial).collect();
    Krl {
        number: 7,
        generated: time("2026-03-01T14:05:00Z"),
        comment: None,
        revoked: [(ca.public.clone(), serials)].into(),
    }
}

/// How many bytes a KRL of one CA has besides its sub-sections.
fn frame() -> usize {
    let one = krl(&TestCa::from_seed(1), [1]).encode().unwrap();
    one.len() - (5 + 8)
}

/// Serials in clusters: gaps of all sizes that decide between list, range and bitmap, and some that end a bitmap.
fn any_serials() -> impl Strategy<Value = BTreeSet<u64>> {
    let gap = prop_oneof![1..4_u64, 1..40_u64, 60..90_u64, 100..200_u64, 1..9_000_u64, 16_380..16_390_u64];
    let length = prop_oneof![3 => Just(1_u64), 2 => 2..4_u64, 1 => 1..300_u64];
    (0..20_u64, vec((gap, length), 1..12)).prop_map(|(before, runs)| {
        let mut next = before;
        let mut serials = BTreeSet::new();
        for (gap, length) in runs {
            serials.extend(next + gap..next + gap + length);
            next += gap + length;
        }
        serials
    })
}

fn any_krl() -> impl Strategy<Value = Krl> {
    let known = prop::sample::select(CONNECTING_KEYS.to_vec()).prop_map(|(name, _)| connecting_key(name));
    let fresh = any::<[u8; 32]>().prop_map(PublicKey::ed25519);
    let far = btree_set(1..=i64::MAX as u64, 0..20);
    let serials = prop_oneof![any_serials(), far].prop_map(|set| set.into_iter().map(serial).collect());
    (any::<u64>(), option::of("[a-z]{1,20}"), btree_map(prop_oneof![known, fresh], serials, 0..4)).prop_map(
        |(number, comment, revoked)| {
            let comment = comment.map(|comment| comment.parse().unwrap());
            Krl { number, generated: time("2026-03-01T14:05:00Z"), comment, revoked }
        },
    )
}

/// The runs of these serials.
fn runs(serials: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for serial in serials {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *serial => *last = *serial,
            _ => runs.push((*serial, *serial)),
        }
    }
    runs
}

/// The least bytes of sub-sections, by trying every way: slow, and plain to see.
fn least(runs: &[(u64, u64)], has_list: bool) -> u64 {
    let Some(((first, last), rest)) = runs.split_first() else { return 0 };
    let head = if has_list { 0 } else { 5 };
    let listed = head + 8 * (last - first + 1) + least(rest, true);
    let range = 5 + 16 + least(rest, has_list);
    let bitmap_to = |end: usize| {
        let bits = runs[end].1 - first + 1;
        let mpint = bits / 8 + 1;
        (bits <= 16_384).then(|| 5 + 8 + 4 + mpint + least(&runs[end + 1..], has_list))
    };
    (0..runs.len()).filter_map(bitmap_to).fold(listed.min(range), u64::min)
}

proptest! {
    #[test]
    fn every_krl_reads_back_as_it_was(krl in any_krl()) {
        let bytes = krl.encode().unwrap();
        let mut read = Krl::decode(&bytes).unwrap();
        prop_assert_eq!(read.encode().unwrap(), bytes);
        for (ca, serials) in krl.revoked.iter().filter(|(_, serials)| serials.is_empty()) {
            prop_assert!(read.revoked.insert(ca.clone(), serials.clone()).is_none(), "no section without serials");
        }
        prop_assert_eq!(read, krl);
    }

    #[test]
    fn it_revokes_the_given_serials_and_no_others(set in any_serials()) {
        let (ca, other) = (TestCa::from_seed(1), TestCa::from_seed(2));
        let read = Krl::decode(&krl(&ca, set.clone()).encode().unwrap()).unwrap();
        for number in 1..=set.last().unwrap() + 20 {
            prop_assert_eq!(read.revokes(&ca.public, serial(number)), set.contains(&number), "serial {}", number);
            prop_assert!(!read.revokes(&other.public, serial(number)));
        }
        let ranges: Vec<_> = read.revoked[&ca.public].ranges().map(|range| (range.start().get(), range.end().get())).collect();
        prop_assert_eq!(ranges, runs(&set));
    }

    #[test]
    fn no_division_of_the_serials_is_smaller(set in any_serials()) {
        let bytes = krl(&TestCa::from_seed(1), set.clone()).encode().unwrap();
        let sub_sections = u64::try_from(bytes.len() - frame()).unwrap();
        prop_assert_eq!(sub_sections, least(&runs(&set), false));
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(Krl::decode(&bytes).is_err());
    }

    #[test]
    fn a_krl_that_is_cut_off_is_refused(krl in any_krl(), place: prop::sample::Index) {
        let bytes = krl.encode().unwrap();
        let cut = &bytes[..place.index(bytes.len())];
        // What ends before a CA's section is a whole KRL, and says less: the file is replaced as a whole for that.
        prop_assert!(Krl::decode(cut).is_err() || Krl::decode(cut).unwrap().revoked.len() < krl.revoked.len());
    }

    #[test]
    fn whatever_is_read_can_be_written(krl in any_krl(), place: prop::sample::Index, bit in 0..8_u8) {
        let mut bytes = krl.encode().unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(read) = Krl::decode(&bytes) {
            prop_assert_eq!(Krl::decode(&read.encode().unwrap()), Ok(read));
        }
    }
}

/// A KRL with these sub-sections of one CA, written by hand.
fn by_hand(sub_sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let mut certificates = [string(&TestCa::from_seed(1).public.to_wire()), string(b"")].concat();
    for (kind, data) in sub_sections {
        certificates.push(*kind);
        certificates.extend(string(data));
    }
    let no_cas = Krl { revoked: [].into(), ..krl(&TestCa::from_seed(1), []) };
    [no_cas.encode().unwrap(), vec![1], string(&certificates)].concat()
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().copied().flat_map(u64::to_be_bytes).collect()
}

fn bitmap(first: u64, bits: &[u8]) -> Vec<u8> {
    [numbers(&[first]), u32::try_from(bits.len()).unwrap().to_be_bytes().to_vec(), bits.to_vec()].concat()
}

#[test]
fn sections_are_read_in_any_order_and_may_overlap() {
    let bytes = by_hand(&[
        (0x21, numbers(&[100, 110])),
        (0x20, numbers(&[4, 105, 2])),
        (0x22, bitmap(1, &[0b101])),
        (0x20, numbers(&[111])),
    ]);
    let expected = krl(&TestCa::from_seed(1), [1, 2, 3, 4].into_iter().chain(100..=111));
    assert_eq!(Krl::decode(&bytes), Ok(expected));
}

#[test]
fn what_hallpass_never_writes_is_refused_by_name() {
    let refused = |kind, data| Krl::decode(&by_hand(&[(kind, data)])).unwrap_err();
    let malformed = KrlError::Malformed;
    assert_eq!(refused(0x20, numbers(&[1, 0])), malformed(KrlPart::List), "serial 0");
    assert_eq!(refused(0x20, numbers(&[1 << 63])), malformed(KrlPart::List));
    assert_eq!(refused(0x20, vec![0; 7]), malformed(KrlPart::List));
    for bad in [&[2, 1][..], &[0, 1], &[1, 1 << 63], &[1], &[1, 2, 3], &[]] {
        assert_eq!(refused(0x21, numbers(bad)), malformed(KrlPart::Range), "{bad:?}");
    }
    let too_long = [&[1][..], &[0; 2_048]].concat();
    for bad in [&[][..], &[0], &[0, 1], &[0x80], &[0, 0, 0x80], &too_long] {
        assert_eq!(refused(0x22, bitmap(1, bad)), malformed(KrlPart::Bitmap), "{bad:?}");
    }
    assert_eq!(refused(0x22, bitmap(0, &[2])), malformed(KrlPart::Bitmap));
    assert_eq!(refused(0x22, bitmap(i64::MAX as u64, &[2])), malformed(KrlPart::Bitmap));
    assert_eq!(refused(0x22, [bitmap(1, &[1]), vec![0]].concat()), malformed(KrlPart::Bitmap));
    assert_eq!(refused(0x23, numbers(&[1])), KrlError::Unknown(0x23), "key ids");
    assert_eq!(refused(0x39, Vec::new()), KrlError::Unknown(0x39), "extensions");
    assert_eq!(Krl::decode(&by_hand(&[])), Err(malformed(KrlPart::Section)), "a CA without serials");

    let good = krl(&TestCa::from_seed(1), [1]).encode().unwrap();
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        Krl::decode(&bytes).unwrap_err()
    };
    assert_eq!(changed(0, b'X'), KrlError::NotKrl);
    assert_eq!(changed(11, 2), KrlError::NotKrl, "format version 2");
    assert_eq!(changed(20, 1), malformed(KrlPart::Header), "a time after the year 9999");
    assert_eq!(changed(35, 1), malformed(KrlPart::Header), "flags");
    assert_eq!(changed(44, 5), KrlError::Unknown(5), "fingerprints");
    assert!(matches!(changed(60, b'x'), KrlError::CaKey(_)));
}

#[test]
fn a_bitmap_is_used_up_to_the_last_bit_that_openssh_reads() {
    let up_to = |last: u64| krl(&TestCa::from_seed(1), (1..last - 2).step_by(2).chain([last])).encode().unwrap().len();
    let one_bitmap = frame() + 5 + 8 + 4 + 2_049;
    assert_eq!(up_to(16_384), one_bitmap);
    // The last serial is listed, and the bitmap ends with the one before it.
    assert_eq!(up_to(16_385), one_bitmap - 1 + 5 + 8);
}

#[test]
fn the_largest_bitmap_that_openssh_reads_is_read() {
    let full = [&[0, 0x80][..], &[0; 2_047]].concat();
    let read = Krl::decode(&by_hand(&[(0x22, bitmap(1, &full))])).unwrap();
    assert_eq!(read, krl(&TestCa::from_seed(1), [16_384]));
}

#[test]
fn a_krl_out_of_bounds_is_neither_made_nor_read() {
    let odd = |count: usize| (0..u64::try_from(count).unwrap()).map(|n| 1_000 * n + 1);
    let ca = TestCa::from_seed(1);
    let most = krl(&ca, odd(Krl::MOST_RUNS));
    assert_eq!(Krl::decode(&most.encode().unwrap()), Ok(most));
    assert_eq!(krl(&ca, odd(Krl::MOST_RUNS + 1)).encode(), Err(KrlError::TooLarge));
    let list: Vec<u64> = odd(Krl::MOST_RUNS + 1).collect();
    assert_eq!(Krl::decode(&by_hand(&[(0x20, numbers(&list))])), Err(KrlError::TooLarge));
    assert_eq!(Krl::decode(&vec![0; 5 << 20]), Err(KrlError::TooLarge));
}

#[test]
fn all_serials_that_there_are_take_one_range() {
    let bytes = by_hand(&[(0x21, numbers(&[1, i64::MAX as u64]))]);
    let read = Krl::decode(&bytes).unwrap();
    assert!(read.revokes(&TestCa::from_seed(1).public, serial(4_711)));
    assert_eq!(read.encode().unwrap(), bytes);
}

#[test]
fn time_grows_with_the_number_of_serials_alone() {
    let ca = TestCa::from_seed(1);
    // Every serial but some: bitmaps with as many places to begin as there can be.
    let alternating = |count: u64| krl(&ca, (0..count).map(|n| 2 * n + 1));
    let (small, large) = (alternating(10_000), alternating(100_000));
    let least = |krl: &Krl| {
        let once = || {
            let start = Instant::now();
            drop(krl.encode().unwrap());
            start.elapsed()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (of_small, of_large) = (least(&small), least(&large));
    println!("10,000 serials encoded and read back in {of_small:?}, 100,000 in {of_large:?}");
    assert!(of_large < of_small * 40, "ten times the serials: {of_small:?}, then {of_large:?}");
}
