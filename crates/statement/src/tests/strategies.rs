//! Random statements and rulings.

use std::num::NonZeroU32;
use std::str::FromStr;

use domain::{
    Amendment, Approval, Behind, Digest, Extends, Extension, Jump, KeyStrength, Networks, Nonce, Obligations, Owes,
    Pair, Quorum, RequestId, Span, StopTarget, Text, UnixTime,
};
use proptest::collection::btree_set;
use proptest::option;
use proptest::prelude::*;

use crate::{
    Act, ActStatement, BreakGlass, BundleChange, DecisionStatement, FetchStatement, Header, LoginStatement, Pairs,
    Rebind, RequestStatement, RulingText, Seen, ServerId,
};

/// Anything that matches the pattern and is a `T`.
fn parsed<T: FromStr + std::fmt::Debug>(pattern: &'static str) -> impl Strategy<Value = T> {
    pattern.prop_filter_map("not of this type", |text: String| text.parse().ok())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

fn time() -> impl Strategy<Value = UnixTime> {
    (0..253_402_300_800u64).prop_map(|seconds| UnixTime::new(seconds).unwrap())
}

fn span() -> impl Strategy<Value = Span> {
    (0..=366 * 86_400u64).prop_map(|seconds| Span::from_seconds(seconds).unwrap())
}

fn id() -> impl Strategy<Value = RequestId> {
    any::<u64>().prop_map(RequestId::from_random)
}

fn text() -> impl Strategy<Value = Text> {
    parsed("[!-~äß漢字][ -~äß漢字]{0,40}[!-~äß漢字]")
}

fn seen() -> impl Strategy<Value = Seen> {
    (any::<u64>(), digest(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(size, root, r, s)| Seen {
        size,
        root,
        signature: [r, s].concat().try_into().unwrap(),
    })
}

fn header() -> impl Strategy<Value = Header> {
    let server = (parsed("[a-z0-9]{1,9}(\\.[a-z]{2,5}){0,2}(/[a-z0-9]{1,6}){0,2}"), digest())
        .prop_map(|(name, ledger_key)| ServerId { name, ledger_key });
    (server, any::<[u8; 16]>().prop_map(Nonce::new), time(), option::of(seen()))
        .prop_map(|(server, nonce, time, seen)| Header { server, nonce, time, seen })
}

pub(super) fn login() -> impl Strategy<Value = LoginStatement> {
    (header(), parsed("[a-z0-9_][a-z0-9._-]{0,11}(@[a-z]{1,5}\\.[a-z]{2})?"), digest())
        .prop_map(|(header, user, tls_key)| LoginStatement { header, user, tls_key })
}

pub(super) fn request() -> impl Strategy<Value = RequestStatement> {
    let connecting_key = public_key();
    let asked = (
        parsed("[a-z0-9_][a-z0-9._-]{0,11}"),
        parsed(
            "(self|[a-z_][a-z0-9_.-]{0,8})@([a-z0-9]{1,9}(\\.[a-z]{2,5}){0,2}|[a-c]=[a-z]{1,5}(,[d-f]=[a-z]{1,5})?)",
        ),
        option::of(time()),
        span(),
        option::of((1..=u32::MAX).prop_map(|uses| NonZeroU32::new(uses).unwrap())),
        option::of(parsed("[a-z/]{1,8}( [A-Za-z0-9_@%+=:,./-]{1,8}){0,3}")),
    );
    let rest = (
        text(),
        option::of(text()),
        connecting_key,
        option::of(parsed("[a-z0-9][a-z0-9._-]{0,8}")),
        option::of(extends()),
    );
    let rest = (rest, option::of(Just(BreakGlass)));
    (header(), asked, rest).prop_map(|(header, asked, (rest, break_glass))| {
        let (reason, ticket, connecting_key, rule, extends) = rest;
        let (requester, access, start, window, uses, command) = asked;
        RequestStatement {
            header,
            requester,
            access,
            start,
            window,
            uses,
            command,
            reason,
            ticket,
            connecting_key,
            rule,
            break_glass,
            extends,
        }
    })
}

fn extends() -> impl Strategy<Value = Extends> {
    (id(), time()).prop_map(|(id, since)| Extends { id, since })
}

pub(super) fn decision() -> impl Strategy<Value = DecisionStatement> {
    let verdict = prop_oneof![Just(Approval::Approve), Just(Approval::Deny)];
    let said = (text(), verdict, option::of(text()));
    (header(), parsed("[a-z0-9_][a-z0-9._-]{0,11}"), id(), digest(), digest(), said).prop_map(
        |(header, approver, id, request, ruling, (allows, verdict, comment))| DecisionStatement {
            header,
            approver,
            id,
            request,
            ruling,
            allows,
            verdict,
            comment,
        },
    )
}

pub(super) fn fetch() -> impl Strategy<Value = FetchStatement> {
    let pair = parsed::<Pair>("[a-b_][a-b.-]{0,3}@[a-b0-1]{1,3}(\\.[a-b]{1,3}){0,2}");
    (header(), id(), btree_set(pair, 1..20)).prop_map(|(header, id, pairs)| FetchStatement {
        header,
        id,
        pairs: Pairs::new(pairs).unwrap(),
    })
}

fn public_key() -> impl Strategy<Value = domain::PublicKey> {
    any::<[u8; 32]>().prop_map(|bytes| {
        let key = ssh_key::public::KeyData::Ed25519(ssh_key::public::Ed25519PublicKey(bytes));
        domain::PublicKey::from_key_data(key).unwrap()
    })
}

pub(super) fn act() -> impl Strategy<Value = ActStatement> {
    let change =
        || (any::<[u8; 32]>(), any::<u64>()).prop_map(|(b, after)| BundleChange { bundle: Digest::new(b), after });
    let host = "[a-b0-1]([a-b0-1-]{0,2}[a-b0-1])?(\\.[a-b]{1,3}){0,2}";
    let added = (parsed(host), parsed("192\\.0\\.2\\.[1-9]|2001:db8::[1-9]|db-[1-9]"), any::<std::num::NonZeroU16>());
    let act = prop_oneof![
        id().prop_map(Act::Cancel),
        id().prop_map(Act::GiveBack),
        id().prop_map(Act::Withdraw),
        id().prop_map(Act::Review),
        any::<u64>().prop_map(Act::Lift),
        prop_oneof![
            id().prop_map(StopTarget::Request),
            (1..u64::MAX / 2).prop_map(|serial| StopTarget::Serial(domain::Serial::new(serial).unwrap())),
            parsed("[a-z0-9_][a-z0-9._-]{0,11}").prop_map(StopTarget::User),
            parsed(host).prop_map(StopTarget::Host),
            Just(StopTarget::All),
        ]
        .prop_map(Act::Stop),
        (id(), public_key()).prop_map(|(id, key)| Act::Rebind(Rebind { id, key })),
        Just(Act::Resume),
        change().prop_map(Act::SignBundle),
        change().prop_map(Act::LoadBundle),
        change().prop_map(Act::RollBack),
        parsed("[a-z0-9_][a-z0-9._-]{0,11}").prop_map(|user| Act::Amend(Amendment::DisableUser(user))),
        (parsed("[a-z0-9_][a-z0-9._-]{0,11}"), public_key())
            .prop_map(|(user, key)| Act::Amend(Amendment::RemoveKey { user, key: key.fingerprint() })),
        parsed(host).prop_map(|host| Act::Amend(Amendment::RemoveHost(host))),
        added.prop_map(|(name, address, port)| Act::Amend(Amendment::AddHost { name, address, port })),
    ];
    (header(), parsed("[a-z0-9_][a-z0-9._-]{0,11}"), act, option::of(text()))
        .prop_map(|(header, user, act, reason)| ActStatement { header, user, act, reason })
}

pub(super) fn ruling() -> impl Strategy<Value = RulingText> {
    let stages = "[1-9] of [a-z]{3,5}( or [a-z]{3,5} after [1-9]m)?(, [1-9]{1,3} of [a-z]{3,5}){0,2}\
                  ( then [1-9] of [a-z]{3,5}( or [a-z]{3,5} after 1h)?){0,2}";
    let quorum = prop_oneof![Just(Quorum::auto()), parsed(stages)];
    let realm = option::of((parsed("[a-z0-9]{1,9}"), 1..=u32::MAX));
    let body = (
        parsed("[a-z0-9][a-z0-9._-]{0,8}"),
        quorum,
        btree_set(parsed("[a-b0-1]([a-b0-1-]{0,2}[a-b0-1])?(\\.[a-b]{1,3}){0,2}"), 1..20),
        parsed("[a-z_][a-z0-9_.-]{0,8}"),
        span(),
        span(),
        btree_set((0..5usize).prop_map(|place| Extension::ALL[place]), 0..5),
        option::of(parsed("[a-z/]{1,8}( [a-z=:,./-]{1,8}){0,3}")),
    );
    let network = prop_oneof![
        any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from_bits(bits).to_string()),
        (0..16u32).prop_map(|high| format!("{high}.0.0.0/8")),
        any::<u64>().prop_map(|bits| format!("2001:db8::{:x}:{:x}", bits >> 48, bits & 0xffff)),
    ];
    let source = prop::collection::vec(network.prop_map(|text| text.parse().unwrap()), 0..5).prop_map(Networks::new);
    let strength = || option::of(prop_oneof![Just(KeyStrength::Sk), Just(KeyStrength::SkVerified)]);
    let live = option::of(parsed("[a-m]{1,3}=[a-z0-9]{1,3}(,[n-z]{1,3}=[a-z0-9]{1,3})?"));
    let host = "[a-b0-1]([a-b0-1-]{0,2}[a-b0-1])?(\\.[a-b]{1,3}){0,2}";
    let jump = (parsed::<domain::HostName>(host), parsed::<Pair>("[a-z]{1,3}@[a-b]{1,3}"));
    let jumps = prop::collection::vec(jump, 0..4);
    let owes = prop_oneof![Just(Owes::Nothing), Just(Owes::Review)];
    let break_glass = option::of((parsed("[a-z]{3,5}"), owes));
    let extends = option::of((extends(), any::<bool>()));
    let asks = (source, any::<bool>(), strength(), strength(), live, (break_glass, extends, jumps));
    (digest(), digest(), body, realm, asks).prop_map(|(request, bundle, body, realm, asks)| {
        let (rule, quorum, hosts, login, max, ttl, allow, command) = body;
        let (source, verify_required, requester_key, approver_key, live, (break_glass, extends, jumps)) = asks;
        let quorum = break_glass.as_ref().map_or(quorum, |(review, owes): &(_, Owes)| owes.quorum(review));
        let break_glass = break_glass.map(|(review, _)| review);
        // Break-glass extends nothing.
        let extends = extends.filter(|_| break_glass.is_none());
        let (extends, rests) = extends.map_or((None, false), |(extends, rests)| (Some(extends), rests));
        let egress = &source;
        let behind = |(host, through)| Behind { host, jump: Jump { through, egress: egress.clone() } };
        let jumps = jumps.into_iter().map(behind).collect();
        let (realm, realm_hosts) = realm.map(|(name, count)| (name, NonZeroU32::new(count).unwrap())).unzip();
        let obligations = Obligations {
            rule,
            quorum,
            hosts,
            live: live.filter(|_| realm.is_none()),
            login,
            max,
            ttl,
            allow,
            command,
            realm,
            source,
            verify_required,
            requester_key,
            approver_key,
            extends,
            rests,
            break_glass,
            jumps,
        };
        RulingText::new(request, bundle, obligations, realm_hosts).unwrap()
    })
}
