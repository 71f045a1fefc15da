//! A target that must fail: it proves that the fuzzer sees coverage.
//!
//! Each right byte opens one branch more. By chance alone the whole word takes 2^32 tries; with coverage feedback it is
//! found in a second. `cargo xtask fuzz` runs it first and demands the panic.

use crate::Target;

/// The name on the command line.
pub(crate) const NAME: &str = "feedback";

pub(crate) const TARGETS: [Target; 1] = [Target { name: NAME, run: feedback, seeds }];

const WORD: &[u8; 4] = b"hall";

fn feedback(data: &[u8]) -> bool {
    let right = data.iter().zip(WORD).take_while(|(given, wanted)| given == wanted).count();
    assert!(right < WORD.len(), "the word was found: coverage feedback works");
    true
}

fn seeds() -> Vec<Vec<u8>> {
    vec![b"----".to_vec()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "coverage feedback works")]
    fn the_word_is_a_failure() {
        feedback(WORD);
    }
}
