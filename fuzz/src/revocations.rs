//! Revocation lists.

use cert::{Krl, Serials};
use domain::Serial;

use crate::Target;
use crate::vocabulary::keys;

pub(crate) const TARGETS: [Target; 1] = [Target { name: "krl", run: krl, seeds: krls }];

/// Whatever is read can be written, and is then the same.
fn krl(data: &[u8]) -> bool {
    let Ok(read) = Krl::decode(data) else { return false };
    let again = read.encode().and_then(|bytes| Krl::decode(&bytes));
    for (ca, serials) in &read.revoked {
        assert!(serials.ranges().all(|range| read.revokes(ca, *range.start()) && read.revokes(ca, *range.end())));
    }
    assert_eq!(again, Ok(read));
    true
}

/// One without serials; and one with two CAs, with a list, a range and a bitmap.
fn krls() -> Vec<Vec<u8>> {
    let generated = "2026-03-01T14:05:00Z".parse().ok();
    let none = generated.map(|generated| Krl { number: 0, generated, comment: None, revoked: [].into() });
    let some = none.clone().map(|none| {
        let serials = |numbers: Vec<u64>| numbers.into_iter().filter_map(Serial::new).collect::<Serials>();
        let mixed = serials((1..20).chain((100..200).step_by(3)).chain(9_000..9_900).collect());
        let far = serials(vec![1 << 62, (1 << 62) + 1]);
        let revoked = keys().into_iter().zip([mixed, far]).collect();
        Krl { number: 7, comment: "ca.example.com/prod".parse().ok(), revoked, ..none }
    });
    [none, some].into_iter().flatten().filter_map(|krl| krl.encode().ok()).collect()
}
