//! Identifiers in the vendor's shapes: never twice the same, the same in every run.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const WORD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const BASE32HEX: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";

/// Where identifiers come from.
#[derive(Debug, Default)]
pub(super) struct Ids {
    next: u64,
}

impl Ids {
    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        self.next += 1;
        let mut state = self.next;
        let mut pool = 0;
        let letter = |place: usize| {
            // One mixed number holds enough for eight letters.
            if place.is_multiple_of(8) {
                pool = mix(&mut state);
            }
            let index = pool as usize % alphabet.len();
            pool >>= 8;
            char::from(alphabet.get(index).copied().unwrap_or(b'0'))
        };
        (0..length).map(letter).collect()
    }

    /// A file, as Drive names it.
    pub(super) fn file(&mut self) -> String {
        format!("1{}", self.text(WORD, 32))
    }

    /// A token or a name without meaning.
    pub(super) fn word(&mut self, length: usize) -> String {
        self.text(WORD, length)
    }

    /// An event, as Calendar names it.
    pub(super) fn event(&mut self) -> String {
        self.text(BASE32HEX, 26)
    }

    /// A message or thread, as Gmail names it.
    pub(super) fn message(&mut self) -> String {
        format!("19{}", self.text(HEX, 14))
    }

    /// A number of so many digits, as text.
    pub(super) fn number(&mut self, digits: usize) -> String {
        format!("1{}", self.text(b"0123456789", digits.saturating_sub(1)))
    }

    /// A meeting code such as `abc-mnop-xyz`.
    pub(super) fn meeting(&mut self) -> String {
        let letters = self.text(LETTERS, 10);
        let (first, rest) = letters.split_at(3);
        let (second, third) = rest.split_at(4);
        format!("{first}-{second}-{third}")
    }
}

/// A name that stands in a link: letters that say the same as `text`.
pub(super) fn link_id(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// SplitMix64.
fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Ids;

    #[test]
    fn are_all_different_and_shaped_alike() {
        let mut ids = Ids::default();
        let files: HashSet<String> = (0..10_000).map(|_| ids.file()).collect();
        assert_eq!(files.len(), 10_000);
        assert!(files.iter().all(|id| id.len() == 33));
        assert!(ids.meeting().split('-').map(str::len).eq([3, 4, 3]));
        assert!(ids.number(21).bytes().all(|digit| digit.is_ascii_digit()));
    }
}
