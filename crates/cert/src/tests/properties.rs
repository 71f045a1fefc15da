//! What holds for every draft: it reads back by two parsers, and nothing can differ unseen.

use std::collections::BTreeSet;

use domain::{Command, Extension, Network, Networks, PublicKey, RequestId, UnixTime};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{CONNECTING_KEYS, TestCa, connecting_key, draft, serial};
use crate::{Draft, Field, KeyId, Mismatch, Principal, Summary, ToBeSigned, recheck, sign};

fn any_key() -> impl Strategy<Value = PublicKey> {
    let known = select(CONNECTING_KEYS.to_vec()).prop_map(|(name, _)| connecting_key(name));
    let fresh = any::<[u8; 32]>().prop_map(PublicKey::ed25519);
    prop_oneof![known, fresh]
}

fn any_principal() -> impl Strategy<Value = Principal> {
    ("[a-z_][a-z0-9_.-]{0,31}", option::of(r"[a-z0-9]{1,63}(\.[a-z0-9]{1,40}){0,4}")).prop_map(|(login, host)| {
        let text = host.map_or(login.clone(), |host| format!("{login}@{host}"));
        text.parse().unwrap()
    })
}

prop_compose! {
    fn any_key_id(deadline: UnixTime)(bits: u64, user in "[a-z0-9_][a-z0-9._-]{0,63}(@[a-z]{1,20})?") -> KeyId {
        KeyId { request: RequestId::from_random(bits), user: user.parse().unwrap(), deadline }
    }
}

/// Three times in order, the first two apart.
fn any_times() -> impl Strategy<Value = [UnixTime; 3]> {
    (0..250_000_000_000u64, 1..1_000_000u64, 0..1_000_000u64).prop_map(|(after, valid, rest)| {
        [after, after + valid, after + valid + rest].map(|s| UnixTime::new(s).unwrap())
    })
}

prop_compose! {
    fn any_draft()(times in any_times())(
        connecting_key in any_key(),
        principal in any_principal(),
        key_id in any_key_id(times[2]),
        times in Just(times),
        command in option::of(vec("[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+:,./-]{0,20}", 1..20)),
        source in option::of(vec((any::<u32>(), any::<bool>()), 1..5)),
        verify in any::<bool>(),
        extensions in subsequence(Extension::ALL.to_vec(), 0..=5),
        nonce in any::<[u8; 32]>(),
    ) -> Draft {
        let [valid_after, valid_before, _] = times;
        let force_command = command.map(|words| Command::from_words(&words).unwrap());
        let extensions = extensions.into_iter().collect();
        let network = |(bits, new): (u32, bool)| {
            let text = if new { format!("2001:db8::{bits:x}", bits = bits >> 16) } else { format!("{}.0.0.0/8", bits % 223) };
            text.parse::<Network>().unwrap()
        };
        let source = source.and_then(|source| Networks::new(source.into_iter().map(network)));
        let verify_required = verify && connecting_key.is_fido();
        Draft {
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
        }
    }
}

proptest! {
    #[test]
    fn every_draft_reads_back_by_ssh_keys_parser(draft in any_draft(), index in 1..=i64::MAX as u64) {
        let ca = TestCa::from_seed(1);
        let to_be_signed = draft.clone().with_serial(serial(index), &ca.public).unwrap();
        let signed = sign(&to_be_signed, &ca).unwrap();
        let read = ssh_key::Certificate::from_openssh(signed.to_openssh()).unwrap();
        prop_assert_eq!(read.nonce(), draft.nonce);
        prop_assert_eq!(read.public_key(), draft.connecting_key.key_data());
        prop_assert_eq!(read.serial(), index);
        prop_assert!(read.cert_type().is_user());
        prop_assert_eq!(read.key_id(), draft.key_id.to_string());
        prop_assert_eq!(read.valid_principals(), [draft.principal.to_string()]);
        prop_assert_eq!(read.valid_after(), draft.valid_after.seconds());
        prop_assert_eq!(read.valid_before(), draft.valid_before.seconds());
        let critical = |name: &str| read.critical_options().get(name).map(String::as_str);
        let (command, source) = (critical("force-command"), critical("source-address"));
        prop_assert_eq!(command, draft.force_command.as_ref().map(Command::as_str));
        prop_assert_eq!(source.map(str::to_owned), draft.source.as_ref().map(Networks::openssh_value));
        prop_assert_eq!(critical("verify-required"), draft.verify_required.then_some(""));
        let options = usize::from(command.is_some()) + usize::from(source.is_some()) + usize::from(draft.verify_required);
        prop_assert_eq!(read.critical_options().len(), options);
        let names: BTreeSet<&str> = draft.extensions.iter().map(|e| e.openssh_name()).collect();
        prop_assert!(read.extensions().keys().eq(names));
        prop_assert!(read.extensions().values().all(String::is_empty));
        prop_assert_eq!(read.signature_key(), ca.public.key_data());
        let ours = ssh_key::Certificate::from_bytes(&read.to_bytes().unwrap());
        prop_assert_eq!(ours.unwrap().verify_signature(), Ok(()));
    }

    #[test]
    fn every_draft_reads_back_by_our_own_parser(draft in any_draft(), index in 1..=i64::MAX as u64) {
        let ca = TestCa::from_seed(1).public;
        let made = draft.clone().with_serial(serial(index), &ca).unwrap();
        prop_assert_eq!(recheck(made.bytes(), &draft, serial(index), &ca), Ok(()));
        let read = ToBeSigned::from_bytes(made.bytes().to_vec()).unwrap();
        prop_assert_eq!(&read, &made);
        let summary = Summary::of(made.bytes()).unwrap();
        let wire = ca.to_wire();
        let (key_id, principal) = (draft.key_id.clone(), draft.principal.clone());
        let same = Summary { serial: serial(index), key_id, principal, valid_before: draft.valid_before, ca_key: &wire };
        prop_assert_eq!(summary, same);
    }

    #[test]
    fn a_summary_says_what_the_whole_says_or_is_refused(draft in any_draft(), place: prop::sample::Index, byte: u8) {
        let made = draft.with_serial(serial(4711), &TestCa::from_seed(1).public).unwrap();
        let mut bytes = made.bytes().to_vec();
        let place = place.index(bytes.len());
        prop_assert!(Summary::of(&bytes[..place]).is_err());
        bytes[place] = byte;
        if let Ok(whole) = ToBeSigned::from_bytes(bytes.clone()) {
            let summary = Summary::of(&bytes).unwrap();
            prop_assert_eq!(summary.serial, whole.serial());
            prop_assert_eq!(&summary.key_id, &whole.draft().key_id);
            prop_assert_eq!(&summary.principal, &whole.draft().principal);
            prop_assert_eq!(summary.valid_before, whole.draft().valid_before);
            prop_assert_eq!(summary.ca_key, whole.ca_key().to_wire());
        }
    }

    #[test]
    fn a_field_that_differs_is_named(one in any_draft(), other in any_draft()) {
        let ca = TestCa::from_seed(1).public;
        let bytes = one.clone().with_serial(serial(9), &ca).unwrap().bytes().to_vec();
        for (field, changed) in each_field_of(&other, &one) {
            let expected = if changed == one { Ok(()) } else { Err(Mismatch::Differs(field)) };
            prop_assert_eq!(recheck(&bytes, &changed, serial(9), &ca), expected);
        }
        let differs = |field| Err(Mismatch::Differs(field));
        prop_assert_eq!(recheck(&bytes, &one, serial(8), &ca), differs(Field::Serial));
        prop_assert_eq!(recheck(&bytes, &one, serial(9), &TestCa::from_seed(2).public), differs(Field::CaKey));
    }

    #[test]
    fn any_flipped_bit_is_found(draft in any_draft(), place: prop::sample::Index, bit in 0..8u8) {
        let ca = TestCa::from_seed(1).public;
        let mut bytes = draft.clone().with_serial(serial(4711), &ca).unwrap().bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(recheck(&bytes, &draft, serial(4711), &ca).is_err(), "bit {} of byte {}", bit, place);
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(ToBeSigned::from_bytes(bytes).is_err());
    }

    #[test]
    fn what_the_decoder_accepts_is_what_the_encoder_writes(
        draft in any_draft(),
        place: prop::sample::Index,
        byte: u8,
    ) {
        let made = draft.with_serial(serial(4711), &TestCa::from_seed(1).public).unwrap();
        let mut bytes = made.bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(read) = ToBeSigned::from_bytes(bytes.clone()) {
            let again = read.draft().clone().with_serial(read.serial(), read.ca_key()).unwrap();
            prop_assert_eq!(again.bytes(), bytes);
        }
    }
}

/// The draft with one field after the other taken from another draft.
fn each_field_of(other: &Draft, draft: &Draft) -> [(Field, Draft); 9] {
    let (from, base) = (|| other.clone(), || draft.clone());
    [
        (Field::ConnectingKey, Draft { connecting_key: from().connecting_key, ..base() }),
        (Field::Principals, Draft { principal: from().principal, ..base() }),
        (Field::KeyId, Draft { key_id: from().key_id, ..base() }),
        (Field::ValidAfter, Draft { valid_after: from().valid_after, ..base() }),
        (Field::ValidBefore, Draft { valid_before: from().valid_before, ..base() }),
        (Field::CriticalOptions, Draft { force_command: from().force_command, ..base() }),
        (Field::CriticalOptions, Draft { source: from().source, ..base() }),
        (Field::Extensions, Draft { extensions: from().extensions, ..base() }),
        (Field::Nonce, Draft { nonce: from().nonce, ..base() }),
    ]
}

#[test]
fn every_single_bit_counts_for_every_kind_of_key() {
    let ca = TestCa::from_seed(1).public;
    for (name, _) in CONNECTING_KEYS {
        let draft = Draft { connecting_key: connecting_key(name), ..draft() };
        let mut bytes = draft.clone().with_serial(serial(4711), &ca).unwrap().bytes().to_vec();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                assert!(recheck(&bytes, &draft, serial(4711), &ca).is_err(), "{name}: bit {bit} of byte {place}");
                bytes[place] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn bytes_cut_anywhere_or_with_a_tail_are_refused() {
    let made = draft().with_serial(serial(4711), &TestCa::from_seed(1).public).unwrap();
    let read = |bytes: &[u8]| recheck(bytes, &draft(), serial(4711), made.ca_key());
    for length in 0..made.bytes().len() {
        assert!(matches!(read(&made.bytes()[..length]), Err(Mismatch::Malformed(_))), "{length}");
    }
    assert_eq!(read(&[made.bytes(), &[0]].concat()), Err(Mismatch::Trailing));
}

#[test]
fn critical_options_out_of_order_twice_or_unknown_are_refused() {
    let fido = Draft { connecting_key: connecting_key("ed25519-sk"), verify_required: true, ..draft() };
    let made = fido.clone().with_serial(serial(4711), &TestCa::from_seed(1).public).unwrap();
    let option = |name: &str, value: &str| {
        let text = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
        let value = if value.is_empty() { Vec::new() } else { text(value.as_bytes()) };
        [text(name.as_bytes()), text(&value)].concat()
    };
    let (command, source) =
        (option("force-command", "systemctl restart nginx"), option("source-address", "10.0.0.0/8,2001:db8::/32"));
    let verify = option("verify-required", "");
    let sorted = [command.clone(), source.clone(), verify.clone()].concat();
    let at = made.bytes().windows(sorted.len()).position(|window| window == sorted).unwrap();
    let with = |list: &[&[u8]]| {
        let (mut bytes, list) = (made.bytes().to_vec(), list.concat());
        let length = u32::try_from(list.len()).unwrap().to_be_bytes();
        bytes.splice(at - 4..at + sorted.len(), [length.to_vec(), list].concat());
        recheck(&bytes, &fido, serial(4711), made.ca_key())
    };
    assert_eq!(with(&[&command, &source, &verify]), Ok(()));
    let malformed: [&[&[u8]]; 6] = [
        &[&source, &command, &verify],
        &[&command, &source, &source, &verify],
        &[&command, &source, &option("verify-required", "yes")],
        &[&command, &source, &option("no-such-option", ""), &verify],
        &[&command, &option("source-address", "2001:db8::/32,10.0.0.0/8"), &verify],
        &[&command, &option("source-address", "10.0.0.1/8"), &verify],
    ];
    for list in malformed {
        assert_eq!(with(list), Err(Mismatch::Malformed(Field::CriticalOptions)));
    }
    for list in [&[&command[..], &source][..], &[&command, &verify], &[&source, &verify]] {
        assert_eq!(with(list), Err(Mismatch::Differs(Field::CriticalOptions)));
    }
}

#[test]
fn extensions_out_of_order_or_twice_are_refused() {
    let extension = |name: &str| [&u32::try_from(name.len()).unwrap().to_be_bytes(), name.as_bytes(), &[0; 4]].concat();
    let two: Draft = Draft { extensions: [Extension::X11Forwarding, Extension::AgentForwarding].into(), ..draft() };
    let made = two.clone().with_serial(serial(4711), &TestCa::from_seed(1).public).unwrap();
    // `X` sorts before `a`, although `agent-forwarding` sorts before `x11-forwarding`.
    let (x11, agent) = (extension("permit-X11-forwarding"), extension("permit-agent-forwarding"));
    let sorted = [x11.clone(), agent.clone()].concat();
    let at = made.bytes().windows(sorted.len()).position(|window| window == sorted).unwrap();
    let with = |list: Vec<u8>| {
        let mut bytes = made.bytes().to_vec();
        let length = u32::try_from(list.len()).unwrap().to_be_bytes();
        bytes.splice(at - 4..at + sorted.len(), [length.to_vec(), list].concat());
        recheck(&bytes, &two, serial(4711), made.ca_key())
    };
    assert_eq!(with(sorted.clone()), Ok(()));
    for list in [[agent, x11.clone()].concat(), [x11.clone(), x11.clone()].concat(), extension("permit-everything")] {
        assert_eq!(with(list), Err(Mismatch::Malformed(Field::Extensions)));
    }
    assert_eq!(with(x11), Err(Mismatch::Differs(Field::Extensions)));
}
