//! How many SMS a text needs.

/// GSM 7-bit default alphabet beyond ASCII.
const BASIC: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
/// Characters that take an escape and a second septet.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";
/// ASCII that GSM-7 lacks altogether, besides control characters.
const MISSING: &str = "`";

/// The number of SMS that carry `text`: one up to 160 septets or 70 UTF-16 units, else parts of 153 or 67, where no
/// part ends between an escape and its character or inside a surrogate pair. An empty text takes one.
pub(super) fn count(text: &str) -> u32 {
    let widths: Option<Vec<usize>> = text.chars().map(septets).collect();
    match widths {
        Some(widths) => parts(widths.into_iter(), 160, 153),
        None => parts(text.chars().map(char::len_utf16), 70, 67),
    }
}

/// The septets a character takes; none when GSM-7 cannot say it.
fn septets(c: char) -> Option<usize> {
    if EXTENDED.contains(c) {
        return Some(2);
    }
    let plain = match c {
        '\n' | '\r' => true,
        ' '..='~' => !MISSING.contains(c),
        _ => BASIC.contains(c),
    };
    plain.then_some(1)
}

fn parts(widths: impl Iterator<Item = usize>, whole: usize, part: usize) -> u32 {
    let (mut total, mut parts, mut filled) = (0, 1, 0);
    for width in widths {
        total += width;
        if filled + width > part {
            parts += 1;
            filled = 0;
        }
        filled += width;
    }
    if total <= whole { 1 } else { parts }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::count;

    #[test]
    fn gsm7_fits_160_then_153_a_part() {
        for (length, segments) in
            [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4), (1600, 11)]
        {
            assert_eq!(count(&"a".repeat(length)), segments, "{length}");
        }
    }

    #[test]
    fn ucs2_fits_70_then_67_a_part() {
        for (length, segments) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(count(&"ж".repeat(length)), segments, "{length}");
        }
    }

    #[test]
    fn extended_characters_take_two_septets_and_are_not_split() {
        assert_eq!(count(&"€".repeat(80)), 1);
        assert_eq!(count(&"€".repeat(81)), 2);
        // 76 pairs fill 152 of 153 septets: the 77th pair moves to the next part whole.
        assert_eq!(count(&"{".repeat(152)), 2);
        assert_eq!(count(&"{".repeat(153)), 3);
    }

    #[test]
    fn a_surrogate_pair_is_not_split() {
        assert_eq!(count(&"😀".repeat(35)), 1);
        assert_eq!(count(&"😀".repeat(36)), 2);
        // 33 pairs fill 66 of 67 units.
        assert_eq!(count(&"😀".repeat(66)), 2);
        assert_eq!(count(&"😀".repeat(67)), 3);
    }

    #[test]
    fn one_foreign_character_makes_the_whole_text_ucs2() {
        assert_eq!(count(&("a".repeat(69) + "ж")), 1);
        assert_eq!(count(&("a".repeat(70) + "ж")), 2);
        assert_eq!(count(&"`".repeat(71)), 2);
        assert_eq!(count(&"\t".repeat(71)), 2);
    }

    #[test]
    fn the_default_alphabet_has_its_128_codes() {
        let plain = (0..=0x3a9_u32).filter_map(char::from_u32).filter(|c| super::septets(*c) == Some(1)).count();
        // 128 codes of which one is the escape itself.
        assert_eq!(plain, 127);
    }

    proptest! {
        #[test]
        fn more_text_never_takes_fewer_segments(text in "\\PC{0,200}", more in "[a-zж]{1,50}") {
            prop_assert!(count(&(text.clone() + &more)) >= count(&text));
        }
    }
}
