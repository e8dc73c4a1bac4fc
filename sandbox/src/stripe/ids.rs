//! Identifiers that look like the vendor's: letters and digits, never twice the same, the same in every run.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fourteen letters and digits, other ones for every other number.
pub(super) fn text(number: u64) -> String {
    // SplitMix64 maps no two numbers to one, and neither does writing the result to the base of 62.
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let mut text = [b'0'; 14];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(mixed % 62) as usize];
        mixed /= 62;
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn are_all_different_and_of_one_length() {
        let all: HashSet<String> = (0..10_000).map(super::text).collect();
        assert_eq!(all.len(), 10_000);
        assert!(all.iter().all(|text| text.len() == 14));
    }
}
