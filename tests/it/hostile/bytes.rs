//! Files in which bytes are missing or changed: whatever they are, the host lives.

use godwit_hostile::built::{flipped, flipped_component, random};
use godwit_hostile::good;
use godwit_tests::hostile::{ENGINE, Verdict, good_works, trial};

/// How many files each test makes.
const FILES: u64 = 100;

/// Whether a broken file was refused, or ran; what it did to its own items is its own affair.
fn try_file(file: &[u8], what: &str) {
    // A changed bit may stand in the answer, which is another one then: an error here is the
    // trial's opinion of the items, a panic the host's end.
    let _ = trial(&ENGINE, file);
    good_works(&ENGINE).unwrap_or_else(|error| panic!("{what}: {error}"));
}

#[test]
fn modules_with_a_changed_bit_leave_the_host_alive() {
    for seed in 0..FILES {
        try_file(&flipped(seed), &format!("module {seed}"));
    }
}

#[test]
fn components_with_a_changed_bit_leave_the_host_alive() {
    for seed in 0..FILES {
        try_file(&flipped_component(seed), &format!("component {seed}"));
    }
}

#[test]
fn a_file_that_was_cut_short_is_rejected() {
    let whole = good();
    for part in 0..FILES {
        let length = whole.len() * usize::try_from(part).expect("it is small") / 100;
        let seen = trial(&ENGINE, &whole[..length]).expect("the host lives");
        let is_rejected = matches!(seen.verdict, Verdict::Rejected { .. });
        assert!(is_rejected, "{length} bytes: {:?}", seen.verdict);
    }
    good_works(&ENGINE).expect("the host lives");
}

#[test]
fn random_bytes_are_rejected_whatever_header_they_have() {
    for seed in 0..FILES {
        for header in [&b""[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
            let file = [header, &random(seed, 1_000)].concat();
            let seen = trial(&ENGINE, &file).expect("the host lives");
            let is_rejected = matches!(seen.verdict, Verdict::Rejected { .. });
            assert!(is_rejected, "{seed}: {:?}", seen.verdict);
        }
    }
}
