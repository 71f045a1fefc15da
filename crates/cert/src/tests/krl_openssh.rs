//! Revocation lists, with OpenSSH's own `ssh-keygen` as the judge: what it reads in them, and how large its own are.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use domain::PublicKey;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::krl::krl;
use super::{TestCa, draft, serial};
use crate::{Krl, sign};

fn ssh_keygen(directory: &Path, words: &[&str]) -> Output {
    let run = Command::new("ssh-keygen").args(words).current_dir(directory).env("TZ", "UTC").output();
    run.expect("ssh-keygen runs: install OpenSSH's client")
}

/// The serials that `ssh-keygen -Q -l` lists of a KRL, whole lines; an error when it cannot read the KRL.
fn listed(bytes: &[u8]) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("krl"), bytes).unwrap();
    let output = ssh_keygen(directory.path(), &["-Q", "-l", "-f", "krl"]);
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// The KRL that `ssh-keygen -k` makes of these serials.
fn made_by_ssh_keygen(ca: &PublicKey, serials: &BTreeSet<u64>) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("ca.pub"), format!("{ca}\n")).unwrap();
    let mut specification = String::new();
    for serial in serials {
        writeln!(specification, "serial: {serial}").unwrap();
    }
    std::fs::write(at("specification"), specification).unwrap();
    let made = ssh_keygen(directory.path(), &["-k", "-q", "-f", "krl", "-s", "ca.pub", "specification"]);
    assert!(made.status.success(), "{made:?}");
    std::fs::read(at("krl")).unwrap()
}

/// Serials of a shape: how far apart, in how large clusters.
fn random(rng: &mut StdRng, shape: &Shape) -> BTreeSet<u64> {
    let mut next = rng.gen_range(1..1_000_000);
    let mut serials = BTreeSet::new();
    while serials.len() < shape.count {
        for _ in 0..rng.gen_range(1..=shape.cluster) {
            let run = rng.gen_range(1..=shape.run);
            serials.extend(next..next + run);
            next += run + rng.gen_range(1..=shape.inner_gap);
        }
        next += rng.gen_range(1..=shape.outer_gap);
    }
    serials
}

struct Shape {
    count: usize,
    cluster: u32,
    run: u64,
    inner_gap: u64,
    outer_gap: u64,
}

const fn shape(count: usize, cluster: u32, run: u64, inner_gap: u64, outer_gap: u64) -> Shape {
    Shape { count, cluster, run, inner_gap, outer_gap }
}

const SHAPES: [Shape; 14] = [
    // Dense: nearly all, half, and a third of the serials.
    shape(10_000, 1, 40, 1, 1),
    shape(5_000, 1, 1, 2, 2),
    shape(3_000, 1, 2, 4, 2),
    // Sparse, around what a list's serial costs, and far apart.
    shape(500, 1, 1, 1, 130),
    shape(1_000, 1, 1, 1, 200),
    shape(1_000, 1, 2, 1, 400),
    shape(10_000, 1, 1, 1, 100_000),
    shape(1_000, 1, 4, 1, 1 << 40),
    // Clusters of all kinds.
    shape(1_000, 5, 3, 20, 5_000),
    shape(2_000, 30, 1, 60, 20_000),
    shape(10_000, 100, 4, 30, 3_000),
    shape(5_000, 10, 100, 150, 1_000),
    shape(20, 3, 2, 10, 200),
    shape(3, 2, 1, 80, 200),
];

#[test]
fn no_krl_is_larger_than_what_ssh_keygen_makes_of_the_same_serials() {
    let ca = TestCa::from_seed(1);
    let mut unreadable = 0;
    for (number, shape) in SHAPES.iter().enumerate() {
        let mut bytes = [0, 0];
        for seed in 0..8 {
            let serials = random(&mut StdRng::seed_from_u64(seed), shape);
            let (ours, theirs) =
                (krl(&ca, serials.clone()).encode().unwrap(), made_by_ssh_keygen(&ca.public, &serials));
            let (our_serials, their_serials) = (listed(&ours).unwrap(), listed(&theirs));
            let sizes = format!("shape {number}, seed {seed}: {} bytes, ssh-keygen's {}", ours.len(), theirs.len());
            bytes = [bytes[0] + ours.len(), bytes[1] + theirs.len()];
            if let Ok(their_serials) = their_serials {
                assert_eq!(our_serials[2..], their_serials[2..], "{sizes}");
                assert!(ours.len() <= theirs.len(), "{sizes}");
                assert_eq!(Krl::decode(&theirs).unwrap().revoked, krl(&ca, serials).revoked, "{sizes}");
            } else {
                // It wrote a bitmap that OpenSSH does not read. Several that it reads take little more.
                unreadable += 1;
                assert!(ours.len() <= theirs.len() + 20 * (theirs.len() / 2_048 + 1), "{sizes}");
            }
        }
        println!("shape {number}: {} bytes in all, ssh-keygen's {}", bytes[0], bytes[1]);
    }
    println!("{unreadable} of ssh-keygen's {} KRLs cannot be read", SHAPES.len() * 8);
    assert!((1..40).contains(&unreadable), "{unreadable}");
}

#[test]
fn ssh_keygen_lists_exactly_what_is_revoked_of_each_ca() {
    let cas = [TestCa::from_seed(1), TestCa::from_seed(2)];
    let mut both = krl(&cas[0], [1, 2, 3, 9_000, i64::MAX as u64]);
    both.revoked.extend(krl(&cas[1], (10..=90_000).chain((100_000..100_100).step_by(3))).revoked);
    both.comment = Some("ca.example.com/prod".parse().unwrap());
    let shown = listed(&both.encode().unwrap()).unwrap();
    assert_eq!(shown[..3], ["# KRL version 7", "# Generated at 20260301T140500", "# Comment: ca.example.com/prod"]);
    let mut expected = Vec::new();
    for (ca, serials) in &both.revoked {
        expected.push(format!("# CA key ssh-ed25519 {}", ca.fingerprint()));
        expected.extend(serials.ranges().map(|range| match (range.start(), range.end()) {
            (first, last) if first == last => format!("serial: {first}"),
            (first, last) => format!("serial: {first}-{last}"),
        }));
    }
    assert_eq!(shown[3..], expected);
}

#[test]
fn ssh_keygen_takes_the_largest_bitmaps_and_a_krl_without_serials() {
    let ca = TestCa::from_seed(1);
    assert_eq!(listed(&krl(&ca, []).encode().unwrap()).map(|lines| lines.len()), Ok(2));
    // Up to the longest bitmap and beyond: the last serial is its last bit.
    for last in 16_382..=16_387 {
        let serials: BTreeSet<u64> = (1..last - 2).step_by(2).chain([last]).collect();
        let lines = listed(&krl(&ca, serials.clone()).encode().unwrap()).unwrap();
        assert_eq!(lines.len() - 3, serials.len(), "{last}");
    }
}

#[test]
fn ssh_keygen_refuses_the_revoked_of_a_thousand_certificates_and_no_other() {
    let rng = &mut StdRng::seed_from_u64(4_711);
    let (ca, other) = (TestCa::from_seed(1), TestCa::from_seed(2));
    // Some alone, some in clusters, some in long runs.
    let mut revoked: BTreeSet<u64> = (1..1_000_000).choose_multiple(rng, 3_000).into_iter().collect();
    while revoked.len() < 10_000 {
        let from = rng.gen_range(1..1_000_000_u64);
        let (step, count) = (rng.gen_range(1..5), rng.gen_range(1..200));
        revoked.extend((from..).step_by(step).take(count.min(10_000 - revoked.len())));
    }
    assert_eq!(revoked.len(), 10_000);
    let krl = krl(&ca, revoked.clone()).encode().unwrap();

    // Half is revoked; the rest has serials beside revoked ones, or revoked serials of another CA.
    let mut samples = Vec::new();
    for number in revoked.iter().copied().choose_multiple(rng, 500) {
        samples.push((&ca, number));
    }
    let beside = revoked.iter().flat_map(|number| [number - 1, number + 1]);
    let beside: BTreeSet<u64> = beside.filter(|number| *number > 0 && !revoked.contains(number)).collect();
    samples.extend(beside.into_iter().choose_multiple(rng, 400).into_iter().map(|number| (&ca, number)));
    samples.extend(revoked.iter().copied().choose_multiple(rng, 100).into_iter().map(|number| (&other, number)));
    assert_eq!(samples.len(), 1_000);

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("krl"), krl).unwrap();
    let mut words = vec!["-Q".to_owned(), "-f".to_owned(), "krl".to_owned()];
    for (at, (ca, number)) in samples.iter().enumerate() {
        let certificate = sign(&draft().with_serial(serial(*number), &ca.public).unwrap(), *ca).unwrap();
        let name = format!("{at}-cert.pub");
        std::fs::write(directory.path().join(&name), format!("{}\n", certificate.to_openssh())).unwrap();
        words.push(name);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = ssh_keygen(directory.path(), &words);
    // `-Q` fails when any of them is revoked.
    assert!(!output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), samples.len());
    for ((at, answer), (_, number)) in answers.lines().enumerate().zip(&samples) {
        let said = if at < 500 { "REVOKED" } else { "ok" };
        assert_eq!(answer, format!("{at}-cert.pub ({at}-cert.pub): {said}"), "serial {number}");
    }
}
